"""Zendesk's JSON as far as it is read (developer.zendesk.com: tickets, ticket comments, users, organizations, ticket fields)."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, JsonValue

from helpdesks.inbound import AnyText, Id
from models.base import Frozen, Moment


class FieldValue(Frozen):
    """A custom field of a ticket; what `value` is depends on the field's type."""

    id: Id
    value: JsonValue = None


class TicketBody(Frozen):
    """A ticket, without its conversation."""

    id: Id
    subject: str | None = None
    status: str
    requester_id: Id
    organization_id: Id | None = None
    tags: tuple[str, ...] = ()
    custom_fields: tuple[FieldValue, ...] = ()
    created_at: Moment
    updated_at: str
    """Kept as Zendesk writes it: it goes back as `updated_stamp`."""


class TicketPage(Frozen):
    """GET /api/v2/tickets/{id}."""

    ticket: TicketBody


class FoundTicket(Frozen):
    """A ticket among the results of a search."""

    id: Id
    updated_at: Moment
    status: str = ""


class SearchPage(Frozen):
    """GET /api/v2/search."""

    results: tuple[FoundTicket, ...]
    next_page: str | None = None


class User(Frozen):
    """A user; an end-user's e-mail may be missing."""

    id: Id
    name: str | None = None
    email: str | None = None
    role: str | None = None
    """`end-user`, `agent` or `admin`."""


class UserPage(Frozen):
    """GET /api/v2/users/{id}."""

    user: User


class Me(Frozen):
    """The user that a key belongs to; without a valid one Zendesk may answer with a user that has no id."""

    id: Id | None = None
    role: str | None = None
    suspended: bool | None = None
    ticket_restriction: str | None = None
    """None: sees every ticket; else `groups`, `organization`, `assigned` or `requested`."""


class MePage(Frozen):
    """GET /api/v2/users/me."""

    user: Me


class OrganizationBody(Frozen):
    """An organisation."""

    id: Id
    name: str | None = None
    domain_names: tuple[str, ...] | None = ()
    external_id: AnyText | None = None


class OrganizationPage(Frozen):
    """GET /api/v2/organizations/{id}."""

    organization: OrganizationBody


class Comment(Frozen):
    """A comment; `plain_body` is Zendesk's own plain text of it."""

    id: Id
    author_id: Id
    public: bool
    body: str | None = None
    plain_body: str | None = None
    html_body: str | None = None
    created_at: Moment

    @property
    def text(self) -> str:
        """The plain text."""
        return self.plain_body or self.body or ""


class Cursor(Frozen):
    """Where a list goes on."""

    has_more: bool
    after_cursor: str | None = None


class CommentPage(Frozen):
    """GET /api/v2/tickets/{id}/comments with cursor pages, and their authors with `include=users`."""

    comments: tuple[Comment, ...]
    users: tuple[User, ...] = ()
    meta: Cursor


class TicketField(Frozen):
    """The definition of a custom field."""

    id: Id
    title: str | None = None


class FieldPage(Frozen):
    """GET /api/v2/ticket_fields."""

    ticket_fields: tuple[TicketField, ...]
    meta: Cursor


class AuditEvent(Frozen):
    """What one update did; a comment is an event whose id is the comment's."""

    id: Id
    type: str
    public: bool | None = None


class Audit(Frozen):
    """The record of one update."""

    events: tuple[AuditEvent, ...] = ()


class UpdatePage(Frozen):
    """The answer to PUT /api/v2/tickets/{id}."""

    audit: Audit


def _exactly(wanted: bool) -> BeforeValidator:
    def check(value: object) -> object:
        # To Python 0 is False; to Zendesk's Ruby 0 is true.
        if value is not wanted:
            raise ValueError(f"must be {wanted}")
        return value

    return BeforeValidator(check)


class NoteComment(Frozen, extra="forbid"):
    """The one comment that may be written."""

    html_body: str
    public: Annotated[Literal[False], _exactly(False)]


class NoteTicket(Frozen, extra="forbid"):
    """What a note changes on a ticket: nothing but one comment, and only if the ticket is as it was read."""

    comment: NoteComment
    safe_update: Annotated[Literal[True], _exactly(True)] = True
    updated_stamp: str


class NoteUpdate(Frozen, extra="forbid"):
    """The one body that may be PUT."""

    ticket: NoteTicket
