"""Stripe through its own SDK over real HTTP: failed payments, disputes, plan changes, credit and usage."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import JsonValue

from connectors.stripe import StripeConnector
from connectors.stripe_parameters import OPERATIONS
from models.customer import Window
from models.vocabulary import EvidenceStatus
from tests.connectors.far_end import FarEnd, Reply, Seen
from tests.connectors.stripe_far_end import (
    CUSTOMER,
    EPOCH,
    KEY,
    a_charge,
    a_customer,
    an_invoice,
    fetch,
    listed,
    refused,
    routes,
)

DAY_SECONDS = 86_400


async def test_failed_payments_are_the_charges_that_failed(end: FarEnd, stripe_connector: StripeConnector) -> None:
    declined: JsonValue = {
        "type": "issuer_declined",
        "reason": "insufficient_funds",
        "network_decline_code": "51",
        "advice_code": "try_again_later",
    }
    paid = a_charge(1, status="succeeded", failure_code=None, failure_message=None, outcome=None)
    end.handler = routes(charges=listed(a_charge(2, outcome=declined), paid), invoices=listed(an_invoice()))
    found = await fetch(stripe_connector, "list_failed_payments", billing_id=CUSTOMER)
    assert [row["id"] for row in found.rows] == ["ch_2"]
    row = found.rows[0]
    assert (row["decline_code"], row["network_decline_code"], row["advice_code"]) == (
        "insufficient_funds",
        "51",
        "try_again_later",
    )
    assert row.keys() == OPERATIONS["list_failed_payments"].columns
    assert not found.truncated


async def test_failures_behind_many_successes_are_not_called_absent(
    end: FarEnd, stripe_connector: StripeConnector
) -> None:
    def page(seen: Seen) -> Reply:
        first = int(seen.one("starting_after").removeprefix("ch_") or 0) + 1
        charges: list[JsonValue] = [a_charge(number, status="succeeded") for number in range(first, first + 100)]
        return Reply({"object": "list", "data": charges, "has_more": True, "url": "/v1/charges"})

    end.handler = routes(charges=page, invoices=listed())
    found = await fetch(stripe_connector, "list_failed_payments", rows=5, billing_id=CUSTOMER)
    assert found.status is EvidenceStatus.FAILED
    assert found.truncated
    assert "newest 500 charges" in found.reason
    assert len([seen for seen in end.requests if seen.path.endswith("charges")]) == 6


def a_dispute(number: int, customer: str = CUSTOMER, **fields: JsonValue) -> dict[str, JsonValue]:
    return {
        "id": f"du_{number}",
        "object": "dispute",
        "status": "needs_response",
        "reason": "fraudulent",
        "amount": 11_900,
        "currency": "usd",
        "charge": {"id": "ch_1", "object": "charge", "customer": customer},
        "evidence_details": {"due_by": EPOCH + DAY_SECONDS, "has_evidence": False},
        "is_charge_refundable": True,
        "created": EPOCH - 60,
        **fields,
    }


async def test_disputes_are_sifted_by_the_customer_of_their_charge(
    end: FarEnd, stripe_connector: StripeConnector
) -> None:
    end.handler = routes(disputes=listed(a_dispute(1), a_dispute(2, "cus_Other")))
    found = await fetch(stripe_connector, "list_disputes", billing_id=CUSTOMER)
    assert found.rows == (
        {
            "id": "du_1",
            "status": "needs_response",
            "reason": "fraudulent",
            "amount": 11_900,
            "currency": "usd",
            "charge": "ch_1",
            "evidence_due_at": "2026-11-21T12:00:00Z",
            "refundable": True,
            "created_at": "2026-11-20T11:59:00Z",
        },
    )
    assert end.requests[0].one("expand[0]") == "data.charge"


async def test_a_dispute_that_does_not_say_whose_it_is_is_no_absence(
    end: FarEnd, stripe_connector: StripeConnector
) -> None:
    end.handler = routes(disputes=listed(a_dispute(1, charge="ch_1")))
    found = await fetch(stripe_connector, "list_disputes", billing_id=CUSTOMER)
    assert found.status is EvidenceStatus.FAILED
    assert "disputes[0].charge is text, not an object" in found.reason


def an_item(name: str, amount: int, quantity: int = 1) -> JsonValue:
    price: JsonValue = {
        "id": f"price_{name}",
        "object": "price",
        "nickname": name,
        "unit_amount": amount,
        "currency": "usd",
        "recurring": {"interval": "month"},
    }
    return {"id": "si_1", "object": "subscription_item", "price": price, "quantity": quantity}


def a_plan_change(at: int, customer: str = CUSTOMER) -> JsonValue:
    def items(one: JsonValue) -> JsonValue:
        return {"object": "list", "data": [one], "has_more": False, "url": "/v1/subscription_items"}

    return {
        "id": "evt_1",
        "object": "event",
        "type": "customer.subscription.updated",
        "created": at,
        "data": {
            "object": {
                "id": "sub_1",
                "object": "subscription",
                "customer": customer,
                "items": items(an_item("Team", 19_900, 5)),
            },
            "previous_attributes": {"items": items(an_item("Starter", 4_900))},
        },
    }


def an_invoice_item(amount: int, at: int) -> JsonValue:
    return {
        "id": f"ii_{amount}",
        "object": "invoiceitem",
        "amount": amount,
        "currency": "usd",
        "customer": CUSTOMER,
        "date": at,
        "proration": True,
        "parent": {"type": "subscription_details", "subscription_details": {"subscription": "sub_1"}},
    }


async def test_a_plan_change_tells_both_sides_and_its_proration(end: FarEnd, stripe_connector: StripeConnector) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    at = int(now.timestamp()) - 3_600
    end.handler = routes(
        events=listed(a_plan_change(at), {**a_plan_change(at, "cus_Other"), "id": "evt_2"}),  # type: ignore[dict-item]  # a dict
        invoiceitems=listed(an_invoice_item(-4_083, at), an_invoice_item(16_583, at)),
    )
    window = Window(start=now - timedelta(days=2), end=now)
    found = await fetch(stripe_connector, "list_plan_changes", window, billing_id=CUSTOMER)
    assert found.rows == (
        {
            "event": "evt_1",
            "at": (now - timedelta(hours=1)).isoformat().replace("+00:00", "Z"),
            "subscription": "sub_1",
            "item": "si_1",
            "change": "plan",
            "from_price": "price_Starter",
            "from_nickname": "Starter",
            "from_unit_amount": 4_900,
            "from_interval": "month",
            "from_quantity": 1,
            "to_price": "price_Team",
            "to_nickname": "Team",
            "to_unit_amount": 19_900,
            "to_interval": "month",
            "to_quantity": 5,
            "currency": "usd",
            "proration": True,
            "proration_amount": 12_500,
        },
    )
    assert end.requests[0].one("types[0]") == "customer.subscription.updated"
    assert not found.reason


async def test_a_plan_change_without_leave_to_see_prorations_says_so(
    end: FarEnd, stripe_connector: StripeConnector
) -> None:
    now = datetime.now(UTC)
    end.handler = routes(events=listed(a_plan_change(int(now.timestamp()) - 60)), invoiceitems=refused(403))
    found = await fetch(
        stripe_connector, "list_plan_changes", Window(start=now - timedelta(days=1), end=now), billing_id=CUSTOMER
    )
    assert found.rows[0]["proration"] is None
    assert "prorations" in found.reason


async def test_no_plan_change_beyond_what_stripe_keeps_is_no_absence(
    end: FarEnd, stripe_connector: StripeConnector
) -> None:
    end.handler = routes(events=listed(), invoiceitems=listed())
    window = Window(start=datetime.now(UTC) - timedelta(days=45), end=datetime.now(UTC))
    found = await fetch(stripe_connector, "list_plan_changes", window, billing_id=CUSTOMER)
    assert found.status is EvidenceStatus.FAILED
    assert "30 days" in found.reason


def a_summary(*values: tuple[int, str]) -> Reply:
    balances: list[JsonValue] = [
        {
            "available_balance": {"type": "monetary", "monetary": {"value": value, "currency": currency}},
            "ledger_balance": {"type": "monetary", "monetary": {"value": value, "currency": currency}},
        }
        for value, currency in values
    ]
    return Reply({"object": "billing.credit_balance_summary", "balances": balances, "customer": CUSTOMER})


NOTE: JsonValue = {
    "id": "cn_1",
    "object": "credit_note",
    "number": "ACME-CN-01",
    "total": 2_000,
    "currency": "usd",
    "status": "issued",
    "reason": "product_unsatisfactory",
    "invoice": "in_1",
    "created": EPOCH - 60,
}


async def test_credit_is_balance_grants_and_notes(end: FarEnd, stripe_connector: StripeConnector) -> None:
    end.handler = routes(
        cus_Acme1=Reply(a_customer(balance=-500)),
        credit_balance_summary=a_summary((10_000, "usd"), (700, "jpy")),
        credit_notes=listed(NOTE),
    )
    found = await fetch(stripe_connector, "get_credit", billing_id=CUSTOMER)
    assert [(row["kind"], row["credit"], row["currency"]) for row in found.rows] == [
        ("customer_balance", 500, "usd"),
        ("credit_grants", 10_000, "usd"),
        ("credit_grants", 700, "jpy"),
        ("credit_note", 2_000, "usd"),
    ]
    assert all(row.keys() == OPERATIONS["get_credit"].columns for row in found.rows)
    asked = next(seen for seen in end.requests if seen.path.endswith("summary"))
    assert asked.one("filter[applicability_scope][price_type]") == "metered"


async def test_credit_that_may_not_be_read_is_said(end: FarEnd, stripe_connector: StripeConnector) -> None:
    end.handler = routes(
        cus_Acme1=Reply(a_customer(balance=0)), credit_balance_summary=refused(403), credit_notes=refused(403)
    )
    found = await fetch(stripe_connector, "get_credit", billing_id=CUSTOMER)
    assert len(found.rows) == 1
    assert found.truncated
    assert found.reason == "the key may not read credit grants and credit notes"


def a_meter(number: int, name: str) -> JsonValue:
    return {
        "id": f"mtr_{number}",
        "object": "billing.meter",
        "event_name": name,
        "display_name": name.title(),
        "default_aggregation": {"formula": "sum"},
    }


def usage_of(seen: Seen) -> Reply:
    meter, start = seen.path.split("/")[4], int(seen.one("start_time"))
    days: list[JsonValue] = [
        {
            "id": f"mtrusg_{meter}_{day}",
            "object": "billing.meter_event_summary",
            "aggregated_value": 40.0 + day,
            "start_time": start + day * DAY_SECONDS,
            "end_time": start + (day + 1) * DAY_SECONDS,
            "meter": meter,
        }
        for day in (1, 0)
    ]
    return listed(*days)


async def test_usage_is_asked_by_whole_days_for_each_meter(end: FarEnd, stripe_connector: StripeConnector) -> None:
    end.handler = routes(meters=listed(a_meter(1, "api_requests"), a_meter(2, "letters")), event_summaries=usage_of)
    found = await fetch(stripe_connector, "list_usage", billing_id=CUSTOMER)
    assert [(row["meter"], row["day"], row["value"]) for row in found.rows] == [
        ("api_requests", "2026-11-20", 41),
        ("api_requests", "2026-11-19", 40),
        ("letters", "2026-11-20", 41),
        ("letters", "2026-11-19", 40),
    ]
    assert found.rows[0].keys() == OPERATIONS["list_usage"].columns
    asked = end.requests[1]
    assert (asked.one("customer"), asked.one("value_grouping_window")) == (CUSTOMER, "day")
    assert int(asked.one("start_time")) % DAY_SECONDS == int(asked.one("end_time")) % DAY_SECONDS == 0
    assert int(asked.one("end_time")) - int(asked.one("start_time")) == 2 * DAY_SECONDS


async def test_usage_of_one_meter_by_name_or_id(end: FarEnd, stripe_connector: StripeConnector) -> None:
    end.handler = routes(meters=listed(a_meter(1, "api_requests"), a_meter(2, "letters")), event_summaries=usage_of)
    for name in ("letters", "mtr_2"):
        found = await fetch(stripe_connector, "list_usage", billing_id=CUSTOMER, meter=name)
        assert {row["meter_id"] for row in found.rows} == {"mtr_2"}
    missing = await fetch(stripe_connector, "list_usage", billing_id=CUSTOMER, meter="mails")
    assert missing.status is EvidenceStatus.FAILED
    assert "api_requests, letters" in missing.reason


async def test_usage_of_the_last_hour_may_be_incomplete_and_says_so(
    end: FarEnd, stripe_connector: StripeConnector
) -> None:
    end.handler = routes(meters=listed(a_meter(1, "api_requests")), event_summaries=listed())
    now = datetime.now(UTC)
    found = await fetch(
        stripe_connector, "list_usage", Window(start=now - timedelta(days=1), end=now), billing_id=CUSTOMER
    )
    assert found.status is EvidenceStatus.EMPTY
    assert "delay" in found.reason


async def test_more_meters_than_are_asked_is_truncated(end: FarEnd, stripe_connector: StripeConnector) -> None:
    meters = listed(*(a_meter(number, f"meter_{number}") for number in range(21)))
    end.handler = routes(meters=meters, event_summaries=listed())
    found = await fetch(stripe_connector, "list_usage", billing_id=CUSTOMER)
    assert found.truncated
    assert "21 meters" in found.reason
    assert len(end.requests) == 21


@pytest.mark.parametrize(
    "operation", ["list_failed_payments", "list_disputes", "list_plan_changes", "get_credit", "list_usage"]
)
async def test_a_key_without_the_right_is_denied_by_its_name(
    end: FarEnd, stripe_connector: StripeConnector, operation: str
) -> None:
    end.always(refused(403, message=f"The key '{KEY}' lacks it. Having the 'rak_dispute_read' permission would do."))
    found = await fetch(stripe_connector, operation, billing_id=CUSTOMER)
    assert found.status is EvidenceStatus.DENIED
    assert "it lacks rak_dispute_read (Disputes: Read)" in found.reason
    assert KEY not in found.reason
