"""StandardHelpdesk over real sockets: reading, the signed note, and every way that fails."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from pydantic import HttpUrl, JsonValue
from standardwebhooks import Webhook

from helpdesks.base import (
    HelpdeskDenied,
    HelpdeskError,
    HelpdeskUnavailable,
    NoteConflict,
    TicketClosed,
    TicketNotFound,
    WriteRefused,
)
from helpdesks.standard import StandardHelpdesk
from models.note import RenderedNote
from models.tenant import StandardConfig
from models.ticket import Role
from tests.helpdesks.far_end import RESET, SILENCE, Asked, FarEnd, Said, say
from tests.helpdesks.signers import STANDARD_SECRET

NOTE = RenderedNote(html="<p>Ünicode</p>", markdown="**Ünicode**", marker="whydesk:inv-abc/1")

TICKET: dict[str, JsonValue] = {
    "id": "T-1",
    "subject": "API down?",
    "status": "open",
    "url": "https://desk.example/t/1",
    "created_at": "2026-11-21T10:00:00Z",
    "updated_at": "2026-11-21T11:05:00+01:00",
    "requester": {"id": "u-1", "name": "Ada", "email": "ada@acme.example"},
    "organization": {"id": "o-1", "name": "Acme", "domains": ["acme.example"], "external_id": "cust-1"},
    "tags": ["api"],
    "fields": {"customer": "cus_77", "seats": 12, "vip": True, "empty": None},
    "messages": [
        {"id": "m-2", "role": "agent", "public": True, "text": "Hi", "created_at": "2026-11-21T10:02:00Z"},
        {"id": "m-1", "role": "requester", "public": True, "text": "Down", "created_at": "2026-11-21T10:00:00Z"},
        {"id": "m-3", "role": "whydesk", "public": False, "text": "Note", "created_at": "2026-11-21T10:03:00Z"},
        {"id": "m-4", "role": "bot", "public": True, "text": "Beep", "created_at": "2026-11-21T10:04:00Z"},
    ],
}


@dataclass
class Desk:
    """The far end: one ticket, and notes that a repeated webhook-id does not double."""

    ticket: dict[str, JsonValue] = field(default_factory=lambda: dict(TICKET))
    notes: dict[str, dict[str, JsonValue]] = field(default_factory=dict)
    answer: Said | None = None
    asked: list[Asked] = field(default_factory=list)

    def script(self, asked: Asked) -> Said:
        if self.answer:
            return self.answer
        if asked.method == "POST" and asked.path == "/inbox/notes":
            event = Webhook(STANDARD_SECRET).verify(asked.body, dict(asked.headers))
            identity = asked.headers["webhook-id"]
            marker = event["data"]["marker"]
            self.notes.setdefault(identity, {"id": f"n-{len(self.notes) + 1}", "marker": marker})
            return say(self.notes[identity], 201)
        if asked.headers.get("authorization") != "Bearer t0ken":
            return say({}, 401)
        if asked.path == "/api/tickets/T-1":
            return say(self.ticket)
        if asked.path == "/api/tickets/T-1/notes":
            wanted = asked.query["marker"]
            # Sloppier than asked: a prefix also answers.
            return say({"notes": [note for note in self.notes.values() if str(note["marker"]).startswith(wanted)]})
        return say({}, 404)


@asynccontextmanager
async def opened(desk: Desk, *, timeout: float = 10.0) -> AsyncIterator[tuple[FarEnd, StandardHelpdesk]]:
    async with FarEnd(desk.script) as far_end:
        helpdesk = StandardHelpdesk(
            StandardConfig(
                kind="standard",
                note_url=HttpUrl(f"{far_end.url}/inbox/notes"),
                ticket_url=HttpUrl(f"{far_end.url}/api/tickets/{{ticket}}"),
                webhook_secrets=["env:A"],
            ),
            STANDARD_SECRET,
            "t0ken",
            tenant="acme",
            helpdesk="desk",
            timeout=timeout,
        )
        try:
            yield far_end, helpdesk
        finally:
            await helpdesk.aclose()


async def test_reads_a_ticket() -> None:
    async with opened(Desk()) as (_, helpdesk):
        ticket = await helpdesk.read_ticket("T-1")
    assert (ticket.ref.tenant, ticket.ref.helpdesk, ticket.ref.ticket) == ("acme", "desk", "T-1")
    assert [(message.id, message.role) for message in ticket.messages] == [
        ("m-1", Role.REQUESTER),
        ("m-2", Role.AGENT),
        ("m-3", Role.OWN),
        ("m-4", Role.AGENT),
    ]
    assert ticket.fields == {"customer": "cus_77", "seats": "12", "vip": "true"}
    assert ticket.organization is not None
    assert ticket.organization.external_id == "cust-1"
    assert ticket.requester.email == "ada@acme.example"
    assert ticket.updated_at.isoformat() == "2026-11-21T10:05:00+00:00"
    assert ticket.url == "https://desk.example/t/1"


async def test_a_ticket_without_an_organization() -> None:
    async with opened(Desk(ticket={**TICKET, "organization": None})) as (_, helpdesk):
        assert (await helpdesk.read_ticket("T-1")).organization is None


async def test_an_organization_may_lack_an_external_id() -> None:
    bare: JsonValue = {"id": 31, "name": None, "domains": None, "external_id": ""}
    async with opened(Desk(ticket={**TICKET, "organization": bare})) as (_, helpdesk):
        organization = (await helpdesk.read_ticket("T-1")).organization
    assert organization is not None
    assert (organization.id, organization.name, organization.domains, organization.external_id) == ("31", "", (), "")


async def test_posts_a_note_that_the_library_verifies() -> None:
    desk = Desk()
    async with opened(desk) as (far_end, helpdesk):
        posted = await helpdesk.post_note("T-1", NOTE, "")
        found = await helpdesk.find_note("T-1", NOTE.marker)
        assert await helpdesk.find_note("T-1", "whydesk:inv-abc/") is None
    write = next(asked for asked in far_end.asked if asked.method == "POST")
    sent = json.loads(write.body)
    assert sent["type"] == "note"
    assert sent["data"] == {
        "ticket_id": "T-1",
        "marker": NOTE.marker,
        "markdown": NOTE.markdown,
        "html": NOTE.html,
    }
    assert "authorization" not in write.headers
    assert posted == found
    assert posted.id == "n-1"


async def test_a_repeated_note_has_the_same_webhook_id_and_another_note_has_not() -> None:
    desk = Desk()
    async with opened(desk) as (far_end, helpdesk):
        first = await helpdesk.post_note("T-1", NOTE, "")
        again = await helpdesk.post_note("T-1", NOTE, "")
        other = await helpdesk.post_note("T-1", NOTE.model_copy(update={"marker": "whydesk:inv-abc/2"}), "")
    identities = [asked.headers["webhook-id"] for asked in far_end.asked]
    assert first == again
    assert other != first
    assert identities[0] == identities[1] != identities[2]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (say({}, 401), HelpdeskDenied),
        (say({}, 403), HelpdeskDenied),
        (say({}, 404), TicketNotFound),
        (say({}, 409), NoteConflict),
        (say({"error": "ticket is closed"}, 422), TicketClosed),
        (say({"error": "the ticket is closed"}, 409), TicketClosed),
        (say({"error": "no"}, 422), HelpdeskError),
        (say({}, 429), HelpdeskUnavailable),
        (say({}, 500), HelpdeskUnavailable),
        (say([], 200), HelpdeskUnavailable),
        (RESET, HelpdeskUnavailable),
        (SILENCE, HelpdeskUnavailable),
    ],
)
async def test_each_failure_of_a_note_has_its_error(answer: Said, error: type[HelpdeskError]) -> None:
    async with opened(Desk(answer=answer), timeout=0.5 if answer is SILENCE else 10) as (far_end, helpdesk):
        with pytest.raises(HelpdeskError) as caught:
            await helpdesk.post_note("T-1", NOTE, "")
    assert type(caught.value) is error
    assert len(far_end.asked) == 1


async def test_another_ticket_than_asked_for_is_no_answer() -> None:
    async with opened(Desk(ticket={**TICKET, "id": "T-2"})) as (_, helpdesk):
        with pytest.raises(HelpdeskUnavailable):
            await helpdesk.read_ticket("T-1")


@pytest.mark.parametrize("ticket", ["..", "../x", "a/b", "", "a?b", "a b", ".", "ü"])
async def test_only_an_id_becomes_part_of_an_address(ticket: str) -> None:
    async with opened(Desk()) as (far_end, helpdesk):
        with pytest.raises(TicketNotFound):
            await helpdesk.read_ticket(ticket)
        with pytest.raises(TicketNotFound):
            await helpdesk.find_note(ticket, "m")
        with pytest.raises(TicketNotFound):
            await helpdesk.post_note(ticket, NOTE, "")
    assert far_end.connections == 0


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/api/tickets/T-1", {"type": "note", "timestamp": "", "data": {}}),
        ("PUT", "/inbox/notes", {}),
        ("DELETE", "/inbox/notes", {}),
        ("POST", "/inbox/notes", {"type": "reply"}),
        ("POST", "/inbox/notes", {"type": "note", "timestamp": "t", "data": {"ticket_id": "T", "marker": "m"}}),
        (
            "POST",
            "/inbox/notes",
            {
                "type": "note",
                "timestamp": "t",
                "data": {"ticket_id": "T", "marker": "m", "markdown": "", "html": "", "public": True},
            },
        ),
        ("POST", "/inbox/notes?public=1", {"type": "note", "timestamp": "t", "data": {}}),
    ],
)
async def test_nothing_else_leaves(method: str, path: str, body: JsonValue) -> None:
    async with opened(Desk()) as (far_end, helpdesk):
        with pytest.raises(WriteRefused):
            await helpdesk._http._client.request(method, far_end.url + path, json=body)
    assert far_end.connections == 0


@pytest.mark.parametrize(
    ("ticket_url", "expected"),
    [
        ("/t/{ticket}", "/t/A@1/notes?marker=m"),
        ("/t/{ticket}/", "/t/A@1/notes?marker=m"),
        ("/t/{ticket}?full=1", "/t/A@1/notes?full=1&marker=m"),
    ],
)
async def test_notes_are_looked_for_below_the_ticket(ticket_url: str, expected: str) -> None:
    async with FarEnd(lambda _: say({"notes": []})) as far_end:
        config = StandardConfig(
            kind="standard",
            note_url=HttpUrl(f"{far_end.url}/n"),
            ticket_url=HttpUrl(far_end.url + ticket_url),
            webhook_secrets=["env:A"],
        )
        helpdesk = StandardHelpdesk(config, STANDARD_SECRET, tenant="acme", helpdesk="desk")
        assert await helpdesk.find_note("A@1", "m") is None
        await helpdesk.aclose()
    assert [asked.target for asked in far_end.asked] == [expected]


@pytest.mark.parametrize(
    ("ticket_url", "secret", "token", "problem"),
    [
        ("https://desk.example/t", STANDARD_SECRET, None, "ticket_url"),
        ("https://desk.example/t/{ticket}", "whsec_", None, "secret"),
        ("https://desk.example/t/{ticket}", STANDARD_SECRET, "hunter2\n", "token"),
        ("https://desk.example/t/{ticket}", STANDARD_SECRET, "hünter2", "token"),
    ],
)
def test_a_wrong_configuration_is_named(ticket_url: str, secret: str, token: str | None, problem: str) -> None:
    config = StandardConfig(
        kind="standard",
        note_url=HttpUrl("https://desk.example/n"),
        ticket_url=HttpUrl(ticket_url),
        webhook_secrets=["env:A"],
    )
    with pytest.raises(ValueError, match=problem) as caught:
        StandardHelpdesk(config, secret, token, tenant="acme", helpdesk="desk")
    assert "nter2" not in str(caught.value)
