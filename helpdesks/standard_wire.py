"""What a system has to answer that is connected by Standard Webhooks; times are ISO 8601 with a zone, ids text or numbers.

    GET  {ticket_url}                  the ticket: TicketBody. 404 if there is none
    GET  {ticket_url}/notes?marker=M   {"notes": [{"id", "marker"}]}, those with exactly that marker
    GET  {changed_url}                 {"tickets": [{"id", "updated_at"}]}: changed at or after a time, oldest change first.
                                       Optional; without it nothing finds tickets whose webhook was lost
    POST {note_url}                    the note: NoteEvent, signed by Standard Webhooks  →  2xx {"id"}

The same `webhook-id` twice is the same note: answer with its id and write nothing. A refusal (400, 409, 410 or 422) whose
body says `closed` means that the ticket takes no more notes; 429 and 503 may carry Retry-After. A note is private always:
nothing of it may reach the requester.
"""

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


class ChangedBody(Frozen):
    """A ticket that changed."""

    id: Id
    updated_at: Moment


class ChangedPage(Frozen):
    """GET {changed_url}."""

    tickets: tuple[ChangedBody, ...]


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
