"""The tickets of both helpdesks: opened from the world's, with people, organisations and conversations."""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Literal

from sandbox.world import Organization, World
from sandbox.world_tickets import Reply, Ticket

HelpdeskName = Literal["zendesk", "standard"]
AuthorRole = Literal["requester", "agent", "own"]
OWN_NAME = "Whydesk"
STALE = timedelta(seconds=1)
"""Every change moves `updated_at` by at least this: stamps have whole seconds, and two changes must differ."""


@dataclass(frozen=True, slots=True)
class Person:
    """A user of the helpdesk."""

    id: int
    name: str
    email: str
    role: Literal["end-user", "agent"]
    organization: int | None = None


@dataclass(frozen=True, slots=True)
class Comment:
    """One entry of a conversation."""

    id: int
    author: Person
    role: AuthorRole
    public: bool
    text: str
    html: str
    created_at: datetime
    marker: str = ""
    """Of our note, where the helpdesk keeps it apart from the text."""


@dataclass(slots=True)
class DeskTicket:
    """A ticket that was opened in this run."""

    id: int
    key: str
    helpdesk: HelpdeskName
    subject: str
    status: str
    priority: str
    requester: Person
    organization: Organization | None
    tags: tuple[str, ...]
    fields: Mapping[str, str]
    created_at: datetime
    updated_at: datetime
    comments: list[Comment] = field(default_factory=list)
    waiting: list[Reply] = field(default_factory=list)
    """Replies of the world that are played later."""
    refused: list[str] = field(default_factory=list)
    """Writes that this ticket refused, in words."""

    def touch(self, at: datetime) -> None:
        """Move `updated_at` forward."""
        self.updated_at = max(at, self.updated_at + STALE)


class Desk:
    """All people and tickets of one run. Ids are fresh: they start from the clock."""

    def __init__(self, world: World, now: datetime) -> None:
        """Index the world's tickets and people.

        Args:
            world: The world.
            now: The run's start; ticket ids count up from a number made from it.
        """
        self.world = world
        self._scripts = {ticket.key: ticket for ticket in world.tickets.tickets}
        base = int(now.timestamp() * 10)
        self._ticket_ids = count(base)
        self._comment_ids = count(base * 1_000)
        self._person_ids = count(base * 100)
        domain = world.about.domain
        self.own = Person(next(self._person_ids), OWN_NAME, f"whydesk@{domain}", "agent")
        self.agent = Person(next(self._person_ids), "Sam Agent", f"sam@{domain}", "agent")
        self.people: dict[int, Person] = {person.id: person for person in (self.own, self.agent)}
        self._by_email: dict[str, Person] = {}
        customers = [one for one in world.customers if one.organization is not None]
        self.organizations = {one.organization.id: one.organization for one in customers if one.organization}
        self._organization_of = {one.id: one.organization for one in customers}
        self.field_ids = {title: 360_000 + number for number, title in enumerate(self._titles(), 1)}
        self.tickets: dict[int, DeskTicket] = {}

    @property
    def keys(self) -> list[str]:
        """The names of the tickets that can be opened."""
        return list(self._scripts)

    def script(self, key: str) -> Ticket:
        """Return the world's ticket of that key.

        Raises:
            KeyError: there is none; the message names those that exist.
        """
        if key not in self._scripts:
            raise KeyError(f"the world has no ticket {key!r}; it has {', '.join(self._scripts)}")
        return self._scripts[key]

    def open(self, key: str, at: datetime, helpdesk: HelpdeskName = "zendesk") -> DeskTicket:
        """Open a ticket as if it came in now; its earlier replies are there from the start, the last of them just now.

        Raises:
            KeyError: see `script`.
        """
        script = self.script(key)
        organization = self._organization_of.get(script.organization)
        requester = self._person(script.requester.name, script.requester.email, organization)
        past = [reply for reply in script.replies if reply.at <= timedelta()]
        shift = at - max([script.created, *(reply.at for reply in past)])
        ticket = DeskTicket(
            id=next(self._ticket_ids),
            key=key,
            helpdesk=helpdesk,
            subject=script.subject,
            status=script.status,
            priority=script.priority,
            requester=requester,
            organization=organization,
            tags=tuple(script.tags),
            fields=dict(script.fields),
            created_at=shift + script.created,
            updated_at=at,
            waiting=[reply for reply in script.replies if reply.at > timedelta()],
        )
        self.tickets[ticket.id] = ticket
        self._append(ticket, "requester", script.body, True, ticket.created_at)
        for reply in past:
            self._append(ticket, reply.author, reply.body, reply.public, shift + reply.at)
        return ticket

    def reply(self, ticket: DeskTicket, role: AuthorRole, text: str, *, public: bool, at: datetime) -> Comment:
        """Add a message; a requester's public message reopens a solved or pending ticket, as at the vendors."""
        ticket.touch(at)
        comment = self._append(ticket, role, text, public, at)
        if role == "requester" and public and ticket.status in ("pending", "solved"):
            ticket.status = "open"
        return comment

    def add_note(
        self, ticket: DeskTicket, *, html_body: str, text: str, public: bool, at: datetime, marker: str = ""
    ) -> Comment:
        """Add a comment written through the API by our own actor."""
        ticket.touch(at)
        comment = Comment(next(self._comment_ids), self.own, "own", public, text, html_body, at, marker=marker)
        ticket.comments.append(comment)
        return comment

    def _append(self, ticket: DeskTicket, role: AuthorRole, text: str, public: bool, at: datetime) -> Comment:
        author = {"requester": ticket.requester, "agent": self.agent, "own": self.own}[role]
        comment = Comment(next(self._comment_ids), author, role, public, text, as_html(text), at)
        ticket.comments.append(comment)
        return comment

    def _person(self, name: str, email: str, organization: Organization | None) -> Person:
        known = self._by_email.get(email)
        if known is None:
            known = Person(next(self._person_ids), name, email, "end-user", organization.id if organization else None)
            self._by_email[email] = known
            self.people[known.id] = known
        return known

    def _titles(self) -> list[str]:
        used = (title for ticket in self._scripts.values() for title in ticket.fields)
        return list(dict.fromkeys([*self.world.tickets.fields, *used]))


def as_html(text: str) -> str:
    """Write plain text as a helpdesk's editor would."""
    paragraphs = "".join(
        f'<p dir="auto">{html.escape(part).replace(chr(10), "<br>")}</p>' for part in text.split("\n\n")
    )
    return f'<div class="zd-comment" dir="auto">{paragraphs}</div>'


def as_text(markup: str) -> str:
    """Return a note's text, for the plain body that helpdesks keep beside the HTML."""
    broken = re.sub(r"(?i)<(?:br|/p|/li|/h\d|/div|/tr)\b[^>]*>", "\n", markup)
    return html.unescape(re.sub(r"<[^>]+>", "", broken)).strip()
