"""Stripe through its own SDK over real HTTP: what each question of customers, invoices and charges asks and answers."""

from datetime import UTC, datetime, timedelta

from pydantic import JsonValue

from connectors.stripe import StripeConnector
from models.customer import Window
from models.vocabulary import EvidenceStatus
from tests.connectors.far_end import NOW, FarEnd, Reply, Seen
from tests.connectors.stripe_far_end import (
    CUSTOMER,
    EPOCH,
    KEY,
    MISSING,
    a_charge,
    a_customer,
    a_line,
    an_invoice,
    fetch,
    listed,
    refused,
    routes,
)


async def test_a_customer_is_found_by_our_id(end: FarEnd, stripe_connector: StripeConnector) -> None:
    end.handler = routes(search=listed(a_customer(), kind="search_result"))
    found = await fetch(stripe_connector, "find_customer", customer_id="acme", email="someone@acme.example.com")
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


async def test_search_values_cannot_leave_their_quotes(end: FarEnd, stripe_connector: StripeConnector) -> None:
    end.handler = routes(search=listed(kind="search_result"))
    await fetch(stripe_connector, "find_customer", customer_id="x' OR email~'@\\")
    assert end.requests[0].one("query") == "metadata['customer_id']:'x\\' OR email~\\'@\\\\'"


async def test_search_that_matches_by_case_is_not_our_customer(end: FarEnd, stripe_connector: StripeConnector) -> None:
    other = a_customer(metadata={"customer_id": "ACME"})
    end.handler = routes(search=listed(other, kind="search_result"), customers=listed(other))
    assert (await fetch(stripe_connector, "find_customer", customer_id="acme")).status is EvidenceStatus.EMPTY


async def test_email_is_the_fallback_and_case_is_forgiven(end: FarEnd, stripe_connector: StripeConnector) -> None:
    unlinked = [a_customer(number, metadata={}) for number in ("1", "2")]

    def by_email(seen: Seen) -> Reply:
        return listed(*unlinked) if seen.one("email") == "bo@acme.example.com" else listed()

    end.handler = routes(search=listed(kind="search_result"), customers=by_email)
    found = await fetch(stripe_connector, "find_customer", customer_id="acme", email="Bo@acme.example.com")
    assert [(row["id"], row["matched_by"], row["ambiguous"]) for row in found.rows] == [
        ("cus_Acme1", "email", True),
        ("cus_Acme2", "email", True),
    ]
    assert found.reason == "2 customers match by email; none of them is chosen"
    assert found.url == "https://dashboard.stripe.com/test/customers"
    asked = [seen.one("email") for seen in end.requests if seen.one("email")]
    assert asked == ["Bo@acme.example.com", "bo@acme.example.com"]


async def test_an_email_that_stripe_writes_otherwise_is_searched_for(
    end: FarEnd, stripe_connector: StripeConnector
) -> None:
    mixed, longer = a_customer("1", email="Bo@Acme.example.com"), a_customer("2", email="bo@acme.example.com.au")
    end.handler = routes(customers=listed(), search=listed(mixed, longer, kind="search_result"))
    found = await fetch(stripe_connector, "find_customer", email="bo@acme.example.com")
    assert [(row["id"], row["ambiguous"]) for row in found.rows] == [("cus_Acme1", False)]
    assert end.requests[-1].one("query") == "email:'bo@acme.example.com'"


async def test_the_email_of_another_customer_is_not_ours(end: FarEnd, stripe_connector: StripeConnector) -> None:
    other = a_customer(metadata={"customer_id": "globex"})
    end.handler = routes(search=listed(kind="search_result"), customers=listed(other))
    found = await fetch(stripe_connector, "find_customer", customer_id="acme", email="billing@acme.example.com")
    assert found.status is EvidenceStatus.EMPTY
    assert "another customer" in found.reason
    assert "globex" not in found.reason


async def test_a_customer_that_search_does_not_know_yet_is_listed(
    end: FarEnd, stripe_connector: StripeConnector
) -> None:
    end.handler = routes(
        search=listed(kind="search_result"), customers=listed(a_customer("7"), a_customer("8", metadata={}))
    )
    found = await fetch(stripe_connector, "find_customer", customer_id="acme")
    assert [row["id"] for row in found.rows] == ["cus_Acme7"]
    assert int(end.requests[1].one("created[gte]")) <= datetime.now(UTC).timestamp() - 3_600


async def test_an_empty_search_says_that_it_may_lag(end: FarEnd, stripe_connector: StripeConnector) -> None:
    end.handler = routes(search=listed(kind="search_result"), customers=listed())
    found = await fetch(stripe_connector, "find_customer", customer_id="acme")
    assert found.status is EvidenceStatus.EMPTY
    assert "minute behind" in found.reason


async def test_more_new_customers_than_are_listed_is_said(end: FarEnd, stripe_connector: StripeConnector) -> None:
    def page(seen: Seen) -> Reply:
        first = int(seen.one("starting_after").removeprefix("cus_Acme") or 0) + 1
        made: list[JsonValue] = [a_customer(str(number), metadata={}) for number in range(first, first + 100)]
        return Reply({"object": "list", "data": made, "has_more": True, "url": "/v1/customers"})

    end.handler = routes(search=listed(kind="search_result"), customers=page)
    found = await fetch(stripe_connector, "find_customer", customer_id="acme")
    assert found.status is EvidenceStatus.EMPTY
    assert "the newest 300 made in the last hour" in found.reason
    assert len(end.requests) == 5


async def test_a_key_that_may_not_search_still_lists(end: FarEnd, stripe_connector: StripeConnector) -> None:
    denied = Reply({"error": {"type": "invalid_request_error", "message": "no"}}, status=403)
    mail = "billing@acme.example.com"
    end.handler = routes(search=denied, customers=lambda seen: listed(a_customer()) if seen.one("email") else listed())
    assert (await fetch(stripe_connector, "find_customer", customer_id="acme", email=mail)).rows
    # Not searched is not absent.
    assert (await fetch(stripe_connector, "find_customer", customer_id="acme")).status is EvidenceStatus.DENIED
    end.handler = routes(search=denied, customers=listed())
    assert (
        await fetch(stripe_connector, "find_customer", customer_id="acme", email=mail)
    ).status is EvidenceStatus.DENIED


async def test_subscriptions_are_one_row_per_item(end: FarEnd, stripe_connector: StripeConnector) -> None:
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
    found = await fetch(stripe_connector, "list_subscriptions", billing_id=CUSTOMER)
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


async def test_invoices_of_the_window(end: FarEnd, stripe_connector: StripeConnector) -> None:
    end.handler = routes(invoices=listed(an_invoice()))
    found = await fetch(stripe_connector, "list_invoices", billing_id=CUSTOMER)
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


async def test_lines_of_an_invoice_by_number_wherever_it_lies(end: FarEnd, stripe_connector: StripeConnector) -> None:
    end.handler = routes(
        invoices=listed(an_invoice(1), an_invoice(2)),
        lines=listed(a_line(1), a_line(2, pricing={"price_details": {"price": "price_flat"}}, quantity=1)),
        meters=listed({"id": "mtr_1", "object": "billing.meter", "event_name": "api_requests"}),
    )
    found = await fetch(stripe_connector, "list_invoice_lines", billing_id=CUSTOMER, invoice="acme-0002")
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


async def test_the_names_of_meters_are_asked_for_once(end: FarEnd, stripe_connector: StripeConnector) -> None:
    meters = listed({"id": "mtr_1", "object": "billing.meter", "event_name": "api_requests"})
    end.handler = routes(invoices=listed(an_invoice()), lines=listed(a_line(1)), meters=meters)
    for _ in range(2):
        found = await fetch(stripe_connector, "list_invoice_lines", billing_id=CUSTOMER)
        assert found.rows[0]["meter"] == "api_requests"
    assert len([seen for seen in end.requests if seen.path.endswith("meters")]) == 1


async def test_side_questions_that_are_denied_leave_their_column_bare(
    end: FarEnd, stripe_connector: StripeConnector
) -> None:
    denied = refused(403)
    end.handler = routes(invoices=listed(an_invoice()), lines=listed(a_line(1)), meters=denied)
    assert (await fetch(stripe_connector, "list_invoice_lines", billing_id=CUSTOMER)).rows[0]["meter"] == "mtr_1"
    end.handler = routes(charges=listed(a_charge(1)), invoices=denied)
    assert not (await fetch(stripe_connector, "list_charges", billing_id=CUSTOMER)).rows[0]["invoice"]


async def test_lines_of_all_invoices_in_the_window(end: FarEnd, stripe_connector: StripeConnector) -> None:
    end.handler = routes(
        invoices=listed(*(an_invoice(number) for number in range(1, 7))),
        lines=lambda seen: listed(a_line(int(seen.path.split("/")[3].removeprefix("in_")), pricing=None)),
    )
    found = await fetch(stripe_connector, "list_invoice_lines", billing_id=CUSTOMER)
    assert [(row["invoice"], row["line_id"]) for row in found.rows] == [(f"in_{n}", f"il_{n}") for n in range(1, 7)]
    assert "created[gte]" in end.requests[0].query


async def test_the_invoice_of_another_customer_is_not_read(end: FarEnd, stripe_connector: StripeConnector) -> None:
    end.handler = routes(in_7=Reply(an_invoice(7, customer="cus_Other")), lines=listed(a_line(1)))
    found = await fetch(stripe_connector, "list_invoice_lines", billing_id=CUSTOMER, invoice="in_7")
    assert found.status is EvidenceStatus.EMPTY
    assert [seen.path for seen in end.requests] == ["/v1/invoices/in_7"]


async def test_charges_name_their_invoice_by_its_payments(end: FarEnd, stripe_connector: StripeConnector) -> None:
    payment: JsonValue = {"id": "inpay_1", "object": "invoice_payment", "payment": {"payment_intent": "pi_1"}}
    paid = an_invoice(9, payments={"object": "list", "data": [payment]})
    end.handler = routes(charges=listed(a_charge(1), a_charge(2)), invoices=listed(paid))
    found = await fetch(stripe_connector, "list_charges", billing_id=CUSTOMER)
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


async def test_a_charge_without_intent_has_not_the_invoice_that_was_paid_elsewhere(
    end: FarEnd, stripe_connector: StripeConnector
) -> None:
    payment: JsonValue = {"id": "inpay_1", "object": "invoice_payment", "payment": {"type": "payment_record"}}
    paid = an_invoice(9, payments={"object": "list", "data": [payment]})
    end.handler = routes(charges=listed(a_charge(1, payment_intent=None)), invoices=listed(paid))
    assert not (await fetch(stripe_connector, "list_charges", billing_id=CUSTOMER)).rows[0]["invoice"]


async def test_events_are_sifted_by_customer(end: FarEnd, stripe_connector: StripeConnector) -> None:
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
    found = await fetch(
        stripe_connector, "list_events", window, billing_id=CUSTOMER, types=["invoice.payment_failed", "t"]
    )
    assert [(row["id"], row["object_id"], row["summary"]) for row in found.rows] == [
        ("evt_1", "in_1", "invoice A-1 in_1 is open"),
        ("evt_3", CUSTOMER, f"customer {CUSTOMER}; changed: delinquent false → true, email"),
    ]
    assert end.requests[0].one("types[1]") == "t"
    assert not found.truncated


async def test_no_event_in_a_window_beyond_what_stripe_keeps_is_no_absence(
    end: FarEnd, stripe_connector: StripeConnector
) -> None:
    end.handler = routes(events=listed())
    window = Window(start=datetime.now(UTC) - timedelta(days=45), end=datetime.now(UTC))
    found = await fetch(stripe_connector, "list_events", window, billing_id=CUSTOMER, types=["invoice.paid"])
    assert found.status is EvidenceStatus.FAILED
    assert "30 days" in found.reason


async def test_cards_expire_after_their_month(end: FarEnd, stripe_connector: StripeConnector) -> None:
    def card(number: int, year: int, month: int) -> JsonValue:
        details: JsonValue = {"brand": "visa", "last4": f"000{number}", "exp_month": month, "exp_year": year}
        return {"id": f"pm_{number}", "object": "payment_method", "card": details}

    end.handler = routes(
        cus_Acme1=Reply(a_customer(invoice_settings={"default_payment_method": "pm_2"})),
        payment_methods=listed(card(1, 2026, 10), card(2, 2026, 11), card(3, 2027, 1)),
    )
    found = await fetch(stripe_connector, "list_cards", billing_id=CUSTOMER)
    assert [(row["id"], row["is_default"], row["expired"]) for row in found.rows] == [
        ("pm_1", False, True),
        ("pm_2", True, False),
        ("pm_3", False, False),
    ]
    earlier = Window(start=NOW - timedelta(days=60), end=NOW - timedelta(days=30))
    assert not (await fetch(stripe_connector, "list_cards", earlier, billing_id=CUSTOMER)).rows[0]["expired"]


async def test_nothing_of_that_name_is_an_absence_where_it_was_searched_for(
    end: FarEnd, stripe_connector: StripeConnector
) -> None:
    end.always(refused(404, "resource_missing", "invoice"))
    assert (await fetch(stripe_connector, "list_invoice_lines", billing_id=CUSTOMER, invoice="in_1")).status == "empty"
    end.always(MISSING)
    assert (await fetch(stripe_connector, "find_customer", customer_id="acme")).status == "empty"
