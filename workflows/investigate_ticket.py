"""One ticket over time: each trigger is a revision; a revision is read, gathered, weighed, diagnosed, verified, published.

Started by the gateway's signal-with-start; ends when no trigger is left. Signals carry delivery ids only.
"""

import asyncio
from collections.abc import Sequence

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.break_tie import TieActivities
    from activities.diagnose import DiagnoseActivities
    from activities.failures import SLOW
    from activities.gather import GatherActivities
    from activities.intake import IntakeActivities
    from activities.publish import PublishActivities
    from activities.record import RecordActivities
    from activities.restore import RestoreActivities
    from activities.select import RULES, SelectActivities
    from activities.verify import VerifyActivities
    from activities.weigh import WeighActivities
    from models.evidence import EvidenceRef
    from models.rediagnosis import RestoreRequest
    from models.run import (
        ClaimRequest,
        DeliveryClaim,
        Drafted,
        Gap,
        IdentifyRequest,
        InvestigateInput,
        OpenRequest,
        PlannedQuery,
        Published,
        RevisionResult,
        RunKey,
        RunResult,
        SelectRequest,
        Verified,
        Weighed,
    )
    from models.ticket import Rerun, Trigger, TriggerKind
    from models.vocabulary import Mode, Outcome
    from workflows import attributes, beside, naming
    from workflows.case import Case
    from workflows.failures import TIMED_OUT, StepFailed, kind_of, step
    from workflows.gate import Gate
    from workflows.options import (
        CONNECTOR_READ,
        CUSTOMER_LOOKUP,
        HELPDESK_READ,
        LEDGER_STEP,
        MODEL_CALL,
        NOTE_WRITE,
        TIE_BREAK,
    )
    from workflows.progress import Progress


@workflow.defn(name="InvestigateTicketWorkflow")
class InvestigateTicketWorkflow:
    """Investigates one ticket."""

    @workflow.init
    def __init__(self, given: InvestigateInput) -> None:
        """Begin with nothing to do; the signal that started this comes before `run`."""
        self._ref = given.ref
        self._pending: list[Trigger] = []
        self._seen: set[str] = set()
        self._progress = Progress(given.ref)
        self._gate = Gate(given.ref.tenant, self._show_pause)

    @workflow.run
    async def run(self, given: InvestigateInput) -> RunResult:
        """Work off all triggers, also those that come meanwhile."""
        if not self._pending:
            self._pending.append(self._asked_for_by_hand())
        results = []
        while self._pending:
            trigger = self._pending.pop(0)
            claim = await self._claim(trigger)
            if claim.accepted:
                results.append(await self._revise(claim.key, trigger))
        await workflow.wait_condition(workflow.all_handlers_finished)
        return RunResult(revisions=tuple(results))

    @workflow.signal(name=naming.SIGNAL, description="A delivery of the helpdesk, by its ids")
    def deliver(self, trigger: Trigger) -> None:
        """Take a delivery; the same one again changes nothing."""
        if trigger.delivery not in self._seen:
            self._seen.add(trigger.delivery)
            self._pending.append(trigger)

    def _asked_for_by_hand(self) -> Trigger:
        """Someone started this without a delivery: look afresh."""
        started = workflow.info().original_execution_run_id
        return Trigger(delivery=f"by-hand-{started}", kind=TriggerKind.REINVESTIGATE, received_at=workflow.now())

    async def _claim(self, trigger: Trigger) -> DeliveryClaim:
        return await workflow.execute_local_activity_method(
            IntakeActivities.claim_delivery,
            ClaimRequest(
                ref=self._ref,
                investigation=naming.investigation_id(self._ref),
                trigger=trigger,
                # Not the run id: a reset gets a new one, and would find its own delivery claimed by a stranger.
                owner=workflow.info().original_execution_run_id,
            ),
            **(LEDGER_STEP | {"summary": "claim the delivery"}),
        )

    async def _revise(self, key: RunKey, trigger: Trigger) -> RevisionResult:
        """Take one revision to its end. It always ends: what fails for good is an outcome too."""
        case = Case(key=key, trigger=trigger, started_at=workflow.now())
        self._progress = Progress(self._ref, revision=key.revision)
        try:
            await self._look(case)
            if case.undecided:
                # The requester wrote while we looked: look once more, at all of it.
                case = case.again()
                await self._look(case)
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            case.fail(f"{error.activity_type}: {kind_of(error)}")
        except StepFailed as error:
            case.fail(str(error))
        published = await self._publish(case)
        return await self._record(case, published)

    async def _look(self, case: Case) -> None:
        if case.trigger.rerun is not None:
            await self._restore(case, case.trigger.rerun)
            await self._gather(case, ())
            await self._decide(case)
            return
        if not await self._open(case) or not await self._select(case):
            return
        await self._gather(case, [query for query in case.selection.queries if not query.follow_up])
        await self._follow_up(case)
        if case.looks_again and any(waiting.kind is TriggerKind.MESSAGE for waiting in self._pending):
            return
        await self._decide(case)

    async def _restore(self, case: Case, rerun: Rerun) -> None:
        """Take the evidence of an earlier revision instead of gathering any."""
        self._stage("taking the kept evidence")
        with step("restore_evidence"):
            restored = await workflow.execute_local_activity_method(
                RestoreActivities.restore_evidence,
                RestoreRequest(key=case.key, rerun=rerun),
                **(LEDGER_STEP | {"summary": f"the evidence of revision {rerun.revision}"}),
            )
        case.restore(restored)
        self._progress.playbook = case.playbook_label
        workflow.upsert_search_attributes(attributes.of_selection(case.selection, case.mode))

    async def _open(self, case: Case) -> bool:
        """Read the ticket and find its customer; return whether there is anything to look into."""
        self._stage("reading the ticket")
        opened = await self._gate.through(
            IntakeActivities.read_ticket,
            OpenRequest(key=case.key, trigger=case.trigger, look=case.look),
            HELPDESK_READ | {"summary": f"{self._ref.helpdesk} · ticket and conversation"},
        )
        case.ticket, case.mode = opened.ticket, case.allowed(opened.mode)
        if not opened.proceed:
            case.end(Outcome.NOTHING_NEW, opened.reason)
            return False
        self._stage("finding the customer")
        identified = await self._gate.through(
            IntakeActivities.identify_customer,
            IdentifyRequest(key=case.key, ticket=case.ticket, look=case.look, remember=case.trigger.post),
            CUSTOMER_LOOKUP | {"summary": "customer · who is it about"},
        )
        case.anchors, case.evidence = identified.anchors, identified.evidence
        if identified.nothing_new and case.trigger.kind is TriggerKind.MESSAGE and case.look == 0:
            case.end(Outcome.NOTHING_NEW, "nothing-new")
            return False
        return True

    async def _select(self, case: Case) -> bool:
        """Choose the playbook; return whether its mode allows to go on."""
        request = case.select_request()
        with step("select_playbook"):
            case.selection = await workflow.execute_local_activity_method(
                SelectActivities.select_playbook, request, **(LEDGER_STEP | {"summary": "choose the playbook"})
            )
        if case.selection.tied:
            await self._break_tie(case, request)
        case.mode = case.allowed(case.selection.mode)
        self._progress.playbook = case.playbook_label
        workflow.upsert_search_attributes(attributes.of_selection(case.selection, case.mode))
        if case.mode is Mode.OFF:
            case.end(Outcome.NOTHING_NEW, "mode-off")
            return False
        return True

    async def _break_tie(self, case: Case, request: SelectRequest) -> None:
        """Let the fast model choose among equals; code's own choice stands where it does not."""
        self._stage("choosing among " + ", ".join(case.selection.tied))
        try:
            case.selection = await self._gate.through(
                TieActivities.break_tie, request, TIE_BREAK | {"summary": "model · which playbook"}
            )
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            self._progress.done.append(f"model · which playbook: {kind_of(error)}")

    async def _follow_up(self, case: Case) -> bool:
        """Ask what the rules or the last draft want to know, as far as the playbook's budgets go; return whether anything was."""
        asked = False
        while (more := case.follow_up()) is not None:
            self._progress.done.append(more.said)
            await self._gather(case, more.queries, more.said)
            asked = True
        return asked

    async def _gather(self, case: Case, queries: Sequence[PlannedQuery], said: str = "") -> None:
        """Ask all of these at once, then weigh everything there is."""
        numbered = case.number(queries)
        self._progress.asked += len(numbered)
        self._stage("gathering evidence")
        answers = await asyncio.gather(*(self._fetch(case, query, number) for query, number in numbered))
        case.evidence += tuple(answer for answer in answers if isinstance(answer, EvidenceRef))
        gaps = tuple(answer for answer in answers if isinstance(answer, Gap))
        case.weighed = await self._weigh(case, gaps, said)
        case.evidence = case.weighed.evidence
        case.round += 1

    async def _fetch(self, case: Case, query: PlannedQuery, number: str) -> EvidenceRef | Gap:
        request = case.fetch_request(query, number)
        summary = f"{query.source.title} · {query.title}"
        try:
            answer: EvidenceRef | Gap = await self._gate.through(
                GatherActivities.fetch_evidence, request, CONNECTOR_READ | {"summary": summary}
            )
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            kind = kind_of(error)
            answer = Gap(query=query.id, evidence=number, timed_out=kind in (SLOW, TIMED_OUT), reason=kind)
            self._progress.done.append(f"{query.source.title} · not checked: {kind}")
        self._progress.answered += 1
        self._stage("gathering evidence")
        return answer

    async def _weigh(self, case: Case, gaps: tuple[Gap, ...], said: str) -> Weighed:
        with step("weigh_evidence"):
            return await workflow.execute_local_activity_method(
                WeighActivities.weigh_evidence,
                case.weigh_request(gaps, said),
                **(LEDGER_STEP | {"summary": "facts and verdicts"}),
            )

    async def _decide(self, case: Case) -> None:
        """Diagnose until nothing more is to be asked; verify; let a model mend once what did not stand."""
        await self._diagnose(case)
        while await self._follow_up(case):
            await self._diagnose(case)
        if case.verified.repair:
            await self._repair(case)
        case.outcome = case.verified.outcome

    async def _diagnose(self, case: Case) -> None:
        """Go down the chain until a reasoner answers; the rules always do."""
        for reasoner in case.reasoners:
            if reasoner in case.given_up:
                continue
            try:
                case.drafted = await self._draft(case, reasoner)
                break
            except ActivityError as error:
                if is_cancelled_exception(error) or reasoner == RULES:
                    raise
                case.given_up[reasoner] = f"{reasoner}: {kind_of(error)}"
                self._progress.done.append(f"model · {case.given_up[reasoner]}")
        case.verified = await self._verify(case, next(reversed(case.given_up.values()), ""))

    async def _repair(self, case: Case) -> None:
        try:
            mended = await self._draft(case, case.drafted.reasoner, repair_of=case.verified.diagnosis)
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            return
        first, case.drafted = case.verified, mended
        case.verified = max(first, await self._verify(case, ""), key=lambda verified: verified.worth)

    async def _draft(self, case: Case, reasoner: str, repair_of: str = "") -> Drafted:
        self._stage("diagnosing" if not repair_of else "mending what did not stand")
        request = case.diagnose_request(reasoner, repair_of)
        case.diagnoses += 1
        if reasoner != RULES:
            return await self._gate.through(
                DiagnoseActivities.diagnose, request, MODEL_CALL | {"summary": f"model · {reasoner}"}
            )
        with step("diagnose"):
            return await workflow.execute_local_activity_method(
                DiagnoseActivities.diagnose, request, **(LEDGER_STEP | {"summary": "diagnose by rules"})
            )

    async def _verify(self, case: Case, problem: str) -> Verified:
        self._stage("verifying claims")
        with step("verify_diagnosis"):
            return await workflow.execute_local_activity_method(
                VerifyActivities.verify_diagnosis,
                case.verify_request(problem),
                **(LEDGER_STEP | {"summary": "check every claim"}),
            )

    async def _publish(self, case: Case) -> Published:
        if case.outcome is Outcome.NOTHING_NEW:
            return Published(status="silent")
        self._stage("publishing the note")
        try:
            return await self._gate.through(
                PublishActivities.publish_note,
                case.publish_request(naming.note_marker(case.key.investigation, case.key.revision)),
                NOTE_WRITE | {"summary": f"{self._ref.helpdesk} · internal note"},
            )
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            case.problem = case.problem or f"{error.activity_type}: {kind_of(error)}"
            return Published(status="failed")

    async def _record(self, case: Case, published: Published) -> RevisionResult:
        result = case.result(published.status)
        usd = await workflow.execute_local_activity_method(
            RecordActivities.record_outcome,
            case.record_request(result, workflow.now()),
            **(LEDGER_STEP | {"summary": "record the outcome"}),
        )
        workflow.upsert_search_attributes(attributes.of_result(result, case.weighed.coverage))
        self._progress.done.append(f"{result.outcome.value} · {result.cause.value} · note {published.status}")
        self._stage("done")
        await beside.try_candidate(case)
        return result.model_copy(update={"usd": usd})

    def _stage(self, stage: str) -> None:
        self._progress.stage = stage
        workflow.set_current_details(self._progress.card())

    def _show_pause(self, why: str) -> None:
        self._progress.paused = why
        workflow.set_current_details(self._progress.card())
