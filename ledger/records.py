"""What the ledger tells people: an investigation, a revision in one line, and everything about one."""

from models.base import Frozen, Moment
from models.customer import Anchors
from models.diagnosis import Diagnosis, Draft, Weighing
from models.evidence import Evidence, EvidenceRef
from models.feedback import Feedback
from models.note import RenderedNote
from models.playbook import Playbook
from models.run import Drafted, RunKey
from models.ticket import TicketRef, TriggerKind
from models.vocabulary import CauseClass, Confidence, Outcome, Severity


class Investigation(Frozen):
    """One ticket that was looked at."""

    ref: TicketRef
    investigation: str
    revisions: int
    opened_at: Moment

    @property
    def workflow(self) -> str:
        """The id of the ticket's workflow: `acme/zendesk/4711`."""
        return f"{self.ref.tenant}/{self.ref.helpdesk}/{self.ref.ticket}"


class RunSummary(Frozen):
    """One revision in a line. What is None has not happened (yet)."""

    key: RunKey
    opened_at: Moment
    started_at: Moment | None
    finished_at: Moment | None
    outcome: Outcome | None
    cause: CauseClass | None
    severity: Severity | None
    confidence: Confidence | None
    playbook: str
    """`api-errors@3`."""
    reasoner: str
    note_status: str
    usd: float
    gaps: tuple[str, ...]
    problem: str
    fingerprint: str | None
    diagnosis: str
    """Digest."""
    customer: str = ""
    """Our id of the customer, once it was found."""
    feedback: tuple[Feedback, ...] = ()
    """The last word of each person."""

    @property
    def seconds(self) -> float | None:
        """From the run's start to its end."""
        if self.started_at is None or self.finished_at is None:
            return None
        return (self.finished_at - self.started_at).total_seconds()


class DeliveryRecord(Frozen):
    """What triggered a revision."""

    delivery: str
    kind: TriggerKind
    owner: str
    received_at: Moment
    claimed_at: Moment


class StepRecord(Frozen):
    """One step that was done."""

    step: str
    digest: str
    detail: str
    done_at: Moment


class EvidenceRecord(Frozen):
    """One piece of evidence; `body` is None once it was erased."""

    ref: EvidenceRef
    look: int
    fetched_at: Moment
    body: Evidence | None


class AnswerRecord(Frozen):
    """One paid answer; `draft` is None once it was erased."""

    round: int
    purpose: str
    sample: int
    request: str
    """Digest of what was asked."""
    drafted: Drafted
    draft: Draft | None
    answered_at: Moment


class NoteRecord(Frozen):
    """The note of a revision; `body` is None once it was erased, or where only a digest was kept."""

    status: str
    """`begun`: it may or may not be on the ticket."""
    note: str
    """The helpdesk's id."""
    marker: str
    mode: str
    digest: str
    begun_at: Moment
    finished_at: Moment | None
    body: RenderedNote | None


class RunRecord(Frozen):
    """Everything that the ledger has of one revision."""

    summary: RunSummary
    delivery: DeliveryRecord | None
    steps: tuple[StepRecord, ...]
    """In the order in which they were done."""
    evidence: tuple[EvidenceRecord, ...]
    """By look, then E1, E2, …"""
    answers: tuple[AnswerRecord, ...]
    diagnosis: Diagnosis | None
    note: NoteRecord | None
    weighing: Weighing | None = None
    """What code concluded, the last time that it weighed."""
    playbook: Playbook | None = None
    """The pinned one."""
    anchors: Anchors | None = None
    """What the ticket pinned the search to, the last time that it was read."""
    feedback: tuple[Feedback, ...] = ()
    """All that was said, oldest first."""
    erased_at: Moment | None = None
    """When what it read and wrote was erased; the record of what was done is all that is left."""
