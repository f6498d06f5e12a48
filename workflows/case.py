"""The state of one revision in one place, and the small decisions over it: pure, tested without Temporal."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from activities.select import RULES
from models.evidence import EvidenceRef
from models.rediagnosis import Restored
from models.run import (
    DiagnoseRequest,
    Drafted,
    FetchRequest,
    Gap,
    PlannedQuery,
    PublishRequest,
    RecordRequest,
    RevisionResult,
    RunKey,
    Selection,
    SelectRequest,
    Verified,
    VerifyRequest,
    Weighed,
    WeighRequest,
)
from models.ticket import Trigger, TriggerKind
from models.vocabulary import CauseClass, Confidence, Mode, Outcome, Severity

_NO_SELECTION = Selection(playbook="", version=0, digest="", queries=(), mode=Mode.SHADOW, rounds=0, reasoners=())
_NOT_WEIGHED = Weighed(weighing="", evidence=())
_NO_DRAFT = Drafted(draft="", reasoner="")
_NOT_VERIFIED = Verified(
    diagnosis="",
    outcome=Outcome.INCONCLUSIVE,
    cause=CauseClass.UNKNOWN,
    severity=Severity.LOW,
    confidence=Confidence.LOW,
    kept=0,
    dropped=0,
)


@dataclass(frozen=True)
class FollowUp:
    """One round of further queries."""

    queries: tuple[PlannedQuery, ...]
    said: str
    """`round 2: versions (rule), keys (model)`."""


@dataclass
class Case:
    """One revision on its way. Digests and ids only."""

    key: RunKey
    trigger: Trigger
    started_at: datetime
    look: int = 0
    mode: Mode = Mode.SHADOW
    ticket: str = ""
    anchors: str = ""
    evidence: tuple[EvidenceRef, ...] = ()
    selection: Selection = _NO_SELECTION
    weighed: Weighed = _NOT_WEIGHED
    drafted: Drafted = _NO_DRAFT
    verified: Verified = _NOT_VERIFIED
    outcome: Outcome | None = None
    problem: str = ""
    round: int = 0
    """How many times evidence was gathered."""
    diagnoses: int = 0
    asked: set[str] = field(default_factory=set)
    given_up: dict[str, str] = field(default_factory=dict)
    """Links of the chain that failed for good, and how: what declined once is not paid to decline again."""

    @property
    def undecided(self) -> bool:
        """Whether the look was broken off because there is more to read."""
        return self.outcome is None

    @property
    def playbook_label(self) -> str:
        """`api-errors@3`, or nothing before one is chosen."""
        return f"{self.selection.playbook}@{self.selection.version}" if self.selection.playbook else ""

    @property
    def looks_again(self) -> bool:
        """Whether a message that comes meanwhile is read in this revision; one that posts nothing must not use it up."""
        return self.look == 0 and self.trigger.post

    def allowed(self, mode: Mode) -> Mode:
        """Return the tenant's mode, lowered to shadow where the trigger asks for no note."""
        return mode.lowered(self.trigger.post)

    @property
    def posts(self) -> bool:
        """Whether the note may be posted: a look back that failed must not talk down a diagnosis that stands."""
        return self.trigger.post and not (self.trigger.rerun is not None and self.outcome is Outcome.FAILED)

    def restore(self, restored: Restored) -> None:
        """Go on with what an earlier revision had gathered."""
        self.ticket, self.anchors, self.evidence = restored.ticket, restored.anchors, restored.evidence
        self.selection = restored.selection
        self.mode = self.allowed(restored.selection.mode)

    def again(self) -> "Case":
        """Start the one re-look: the same revision, everything read afresh."""
        return Case(key=self.key, trigger=self.trigger, started_at=self.started_at, look=self.look + 1)

    def end(self, outcome: Outcome, problem: str) -> None:
        """Stop before a diagnosis."""
        self.outcome, self.problem = outcome, problem

    def fail(self, problem: str) -> None:
        """Stop because a step failed for good."""
        self.end(Outcome.FAILED, problem)

    def number(self, queries: Sequence[PlannedQuery]) -> list[tuple[PlannedQuery, str]]:
        """Give each query the id that its evidence will have: `E3`, `E4` … after those there are."""
        first = len(self.evidence) + 1
        self.asked.update(query.id for query in queries)
        return [(query, f"E{number}") for number, query in enumerate(queries, first)]

    def fetch_request(self, query: PlannedQuery, number: str) -> FetchRequest:
        """Return what asks one query of the playbook."""
        return FetchRequest(
            key=self.key,
            playbook=self.selection.digest,
            query=query.id,
            evidence=number,
            anchors=self.anchors,
            weighing=self.weighed.weighing if self.round else "",
            look=self.look,
            afresh=self.trigger.kind is TriggerKind.REINVESTIGATE,
        )

    @property
    def reasoners(self) -> tuple[str, ...]:
        """The chain that diagnoses; the rules alone in an incident that models were asked about often enough."""
        asked_for = self.trigger.kind is TriggerKind.REINVESTIGATE
        return self.selection.reasoners[-1:] if self.weighed.by_rules and not asked_for else self.selection.reasoners

    @property
    def offered(self) -> list[PlannedQuery]:
        """The follow-ups that may still be asked: offered by the playbook, not asked yet, within its rounds and queries."""
        left = self.selection.most_queries - len(self.asked)
        if left <= 0 or self.round > self.selection.rounds:
            return []
        return [query for query in self.selection.queries if query.follow_up and query.id not in self.asked]

    def follow_up(self) -> "FollowUp | None":
        """Return the next round of follow-ups, by the rules and by what the model asked for; None if there is none."""
        rule, model = set(self.weighed.follow_ups), set(self.drafted.follow_ups)
        wanted = [query for query in self.offered if query.id in rule | model]
        # Where not all fit, the playbook's own rules come first.
        wanted.sort(key=lambda query: query.id not in rule)
        wanted = wanted[: self.selection.most_queries - len(self.asked)]
        if not wanted:
            return None
        said = ", ".join(f"{query.id} ({'rule' if query.id in rule else 'model'})" for query in wanted)
        return FollowUp(tuple(wanted), f"round {self.round}: {said}")

    def select_request(self) -> SelectRequest:
        """Return what chooses the playbook."""
        return SelectRequest(
            key=self.key, ticket=self.ticket, anchors=self.anchors, evidence=self.evidence, look=self.look
        )

    def weigh_request(self, gaps: tuple[Gap, ...], said: str) -> WeighRequest:
        """Return what weighs all evidence there is; `said` names the round for people."""
        return WeighRequest(
            key=self.key,
            playbook=self.selection.digest,
            anchors=self.anchors,
            evidence=self.evidence,
            gaps=gaps,
            round=self.round,
            look=self.look,
            asked=said,
        )

    def diagnose_request(self, reasoner: str, repair_of: str = "") -> DiagnoseRequest:
        """Return what lets one reasoner draft; a model's first draft may ask for the follow-ups that are left."""
        return DiagnoseRequest(
            key=self.key,
            playbook=self.selection.digest,
            ticket=self.ticket,
            anchors=self.anchors,
            weighing=self.weighed.weighing,
            evidence=self.evidence,
            reasoner=reasoner,
            round=self.diagnoses,
            repair_of=repair_of,
            look=self.look,
            offered=() if repair_of or reasoner == RULES else tuple(query.id for query in self.offered),
        )

    def verify_request(self, problem: str) -> VerifyRequest:
        """Return what checks the draft; `problem` says why the reasoner before did not answer."""
        return VerifyRequest(
            key=self.key,
            playbook=self.selection.digest,
            anchors=self.anchors,
            weighing=self.weighed.weighing,
            evidence=self.evidence,
            draft=self.drafted.draft,
            reasoner=self.drafted.reasoner,
            reasoner_problem=problem,
            round=self.diagnoses,
            look=self.look,
        )

    def publish_request(self, marker: str) -> PublishRequest:
        """Return what puts the note on the ticket; without a diagnosis it is the one line of a failed run."""
        return PublishRequest(
            key=self.key,
            marker=marker,
            mode=self.mode,
            post=self.posts,
            started_at=self.started_at,
            playbook=self.selection.digest,
            playbook_label=self.playbook_label,
            ticket=self.ticket,
            anchors=self.anchors,
            diagnosis=self.verified.diagnosis if self.outcome is not Outcome.FAILED else "",
            evidence=self.evidence,
            incident=self.weighed.incident,
            problem=self.problem,
            looked_again=self.trigger.rerun is not None,
        )

    def result(self, note_status: str) -> RevisionResult:
        """Say how the revision ended."""
        decided = self.outcome is not None and self.outcome is self.verified.outcome and bool(self.verified.diagnosis)
        verified = self.verified if decided else _NOT_VERIFIED
        return RevisionResult(
            investigation=self.key.investigation,
            revision=self.key.revision,
            outcome=self.outcome or Outcome.FAILED,
            cause=verified.cause,
            severity=verified.severity,
            confidence=verified.confidence,
            playbook=self.playbook_label,
            note_status=note_status,
            kept=verified.kept,
            dropped=verified.dropped,
            gaps=self.weighed.gaps,
        )

    def record_request(self, result: RevisionResult, finished_at: datetime) -> RecordRequest:
        """Return what closes the revision in the ledger."""
        return RecordRequest(
            key=self.key,
            outcome=result.outcome,
            started_at=self.started_at,
            finished_at=finished_at,
            playbook_label=self.playbook_label,
            diagnosis=self.verified.diagnosis,
            note_status=result.note_status,
            reasoner=self.drafted.reasoner,
            gaps=result.gaps,
            problem=self.problem,
        )
