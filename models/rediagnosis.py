"""Looking at kept evidence again: what a revision stood on, what another playbook or reasoner makes of it, and what differs."""

from enum import StrEnum

from models.base import Frozen, Moment
from models.evidence import EvidenceRef
from models.feedback import Feedback
from models.run import RunKey, Selection
from models.ticket import Rerun
from models.vocabulary import CauseClass, Confidence, Outcome, Severity


class KeptRun(Frozen):
    """One past revision by the digests of its bodies; of two looks the last."""

    key: RunKey
    ticket: str
    anchors: str
    customer: str
    """Our id of the customer, or empty."""
    playbook: str
    playbook_label: str
    """`api-errors@3`."""
    evidence: tuple[EvidenceRef, ...]
    weighing: str
    diagnosis: str
    """Empty while the revision is not over, or where it ended without one."""
    outcome: Outcome | None
    reasoner: str
    usd: float
    note: str = ""
    """Digest of the note."""
    feedback: tuple[Feedback, ...] = ()
    """The last word of each person."""


class Side(Frozen):
    """What one playbook and one reasoner say. It holds a customer's data: for people, never for a history."""

    playbook: str
    """`api-errors@3`."""
    reasoner: str
    outcome: Outcome
    cause: CauseClass
    hypothesis: str
    title: str
    severity: Severity
    confidence: Confidence
    coverage: float
    kept: tuple[str, ...]
    """Claims that stand, as sentences."""
    dropped: tuple[str, ...]
    """Claims that did not, and why."""
    not_checked: tuple[str, ...]
    usd: float
    note: str
    """Markdown."""


class Rediagnosis(Frozen):
    """The same evidence, looked at twice."""

    key: RunKey
    gathered_at: Moment | None
    """When the newest of the evidence was fetched."""
    then: Side
    now: Side
    unanswered: tuple[str, ...] = ()
    """Queries of the playbook now that the kept evidence has no answer to."""
    unused: tuple[str, ...] = ()
    """Queries of the playbook then whose answers the playbook now does not ask for."""


class RestoreRequest(Frozen):
    """Give a new revision the evidence that an earlier one gathered."""

    key: RunKey
    rerun: Rerun


class Restored(Frozen):
    """What the new revision goes on with; nothing of it was asked again."""

    ticket: str
    anchors: str
    evidence: tuple[EvidenceRef, ...]
    selection: Selection
    """Without queries and rounds: there is nothing to ask."""


class Verdict(StrEnum):
    """How a rediagnosis compares with what was said then and with what people said of it."""

    BETTER = "better"
    WORSE = "worse"
    SAME = "same"
    NOT_COMPARABLE = "not-comparable"
