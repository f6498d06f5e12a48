"""A ticket as a helpdesk holds it, and what reaches us about it."""

from enum import StrEnum

from models.base import Frozen, Moment


class TicketRef(Frozen):
    """Ids only: safe in workflow inputs, signals, logs and search attributes."""

    tenant: str
    helpdesk: str
    """The name of the helpdesk in the tenant's configuration, such as `zendesk`."""
    ticket: str


class Role(StrEnum):
    """Who wrote a message. `OWN` is Whydesk's own actor."""

    REQUESTER = "requester"
    AGENT = "agent"
    OWN = "own"


class Message(Frozen):
    """One entry of the conversation, as plain text."""

    id: str
    role: Role
    public: bool
    text: str
    created_at: Moment


class Person(Frozen):
    """The requester."""

    id: str
    name: str = ""
    email: str = ""


class Organization(Frozen):
    """The requester's organisation in the helpdesk."""

    id: str
    name: str = ""
    domains: tuple[str, ...] = ()
    external_id: str = ""
    """Our customer id, where the team keeps it on the organisation."""


class Ticket(Frozen):
    """A ticket with its whole conversation. A body in the ledger; never in a history."""

    ref: TicketRef
    subject: str
    status: str
    """`new`, `open`, `pending`, `hold`, `solved` or `closed`; a closed ticket cannot be written to."""
    requester: Person
    organization: Organization | None = None
    tags: tuple[str, ...] = ()
    fields: dict[str, str] = {}
    """Custom fields by name or id, such as a product area or a customer id."""
    messages: tuple[Message, ...]
    """Oldest first; the first is the description."""
    created_at: Moment
    updated_at: Moment
    updated_stamp: str = ""
    """The vendor's own version stamp for a guarded write, where it has one."""
    url: str = ""

    @property
    def closed(self) -> bool:
        """Whether the vendor refuses any further comment."""
        return self.status == "closed"


class TriggerKind(StrEnum):
    """Why a ticket is looked at. Nothing else starts an investigation."""

    CREATED = "created"
    MESSAGE = "message"
    """A public message of the requester."""
    REINVESTIGATE = "reinvestigate"
    """Asked for by a person or by the sweep."""


CREATED_EVENT = "created"
"""The event of a ticket that came in; that of a message is `message_event`."""


def message_event(message: str) -> str:
    """Return the event of a public message of the requester, by the message's id."""
    return f"message:{message}"


class Rerun(Frozen):
    """Look at the evidence of an earlier revision again, with a playbook that is named, and ask nobody."""

    revision: int
    playbook: str
    """Digest of the playbook in the ledger."""
    reasoner: str = ""
    """`rules` or a model of the tenant's chain; empty: the whole chain."""


class Trigger(Frozen):
    """One delivery, as the gateway signals it to the workflow. Ids only."""

    delivery: str
    """The helpdesk's id of the delivery: the key of deduplication."""
    kind: TriggerKind
    received_at: Moment
    post: bool = True
    """False: nothing is posted, whatever the tenant's mode allows."""
    event: str = ""
    """What happened, where it is known: two deliveries that tell of one event make one revision."""
    rerun: Rerun | None = None
    """Set: nothing is read or gathered anew."""
