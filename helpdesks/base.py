"""What every helpdesk is: an inbound side that the gateway uses, and a reading and writing side for activities."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, Protocol

from models.base import Frozen, Moment
from models.finding import Finding
from models.note import PostedNote, RenderedNote
from models.ticket import Ticket, TriggerKind


class HelpdeskError(Exception):
    """Base of all; the message never holds a secret or a customer's data."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        """Keep the server's delay in seconds, if there was one."""
        super().__init__(message)
        self.retry_after = retry_after


class HelpdeskUnavailable(HelpdeskError):
    """May pass: connection trouble, 429, 5xx, time out, a malformed answer."""


class HelpdeskDenied(HelpdeskError):
    """401 or 403: the key is wrong or too weak. Not retried."""


class TicketNotFound(HelpdeskError):
    """404: deleted, or never there. Not retried."""


class TicketClosed(HelpdeskError):
    """The vendor refuses any further comment on this ticket."""


class NoteConflict(HelpdeskError):
    """The ticket changed since it was read: look again, then post."""


class WriteRefused(HelpdeskError):
    """A request other than a read or the one private note was stopped before a byte was sent: our bug. Not retried."""


class BadSignature(Exception):
    """The delivery is not signed by one of the secrets, or is too old. Says nothing more to the outside."""


class BadDelivery(Exception):
    """Signed, but not of a shape we know. `field` names what is wrong."""

    def __init__(self, message: str, *, field: str) -> None:
        """Keep the field for the 422 answer."""
        super().__init__(message)
        self.field = field


class Inbound(Frozen):
    """What a webhook says, ids only."""

    delivery: str
    """The vendor's id of the event: the key of deduplication."""
    ticket: str
    message: str = ""
    """The id of the public message that it is about, where the webhook tells it."""
    kind: TriggerKind | None
    """None: nothing that may start an investigation; `ignored` says why."""
    ignored: Literal[
        "", "own-actor", "private-comment", "agent-comment", "not-a-trigger", "other-tags", "unreadable-tags", "test"
    ] = ""
    occurred_at: datetime | None = None


class ChangedTicket(Frozen):
    """A ticket that changed, ids and times only."""

    ticket: str
    updated_at: Moment


class Receiver(Protocol):
    """The inbound side of one helpdesk of one tenant. Pure: no network."""

    def receive(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Inbound:
        """Check the signature over the raw bytes, then read the event.

        Args:
            headers: Names in lower case.
            body: As received, unparsed.
            now: For the vendor's time window.

        Raises:
            BadSignature: Wrong, missing or too old; compared in constant time against every secret.
            BadDelivery: Signed, but unreadable.
        """
        ...


class Helpdesk(Protocol):
    """The reading and writing side of one helpdesk of one tenant, over one pooled client."""

    async def read_ticket(self, ticket: str) -> Ticket:
        """Read the ticket and its whole conversation.

        Raises:
            HelpdeskError: see the module's classes.
        """
        ...

    async def list_changed(self, since: datetime) -> Sequence[ChangedTicket] | None:
        """List the tickets that changed at or after that time, oldest change first; None where it cannot be asked.

        A long list may end early: what is left changed later than all that is in it.

        Raises:
            HelpdeskError: see the module's classes.
        """
        ...

    async def find_note(self, ticket: str, marker: str) -> PostedNote | None:
        """Look for our note with that marker among the private comments of our own actor."""
        ...

    async def post_note(self, ticket: str, note: RenderedNote, updated_stamp: str) -> PostedNote:
        """Add a private note, guarded by the vendor's own means where it has one.

        Raises:
            NoteConflict: the ticket changed since `updated_stamp`.
            TicketClosed: nothing can be added any more.
            HelpdeskError: see the module's classes.
        """
        ...

    async def aclose(self) -> None:
        """Close the pooled client."""
        ...


class ExaminableHelpdesk(Helpdesk, Protocol):
    """A helpdesk that `whydesk doctor` can look at with a few cheap reads."""

    async def examine(self) -> Sequence[Finding]:
        """Look whether it can be reached and takes the key, which rights the key has, and whether the clocks agree.

        Raises nothing of `HelpdeskError`: what fails is a finding with its remedy.
        """
        ...


class HelpdeskPool(Protocol):
    """Hands out the helpdesks of a tenant."""

    async def get(self, tenant: str, helpdesk: str) -> Helpdesk:
        """Return the helpdesk; a KeyError names the ones configured."""
        ...
