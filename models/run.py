"""Inputs and results of the workflow and its activities: ids, digests, counts and enum values, never text of a ticket."""

from pydantic import Field

from models.base import Frozen, Moment
from models.evidence import EvidenceRef
from models.screening import Screened
from models.ticket import TicketRef, Trigger
from models.vocabulary import CauseClass, Confidence, Mode, Outcome, Severity, Source


class RunKey(Frozen):
    """Which investigation and which revision of it a step belongs to."""

    ref: TicketRef
    investigation: str
    """`inv-…`, the same for all revisions of a ticket."""
    revision: int = Field(ge=1)


class ClaimRequest(Frozen):
    """Ask for a delivery. `owner` survives retry and reset, so that a claim is never lost to oneself."""

    ref: TicketRef
    investigation: str
    trigger: Trigger
    owner: str


class DeliveryClaim(Frozen):
    """Whether the delivery is ours, and the revision that it belongs to."""

    accepted: bool
    key: RunKey


class OpenRequest(Frozen):
    """Read the ticket; `look` is 0 at first and 1 for the one re-look."""

    key: RunKey
    trigger: Trigger
    look: int = 0


class OpenedTicket(Frozen):
    """The ticket is a body in the ledger; this says whether to go on."""

    proceed: bool
    reason: str = ""
    """Why not: `own-note`, `no-requester-message`, `nothing-new`, `mode-off` …"""
    ticket: str = ""
    """Digest of the ticket."""
    mode: Mode = Mode.SHADOW
    """The tenant's own, for a run that fails before a playbook is chosen."""


class IdentifyRequest(Frozen):
    """Find the customer and the anchors."""

    key: RunKey
    ticket: str
    look: int = 0
    remember: bool = True
    """False: a later message is not compared with what this revision saw, for it told nobody."""


class Identified(Frozen):
    """Anchors as a body, and how the customer was found as evidence."""

    anchors: str
    """Digest of the anchors."""
    customer_found: bool
    fingerprint: str
    """Digest of what matters in the ticket: anchors, symptoms, reopened state."""
    nothing_new: bool = False
    evidence: tuple[EvidenceRef, ...] = ()


class SelectRequest(Frozen):
    """Choose the playbook."""

    key: RunKey
    ticket: str
    anchors: str
    evidence: tuple[EvidenceRef, ...] = ()
    """What was asked to find the customer."""
    look: int = 0


class PlannedQuery(Frozen):
    """One activity of the gathering step."""

    id: str
    source: Source
    title: str
    follow_up: bool = False


class Selection(Frozen):
    """The pinned playbook and what the run may do with it."""

    playbook: str
    version: int
    digest: str
    queries: tuple[PlannedQuery, ...]
    mode: Mode
    rounds: int
    """Follow-up rounds at most, whoever asks."""
    most_queries: int = 40
    """Queries at most, those of the first round among them."""
    reasoners: tuple[str, ...]
    """Model ids in order, `rules` last."""
    tied: tuple[str, ...] = ()
    """Ids of the playbooks that the ticket speaks for equally, code's own choice first, where a model may break the tie."""
    candidate: str = ""
    """Digest of the version that is tried in shadow on the same evidence, once this one has had its say."""


class FetchRequest(Frozen):
    """Ask one query of the playbook."""

    key: RunKey
    playbook: str
    """Digest."""
    query: str
    evidence: str
    """The id that the answer gets, such as `E3`."""
    anchors: str
    """Digest."""
    weighing: str = ""
    """Digest of the facts so far, for a follow-up that is bound to one."""
    look: int = 0
    afresh: bool = False
    """Whether to ask although another ticket was just told: somebody wants to see it as it is now."""


class Gap(Frozen):
    """A query whose activity failed for good: the workflow saw it, the next step records it."""

    query: str
    evidence: str
    timed_out: bool
    reason: str
    """The failure's type, never its message."""


class WeighRequest(Frozen):
    """Compute facts and verdicts."""

    key: RunKey
    playbook: str
    anchors: str
    evidence: tuple[EvidenceRef, ...]
    gaps: tuple[Gap, ...] = ()
    round: int = 0
    """0 for the first gathering, then one more for each round of follow-ups."""
    look: int = 0
    asked: str = ""
    """What this round of follow-ups asked and who chose it: `round 2: versions (rule), keys (model)`."""


class Weighed(Frozen):
    """The weighing is a body; this is what the workflow decides by."""

    weighing: str
    """Digest."""
    evidence: tuple[EvidenceRef, ...]
    """All evidence, with the gaps recorded as evidence of their own."""
    follow_ups: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()
    """Sources that did not answer."""
    coverage: float = 0.0
    incident: str = ""
    """The incident that this ticket is part of."""
    by_rules: bool = False
    """Whether rules write the note: models were asked about this incident often enough."""


class DiagnoseRequest(Frozen):
    """Let one reasoner decide."""

    key: RunKey
    playbook: str
    ticket: str
    anchors: str
    weighing: str
    evidence: tuple[EvidenceRef, ...]
    reasoner: str
    """`rules` or a model id of the tenant's chain."""
    round: int = 0
    """Counts diagnoses of this revision: 0, then one more for each follow-up or repair."""
    repair_of: str = ""
    """Digest of the diagnosis whose problems are to be mended."""
    look: int = 0
    offered: tuple[str, ...] = ()
    """Ids of the follow-up queries that a model may still ask for."""


class Drafted(Frozen):
    """A reasoner's draft, stored before this is returned."""

    draft: str
    """Digest."""
    reasoner: str
    follow_ups: tuple[str, ...] = ()
    """What the model asks for of what it was offered; nothing once no budget is left to ask it again."""
    input_tokens: int = 0
    output_tokens: int = 0
    usd: float = 0.0


class VerifyRequest(Frozen):
    """Check a draft against the stored rows."""

    key: RunKey
    playbook: str
    anchors: str
    weighing: str
    evidence: tuple[EvidenceRef, ...]
    draft: str
    reasoner: str
    reasoner_problem: str = ""
    round: int = 0
    look: int = 0


class Verified(Frozen):
    """The diagnosis is a body; this is what the workflow decides by and shows."""

    diagnosis: str
    """Digest."""
    outcome: Outcome
    cause: CauseClass
    severity: Severity
    confidence: Confidence
    kept: int
    dropped: int
    repair: bool = False
    """Whether a model could mend what failed."""
    screened: tuple[Screened, ...] = ()

    @property
    def worth(self) -> tuple[bool, int, int]:
        """Order two diagnoses of the same evidence: a decision before none, then what stands, then what fell."""
        return self.outcome is not Outcome.INCONCLUSIVE, self.kept, -self.dropped


class PublishRequest(Frozen):
    """Put the note on the ticket, once. Without a diagnosis it is the one line of a failed run."""

    key: RunKey
    marker: str
    """Identifies this revision's note on the ticket."""
    mode: Mode
    post: bool = True
    """False: the note is only kept, whatever the mode."""
    started_at: Moment
    playbook: str = ""
    playbook_label: str = ""
    """`api-errors@3`."""
    ticket: str = ""
    """Empty in a run of a version that did not say: then what only the ticket holds of people is withheld."""
    anchors: str = ""
    diagnosis: str = ""
    evidence: tuple[EvidenceRef, ...] = ()
    incident: str = ""
    """The incident that the ticket is part of."""
    problem: str = ""
    """For a failed run: the step and the type of its failure."""
    looked_again: bool = False
    """Whether the evidence is that of an earlier revision."""


class Published(Frozen):
    """What became of the note."""

    status: str
    """`posted`, `shadow`, `ticket-closed`, or `failed` where the helpdesk could not be written to."""
    note: str = ""
    """The helpdesk's id of the note."""


class RecordRequest(Frozen):
    """The end of a revision, for the ledger."""

    key: RunKey
    outcome: Outcome
    started_at: Moment
    finished_at: Moment
    playbook_label: str = ""
    diagnosis: str = ""
    note_status: str = ""
    reasoner: str = ""
    usd: float = 0.0
    gaps: tuple[str, ...] = ()
    problem: str = ""
    """For `failed`: the step and the type of its failure."""


class CandidateRequest(Frozen):
    """Diagnose a finished revision once more, by a candidate playbook, for comparison alone."""

    key: RunKey
    candidate: str
    """Digest."""


class InvestigateInput(Frozen):
    """What starts the workflow; the trigger comes as a signal."""

    ref: TicketRef


class RunResult(Frozen):
    """One line for each revision that this run worked on, newest last."""

    revisions: tuple["RevisionResult", ...] = ()


class RevisionResult(Frozen):
    """How one revision ended."""

    investigation: str
    revision: int
    outcome: Outcome
    cause: CauseClass = CauseClass.UNKNOWN
    severity: Severity = Severity.LOW
    confidence: Confidence = Confidence.LOW
    playbook: str = ""
    note_status: str = ""
    kept: int = 0
    dropped: int = 0
    gaps: tuple[str, ...] = ()
    usd: float = 0.0
