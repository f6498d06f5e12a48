"""ZendeskHelpdesk over real sockets: every way in which a question or a note fails."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from pydantic import JsonValue

from helpdesks.base import (
    HelpdeskDenied,
    HelpdeskError,
    HelpdeskUnavailable,
    TicketNotFound,
)
from helpdesks.zendesk import ZendeskHelpdesk
from tests.helpdesks.far_end import RESET, SILENCE, FarEnd, Said, say
from tests.helpdesks.zendesk_account import (
    MARKER,
    NOTE,
    PUT,
    Account,
    config,
    opened,
)


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
