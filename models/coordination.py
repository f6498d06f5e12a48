"""What workers agree on: shared answers and their leases, incidents, circuits."""

from models.base import Frozen, Moment
from models.customer import Window
from models.evidence import Answer
from models.ticket import TicketRef
from models.vocabulary import CauseClass, Source

PUBLIC = "_public"
"""The scope of what every tenant may be served: no tenant's id begins like this."""


class SharedQuestion(Frozen):
    """One question that depends on no customer."""

    scope: str
    """The tenant's id, or `PUBLIC`."""
    digest: str
    """Of the credential and of the exact question."""
    source: Source
    fresh_seconds: int
    """How long an answer is served."""


class SharedAnswer(Frozen):
    """An answer as it is kept for others. A body in the ledger."""

    answer: Answer
    window: Window | None
    """What was really looked at."""
    fetched_at: Moment
    took: float


class Lease(Frozen):
    """What became of asking for an answer: it is there, or it is ours to fetch, or it failed, or somebody fetches it."""

    answer: SharedAnswer | None = None
    ours: bool = False
    problem: str = ""


class IncidentSeen(Frozen):
    """What makes a ticket part of an incident."""

    signature: str
    hypothesis: str
    cause: CauseClass
    playbook: str
    """`api-errors@3`."""
    what: str
    """What the shared evidence names."""


class IncidentEntry(Frozen):
    """A ticket's place in an incident."""

    incident: str
    position: int
    pays: bool
    """Whether a model may still be asked about it."""


class IncidentView(Frozen):
    """An incident as it stands."""

    tenant: str
    incident: str
    hypothesis: str
    cause: CauseClass
    playbook: str
    what: str
    first: TicketRef
    tickets: int
    paid: int
    opened_at: Moment
    last_at: Moment
    closed_at: Moment | None = None


class Circuit(Frozen):
    """A source that a worker does not ask for now."""

    tenant: str
    source: Source
    worker: str
    reason: str
    opened_at: Moment
    until: Moment
