"""Zendesk: reads a ticket with its conversation, and writes one private comment, guarded by `safe_update`."""

import base64
import re
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime

import httpx
from pydantic import ValidationError

from helpdesks.base import ChangedTicket, HelpdeskDenied, HelpdeskUnavailable, TicketNotFound
from helpdesks.examination import observed, refusal, unreachable
from helpdesks.fields import field_text
from helpdesks.http import TIMEOUT, HelpdeskHttp, Objection, at_once, parse_unambiguous, same_origin
from helpdesks.zendesk_wire import (
    Comment,
    CommentPage,
    FieldPage,
    FieldValue,
    Me,
    MePage,
    NoteComment,
    NoteTicket,
    NoteUpdate,
    OrganizationPage,
    SearchPage,
    TicketBody,
    TicketPage,
    UpdatePage,
    User,
    UserPage,
)
from models.finding import Finding, FindingStatus
from models.note import PostedNote, RenderedNote
from models.tenant import ZendeskConfig
from models.ticket import Message, Organization, Person, Role, Ticket, TicketRef

_TICKET_ID = re.compile(r"[1-9][0-9]{0,19}", re.ASCII)
_PAGE = 100
_MOST_PAGES = 100
"""Twice what 5,000 comments, the most that a ticket can have, fill."""
_TITLES_FOR = 600.0
"""Seconds that the titles of custom fields are kept."""
_MOST_FOUND = 10
"""Pages: a search ends after a thousand results. The next one begins where this one ends."""


class ZendeskHelpdesk:
    """One Zendesk account over one pooled client. A read is two round trips for up to a hundred comments."""

    def __init__(
        self,
        config: ZendeskConfig,
        token: str,
        *,
        tenant: str,
        helpdesk: str,
        timeout: float = TIMEOUT,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Open nothing yet.

        Args:
            config: The account.
            token: The resolved API token.
            tenant: For the reference of the tickets read.
            helpdesk: The helpdesk's name in the tenant's configuration, for the same.
            timeout: Seconds for each request.
            transport: Replaces the network below the guard, for tests.
        """
        self._config = config
        self._tenant = tenant
        self._helpdesk = helpdesk
        self._base = str(config.base_url).rstrip("/")
        credentials = base64.b64encode(f"{config.email}/token:{token}".encode()).decode()
        self._authorization = {"Authorization": f"Basic {credentials}"}
        self._http = HelpdeskHttp(
            "Zendesk",
            reads=self._base,
            write=self._objection,
            headers=self._authorization,
            timeout=timeout,
            transport=transport,
        )
        self._titles: dict[str, str] = {}
        self._titles_until = 0.0

    async def read_ticket(self, ticket: str) -> Ticket:
        """Read ticket, comments, requester, organisation and custom fields. See helpdesks.base.Helpdesk."""
        url = self._ticket_url(ticket)
        async with at_once() as group:
            reading = group.create_task(self._http.get(url, TicketPage))
            conversing = group.create_task(self._conversation(url))
            naming = group.create_task(self._field_titles())
        body = reading.result().ticket
        comments, authors = conversing.result()
        if not comments:
            raise HelpdeskUnavailable(
                f"Zendesk lists no comment of ticket {ticket!r}; each has at least its description"
            )
        async with at_once() as group:
            asking = group.create_task(self._requester(body.requester_id, authors))
            resolving = group.create_task(self._organization(body.organization_id))
        return Ticket(
            ref=TicketRef(tenant=self._tenant, helpdesk=self._helpdesk, ticket=ticket),
            subject=body.subject or "",
            status=body.status,
            requester=asking.result(),
            organization=resolving.result(),
            tags=body.tags,
            fields=_fields(body.custom_fields, naming.result()),
            messages=tuple(self._message(comment, body, authors) for comment in comments),
            created_at=body.created_at,
            updated_at=_moment(body),
            updated_stamp=body.updated_at,
            url=self._link(ticket),
        )

    async def list_changed(self, since: datetime) -> list[ChangedTicket]:
        """Search for tickets by the time of their last change. See helpdesks.base.Helpdesk.

        Not the incremental export: that one is for administrators alone. A search knows a change a few minutes late.
        """
        from_time = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        params: dict[str, str | int] = {
            "query": f"type:ticket updated>={from_time}",
            "sort_by": "updated_at",
            "sort_order": "asc",
        }
        found: dict[str, ChangedTicket] = {}
        for page in range(1, _MOST_FOUND + 1):
            asked = params | {"per_page": _PAGE, "page": page}
            results = await self._http.get(f"{self._base}/api/v2/search", SearchPage, asked)
            for one in results.results:
                if one.status not in ("closed", "deleted"):
                    found[one.id] = ChangedTicket(ticket=one.id, updated_at=one.updated_at)
            if not results.next_page:
                break
        return list(found.values())

    async def find_note(self, ticket: str, marker: str) -> PostedNote | None:
        """Look for the marker, newest comment first. See helpdesks.base.Helpdesk."""
        # Revision 1's marker is the beginning of revision 12's.
        whole = re.compile(rf"(?<![\w/]){re.escape(marker)}(?![\w/])")
        async for page in self._comment_pages(self._ticket_url(ticket), {"sort": "-created_at"}):
            for comment in page.comments:
                if comment.public or comment.author_id != self._config.actor_id:
                    continue
                if any(whole.search(text) for text in (comment.html_body, comment.plain_body, comment.body) if text):
                    return PostedNote(id=comment.id, url=self._link(ticket))
        return None

    async def post_note(self, ticket: str, note: RenderedNote, updated_stamp: str) -> PostedNote:
        """Add the note as a private comment. See helpdesks.base.Helpdesk.

        Raises:
            ValueError: no `updated_stamp`, so nothing would guard the write.
        """
        if not updated_stamp:
            raise ValueError("post_note needs the ticket's updated_stamp; read the ticket first")
        url = self._ticket_url(ticket)
        update = NoteUpdate(
            ticket=NoteTicket(comment=NoteComment(html_body=note.html, public=False), updated_stamp=updated_stamp)
        )
        reply = await self._http.write("PUT", url, update.model_dump_json().encode(), self._authorization)
        audit = self._http.read(UpdatePage, reply, "PUT", url).audit
        written = next((event for event in audit.events if event.type == "Comment"), None)
        if written is None:
            # The marker tells what became of it when this is tried again.
            raise HelpdeskUnavailable(f"Zendesk took the note on ticket {ticket!r} but its audit shows no comment")
        if written.public is not False:
            raise HelpdeskDenied(
                f"Zendesk made the note on ticket {ticket!r} public although it was sent as private; "
                f"see that the actor {self._config.actor_id!r} is an agent"
            )
        return PostedNote(id=written.id, url=self._link(ticket))

    async def examine(self) -> list[Finding]:
        """Ask who we are; one request. See helpdesks.base.ExaminableHelpdesk."""
        url = f"{self._base}/api/v2/users/me.json"
        try:
            looked = await self._http.look(url)
            refused = refusal(looked, "Zendesk", "base_url", "`email` and `token`")
            if refused is not None:
                return [refused, *observed(looked)]
            me = self._http.read(MePage, looked.reply, "GET", url).user
        except HelpdeskUnavailable as error:
            return [unreachable(error, "base_url")]
        reach = Finding("reach", FindingStatus.OK, f"Zendesk answers at {httpx.URL(self._base).host}")
        return [reach, *_who(me, self._config.actor_id), *observed(looked)]

    async def aclose(self) -> None:
        """Close the pooled client."""
        await self._http.aclose()

    async def _conversation(self, ticket_url: str) -> tuple[list[Comment], dict[str, User]]:
        comments: list[Comment] = []
        authors: dict[str, User] = {}
        async for page in self._comment_pages(ticket_url, {"sort": "created_at", "include": "users"}):
            comments += page.comments
            authors.update((user.id, user) for user in page.users)
        return sorted(comments, key=lambda comment: comment.created_at), authors

    async def _comment_pages(self, ticket_url: str, params: dict[str, str]) -> AsyncIterator[CommentPage]:
        after: dict[str, str] = {}
        for _ in range(_MOST_PAGES):
            page = await self._http.get(f"{ticket_url}/comments", CommentPage, {"page[size]": _PAGE, **params, **after})
            yield page
            if not page.meta.has_more:
                return
            if not page.meta.after_cursor or page.meta.after_cursor in after.values():
                raise HelpdeskUnavailable("Zendesk says that there are more comments but not where they go on")
            after = {"page[after]": page.meta.after_cursor}
        raise HelpdeskUnavailable(f"Zendesk's comments do not end after {_MOST_PAGES} pages of {_PAGE}")

    async def _field_titles(self) -> dict[str, str]:
        if time.monotonic() < self._titles_until:
            return self._titles
        titles: dict[str, str] = {}
        after: dict[str, str] = {}
        try:
            for _ in range(_MOST_PAGES):
                page = await self._http.get(
                    f"{self._base}/api/v2/ticket_fields", FieldPage, {"page[size]": _PAGE, **after}
                )
                titles.update((field.id, field.title) for field in page.ticket_fields if field.title)
                if not page.meta.has_more or not page.meta.after_cursor:
                    break
                after = {"page[after]": page.meta.after_cursor}
        except (HelpdeskDenied, TicketNotFound):
            # An agent who may not list fields can still read tickets: fields then go by their ids alone.
            titles = {}
        self._titles, self._titles_until = titles, time.monotonic() + _TITLES_FOR
        return titles

    async def _requester(self, user: str, authors: dict[str, User]) -> Person:
        found = authors.get(user)
        if found is None or not found.email:
            try:
                found = (await self._http.get(f"{self._base}/api/v2/users/{user}", UserPage)).user
            except TicketNotFound:
                # A deleted user; the ticket stays readable.
                found = found or User(id=user)
        return Person(id=user, name=found.name or "", email=found.email or "")

    async def _organization(self, organization: str | None) -> Organization | None:
        if organization is None:
            return None
        try:
            page = await self._http.get(f"{self._base}/api/v2/organizations/{organization}", OrganizationPage)
        except TicketNotFound:
            return None
        body = page.organization
        return Organization(
            id=body.id,
            name=body.name or "",
            domains=body.domain_names or (),
            external_id=body.external_id or "",
        )

    def _message(self, comment: Comment, ticket: TicketBody, authors: dict[str, User]) -> Message:
        author = authors.get(comment.author_id)
        if comment.author_id == self._config.actor_id:
            role = Role.OWN
        elif comment.author_id == ticket.requester_id or (author is not None and author.role == "end-user"):
            # Someone on copy is on the customer's side, too.
            role = Role.REQUESTER
        else:
            role = Role.AGENT
        return Message(
            id=comment.id, role=role, public=comment.public, text=comment.text, created_at=comment.created_at
        )

    def _link(self, ticket: str) -> str:
        return f"{self._base}/agent/tickets/{ticket}"

    def _ticket_url(self, ticket: str) -> str:
        if not _TICKET_ID.fullmatch(ticket):
            raise TicketNotFound(f"{ticket!r} is not the number of a Zendesk ticket")
        return f"{self._base}/api/v2/tickets/{ticket}"

    def _objection(self, request: httpx.Request, body: bytes) -> Objection:
        prefix = httpx.URL(f"{self._base}/api/v2/tickets/")
        path = request.url.raw_path.decode("ascii")
        if request.method != "PUT" or not same_origin(request.url, prefix):
            return "the only write is a PUT to the configured account"
        start = prefix.raw_path.decode("ascii")
        if not path.startswith(start) or not _TICKET_ID.fullmatch(path.removeprefix(start)):
            return "the only write is to one ticket"
        try:
            NoteUpdate.model_validate(parse_unambiguous(body), strict=True)
        except (ValidationError, ValueError, RecursionError):
            return "the only write is one private comment with safe_update and updated_stamp, and nothing else"
        return ""


def _who(me: Me, actor: str) -> list[Finding]:
    """Judge the user that the key belongs to."""
    if me.id is None:
        remedy = "check `email` and `token`, and that token access is on (Admin Center, Apps and integrations, APIs)"
        return [Finding("key", FindingStatus.FAILURE, "Zendesk takes us for an anonymous visitor", remedy)]
    if me.suspended:
        return [Finding("key", FindingStatus.FAILURE, f"the user {me.id!r} is suspended", "lift it, or use another")]
    key = Finding("key", FindingStatus.OK, f"the key belongs to the user {me.id!r}")
    return [key, _rights(me), _actor(me.id, actor)]


def _rights(me: Me) -> Finding:
    if me.role == "admin":
        return Finding(
            "rights",
            FindingStatus.WARNING,
            "the key's user is an admin, which is more than reading tickets and adding private comments needs",
            "use an agent with a role of its own: all tickets, private comments only",
        )
    if me.role != "agent":
        detail = f"the key's user is {me.role or 'of no role'!r}: it can add no private comment"
        return Finding("rights", FindingStatus.FAILURE, detail, "make it an agent, or use an agent's key")
    if me.ticket_restriction is not None:
        detail = f"the agent sees a part of the tickets ({me.ticket_restriction!r}); others will not be found"
        return Finding(
            "rights", FindingStatus.WARNING, detail, "let its role access all tickets, if all shall be investigated"
        )
    return Finding("rights", FindingStatus.OK, "an agent that sees all tickets")


def _actor(user: str, actor: str) -> Finding:
    if user == actor:
        return Finding("actor", FindingStatus.OK, "`actor_id` is the key's user: our own notes start nothing")
    detail = f"`actor_id` is {actor!r}, but notes are written as {user!r}: our own notes would be taken for an agent's"
    return Finding("actor", FindingStatus.FAILURE, detail, f'set `actor_id: "{user}"`')


def _moment(ticket: TicketBody) -> datetime:
    with suppress(ValueError):
        moment = datetime.fromisoformat(ticket.updated_at)
        if moment.tzinfo:
            return moment
    raise HelpdeskUnavailable(f"Zendesk says that ticket {ticket.id!r} was updated at a time that cannot be read")


def _fields(values: tuple[FieldValue, ...], titles: dict[str, str]) -> dict[str, str]:
    said = {field.id: text for field in values if (text := field_text(field.value))}
    named: dict[str, str] = {}
    for field, text in said.items():
        if field in titles:
            named.setdefault(titles[field], text)
    # Ids win: a title could be written like another field's id.
    return {**named, **said}
