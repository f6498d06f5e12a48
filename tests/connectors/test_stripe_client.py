"""Stripe through its own SDK over real HTTP: paging, caps, every kind of failure, and no write."""

import asyncio
import inspect

import pytest
import stripe
from pydantic import JsonValue
from stripe._stripe_service import StripeService

from connectors.base import ConnectorError, RateLimited, SlowAnswer, Unavailable, WriteRefused
from connectors.stripe import StripeConnector
from models.tenant import StripeConfig
from models.vocabulary import EvidenceStatus, Source
from tests.connectors.far_end import FarEnd, Reply, Seen, ask, http_date
from tests.connectors.stripe_far_end import (
    CUSTOMER,
    KEY,
    MISSING,
    a_customer,
    a_line,
    an_invoice,
    fetch,
    listed,
    refused,
    routes,
)


async def test_pages_are_followed_to_the_row_cap_and_no_further(end: FarEnd, stripe_connector: StripeConnector) -> None:
    def page(seen: Seen) -> Reply:
        first = int(seen.one("starting_after").removeprefix("in_") or 0) + 1
        return listed(*(an_invoice(number) for number in range(first, first + int(seen.one("limit")))), more=True)

    end.handler = routes(invoices=page)
    found = await fetch(stripe_connector, "list_invoices", rows=150, billing_id=CUSTOMER)
    assert len(found.rows) == 150
    assert found.truncated
    assert [seen.one("starting_after") for seen in end.requests] == ["", "in_100"]
    assert found.asked.count("\n") == 1


async def test_search_pages_are_followed(end: FarEnd, stripe_connector: StripeConnector) -> None:
    def page(seen: Seen) -> Reply:
        if seen.one("page") == "p2":
            return listed(a_customer("2"), kind="search_result")
        return listed(a_customer("1"), more=True, kind="search_result")

    end.handler = routes(search=page)
    found = await fetch(stripe_connector, "find_customer", customer_id="acme")
    assert [row["id"] for row in found.rows] == ["cus_Acme1", "cus_Acme2"]
    assert found.url == "https://dashboard.stripe.com/test/customers"


async def test_the_byte_cap_truncates(end: FarEnd, stripe_connector: StripeConnector) -> None:
    end.handler = routes(invoices=listed(*(an_invoice(number) for number in range(1, 9))))
    request = ask(Source.STRIPE, "list_invoices", {"billing_id": CUSTOMER}, byte_limit=1_500)
    found = await stripe_connector.fetch(request)
    assert 0 < len(found.rows) < 8
    assert found.truncated


@pytest.mark.parametrize(
    ("reply", "status", "told"),
    [
        (listed(), EvidenceStatus.EMPTY, ""),
        (refused(401, message=f"Invalid API Key provided: {KEY}"), EvidenceStatus.DENIED, "revoked"),
        (refused(403, message="the 'rak_invoice_read' permission"), EvidenceStatus.DENIED, "rak_invoice_read"),
        (Reply(b"<html>forbidden</html>", status=403), EvidenceStatus.DENIED, "403"),
        (refused(400, "parameter_unknown", "custmer"), EvidenceStatus.FAILED, "parameter_unknown, custmer"),
        (refused(400, "resource_missing", "customer"), EvidenceStatus.FAILED, "no such customer"),
        (MISSING, EvidenceStatus.FAILED, "no such customer"),
        (Reply(b"moved", status=302, headers={"location": "https://example.com/"}), EvidenceStatus.FAILED, "redirect"),
        (Reply(b"x" * 9_000_000), EvidenceStatus.FAILED, "larger"),
    ],
)
async def test_an_answer_that_is_no(
    end: FarEnd, stripe_connector: StripeConnector, reply: Reply, status: EvidenceStatus, told: str
) -> None:
    end.always(reply)
    found = await fetch(stripe_connector, "list_invoices", billing_id=CUSTOMER)
    assert found.status is status
    assert told in found.reason
    assert found.asked.startswith("GET /v1/invoices?")
    assert KEY not in found.model_dump_json()
    assert len(end.requests) == 1


@pytest.mark.parametrize(
    ("reply", "error", "delay"),
    [
        (refused(429, "rate_limit", retry_after="7"), RateLimited, 7),
        # Written at collection, so the whole run lies between.
        (refused(429, "rate_limit", retry_after=http_date(7200)), RateLimited, 7200),
        (refused(400, "rate_limit"), RateLimited, None),
        (Reply(b"slow down", status=429, headers={"retry-after": "3"}), RateLimited, 3),
        (refused(500), Unavailable, None),
        (Reply(b"<html>bad gateway</html>", status=502, headers={"retry-after": "2"}), Unavailable, 2),
        (refused(409, "lock_timeout"), Unavailable, None),
        (Reply(reset=True), Unavailable, None),
        (Reply({"object": "list", "data": []}, cut=True), Unavailable, None),
        (Reply(b'{"object": "list", "data": ['), Unavailable, None),
    ],
)
async def test_what_may_pass_is_raised(
    end: FarEnd, stripe_connector: StripeConnector, reply: Reply, error: type[ConnectorError], delay: float | None
) -> None:
    end.always(reply)
    with pytest.raises(error) as raised:
        await fetch(stripe_connector, "list_invoices", billing_id=CUSTOMER)
    assert raised.value.retry_after == (
        None if delay is None else pytest.approx(delay, abs=3600 if delay == 7200 else 0)
    )
    assert KEY not in repr(raised.value)
    assert raised.value.__cause__ is None
    assert len(end.requests) == 1, "Temporal owns retries"


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (Reply({}), "invoices is not a list"),
        (Reply([]), "invoices is not a list"),
        (Reply({"object": "list"}), "invoices is not a list"),
        (Reply({"object": "list", "data": "nothing"}), "invoices is not a list"),
        (Reply({"object": "list", "data": [1, 2], "has_more": False}), "invoices[0] is not an object"),
        (listed({"object": "invoice"}), "invoices[0].id is missing"),
        (listed(an_invoice(1), an_invoice(2, total="11900")), "invoices[1].total is text, not a whole number"),
        (listed(an_invoice(total=119.5)), "invoices[0].total is a number, not a whole number"),
        (listed(an_invoice(total=True)), "invoices[0].total is a flag, not a whole number"),
        (listed(an_invoice(created="yesterday")), "invoices[0].created is text, not a whole number"),
        (listed(an_invoice(created=10**17)), "invoices[0].created is a number, not a time"),
        (listed(an_invoice(currency=None)), "invoices[0].currency is missing"),
        (listed(an_invoice(total_taxes=[{"amount": "19"}])), "invoices[0].total_taxes[0].amount is text"),
        (listed(an_invoice(total_taxes="none")), "invoices[0].total_taxes is text, not a list"),
    ],
)
async def test_another_shape_is_drift_and_never_an_absence(
    end: FarEnd, stripe_connector: StripeConnector, reply: Reply, told: str
) -> None:
    end.always(reply)
    found = await fetch(stripe_connector, "list_invoices", billing_id=CUSTOMER)
    assert found.status is EvidenceStatus.FAILED
    assert found.reason.startswith(f"schema drift: {told}")
    assert found.rows == ()
    assert len(end.requests) == 1


async def test_a_number_that_the_sdk_cannot_read_is_drift(end: FarEnd, stripe_connector: StripeConnector) -> None:
    end.handler = routes(
        invoices=listed(an_invoice()), lines=listed(a_line(1, pricing={"unit_amount_decimal": "a lot"}))
    )
    found = await fetch(stripe_connector, "list_invoice_lines", billing_id=CUSTOMER)
    assert found.status is EvidenceStatus.FAILED
    assert "SDK cannot read the answer to 'list_invoice_lines'" in found.reason
    assert "a lot" not in found.reason


async def test_the_time_limit_holds_over_all_pages(end: FarEnd, stripe_connector: StripeConnector) -> None:
    pages = iter(range(1, 100))
    end.handler = lambda _: Reply(
        {"object": "list", "data": [an_invoice(next(pages))], "has_more": True, "url": "/v1/invoices"}, delay=0.1
    )
    with pytest.raises(SlowAnswer, match=r"within 0\.3 s"):
        await stripe_connector.fetch(ask(Source.STRIPE, "list_invoices", {"billing_id": CUSTOMER}, time_limit=0.3))


async def test_nobody_listens(stripe_connector: StripeConnector) -> None:
    config = StripeConfig.model_validate({"url": "http://127.0.0.1:1", "api_key": "env:STRIPE_KEY"})
    lonely = StripeConnector(config, KEY)
    with pytest.raises(Unavailable, match="could not be reached"):
        await fetch(lonely, "list_invoices", billing_id=CUSTOMER)
    await lonely.aclose()


async def test_no_write_leaves_through_the_sdk(end: FarEnd, stripe_connector: StripeConnector) -> None:
    end.always(Reply({"id": "x", "object": "customer"}))
    client = stripe_connector._client
    with pytest.raises(WriteRefused):
        await client.v1.customers.create_async({"email": "a@b.example.com"})
    with pytest.raises(WriteRefused):
        await client.v1.customers.delete_async(CUSTOMER)
    with pytest.raises(WriteRefused):
        client.v1.refunds.create({"charge": "ch_1"})
    with pytest.raises(WriteRefused):
        await client.raw_request_async("post", "/v1/customers/cus_1", name="x")
    with pytest.raises(WriteRefused):
        await client.v1.subscriptions.cancel_async("sub_1")
    found = await client.v1.customers.retrieve_async(CUSTOMER)
    with pytest.raises(WriteRefused):
        await found.delete_async()
    assert [seen.method for seen in end.requests] == ["GET"]


def _services(found: object) -> list[object]:
    """Return a service of the SDK's client and those inside it, which it makes when they are first asked for."""
    inner = [getattr(found, name) for name in getattr(type(found), "__annotations__", {})]
    return [found, *(each for one in inner if isinstance(one, StripeService) for each in _services(one))]


async def test_every_method_of_the_sdk_sends_a_known_read_or_nothing(
    end: FarEnd, stripe_connector: StripeConnector
) -> None:
    end.always(listed())
    called = refusals = 0
    for service in {
        type(one): one for top in (stripe_connector._client.v1, stripe_connector._client.v2) for one in _services(top)
    }.values():
        for name in (name for name in dir(service) if name.endswith("_async") and not name.startswith("_")):
            method = getattr(service, name)
            ids = [
                "x_1"
                for one in inspect.signature(method).parameters.values()
                if one.default is one.empty and one.annotation in (str, "str") and one.name != "params"
            ]
            called += 1
            try:
                await method(*ids, params={})
            except WriteRefused:
                refusals += 1
            except (TypeError, KeyError, AttributeError):
                # Its parameters were not understood here, and nothing came of it: the requests below would tell.
                continue
    assert called > 400
    assert refusals > called * 0.9
    assert {seen.method for seen in end.requests} == {"GET"}
    assert all(not seen.body for seen in end.requests)
    assert {seen.path for seen in end.requests} <= {
        "/v1/customers",
        "/v1/customers/search",
        "/v1/customers/x_1",
        "/v1/customers/x_1/payment_methods",
        "/v1/subscriptions",
        "/v1/invoices",
        "/v1/invoiceitems",
        "/v1/charges",
        "/v1/disputes",
        "/v1/events",
        "/v1/credit_notes",
        "/v1/prices",
        "/v1/billing/credit_balance_summary",
        "/v1/billing/meters",
        "/v1/billing/meters/x_1/event_summaries",
    }


@pytest.mark.parametrize(
    "path",
    ["/v1/account", "/v1/files", "/v1/customers/cus_1%2Fsources", "/v1/customers/../charges/ch_1", "/v2/core", "/"],
)
async def test_a_read_of_another_path_is_refused_too(end: FarEnd, stripe_connector: StripeConnector, path: str) -> None:
    with pytest.raises(WriteRefused, match="not among the paths"):
        await stripe_connector._http.request_async("get", f"{end.url}{path}", {})
    assert end.connections == 0


async def test_no_write_leaves_below_the_sdk(end: FarEnd, stripe_connector: StripeConnector) -> None:
    http = stripe_connector._http
    for write in (http.request_async, http.request_stream_async):
        with pytest.raises(WriteRefused):
            await write("post", f"{end.url}/v1/refunds", {}, "charge=ch_1")
    for write_now in (http.request, http.request_stream):
        with pytest.raises(WriteRefused):
            write_now("delete", f"{end.url}/v1/customers/cus_1", {})
    with pytest.raises(WriteRefused):
        await http._pool.post("/v1/refunds", {"charge": "ch_1"})
    assert end.connections == 0


@pytest.mark.parametrize(
    ("operation", "parameters", "told"),
    [
        ("create_refund", {}, "list_invoices"),
        ("list_invoices", {"billing_id": CUSTOMER, "status": "open"}, "billing_id"),
        ("list_invoices", {}, "billing_id"),
        ("list_cards", {"billing_id": "cus_1/../../refunds"}, "billing_id"),
        ("find_customer", {}, "customer_id or email"),
        ("list_events", {"billing_id": CUSTOMER, "types": []}, "types"),
    ],
)
async def test_a_wrong_question_is_our_mistake(
    end: FarEnd, stripe_connector: StripeConnector, operation: str, parameters: dict[str, JsonValue], told: str
) -> None:
    with pytest.raises(ValueError, match=told) as raised:
        await stripe_connector.fetch(ask(Source.STRIPE, operation, parameters))
    assert "refunds" not in str(raised.value)
    assert not end.requests


async def test_questions_at_the_same_time_keep_their_own_record(end: FarEnd, stripe_connector: StripeConnector) -> None:
    end.handler = lambda seen: Reply(listed().body, delay=0.05 if "cus_A" in seen.target else 0)
    asked = await asyncio.gather(
        *(fetch(stripe_connector, "list_invoices", billing_id=f"cus_{name}") for name in "ABAB")
    )
    assert [("cus_A" in answer.asked, answer.asked.count("GET")) for answer in asked] == [
        (True, 1),
        (False, 1),
        (True, 1),
        (False, 1),
    ]


def test_the_key_is_in_no_repr() -> None:
    made = StripeConnector(StripeConfig.model_validate({"api_key": "env:STRIPE_KEY"}), KEY)
    assert KEY not in repr(made)
    assert KEY not in repr(made._http)
    assert isinstance(made._client, stripe.StripeClient)
