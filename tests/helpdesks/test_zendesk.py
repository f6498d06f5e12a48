"""ZendeskHelpdesk over real sockets: what it reads, and the one thing that it can write."""

import json
from datetime import UTC, datetime

import httpx
import pytest
from pydantic import JsonValue

from helpdesks.base import (
    HelpdeskDenied,
    HelpdeskError,
    HelpdeskUnavailable,
    NoteConflict,
    TicketClosed,
)
from helpdesks.zendesk import ZendeskHelpdesk
from models.ticket import Role, TicketRef
from tests.helpdesks.far_end import RESET, FarEnd, Said, say
from tests.helpdesks.zendesk_account import (
    AGENT,
    COLLEAGUE,
    MARKER,
    NOTE,
    ORGANIZATION,
    OWN,
    PUT,
    REQUESTER,
    Account,
    config,
    opened,
)


async def test_reads_ticket_conversation_requester_organization_and_fields() -> None:
    account = Account()
    account.add(AGENT, "Could you send a request id?")
    account.add(COLLEAGUE, "It is req_1.")
    account.add(AGENT, "Looks like the gateway.", public=False)
    account.add(OWN, "An earlier note.", public=False)
    async with opened(account) as (far_end, helpdesk):
        ticket = await helpdesk.read_ticket("4711")
    assert ticket.ref == TicketRef(tenant="acme", helpdesk="zendesk", ticket="4711")
    assert (ticket.subject, ticket.status, ticket.tags) == ("API down?", "open", ("api", "vip"))
    assert (ticket.requester.id, ticket.requester.name, ticket.requester.email) == ("9001", "Ada", "ada@acme.example")
    assert ticket.organization is not None
    assert ticket.organization.external_id == "cust-1"
    assert ticket.organization.domains == ("acme.example", "acme.test")
    assert ticket.fields == {
        "Customer id": "cus_77",
        "Escalated": "true",
        "Regions": "a, b",
        "1": "cus_77",
        "3": "true",
        "4": "a, b",
        "5": "12",
    }
    assert [(message.role, message.public) for message in ticket.messages] == [
        (Role.REQUESTER, True),
        (Role.AGENT, True),
        (Role.REQUESTER, True),
        (Role.AGENT, False),
        (Role.OWN, False),
    ]
    assert ticket.messages[0].text == "Since this morning every call fails with 502."
    assert ticket.updated_stamp == account.stamp
    assert ticket.updated_at == datetime(2026, 11, 21, 10, 5, tzinfo=UTC)
    assert ticket.url == f"{far_end.url}/agent/tickets/4711"
    assert all(asked.method == "GET" for asked in far_end.asked)


async def test_reads_every_page_of_comments_and_stays_on_its_own_host() -> None:
    account = Account(page=3)
    for number in range(2, 12):
        account.add(REQUESTER, f"message {number}")
    async with opened(account) as (far_end, helpdesk):
        ticket = await helpdesk.read_ticket("4711")
    assert [message.text for message in ticket.messages][1:] == [f"message {number}" for number in range(2, 12)]
    assert sum(asked.path.endswith("/comments") for asked in far_end.asked) == 4


async def test_asks_for_the_requester_where_comments_bring_no_users() -> None:
    async with opened(Account(sideload=False)) as (far_end, helpdesk):
        ticket = await helpdesk.read_ticket("4711")
    assert ticket.requester.email == "ada@acme.example"
    assert "/api/v2/users/9001" in [asked.path for asked in far_end.asked]


async def test_keeps_the_titles_of_fields() -> None:
    async with opened(Account()) as (far_end, helpdesk):
        await helpdesk.read_ticket("4711")
        await helpdesk.read_ticket("4711")
    assert [asked.path for asked in far_end.asked].count("/api/v2/ticket_fields") == 1


@pytest.mark.parametrize("status", [403, 404])
async def test_fields_go_by_id_where_titles_are_denied(status: int) -> None:
    account = Account(overrides={("GET", "/api/v2/ticket_fields"): say({}, status)})
    async with opened(account) as (_, helpdesk):
        ticket = await helpdesk.read_ticket("4711")
    assert ticket.fields == {"1": "cus_77", "3": "true", "4": "a, b", "5": "12"}


async def test_a_deleted_requester_or_organization_leaves_the_ticket_readable() -> None:
    gone = say({"error": "RecordNotFound"}, 404)
    overrides = {
        ("GET", f"/api/v2/users/{REQUESTER}"): gone,
        ("GET", f"/api/v2/organizations/{ORGANIZATION}"): gone,
    }
    async with opened(Account(sideload=False, overrides=overrides)) as (_, helpdesk):
        ticket = await helpdesk.read_ticket("4711")
    assert ticket.organization is None
    assert (ticket.requester.id, ticket.requester.email) == (str(REQUESTER), "")


@pytest.mark.parametrize("external", [None, ""])
async def test_an_organization_may_lack_an_external_id(external: str | None) -> None:
    bare: JsonValue = {
        "organization": {"id": ORGANIZATION, "name": "Acme", "domain_names": [], "external_id": external}
    }
    async with opened(Account(overrides={("GET", f"/api/v2/organizations/{ORGANIZATION}"): say(bare)})) as (
        _,
        helpdesk,
    ):
        organization = (await helpdesk.read_ticket("4711")).organization
    assert organization is not None
    assert (organization.domains, organization.external_id) == ((), "")


async def test_posts_one_private_guarded_note() -> None:
    account = Account()
    async with opened(account) as (far_end, helpdesk):
        ticket = await helpdesk.read_ticket("4711")
        posted = await helpdesk.post_note("4711", NOTE, ticket.updated_stamp)
        found = await helpdesk.find_note("4711", MARKER)
    writes = [asked for asked in far_end.asked if asked.method != "GET"]
    assert [json.loads(write.body) for write in writes] == [
        {
            "ticket": {
                "comment": {"html_body": NOTE.html, "public": False},
                "safe_update": True,
                "updated_stamp": "2026-11-21T10:05:00Z",
            }
        }
    ]
    assert account.comments[-1]["public"] is False
    assert posted.id == str(account.comments[-1]["id"])
    assert found == posted


async def test_a_ticket_that_changed_is_a_conflict_and_gets_no_note() -> None:
    account = Account()
    async with opened(account) as (_, helpdesk):
        ticket = await helpdesk.read_ticket("4711")
        account.stamp = "2026-11-21T10:06:00Z"
        with pytest.raises(NoteConflict):
            await helpdesk.post_note("4711", NOTE, ticket.updated_stamp)
    assert len(account.comments) == 1


async def test_a_closed_ticket_says_so() -> None:
    async with opened(Account(status="closed")) as (_, helpdesk):
        assert (await helpdesk.read_ticket("4711")).closed
        with pytest.raises(TicketClosed):
            await helpdesk.post_note("4711", NOTE, "2026-11-21T10:05:00Z")


async def test_a_ticket_that_is_full_is_as_good_as_closed() -> None:
    details: JsonValue = {"base": [{"description": "Ticket has reached the maximum number of comments"}]}
    async with opened(Account(overrides={PUT: say({"error": "RecordInvalid", "details": details}, 422)})) as (
        _,
        helpdesk,
    ):
        with pytest.raises(TicketClosed):
            await helpdesk.post_note("4711", NOTE, "2026-11-21T10:05:00Z")


async def test_another_422_is_not_called_closed() -> None:
    refusal = say({"error": "RecordInvalid", "details": {"comment": [{"description": "secret words"}]}}, 422)
    async with opened(Account(overrides={PUT: refusal})) as (_, helpdesk):
        with pytest.raises(HelpdeskError, match=r"422.*it names comment") as caught:
            await helpdesk.post_note("4711", NOTE, "2026-11-21T10:05:00Z")
    assert type(caught.value) is HelpdeskError
    assert "secret words" not in str(caught.value)


async def test_without_a_stamp_nothing_is_sent() -> None:
    async with opened(Account()) as (far_end, helpdesk):
        with pytest.raises(ValueError, match="updated_stamp"):
            await helpdesk.post_note("4711", NOTE, "")
    assert far_end.bytes_received == 0


async def test_a_note_that_came_out_public_is_never_tried_again() -> None:
    async with opened(Account(public_notes=True)) as (_, helpdesk):
        with pytest.raises(HelpdeskDenied, match="public"):
            await helpdesk.post_note("4711", NOTE, "2026-11-21T10:05:00Z")


async def test_a_lost_answer_leaves_a_note_that_is_found() -> None:
    account = Account()

    def lose_the_answer(asked: object) -> Said:
        said = account.script(asked)  # type: ignore[arg-type]  # the script's own argument, passed on
        return RESET if getattr(asked, "method", "") == "PUT" else said

    async with FarEnd(lose_the_answer) as far_end:
        helpdesk = ZendeskHelpdesk(config(far_end.url), "s3cret", tenant="acme", helpdesk="zendesk")
        with pytest.raises(HelpdeskUnavailable):
            await helpdesk.post_note("4711", NOTE, "2026-11-21T10:05:00Z")
        found = await helpdesk.find_note("4711", MARKER)
        await helpdesk.aclose()
    assert found is not None
    assert found.id == str(account.comments[-1]["id"])


@pytest.mark.parametrize("marker", ["whydesk:inv-abc/12", "whydesk:inv-abc/1/2", "xwhydesk:inv-abc/1"])
async def test_a_longer_marker_is_another_note(marker: str) -> None:
    account = Account()
    account.add(OWN, marker, public=False)
    async with opened(account) as (_, helpdesk):
        assert await helpdesk.find_note("4711", MARKER) is None


async def test_only_our_own_private_comment_is_our_note() -> None:
    account = Account(page=2)
    account.add(REQUESTER, f"you said {MARKER}")
    account.add(AGENT, f"see {MARKER}", public=False)
    account.add(OWN, f"public {MARKER}")
    async with opened(account) as (far_end, helpdesk):
        assert await helpdesk.find_note("4711", MARKER) is None
        assert len(far_end.asked) == 2
        ours = account.add(OWN, f"Cause. {MARKER}", public=False)
        for number in range(5):
            account.add(REQUESTER, f"more {number}")
        found = await helpdesk.find_note("4711", MARKER)
    assert found is not None
    assert found.id == str(ours["id"])


async def test_a_marker_is_found_among_many_comments_newest_first() -> None:
    account = Account(page=100)
    for number in range(250):
        account.add(OWN, f"whydesk:inv-abc/{number + 2}", public=False)
    async with opened(account) as (far_end, helpdesk):
        assert await helpdesk.find_note("4711", "whydesk:inv-abc/251") is not None
        assert len(far_end.asked) == 1
        assert await helpdesk.find_note("4711", "whydesk:inv-abc/2") is not None
        assert len(far_end.asked) == 4


async def test_connections_are_reused() -> None:
    async with opened(Account()) as (far_end, helpdesk):
        for _ in range(5):
            await helpdesk.find_note("4711", MARKER)
        assert far_end.connections == 1
        assert isinstance(helpdesk._http._client, httpx.AsyncClient)
