"""What a system has to answer that is connected by Standard Webhooks. This is our format; see docs for its description."""

from typing import Annotated

from pydantic import JsonValue, StringConstraints

from helpdesks.inbound import AnyText, Id
from models.base import Frozen, Moment


class Requester(Frozen):
    """Who asks."""

    id: Id
    name: str | None = None
    email: str | None = None


class OrganizationBody(Frozen):
    """The requester's organisation."""

    id: Id
    name: str | None = None
    domains: tuple[str, ...] | None = ()
    external_id: AnyText | None = None


class MessageBody(Frozen):
    """One message; `role` is `requester`, `agent` or `whydesk`."""

    id: Id
    role: str
    public: bool
    text: str
    created_at: Moment


class TicketBody(Frozen):
    """GET {ticket_url}."""

    id: Id
    subject: str
    status: str
    url: str = ""
    created_at: Moment
    updated_at: Moment
    requester: Requester
    organization: OrganizationBody | None = None
    tags: tuple[str, ...] = ()
    fields: dict[str, JsonValue] = {}
    messages: tuple[MessageBody, ...]


class NoteBody(Frozen):
    """A note that is on the ticket."""

    id: Id
    marker: str = ""


class NotesPage(Frozen):
    """GET {ticket_url}/notes?marker=…"""

    notes: tuple[NoteBody, ...]


class NoteData(Frozen, extra="forbid"):
    """The note in both dialects."""

    ticket_id: Annotated[str, StringConstraints(min_length=1)]
    marker: Annotated[str, StringConstraints(min_length=1)]
    markdown: str
    html: str


class NoteEvent(Frozen, extra="forbid"):
    """The one body that may be POSTed to {note_url}. There is no way in it to say that it is public."""

    type: Annotated[str, StringConstraints(pattern=r"^note\z")] = "note"
    timestamp: str
    data: NoteData
