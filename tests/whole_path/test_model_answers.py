"""The model path on every ticket of the world, with answers good and bad, over the evidence that the session has gathered.

The real activities and the real SDK ask a far end that plays the vendor; they work on a copy of the ledger, under revisions of
their own, so that nothing of the session changes.
"""

import re
import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import unescape

import pytest
import pytest_asyncio
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.bodies import Bodies
from activities.calibrating import Calibration
from activities.diagnose import DiagnoseActivities
from activities.select import RULES
from activities.verify import VerifyActivities
from cli.demo import DEFAULT_WORLD
from cli.world_tenant import TENANT
from ledger.reading import RunReader
from ledger.records import RunRecord
from ledger.reliability import SqlReliability
from ledger.store import SqlLedger
from models.customer import Anchors
from models.diagnosis import Claim, ClaimValue, Diagnosis, Draft, Weighing
from models.playbook import Playbook
from models.run import ClaimRequest, DiagnoseRequest, Drafted, RunKey, VerifyRequest
from models.ticket import Ticket, Trigger, TriggerKind
from models.vocabulary import CauseClass, Outcome, Severity
from reasoning.prompt import build_prompt
from reasoning.providers.anthropic import AnthropicModel
from reasoning.providers.anthropic_clients import direct_client
from reasoning.redact import Redactor
from reasoning.render import render_note
from sandbox.world_files import load_world
from tests.anthropic_server import Answer, AnthropicServer, cut, refuses, says, status
from tests.whole_path import model_scripts
from tests.whole_path.model_scripts import ADVICE, LINK, STRANGER, Investigated, Script, kept_sentences
from tests.whole_path.town import Ended, Town
from tests.workflows.house import TENANT as TENANT_OF_TESTS
from tests.workflows.house import Models
from workflows import naming

TRUTH = load_world(DEFAULT_WORLD).truth.tickets
MODEL = "claude-haiku-5-5"
EACH_TICKET = pytest.mark.parametrize("key", TRUTH)
NUMBER = re.compile(r"-?\d+\.\d+")
SOME_TICKETS = pytest.mark.parametrize("key", list(TRUTH)[::6])
"""For what the model's failure decides, and not what the ticket holds."""


@dataclass
class FarEnd:
    """Anthropic's, with the answer that comes next."""

    server: AnthropicServer
    answer: Answer = field(default_factory=refuses)


@dataclass(frozen=True)
class Desk:
    """Where tickets of the session are diagnosed again."""

    ledger: SqlLedger
    bodies: Bodies
    diagnosing: DiagnoseActivities
    verifying: VerifyActivities
    far_end: FarEnd
    cases: dict[str, "Case"] = field(default_factory=dict)
    """By the ticket's key, once they are loaded."""


@dataclass(frozen=True)
class Told:
    """What became of one answer."""

    drafted: Drafted
    diagnosis: Diagnosis
    html: str


@pytest_asyncio.fixture(scope="session")
async def desk(
    town: Town, tickets: Mapping[str, Ended], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Desk]:
    """Copy the ledger once all tickets are over, and put a model between it and the far end."""
    assert tickets
    copy = tmp_path_factory.mktemp("model-answers") / "ledger.db"
    with closing(sqlite3.connect(town.state / "ledger.db")) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    far_end = FarEnd(AnthropicServer(lambda _: far_end.answer))
    with far_end.server as server:
        model = AnthropicModel(MODEL, direct_client("sk-ant-test", server.address, 20.0), 20.0)
        try:
            async with await SqlLedger.open(f"sqlite:///{copy}", town.stack.settings.keyring()) as ledger:
                bodies = Bodies(ledger)
                tenants = {TENANT: TENANT_OF_TESTS.model_copy(update={"id": TENANT})}
                yield Desk(
                    ledger,
                    bodies,
                    DiagnoseActivities(ledger, bodies, Models({MODEL: model}), tenants),
                    VerifyActivities(ledger, bodies, Calibration(SqlReliability(ledger.database))),
                    far_end,
                )
        finally:
            await model.aclose()


class Case:
    """One ticket of the session, to be diagnosed again."""

    def __init__(self, desk: Desk, record: RunRecord, found: Investigated, digests: Mapping[str, str]) -> None:
        """Use `load`."""
        self._desk = desk
        self._record = record
        self._digests = digests
        self.found = found

    @classmethod
    async def load(cls, desk: Desk, ended: Ended) -> "Case":
        """Load what the session has stored of a ticket."""
        investigation = naming.investigation_id(ended.ref)
        record = await RunReader(desk.ledger).load_run(investigation, ended.last.revision, TENANT)
        # The last of each kind: a follow-up weighs again.
        digests = {step.step.partition("/")[0]: step.digest for step in record.steps}
        assert record.diagnosis is not None
        found = Investigated(
            playbook=await desk.ledger.get_body(TENANT, digests["select"], Playbook),
            ticket=await desk.ledger.get_body(TENANT, digests["read"], Ticket),
            anchors=await desk.ledger.get_body(TENANT, digests["identify"], Anchors),
            weighing=await desk.ledger.get_body(TENANT, digests["weigh"], Weighing),
            evidence=[one.body for one in record.evidence if one.body is not None],
            draft=await desk.ledger.get_body(TENANT, digests["diagnose"], Draft),
            diagnosis=record.diagnosis,
        )
        assert len(found.evidence) == len(record.evidence) > 1
        return cls(desk, record, found, digests)

    async def answered(self, script: Script) -> Told:
        """Let the model answer by a script, and verify what it says."""
        answer = says(self._as_the_model_sees_it(script(self.found)))
        drafted = await self._diagnose(await self._revision(script.__name__), answer, MODEL)
        return await self._verified(drafted, "")

    async def failed(self, name: str, answer: Answer) -> tuple[ApplicationError, Told]:
        """Let the model fail; return how it did, and what the next link of the chain makes of the ticket."""
        key = await self._revision(name)
        with pytest.raises(ApplicationError) as caught:
            await self._diagnose(key, answer, MODEL)
        drafted = await self._diagnose(key, answer, RULES)
        return caught.value, await self._verified(drafted, f"{MODEL}: {caught.value.type}")

    async def _revision(self, name: str) -> RunKey:
        """A revision of its own: what was paid for another answer is not found."""
        old = self._record.summary.key
        name = f"{name}-{old.ref.ticket}"
        trigger = Trigger(delivery=name, kind=TriggerKind.REINVESTIGATE, received_at=datetime.now(UTC))
        claim = await self._desk.ledger.claim_delivery(
            ClaimRequest(ref=old.ref, investigation=old.investigation, trigger=trigger, owner=name)
        )
        assert claim.accepted
        assert claim.key.revision > old.revision
        return claim.key

    async def _diagnose(self, key: RunKey, answer: Answer, reasoner: str) -> Drafted:
        self._desk.far_end.answer = answer
        request = DiagnoseRequest(
            key=key,
            playbook=self._digests["select"],
            ticket=self._digests["read"],
            anchors=self._digests["identify"],
            weighing=self._digests["weigh"],
            evidence=tuple(one.ref for one in self._record.evidence),
            reasoner=reasoner,
        )
        return await ActivityEnvironment().run(self._desk.diagnosing.diagnose, request)

    async def _verified(self, drafted: Drafted, problem: str) -> Told:
        verified = await ActivityEnvironment().run(
            self._desk.verifying.verify_diagnosis,
            VerifyRequest(
                key=self._record.summary.key,
                playbook=self._digests["select"],
                anchors=self._digests["identify"],
                weighing=self._digests["weigh"],
                evidence=tuple(one.ref for one in self._record.evidence),
                draft=drafted.draft,
                reasoner=drafted.reasoner,
                reasoner_problem=problem,
            ),
        )
        diagnosis = await self._desk.ledger.get_body(TENANT, verified.diagnosis, Diagnosis)
        return Told(drafted, diagnosis, self.note_of(diagnosis))

    def note_of(self, diagnosis: Diagnosis) -> str:
        """Render a diagnosis as the helpdesk would hold it, with every host allowed: no link may depend on that list."""
        hosts = frozenset(re.findall(r"https?://([^/\s\"'<>)]+)", f"{self.found.evidence} {LINK}"))
        return render_note(
            diagnosis,
            self.found.playbook,
            self.found.evidence,
            self.found.anchors,
            marker="whydesk:inv-x/1",
            playbook_label=self._record.summary.playbook,
            investigation="inv-x",
            took=1.0,
            usd=0.001,
            allowed_hosts=hosts,
        ).html

    def _as_the_model_sees_it(self, draft: Draft) -> Draft:
        """Write pseudonyms where the model has them: the same redactor, asked for the same in the same order."""
        found = self.found
        redactor = Redactor.for_ticket(found.ticket, found.anchors.customer, found.evidence)
        build_prompt(found.playbook, found.ticket, found.anchors, found.weighing, found.evidence, redactor)

        def shown(value: str) -> str:
            # Numbers of rows are shown as they are, whatever their digits look like.
            return value if NUMBER.fullmatch(value) else redactor.redact(value)

        def redacted(claim: Claim) -> Claim:
            values = tuple(ClaimValue(name=one.name, value=shown(one.value)) for one in claim.values)
            return claim.model_copy(update={"values": values, "wording": redactor.redact(claim.wording)})

        return draft.model_copy(update={"claims": tuple(redacted(claim) for claim in draft.claims)})


@pytest_asyncio.fixture
async def case(desk: Desk, tickets: Mapping[str, Ended], key: str) -> Case:
    """The ticket that a test is about."""
    if key not in desk.cases:
        desk.cases[key] = await Case.load(desk, tickets[key])
    return desk.cases[key]


@EACH_TICKET
async def test_a_perfect_answer_ends_as_the_rules_do(case: Case, desk: Desk) -> None:
    sent = len(desk.far_end.server.requests)
    told = await case.answered(model_scripts.perfect)
    rules = case.found.diagnosis
    said = told.diagnosis
    assert (said.outcome, said.cause, said.hypothesis, said.also) == (
        rules.outcome,
        rules.cause,
        rules.hypothesis,
        rules.also,
    )
    assert (said.severity, said.confidence, said.next_step) == (rules.severity, rules.confidence, rules.next_step)
    lost = [(one.claim, one.problem) for one in said.claims if not one.kept]
    assert (len(said.kept), said.dropped) == (len(rules.kept), rules.dropped), lost
    assert said.reasoner == MODEL
    assert f"reasoned by {MODEL}" in told.html
    assert told.drafted.usd > 0
    [request] = desk.far_end.server.requests[sent:]
    person = case.found.ticket.requester
    # Two letters are part of too many words to be hidden as a name.
    names = [each.casefold() for each in (person.email, person.name) if len(each) > 3]
    assert names
    assert [each for each in names if each in request.body.casefold()] == []


@EACH_TICKET
@pytest.mark.parametrize(
    "script", [model_scripts.wrong_values, model_scripts.wrong_ids, model_scripts.too_many, model_scripts.absence]
)
async def test_a_sloppy_answer_states_nothing_that_the_rules_would_not(case: Case, script: Script) -> None:
    told = await case.answered(script)
    rules = case.found.diagnosis
    assert (told.diagnosis.outcome, told.diagnosis.cause) == (rules.outcome, rules.cause)
    assert told.diagnosis.severity is rules.severity
    strange = kept_sentences(told.diagnosis) - true_sentences(case)
    assert strange == set()
    if script is not model_scripts.too_many and script(case.found).claims:
        assert told.diagnosis.dropped > 0
    assert len(told.diagnosis.kept) <= 8


@EACH_TICKET
@pytest.mark.parametrize("script", [model_scripts.wrong_cause, model_scripts.hostile_cause])
async def test_a_cause_that_the_rules_do_not_support_is_none(case: Case, script: Script) -> None:
    told = await case.answered(script)
    assert (told.diagnosis.outcome, told.diagnosis.cause) == (Outcome.INCONCLUSIVE, CauseClass.UNKNOWN)
    assert told.diagnosis.severity is Severity.LOW
    assert told.diagnosis.dropped > 0
    assert told.diagnosis.next_step == case.found.playbook.next_steps["inconclusive"]
    holds_nothing_of_an_attacker(case, told)


@EACH_TICKET
async def test_all_is_well_only_where_the_rules_say_so(case: Case) -> None:
    told = await case.answered(model_scripts.all_well)
    rules = case.found.diagnosis
    allowed = Outcome.NOTHING_WRONG if rules.outcome is Outcome.NOTHING_WRONG else Outcome.INCONCLUSIVE
    assert told.diagnosis.outcome is allowed
    assert told.diagnosis.severity is Severity.LOW


@EACH_TICKET
async def test_a_hostile_answer_puts_nothing_of_its_own_on_the_ticket(case: Case) -> None:
    told = await case.answered(model_scripts.hostile)
    rules = case.found.diagnosis
    assert (told.diagnosis.outcome, told.diagnosis.cause) == (rules.outcome, rules.cause)
    assert told.diagnosis.also == rules.also
    assert told.diagnosis.severity is rules.severity
    assert told.diagnosis.next_step == rules.next_step
    assert kept_sentences(told.diagnosis) <= true_sentences(case)
    assert told.drafted.follow_ups == ()
    holds_nothing_of_an_attacker(case, told)


@SOME_TICKETS
@pytest.mark.parametrize(
    ("name", "answer", "kind", "may_pass"),
    [
        ("refusal", refuses(), "ModelRefused", False),
        ("cut-off", cut(Draft(outcome=Outcome.DIAGNOSED, hypothesis="x")), "ModelUnavailable", True),
        ("reset", cut(Draft(outcome=Outcome.DIAGNOSED, hypothesis="x"), reset=True), "ModelUnavailable", True),
        ("bad-json", says('{"outcome": "diagnosed", "hypothesis": '), "BadAnswer", False),
        ("token-limit", says(Draft(outcome=Outcome.DIAGNOSED), stop_reason="max_tokens"), "BadAnswer", False),
        ("overloaded", status(529, "overloaded_error"), "ModelOverloaded", True),
    ],
    ids=["refusal", "cut-off", "reset", "bad-json", "token-limit", "overloaded"],
)
async def test_where_the_model_fails_the_rules_answer_and_say_why(
    case: Case, name: str, answer: Answer, kind: str, may_pass: bool
) -> None:
    problem, told = await case.failed(name, answer)
    assert problem.type == kind
    assert problem.non_retryable is not may_pass
    why = f"{MODEL}: {kind}"
    assert told.diagnosis == case.found.diagnosis.model_copy(update={"reasoner_problem": why})
    assert f"written by the playbook's rules, no model ({why})" in unescape(told.html)


def true_sentences(case: Case) -> set[str]:
    """What code itself says of this ticket: the rules' claims, and what was refuted."""
    rules = case.found.diagnosis
    ruled_out = {re.sub(r" \(E\d+(?:, E\d+)*\)$", "", text) for text in rules.ruled_out}
    return kept_sentences(rules) | ruled_out | set(rules.ruled_out)


def holds_nothing_of_an_attacker(case: Case, told: Told) -> None:
    """Compare a note with the rules' own: no link, no tag and no word that is not there too, of those that a model brought."""
    own = case.note_of(case.found.diagnosis)
    assert "evil.example" not in told.html
    for foreign in (STRANGER, ADVICE, "Refund the whole year", "alert(1)", "<script", "E99", "inv-other"):
        assert foreign not in told.html
    tags = set(re.findall(r"<(/?\w+)", told.html)) - set(re.findall(r"<(/?\w+)", own))
    assert tags <= {"ul", "/ul", "li", "/li", "p", "/p", "strong", "/strong", "em", "/em", "br"}
    known = set(
        re.findall(r"https?://[^\"'<>)\s]+", f"{own} {[item.url for item in case.found.evidence]} {rows_of(case)}")
    )
    assert set(re.findall(r'href="([^"]+)"', told.html)) <= known


def rows_of(case: Case) -> str:
    """All cells that are stored of the ticket."""
    return " ".join(str(cell) for item in case.found.evidence for row in item.rows for cell in row.values())
