"""ZendeskHelpdesk over real sockets: what it reads, the one thing it can write, and every way that fails."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
from pydantic import HttpUrl, JsonValue

from helpdesks.base import (
    HelpdeskDenied,
    HelpdeskError,
    HelpdeskUnavailable,
    NoteConflict,
    TicketClosed,
    TicketNotFound,
    WriteRefused,
)
from helpdesks.zendesk import ZendeskHelpdesk
from models.note import RenderedNote
from models.tenant import ZendeskConfig
from models.ticket import Role, TicketRef
from tests.helpdesks.far_end import RESET, SILENCE, FarEnd, Said, say
from tests.helpdesks.zendesk_account import AGENT, COLLEAGUE, ORGANIZATION, OWN, REQUESTER, Account

MARKER = "whydesk:inv-abc/1"
NOTE = RenderedNote(html=f"<p>It was the deploy.</p><p>{MARKER}</p>", markdown=f"It was. {MARKER}", marker=MARKER)
PUT = ("PUT", "/api/v2/tickets/4711")


def config(url: str) -> ZendeskConfig:
    return ZendeskConfig(
        kind="zendesk",
        base_url=HttpUrl(url),
        email="bot@vendor.example",
        token="env:ZENDESK_TOKEN",
        webhook_secrets=["env:ZENDESK_SECRET"],
        actor_id=str(OWN),
    )


@asynccontextmanager
async def opened(
    account: Account, *, token: str = "s3cret", timeout: float = 10.0
) -> AsyncIterator[tuple[FarEnd, ZendeskHelpdesk]]:
    async with FarEnd(account.script) as far_end:
        helpdesk = ZendeskHelpdesk(config(far_end.url), token, tenant="acme", helpdesk="zendesk", timeout=timeout)
        try:
            yield far_end, helpdesk
        finally:
            await helpdesk.aclose()


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


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, HelpdeskError),
        (401, HelpdeskDenied),
        (403, HelpdeskDenied),
        (404, TicketNotFound),
        (301, HelpdeskError),
        (408, HelpdeskUnavailable),
        (429, HelpdeskUnavailable),
        (500, HelpdeskUnavailable),
        (502, HelpdeskUnavailable),
        (503, HelpdeskUnavailable),
    ],
)
@pytest.mark.parametrize("method", ["GET", "PUT"])
async def test_each_status_has_its_error(method: str, status: int, error: type[HelpdeskError]) -> None:
    refusal = say({"error": "no"}, status, location="http://192.0.2.1/")
    async with opened(Account(overrides={(method, "/api/v2/tickets/4711"): refusal})) as (far_end, helpdesk):
        asking = (
            helpdesk.read_ticket("4711")
            if method == "GET"
            else helpdesk.post_note("4711", NOTE, "2026-11-21T10:05:00Z")
        )
        with pytest.raises(HelpdeskError) as caught:
            await asking
    assert type(caught.value) is error
    assert str(status) in str(caught.value)
    # Retries belong to Temporal.
    assert sum((asked.method, asked.path) == (method, "/api/v2/tickets/4711") for asked in far_end.asked) == 1


@pytest.mark.parametrize("status", [429, 503])
async def test_the_servers_delay_is_kept(status: int) -> None:
    for header, least, most in [
        ("7", 7.0, 7.0),
        (format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True), 30.0, 90.0),
        ("999999", 3600.0, 3600.0),
        ("-5", 0.0, 0.0),
    ]:
        account = Account(overrides={PUT: say({}, status, retry_after=header)})
        async with opened(account) as (_, helpdesk):
            with pytest.raises(HelpdeskUnavailable) as caught:
                await helpdesk.post_note("4711", NOTE, "2026-11-21T10:05:00Z")
        assert caught.value.retry_after is not None
        assert least <= caught.value.retry_after <= most


@pytest.mark.parametrize("header", ["soon", "", "nan", "inf"])
async def test_an_unreadable_delay_is_no_delay(header: str) -> None:
    async with opened(Account(overrides={PUT: say({}, 429, retry_after=header)})) as (_, helpdesk):
        with pytest.raises(HelpdeskUnavailable) as caught:
            await helpdesk.post_note("4711", NOTE, "2026-11-21T10:05:00Z")
    assert caught.value.retry_after is None


WHOLE = json.dumps({"ticket": {"id": 4711, "status": "open", "requester_id": 9001}}).encode()[:-2] + (
    b', "created_at": "2026-11-21T10:00:00Z", "updated_at": "2026-11-21T10:00:00Z"}}'
)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (RESET, "cut answer"),
        (SILENCE, "no whole answer within"),
        (Said(body=b"<html>Sign in, ada@acme.example</html>", headers={"content-type": "text/html"}), "the body"),
        (Said(body=b'{"ticket": {"id": 4711, "subject": "ada@acme.example"}}'), "ticket.status, ticket.requester_id"),
        (Said(body=b'{"ticket": ' * 100_000), "the body"),
        (Said(body=WHOLE, cut_after=40), "cut answer"),
        (Said(body=WHOLE, drip=0.03), "no whole answer within"),
        (Said(body=WHOLE, headers={"content-encoding": "gzip"}), "packed as 'gzip'"),
        (Said(body=WHOLE.ljust(16 * 1024 * 1024 + 1)), "larger than"),
    ],
    ids=["reset", "silence", "login page", "half a ticket", "deep", "cut", "drip", "packed", "huge"],
)
async def test_what_is_no_answer_may_pass(answer: Said, said: str) -> None:
    account = Account(overrides={("GET", "/api/v2/tickets/4711"): answer})
    # Long enough for a busy machine to send 16 MiB, short enough for the two that do not end in time.
    async with opened(account, timeout=1.0 if answer is SILENCE or answer.drip else 20.0) as (_, helpdesk):
        with pytest.raises(HelpdeskUnavailable) as caught:
            await helpdesk.read_ticket("4711")
    assert said in str(caught.value)
    assert "ada@" not in str(caught.value)
    assert caught.value.__cause__ is None


async def test_the_answer_that_those_are_made_of_is_one() -> None:
    async with opened(Account(overrides={("GET", "/api/v2/tickets/4711"): Said(body=WHOLE)})) as (_, helpdesk):
        assert (await helpdesk.read_ticket("4711")).status == "open"


async def test_a_refused_connection_may_pass() -> None:
    async with FarEnd(lambda _: RESET) as far_end:
        address = far_end.url
    helpdesk = ZendeskHelpdesk(config(address), "s3cret", tenant="acme", helpdesk="zendesk")
    with pytest.raises(HelpdeskUnavailable):
        await helpdesk.read_ticket("4711")
    await helpdesk.aclose()


@pytest.mark.parametrize("cursor", ["0", None])
async def test_comments_that_lead_nowhere_do_not_hang(cursor: str | None) -> None:
    page: dict[str, JsonValue] = {"comments": [], "meta": {"has_more": True, "after_cursor": cursor}}
    account = Account(overrides={("GET", "/api/v2/tickets/4711/comments"): say(page)})
    async with opened(account) as (far_end, helpdesk):
        with pytest.raises(HelpdeskUnavailable, match="go on"):
            await helpdesk.find_note("4711", MARKER)
    assert len(far_end.asked) <= 2


@pytest.mark.parametrize("ticket", ["../users/1", "4711/../4712", "4711?x=1", "0", "", "abc", "٤٧", "4711 ", "1" * 21])
async def test_only_a_number_is_a_ticket(ticket: str) -> None:
    async with opened(Account()) as (far_end, helpdesk):
        with pytest.raises(TicketNotFound):
            await helpdesk.read_ticket(ticket)
        with pytest.raises(TicketNotFound):
            await helpdesk.post_note(ticket, NOTE, "2026-11-21T10:05:00Z")
        with pytest.raises(TicketNotFound):
            await helpdesk.find_note(ticket, MARKER)
    assert far_end.connections == 0


async def test_no_secret_in_errors_or_reprs() -> None:
    async with opened(Account(), token="hunter2-token") as (_, helpdesk):
        with pytest.raises(HelpdeskDenied) as caught:
            await helpdesk.read_ticket("4711")
        shown = f"{helpdesk!r} {caught.value!r} {vars(caught.value)}"
    assert "hunter2" not in shown


async def test_a_failed_read_leaves_nothing_running() -> None:
    account = Account(
        overrides={
            ("GET", "/api/v2/tickets/4711"): say({}, 500),
            ("GET", "/api/v2/tickets/4711/comments"): SILENCE,
        }
    )
    async with opened(account) as (_, helpdesk):
        before = asyncio.all_tasks()
        with pytest.raises(HelpdeskUnavailable):
            await asyncio.wait_for(helpdesk.read_ticket("4711"), 5)
        left = [task for task in asyncio.all_tasks() - before if "_serve" not in repr(task)]
    assert not left


GOOD: JsonValue = {
    "ticket": {"comment": {"html_body": "x", "public": False}, "safe_update": True, "updated_stamp": "2026"}
}


def body(**ticket: JsonValue) -> bytes:
    """The good update, changed."""
    good: dict[str, JsonValue] = {
        "comment": {"html_body": "x", "public": False},
        "safe_update": True,
        "updated_stamp": "2026",
    }
    return json.dumps({"ticket": {**good, **ticket}}).encode()


@pytest.mark.parametrize(
    ("method", "path", "content", "headers"),
    [
        ("POST", "/api/v2/tickets", body(), {}),
        ("POST", "/api/v2/tickets/4711", body(), {}),
        ("DELETE", "/api/v2/tickets/4711", b"", {}),
        ("PATCH", "/api/v2/tickets/4711", body(), {}),
        ("PUT", "/api/v2/users/9001", body(), {}),
        ("PUT", "/api/v2/tickets/4711/tags", body(), {}),
        ("PUT", "/api/v2/tickets/4711%2F..%2F4712", body(), {}),
        ("PUT", "/api/v2/tickets/update_many", body(), {}),
        ("PUT", "/api/v2/tickets/update_many?ids=1,2", body(), {}),
        ("PUT", "/api/v2/tickets/4711?ids=1,2", body(), {}),
        ("PUT", "/api/v2/tickets/4711", b"", {}),
        ("PUT", "/api/v2/tickets/4711", b"not json", {}),
        ("PUT", "/api/v2/tickets/4711", b"[" * 100_000, {}),
        ("PUT", "/api/v2/tickets/4711", body(comment={"html_body": "x", "public": True}), {}),
        ("PUT", "/api/v2/tickets/4711", body(comment={"html_body": "x"}), {}),
        ("PUT", "/api/v2/tickets/4711", body(comment={"html_body": "x", "public": None}), {}),
        ("PUT", "/api/v2/tickets/4711", body(comment={"html_body": "x", "public": 0}), {}),
        ("PUT", "/api/v2/tickets/4711", body(comment={"html_body": "x", "public": "false"}), {}),
        ("PUT", "/api/v2/tickets/4711", body(comment={"html_body": "x", "public": False, "author_id": 1}), {}),
        ("PUT", "/api/v2/tickets/4711", body(comment=None), {}),
        ("PUT", "/api/v2/tickets/4711", body(status="solved"), {}),
        ("PUT", "/api/v2/tickets/4711", body(tags=["vip"]), {}),
        ("PUT", "/api/v2/tickets/4711", body(safe_update=False), {}),
        ("PUT", "/api/v2/tickets/4711", body(safe_update=1), {}),
        ("PUT", "/api/v2/tickets/4711", b'{"ticket": {"comment": {"html_body": "x", "public": false}}}', {}),
        ("PUT", "/api/v2/tickets/4711", body()[:-1] + b', "tickets": []}', {}),
        (
            "PUT",
            "/api/v2/tickets/4711",
            b'{"ticket": {"comment": {"html_body": "x", "public": true, "public": false},'
            b' "safe_update": true, "updated_stamp": "2026"}}',
            {},
        ),
        ("PUT", "/api/v2/tickets/4711", body(), {"x-http-method-override": "DELETE"}),
        ("PUT", "/api/v2/tickets/4711", body(), {"content-encoding": "gzip"}),
        ("PUT", "/api/v2/tickets/4711", body(), {"content-type": "application/x-www-form-urlencoded"}),
        ("GET", "/api/v2/tickets/4711", b"{}", {}),
        ("GET", "/api/v2/tickets/4711", b"", {"x-http-method-override": "DELETE"}),
        ("HEAD", "/api/v2/tickets/4711", b"", {}),
    ],
)
async def test_nothing_else_leaves(method: str, path: str, content: bytes, headers: dict[str, str]) -> None:
    async with opened(Account()) as (far_end, helpdesk):
        client = helpdesk._http._client
        with pytest.raises(WriteRefused):
            await client.request(
                method, far_end.url + path, content=content, headers={"content-type": "application/json", **headers}
            )
    assert (far_end.connections, far_end.bytes_received) == (0, 0)


async def test_the_one_write_leaves() -> None:
    """The list above fails for what it names, and not for something that all of it shares."""
    async with opened(Account()) as (far_end, helpdesk):
        await helpdesk._http._client.request(
            "PUT", f"{far_end.url}/api/v2/tickets/4711", content=body(), headers={"content-type": "application/json"}
        )
    assert [(asked.method, json.loads(asked.body)) for asked in far_end.asked] == [("PUT", GOOD)]


async def test_a_streamed_write_is_judged_by_what_is_sent() -> None:
    async def parts() -> AsyncIterator[bytes]:
        whole = body(comment={"html_body": "x", "public": True})
        yield whole[:20]
        yield whole[20:]

    async with opened(Account()) as (far_end, helpdesk):
        with pytest.raises(WriteRefused):
            await helpdesk._http._client.put(
                f"{far_end.url}/api/v2/tickets/4711", content=parts(), headers={"content-type": "application/json"}
            )
    assert far_end.bytes_received == 0


async def test_neither_reads_nor_writes_go_to_another_host() -> None:
    async with FarEnd(lambda _: say({})) as elsewhere, opened(Account()) as (_, helpdesk):
        client = helpdesk._http._client
        with pytest.raises(WriteRefused):
            await client.get(f"{elsewhere.url}/api/v2/tickets/4711")
        with pytest.raises(WriteRefused):
            await client.put(
                f"{elsewhere.url}/api/v2/tickets/4711", content=body(), headers={"content-type": "application/json"}
            )
        assert elsewhere.connections == 0


async def test_the_environment_cannot_put_a_proxy_around_the_guard(monkeypatch: pytest.MonkeyPatch) -> None:
    async with FarEnd(lambda _: say({})) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        async with opened(Account()) as (_, helpdesk):
            assert (await helpdesk.read_ticket("4711")).subject == "API down?"
        assert proxy.connections == 0


async def test_connections_are_reused() -> None:
    async with opened(Account()) as (far_end, helpdesk):
        for _ in range(5):
            await helpdesk.find_note("4711", MARKER)
        assert far_end.connections == 1
        assert isinstance(helpdesk._http._client, httpx.AsyncClient)
