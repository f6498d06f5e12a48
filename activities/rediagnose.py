"""Frozen evidence, another playbook or reasoner: what changes? No source is asked; of what is paid for, the answer is kept."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from activities.bodies import Bodies
from activities.drafts import draft_by_model
from activities.paid import BudgetSpent, Question
from activities.publish import link_hosts
from activities.select import RULES
from activities.verify import verified_of
from ledger.base import RETROSPECT, BodyMissing, Ledger
from ledger.past import PastRuns
from models.customer import Anchors
from models.diagnosis import Diagnosis, Draft, NotChecked, Weighing
from models.evidence import Evidence
from models.playbook import Playbook
from models.rediagnosis import KeptRun, Rediagnosis, Side
from models.run import RunKey
from models.tenant import Tenant
from models.ticket import Ticket
from reasoning.kept_evidence import Refitted, refit
from reasoning.output_guard import OutputGuard
from reasoning.prompt import build_prompt, request_digest
from reasoning.providers.base import ModelError, ModelPool
from reasoning.redact import Redactor
from reasoning.render import render_note
from reasoning.rules import decide
from reasoning.verify import findings, verify

PURPOSE = RETROSPECT[0]
"""What the answer is stored and paid for as."""


class NothingKept(Exception):
    """The revision ended before anything was weighed, or its bodies were erased; the message says which."""


@dataclass(frozen=True)
class Past:
    """One past revision with its bodies."""

    kept: KeptRun
    ticket: Ticket
    anchors: Anchors
    playbook: Playbook
    evidence: tuple[Evidence, ...]
    weighing: Weighing
    diagnosis: Diagnosis | None
    """None where it ended before there was one."""


async def load_past(bodies: Bodies, runs: PastRuns, key: RunKey) -> Past:
    """Load what a revision stood on.

    Raises:
        NothingKept: there is nothing to look at again.
    """
    tenant = key.ref.tenant
    name = f"{key.investigation}, revision {key.revision}"
    kept = await runs.kept_run(tenant, key.investigation, key.revision)
    if kept is None:
        raise NothingKept(f"{name} ended before anything was weighed: `whydesk show {key.investigation}` says how")
    try:
        return Past(
            kept=kept,
            ticket=await bodies.get(tenant, kept.ticket, Ticket),
            anchors=await bodies.get(tenant, kept.anchors, Anchors),
            playbook=await bodies.get(tenant, kept.playbook, Playbook),
            evidence=await bodies.evidence(tenant, kept.evidence),
            weighing=await bodies.get(tenant, kept.weighing, Weighing),
            diagnosis=await bodies.get(tenant, kept.diagnosis, Diagnosis) if kept.diagnosis else None,
        )
    except BodyMissing as missing:
        raise NothingKept(f"{name}: what it stood on was erased from the ledger") from missing


@dataclass(frozen=True)
class Looked:
    """What one reasoner makes of kept evidence by one playbook."""

    past: Past
    playbook: Playbook
    fitted: Refitted
    diagnosis: Diagnosis
    usd: float


@dataclass(frozen=True)
class Rediagnoser:
    """Looks at past runs again."""

    ledger: Ledger
    bodies: Bodies
    runs: PastRuns
    models: ModelPool
    tenants: Mapping[str, Tenant]

    async def run(
        self,
        key: RunKey,
        playbook: Playbook | None,
        reasoner: str,
        beat: Callable[[], None],
        most_usd: float | None = None,
    ) -> Rediagnosis:
        """Weigh, diagnose and verify the kept evidence of a revision once more.

        Args:
            key: Which revision.
            playbook: None for the one that was followed then.
            reasoner: `rules` or a model's id.
            beat: Called while a model answers.
            most_usd: What looking back at this revision may cost in all; None for what a ticket may cost.

        Raises:
            NothingKept: there is nothing to look at again.
            BudgetSpent: the money for looking back is spent.
            ModelError: the model did not answer.
        """
        past = await load_past(self.bodies, self.runs, key)
        if past.diagnosis is None:
            raise NothingKept(f"{key.investigation}, revision {key.revision} ended without a diagnosis to compare with")
        looked = await self._look(past, playbook, reasoner, beat, most_usd)
        fitted = looked.fitted
        then = Refitted(past.evidence, past.weighing, (), ())
        return Rediagnosis(
            key=key,
            gathered_at=max((item.fetched_at for item in past.evidence), default=None),
            then=self._side(past, past.playbook, then, past.diagnosis, past.kept.usd),
            now=self._side(past, looked.playbook, fitted, looked.diagnosis, looked.usd),
            unanswered=fitted.unanswered,
            unused=fitted.unused,
        )

    async def look(
        self,
        key: RunKey,
        playbook: Playbook | None,
        reasoner: str,
        beat: Callable[[], None],
        most_usd: float | None = None,
    ) -> Looked:
        """Diagnose the kept evidence of a revision, without comparing; arguments and errors as for `run`."""
        return await self._look(await load_past(self.bodies, self.runs, key), playbook, reasoner, beat, most_usd)

    async def _look(
        self, past: Past, playbook: Playbook | None, reasoner: str, beat: Callable[[], None], most_usd: float | None
    ) -> Looked:
        key = past.kept.key
        new = playbook or past.playbook
        tenant = self.tenants.get(key.ref.tenant)
        fitted = refit(past.playbook, new, past.anchors, past.evidence, tenant.region if tenant else "")
        if reasoner == RULES:
            draft = decide(new, fitted.weighing, fitted.evidence)
            diagnosis = verify(new, past.anchors, fitted.evidence, fitted.weighing, draft, RULES)
            return Looked(past, new, fitted, diagnosis, 0.0)
        diagnosis, usd = await _Asking(self, past, new, fitted, reasoner, beat, most_usd).run()
        return Looked(past, new, fitted, diagnosis, usd)

    async def spent(self, key: RunKey) -> float:
        """Return what looking back at a revision has cost so far, in US dollars."""
        return await self.ledger.spent(key, PURPOSE)

    def _side(self, past: Past, playbook: Playbook, fitted: Refitted, diagnosis: Diagnosis, usd: float) -> Side:
        tenant = self.tenants.get(past.kept.key.ref.tenant)
        label = f"{playbook.id}@{playbook.version}"
        # Both notes are rendered here and alike, so that they differ in nothing but what the diagnoses differ in. What people
        # said of other runs is no such difference.
        note = render_note(
            diagnosis.model_copy(update={"calibration": ""}),
            playbook,
            fitted.evidence,
            past.anchors,
            marker=f"whydesk:{past.kept.key.investigation}/{past.kept.key.revision}",
            playbook_label=label,
            investigation=past.kept.key.investigation,
            took=0.0,
            usd=usd,
            allowed_hosts=link_hosts(tenant) if tenant else frozenset(),
            console_url=tenant.console_url if tenant else "",
            guard=OutputGuard(past.ticket, past.anchors, fitted.evidence, playbook),
        )
        return Side(
            playbook=label,
            reasoner=diagnosis.reasoner,
            outcome=diagnosis.outcome,
            cause=diagnosis.cause,
            hypothesis=diagnosis.hypothesis,
            title=diagnosis.title,
            severity=diagnosis.severity,
            confidence=diagnosis.confidence,
            coverage=fitted.weighing.coverage,
            kept=tuple(claim.sentence for claim in diagnosis.kept),
            dropped=findings(diagnosis),
            not_checked=tuple(_gap(gap) for gap in diagnosis.not_checked),
            usd=usd,
            note=note.markdown,
        )


def _gap(gap: NotChecked) -> str:
    return f"{gap.source.title}, {gap.title}: {gap.reason}"


@dataclass(frozen=True)
class _Asking:
    """One model over kept evidence, with the one repair round that a run has too."""

    of: Rediagnoser
    past: Past
    playbook: Playbook
    fitted: Refitted
    model: str
    beat: Callable[[], None]
    most_usd: float | None

    async def run(self) -> tuple[Diagnosis, float]:
        """Return the better of the answer and its repair, and what both cost."""
        first, usd = await self._once(0, ())
        if not verified_of(first, "").repair:
            return first, usd
        try:
            mended, more = await self._once(1, findings(first))
        except (BudgetSpent, ModelError):
            # As in a run: without a second answer the first one stands, less what did not.
            return first, usd
        return max(first, mended, key=lambda diagnosis: verified_of(diagnosis, "").worth), usd + more

    async def _once(self, round: int, wrong: tuple[str, ...]) -> tuple[Diagnosis, float]:
        past, of = self.past, self.of
        key = past.kept.key
        tenant = of.tenants[key.ref.tenant]
        redactor = Redactor.for_ticket(past.ticket, past.anchors.customer, self.fitted.evidence, patterns=tenant.redact)
        prompt = build_prompt(
            self.playbook,
            past.ticket,
            past.anchors,
            self.fitted.weighing,
            self.fitted.evidence,
            redactor,
            wrong,
        )
        cap = min(tenant.budget.usd_per_ticket, self.playbook.budgets.usd) if self.most_usd is None else self.most_usd
        question = Question(tenant, key, request_digest(prompt, self.model), round, self.model, cap, PURPOSE)
        drafted = await draft_by_model(of.ledger, of.models, question, prompt, redactor, self.beat)
        draft = await of.bodies.get(key.ref.tenant, drafted.draft, Draft)
        diagnosis = verify(
            self.playbook, past.anchors, self.fitted.evidence, self.fitted.weighing, draft, drafted.reasoner
        )
        return diagnosis, drafted.usd
