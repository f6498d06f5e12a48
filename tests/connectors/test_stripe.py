"""Stripe through its own SDK over real HTTP: rows, paging, every kind of failure, and no write."""

import asyncio
import inspect
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
import stripe
from pydantic import JsonValue
from stripe._stripe_service import StripeService

from connectors.base import ConnectorError, RateLimited, SlowAnswer, Unavailable, WriteRefused
from connectors.stripe import StripeConnector
from models.customer import Window
from models.evidence import Answer
from models.tenant import StripeConfig
from models.vocabulary import EvidenceStatus, Source
from tests.connectors.far_end import DAY, NOW, FarEnd, Handler, Reply, Seen, ask, far_end, http_date

KEY = "rk_test_51SecretSecretSecret"
CUSTOMER = "cus_Acme1"
EPOCH = int(NOW.timestamp())


def listed(*items: JsonValue, more: bool = False, kind: str = "list") -> Reply:
    url = "/v1/customers/search" if kind == "search_result" else "/v1/invoices"
    next_page = "p2" if more else None
    return Reply({"object": kind, "data": list(items), "has_more": more, "url": url, "next_page": next_page})


def a_customer(number: str = "1", **fields: JsonValue) -> dict[str, JsonValue]:
    return {
        "id": f"cus_Acme{number}",
        "object": "customer",
        "name": "Acme",
        "email": "billing@acme.example.com",
        "metadata": {"customer_id": "acme"},
        "currency": "usd",
        "delinquent": True,
        "created": EPOCH - 86_400,
        **fields,
    }


def an_invoice(number: int = 1, **fields: JsonValue) -> dict[str, JsonValue]:
    return {
        "id": f"in_{number}",
        "object": "invoice",
        "number": f"ACME-000{number}",
        "customer": CUSTOMER,
        "status": "open",
        "billing_reason": "subscription_cycle",
        "currency": "usd",
        "subtotal": 10_000,
        "total_taxes": [{"amount": 1_500, "tax_behavior": "exclusive"}, {"amount": 400, "tax_behavior": "exclusive"}],
        "total": 11_900,
        "amount_due": 11_900,
        "amount_paid": 0,
        "attempt_count": 2,
        "period_start": EPOCH - 30 * 86_400,
        "period_end": EPOCH,
        "created": EPOCH - 3_600,
        "due_date": None,
        **fields,
    }


def a_line(number: int, **fields: JsonValue) -> dict[str, JsonValue]:
    return {
        "id": f"il_{number}",
        "object": "line_item",
        "description": "API requests",
        "quantity": 120_000,
        "amount": 6_000,
        "currency": "usd",
        "parent": {"type": "subscription_item_details", "subscription_item_details": {"proration": False}},
        "pricing": {
            "type": "price_details",
            "unit_amount_decimal": "0.05",
            "price_details": {
                "product": "prod_1",
                "price": {"id": "price_m", "object": "price", "recurring": {"interval": "month", "meter": "mtr_1"}},
            },
        },
        "period": {"start": EPOCH - 86_400, "end": EPOCH},
        **fields,
    }


def a_charge(number: int, **fields: JsonValue) -> dict[str, JsonValue]:
    return {
        "id": f"ch_{number}",
        "object": "charge",
        "status": "failed",
        "amount": 11_900,
        "currency": "usd",
        "customer": CUSTOMER,
        "failure_code": "card_declined",
        "failure_message": "Your card has insufficient funds.",
        "outcome": {"type": "issuer_declined", "reason": "insufficient_funds"},
        "payment_intent": f"pi_{number}",
        "payment_method_details": {
            "type": "card",
            "card": {"brand": "visa", "last4": "0341", "exp_month": 4, "exp_year": 2027},
        },
        "created": EPOCH - 60,
        **fields,
    }


@pytest_asyncio.fixture
async def end() -> AsyncIterator[FarEnd]:
    async with far_end() as running:
        yield running


@pytest_asyncio.fixture
async def connector(end: FarEnd) -> AsyncIterator[StripeConnector]:
    made = StripeConnector(StripeConfig.model_validate({"url": end.url, "api_key": "env:STRIPE_KEY"}), KEY)
    yield made
    await made.aclose()


def routes(**replies: Reply | Handler) -> Handler:
    """Answer by the last part of the path."""

    def handler(seen: Seen) -> Reply:
        found = replies.get(seen.path.rsplit("/", 1)[-1])
        if found is None:
            return Reply(
                {"error": {"type": "invalid_request_error", "message": f"unplanned {seen.target}"}}, status=400
            )
        return found if isinstance(found, Reply) else found(seen)

    return handler


async def fetch(
    connector: StripeConnector, operation: str, window: Window | None = DAY, rows: int = 200, **parameters: JsonValue
) -> Answer:
    return await connector.fetch(ask(Source.STRIPE, operation, parameters, window=window, rows=rows))


async def test_a_customer_is_found_by_our_id(end: FarEnd, connector: StripeConnector) -> None:
    end.handler = routes(search=listed(a_customer(), kind="search_result"))
    found = await fetch(connector, "find_customer", customer_id="acme", email="someone@acme.example.com")
    assert found.rows == (
        {
            "id": CUSTOMER,
            "name": "Acme",
            "email": "billing@acme.example.com",
            "customer_id": "acme",
            "currency": "usd",
            "delinquent": True,
            "created_at": "2026-11-19T12:00:00Z",
            "matched_by": "metadata",
            "ambiguous": False,
        },
    )
    assert end.requests[0].one("query") == "metadata['customer_id']:'acme'"
    assert found.asked == f"GET {end.targets[0]}"
    assert found.url == f"https://dashboard.stripe.com/test/customers/{CUSTOMER}"
    assert end.requests[0].headers["authorization"] == f"Bearer {KEY}"


async def test_search_values_cannot_leave_their_quotes(end: FarEnd, connector: StripeConnector) -> None:
    end.handler = routes(search=listed(kind="search_result"))
    await fetch(connector, "find_customer", customer_id="x' OR email~'@\\")
    assert end.requests[0].one("query") == "metadata['customer_id']:'x\\' OR email~\\'@\\\\'"


async def test_search_that_matches_by_case_is_not_our_customer(end: FarEnd, connector: StripeConnector) -> None:
    other = a_customer(metadata={"customer_id": "ACME"})
    end.handler = routes(search=listed(other, kind="search_result"), customers=listed(other))
    assert (await fetch(connector, "find_customer", customer_id="acme")).status is EvidenceStatus.EMPTY


async def test_email_is_the_fallback_and_case_is_forgiven(end: FarEnd, connector: StripeConnector) -> None:
    unlinked = [a_customer(number, metadata={}) for number in ("1", "2")]

    def by_email(seen: Seen) -> Reply:
        return listed(*unlinked) if seen.one("email") == "bo@acme.example.com" else listed()

    end.handler = routes(search=listed(kind="search_result"), customers=by_email)
    found = await fetch(connector, "find_customer", customer_id="acme", email="Bo@acme.example.com")
    assert [(row["id"], row["matched_by"], row["ambiguous"]) for row in found.rows] == [
        ("cus_Acme1", "email", True),
        ("cus_Acme2", "email", True),
    ]
    assert found.reason == "2 customers match by email; none of them is chosen"
    assert found.url == "https://dashboard.stripe.com/test/customers"
    asked = [seen.one("email") for seen in end.requests if seen.one("email")]
    assert asked == ["Bo@acme.example.com", "bo@acme.example.com"]


async def test_an_email_that_stripe_writes_otherwise_is_searched_for(end: FarEnd, connector: StripeConnector) -> None:
    mixed, longer = a_customer("1", email="Bo@Acme.example.com"), a_customer("2", email="bo@acme.example.com.au")
    end.handler = routes(customers=listed(), search=listed(mixed, longer, kind="search_result"))
    found = await fetch(connector, "find_customer", email="bo@acme.example.com")
    assert [(row["id"], row["ambiguous"]) for row in found.rows] == [("cus_Acme1", False)]
    assert end.requests[-1].one("query") == "email:'bo@acme.example.com'"


async def test_the_email_of_another_customer_is_not_ours(end: FarEnd, connector: StripeConnector) -> None:
    other = a_customer(metadata={"customer_id": "globex"})
    end.handler = routes(search=listed(kind="search_result"), customers=listed(other))
    found = await fetch(connector, "find_customer", customer_id="acme", email="billing@acme.example.com")
    assert found.status is EvidenceStatus.EMPTY
    assert "another customer" in found.reason
    assert "globex" not in found.reason


async def test_a_customer_that_search_does_not_know_yet_is_listed(end: FarEnd, connector: StripeConnector) -> None:
    end.handler = routes(
        search=listed(kind="search_result"), customers=listed(a_customer("7"), a_customer("8", metadata={}))
    )
    found = await fetch(connector, "find_customer", customer_id="acme")
    assert [row["id"] for row in found.rows] == ["cus_Acme7"]
    assert int(end.requests[1].one("created[gte]")) <= datetime.now(UTC).timestamp() - 3_600


async def test_an_empty_search_says_that_it_may_lag(end: FarEnd, connector: StripeConnector) -> None:
    end.handler = routes(search=listed(kind="search_result"), customers=listed())
    found = await fetch(connector, "find_customer", customer_id="acme")
    assert found.status is EvidenceStatus.EMPTY
    assert "minute behind" in found.reason


async def test_a_key_that_may_not_search_still_lists(end: FarEnd, connector: StripeConnector) -> None:
    denied = Reply({"error": {"type": "invalid_request_error", "message": "no"}}, status=403)
    mail = "billing@acme.example.com"
    end.handler = routes(search=denied, customers=lambda seen: listed(a_customer()) if seen.one("email") else listed())
    assert (await fetch(connector, "find_customer", customer_id="acme", email=mail)).rows
    # Not searched is not absent.
    assert (await fetch(connector, "find_customer", customer_id="acme")).status is EvidenceStatus.DENIED
    end.handler = routes(search=denied, customers=listed())
    assert (await fetch(connector, "find_customer", customer_id="acme", email=mail)).status is EvidenceStatus.DENIED


async def test_subscriptions_are_one_row_per_item(end: FarEnd, connector: StripeConnector) -> None:
    item: dict[str, JsonValue] = {
        "id": "si_1",
        "object": "subscription_item",
        "quantity": 1,
        "current_period_start": EPOCH - 86_400,
        "current_period_end": EPOCH,
        "price": {
            "id": "price_1",
            "object": "price",
            "product": "prod_1",
            "nickname": "Scale",
            "unit_amount": 49_900,
            "currency": "usd",
            "recurring": {"interval": "month"},
        },
    }
    metered: dict[str, JsonValue] = {
        **item,
        "id": "si_2",
        "price": {"id": "price_m", "object": "price", "currency": "usd", "unit_amount_decimal": "0.05"},
    }
    end.handler = routes(
        subscriptions=listed(
            {
                "id": "sub_1",
                "object": "subscription",
                "status": "past_due",
                "created": EPOCH,
                "cancel_at_period_end": True,
                "items": {"object": "list", "data": [item, metered], "has_more": False},
            }
        )
    )
    found = await fetch(connector, "list_subscriptions", billing_id=CUSTOMER)
    assert found.rows[0] == {
        "id": "sub_1",
        "status": "past_due",
        "product": "prod_1",
        "price_id": "price_1",
        "nickname": "Scale",
        "unit_amount": 49_900,
        "currency": "usd",
        "quantity": 1,
        "interval": "month",
        "current_period_start": "2026-11-19T12:00:00Z",
        "current_period_end": "2026-11-20T12:00:00Z",
        "cancel_at": "2026-11-20T12:00:00Z",
        "created_at": "2026-11-20T12:00:00Z",
    }
    assert found.rows[1]["unit_amount"] == 0.05
    assert end.requests[0].one("status") == "all"
    assert end.requests[0].one("customer") == CUSTOMER


async def test_invoices_of_the_window(end: FarEnd, connector: StripeConnector) -> None:
    end.handler = routes(invoices=listed(an_invoice()))
    found = await fetch(connector, "list_invoices", billing_id=CUSTOMER)
    assert found.rows == (
        {
            "id": "in_1",
            "number": "ACME-0001",
            "status": "open",
            "billing_reason": "subscription_cycle",
            "currency": "usd",
            "subtotal": 10_000,
            "tax": 1_900,
            "total": 11_900,
            "amount_due": 11_900,
            "amount_paid": 0,
            "attempt_count": 2,
            "period_start": "2026-10-21T12:00:00Z",
            "period_end": "2026-11-20T12:00:00Z",
            "created_at": "2026-11-20T11:00:00Z",
            "due_at": None,
            "url": "https://dashboard.stripe.com/test/invoices/in_1",
        },
    )
    assert end.requests[0].one("created[gte]") == str(EPOCH - 86_400)
    assert end.requests[0].one("created[lt]") == str(EPOCH)


async def test_lines_of_an_invoice_by_number_wherever_it_lies(end: FarEnd, connector: StripeConnector) -> None:
    end.handler = routes(
        invoices=listed(an_invoice(1), an_invoice(2)),
        lines=listed(a_line(1), a_line(2, pricing={"price_details": {"price": "price_flat"}}, quantity=1)),
        meters=listed({"id": "mtr_1", "object": "billing.meter", "event_name": "api_requests"}),
    )
    found = await fetch(connector, "list_invoice_lines", billing_id=CUSTOMER, invoice="acme-0002")
    assert found.rows[0] == {
        "invoice": "in_2",
        "number": "ACME-0002",
        "line_id": "il_1",
        "description": "API requests",
        "quantity": 120_000,
        "unit_amount": 0.05,
        "amount": 6_000,
        "currency": "usd",
        "proration": False,
        "price_id": "price_m",
        "meter": "api_requests",
        "period_start": "2026-11-19T12:00:00Z",
        "period_end": "2026-11-20T12:00:00Z",
    }
    assert found.rows[1]["price_id"] == "price_flat"
    assert found.rows[1]["meter"] == ""
    assert "created[gte]" not in end.requests[0].query
    assert end.requests[1].path == "/v1/invoices/in_2/lines"
    assert found.url == "https://dashboard.stripe.com/test/invoices/in_2"


async def test_the_names_of_meters_are_asked_for_once(end: FarEnd, connector: StripeConnector) -> None:
    meters = listed({"id": "mtr_1", "object": "billing.meter", "event_name": "api_requests"})
    end.handler = routes(invoices=listed(an_invoice()), lines=listed(a_line(1)), meters=meters)
    for _ in range(2):
        found = await fetch(connector, "list_invoice_lines", billing_id=CUSTOMER)
        assert found.rows[0]["meter"] == "api_requests"
    assert len([seen for seen in end.requests if seen.path.endswith("meters")]) == 1


async def test_side_questions_that_are_denied_leave_their_column_bare(end: FarEnd, connector: StripeConnector) -> None:
    denied = refused(403)
    end.handler = routes(invoices=listed(an_invoice()), lines=listed(a_line(1)), meters=denied)
    assert (await fetch(connector, "list_invoice_lines", billing_id=CUSTOMER)).rows[0]["meter"] == "mtr_1"
    end.handler = routes(charges=listed(a_charge(1)), invoices=denied)
    assert not (await fetch(connector, "list_charges", billing_id=CUSTOMER)).rows[0]["invoice"]


async def test_lines_of_all_invoices_in_the_window(end: FarEnd, connector: StripeConnector) -> None:
    end.handler = routes(
        invoices=listed(*(an_invoice(number) for number in range(1, 7))),
        lines=lambda seen: listed(a_line(int(seen.path.split("/")[3].removeprefix("in_")), pricing=None)),
    )
    found = await fetch(connector, "list_invoice_lines", billing_id=CUSTOMER)
    assert [(row["invoice"], row["line_id"]) for row in found.rows] == [(f"in_{n}", f"il_{n}") for n in range(1, 7)]
    assert "created[gte]" in end.requests[0].query


async def test_the_invoice_of_another_customer_is_not_read(end: FarEnd, connector: StripeConnector) -> None:
    end.handler = routes(in_7=Reply(an_invoice(7, customer="cus_Other")), lines=listed(a_line(1)))
    found = await fetch(connector, "list_invoice_lines", billing_id=CUSTOMER, invoice="in_7")
    assert found.status is EvidenceStatus.EMPTY
    assert [seen.path for seen in end.requests] == ["/v1/invoices/in_7"]


async def test_charges_name_their_invoice_by_its_payments(end: FarEnd, connector: StripeConnector) -> None:
    payment: JsonValue = {"id": "inpay_1", "object": "invoice_payment", "payment": {"payment_intent": "pi_1"}}
    paid = an_invoice(9, payments={"object": "list", "data": [payment]})
    end.handler = routes(charges=listed(a_charge(1), a_charge(2)), invoices=listed(paid))
    found = await fetch(connector, "list_charges", billing_id=CUSTOMER)
    assert found.rows[0] == {
        "id": "ch_1",
        "status": "failed",
        "amount": 11_900,
        "currency": "usd",
        "failure_code": "card_declined",
        "decline_code": "insufficient_funds",
        "failure_message": "Your card has insufficient funds.",
        "card_brand": "visa",
        "card_last4": "0341",
        "card_exp_month": 4,
        "card_exp_year": 2027,
        "invoice": "in_9",
        "created_at": "2026-11-20T11:59:00Z",
    }
    assert not found.rows[1]["invoice"]
    asked = next(seen for seen in end.requests if seen.path == "/v1/invoices")
    assert asked.one("expand[0]") == "data.payments"
    assert int(asked.one("created[gte]")) < EPOCH - 30 * 86_400


async def test_events_are_sifted_by_customer(end: FarEnd, connector: StripeConnector) -> None:
    def event(number: int, obj: dict[str, JsonValue], before: dict[str, JsonValue] | None = None) -> JsonValue:
        data: dict[str, JsonValue] = {"object": obj}
        if before:
            data["previous_attributes"] = before
        return {"id": f"evt_{number}", "object": "event", "type": "t", "created": EPOCH - number, "data": data}

    end.handler = routes(
        events=listed(
            event(1, {"id": "in_1", "object": "invoice", "customer": CUSTOMER, "number": "A-1", "status": "open"}),
            event(2, {"id": "in_2", "object": "invoice", "customer": "cus_Other"}),
            event(
                3,
                {"id": CUSTOMER, "object": "customer", "email": "new@acme.example.com", "delinquent": True},
                {"email": "old@acme.example.com", "delinquent": False},
            ),
        )
    )
    window = Window(start=datetime.now(UTC) - timedelta(days=2), end=datetime.now(UTC))
    found = await fetch(connector, "list_events", window, billing_id=CUSTOMER, types=["invoice.payment_failed", "t"])
    assert [(row["id"], row["object_id"], row["summary"]) for row in found.rows] == [
        ("evt_1", "in_1", "invoice A-1 in_1 is open"),
        ("evt_3", CUSTOMER, f"customer {CUSTOMER}; changed: delinquent false → true, email"),
    ]
    assert end.requests[0].one("types[1]") == "t"
    assert not found.truncated


async def test_no_event_in_a_window_beyond_what_stripe_keeps_is_no_absence(
    end: FarEnd, connector: StripeConnector
) -> None:
    end.handler = routes(events=listed())
    window = Window(start=datetime.now(UTC) - timedelta(days=45), end=datetime.now(UTC))
    found = await fetch(connector, "list_events", window, billing_id=CUSTOMER, types=["invoice.paid"])
    assert found.status is EvidenceStatus.FAILED
    assert "30 days" in found.reason


async def test_cards_expire_after_their_month(end: FarEnd, connector: StripeConnector) -> None:
    def card(number: int, year: int, month: int) -> JsonValue:
        details: JsonValue = {"brand": "visa", "last4": f"000{number}", "exp_month": month, "exp_year": year}
        return {"id": f"pm_{number}", "object": "payment_method", "card": details}

    end.handler = routes(
        cus_Acme1=Reply(a_customer(invoice_settings={"default_payment_method": "pm_2"})),
        payment_methods=listed(card(1, 2026, 10), card(2, 2026, 11), card(3, 2027, 1)),
    )
    found = await fetch(connector, "list_cards", billing_id=CUSTOMER)
    assert [(row["id"], row["is_default"], row["expired"]) for row in found.rows] == [
        ("pm_1", False, True),
        ("pm_2", True, False),
        ("pm_3", False, False),
    ]
    earlier = Window(start=NOW - timedelta(days=60), end=NOW - timedelta(days=30))
    assert not (await fetch(connector, "list_cards", earlier, billing_id=CUSTOMER)).rows[0]["expired"]


async def test_pages_are_followed_to_the_row_cap_and_no_further(end: FarEnd, connector: StripeConnector) -> None:
    def page(seen: Seen) -> Reply:
        first = int(seen.one("starting_after").removeprefix("in_") or 0) + 1
        return listed(*(an_invoice(number) for number in range(first, first + int(seen.one("limit")))), more=True)

    end.handler = routes(invoices=page)
    found = await fetch(connector, "list_invoices", rows=150, billing_id=CUSTOMER)
    assert len(found.rows) == 150
    assert found.truncated
    assert [seen.one("starting_after") for seen in end.requests] == ["", "in_100"]
    assert found.asked.count("\n") == 1


async def test_search_pages_are_followed(end: FarEnd, connector: StripeConnector) -> None:
    def page(seen: Seen) -> Reply:
        if seen.one("page") == "p2":
            return listed(a_customer("2"), kind="search_result")
        return listed(a_customer("1"), more=True, kind="search_result")

    end.handler = routes(search=page)
    found = await fetch(connector, "find_customer", customer_id="acme")
    assert [row["id"] for row in found.rows] == ["cus_Acme1", "cus_Acme2"]
    assert found.url == "https://dashboard.stripe.com/test/customers"


async def test_the_byte_cap_truncates(end: FarEnd, connector: StripeConnector) -> None:
    end.handler = routes(invoices=listed(*(an_invoice(number) for number in range(1, 9))))
    request = ask(Source.STRIPE, "list_invoices", {"billing_id": CUSTOMER}, byte_limit=1_500)
    found = await connector.fetch(request)
    assert 0 < len(found.rows) < 8
    assert found.truncated


def refused(status: int, code: str = "", parameter: str = "", message: str = "no", **headers: str) -> Reply:
    error: JsonValue = {
        "type": "invalid_request_error",
        "message": message,
        "code": code or None,
        "param": parameter or None,
    }
    return Reply(
        {"error": error}, status=status, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )


MISSING = refused(404, "resource_missing", "id", f"No such customer: '{CUSTOMER}'")


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
    end: FarEnd, connector: StripeConnector, reply: Reply, status: EvidenceStatus, told: str
) -> None:
    end.always(reply)
    found = await fetch(connector, "list_invoices", billing_id=CUSTOMER)
    assert found.status is status
    assert told in found.reason
    assert found.asked.startswith("GET /v1/invoices?")
    assert KEY not in found.model_dump_json()
    assert len(end.requests) == 1


async def test_nothing_of_that_name_is_an_absence_where_it_was_searched_for(
    end: FarEnd, connector: StripeConnector
) -> None:
    end.always(refused(404, "resource_missing", "invoice"))
    assert (await fetch(connector, "list_invoice_lines", billing_id=CUSTOMER, invoice="in_1")).status == "empty"
    end.always(MISSING)
    assert (await fetch(connector, "find_customer", customer_id="acme")).status == "empty"


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
    end: FarEnd, connector: StripeConnector, reply: Reply, error: type[ConnectorError], delay: float | None
) -> None:
    end.always(reply)
    with pytest.raises(error) as raised:
        await fetch(connector, "list_invoices", billing_id=CUSTOMER)
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
    end: FarEnd, connector: StripeConnector, reply: Reply, told: str
) -> None:
    end.always(reply)
    found = await fetch(connector, "list_invoices", billing_id=CUSTOMER)
    assert found.status is EvidenceStatus.FAILED
    assert found.reason.startswith(f"schema drift: {told}")
    assert found.rows == ()
    assert len(end.requests) == 1


async def test_a_number_that_the_sdk_cannot_read_is_drift(end: FarEnd, connector: StripeConnector) -> None:
    end.handler = routes(
        invoices=listed(an_invoice()), lines=listed(a_line(1, pricing={"unit_amount_decimal": "a lot"}))
    )
    found = await fetch(connector, "list_invoice_lines", billing_id=CUSTOMER)
    assert found.status is EvidenceStatus.FAILED
    assert "SDK cannot read the answer to 'list_invoice_lines'" in found.reason
    assert "a lot" not in found.reason


async def test_the_time_limit_holds_over_all_pages(end: FarEnd, connector: StripeConnector) -> None:
    pages = iter(range(1, 100))
    end.handler = lambda _: Reply(
        {"object": "list", "data": [an_invoice(next(pages))], "has_more": True, "url": "/v1/invoices"}, delay=0.1
    )
    with pytest.raises(SlowAnswer, match=r"within 0\.3 s"):
        await connector.fetch(ask(Source.STRIPE, "list_invoices", {"billing_id": CUSTOMER}, time_limit=0.3))


async def test_nobody_listens(connector: StripeConnector) -> None:
    config = StripeConfig.model_validate({"url": "http://127.0.0.1:1", "api_key": "env:STRIPE_KEY"})
    lonely = StripeConnector(config, KEY)
    with pytest.raises(Unavailable, match="could not be reached"):
        await fetch(lonely, "list_invoices", billing_id=CUSTOMER)
    await lonely.aclose()


async def test_no_write_leaves_through_the_sdk(end: FarEnd, connector: StripeConnector) -> None:
    end.always(Reply({"id": "x", "object": "customer"}))
    client = connector._client
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


async def test_every_method_of_the_sdk_sends_a_known_read_or_nothing(end: FarEnd, connector: StripeConnector) -> None:
    end.always(listed())
    called = refusals = 0
    for service in {
        type(one): one for top in (connector._client.v1, connector._client.v2) for one in _services(top)
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
async def test_a_read_of_another_path_is_refused_too(end: FarEnd, connector: StripeConnector, path: str) -> None:
    with pytest.raises(WriteRefused, match="not among the paths"):
        await connector._http.request_async("get", f"{end.url}{path}", {})
    assert end.connections == 0


async def test_no_write_leaves_below_the_sdk(end: FarEnd, connector: StripeConnector) -> None:
    http = connector._http
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
    end: FarEnd, connector: StripeConnector, operation: str, parameters: dict[str, JsonValue], told: str
) -> None:
    with pytest.raises(ValueError, match=told) as raised:
        await connector.fetch(ask(Source.STRIPE, operation, parameters))
    assert "refunds" not in str(raised.value)
    assert not end.requests


async def test_questions_at_the_same_time_keep_their_own_record(end: FarEnd, connector: StripeConnector) -> None:
    end.handler = lambda seen: Reply(listed().body, delay=0.05 if "cus_A" in seen.target else 0)
    asked = await asyncio.gather(*(fetch(connector, "list_invoices", billing_id=f"cus_{name}") for name in "ABAB"))
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
