"""Rows from whatever Stripe may send: flat, or refused as schema drift that names no value; never another exception."""

import math
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.http import SchemaDrift
from connectors.stripe_event_rows import event_row, plan_change_rows
from connectors.stripe_fields import Fields
from connectors.stripe_parameters import OPERATIONS
from connectors.stripe_payment_rows import (
    balance_row,
    charge_row,
    credit_note_row,
    dispute_row,
    failed_payment_row,
    grant_rows,
    usage_row,
)
from connectors.stripe_rows import card_row, customer_row, invoice_row, line_row, subscription_rows
from models.base import Row

KEYS = st.sampled_from(
    [
        "id",
        "name",
        "email",
        "metadata",
        "customer_id",
        "currency",
        "delinquent",
        "created",
        "status",
        "items",
        "data",
        "price",
        "product",
        "nickname",
        "unit_amount",
        "unit_amount_decimal",
        "quantity",
        "quantity_decimal",
        "recurring",
        "interval",
        "meter",
        "current_period_start",
        "cancel_at",
        "total_taxes",
        "amount",
        "number",
        "due_date",
        "pricing",
        "price_details",
        "period",
        "start",
        "end",
        "parent",
        "invoice_item_details",
        "proration",
        "payment_method_details",
        "card",
        "brand",
        "last4",
        "exp_month",
        "exp_year",
        "outcome",
        "reason",
        "payment_intent",
        "object",
        "previous_attributes",
        "customer",
        "type",
        "balance",
    ]
)
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["1e999999", "NaN"])
)
THINGS = st.dictionaries(
    KEYS,
    st.recursive(
        SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=6), max_leaves=20
    ),
    max_size=10,
)


NOON = datetime(2026, 11, 20, tzinfo=UTC)
ROWS: dict[str, Callable[[Fields], list[Row]]] = {
    "find_customer": lambda one: [customer_row(one, "customer_id", "email")],
    "list_subscriptions": subscription_rows,
    "list_invoices": lambda one: [invoice_row(one, "https://dashboard.example.com")],
    "list_invoice_lines": lambda one: [line_row(one, one, {})],
    "list_charges": lambda one: [charge_row(one, {})],
    "list_failed_payments": lambda one: [failed_payment_row(one, {})],
    "list_disputes": lambda one: [dispute_row(one)],
    "list_plan_changes": lambda one: plan_change_rows(one, [one]),
    "get_credit": lambda one: [balance_row(one), credit_note_row(one), *grant_rows(one)],
    "list_usage": lambda one: [usage_row(one, one)],
    "list_events": lambda one: [event_row(one)],
    "list_cards": lambda one: [card_row(one, "", NOON)],
}


def test_every_operation_is_looked_at() -> None:
    assert ROWS.keys() == OPERATIONS.keys()


@pytest.mark.parametrize("operation", sorted(ROWS))
@settings(max_examples=40, deadline=None)
@given(thing=THINGS)
def test_rows_are_flat_or_drift_whatever_comes(operation: str, thing: dict[str, object]) -> None:
    rows: list[Row] = []
    told = ""
    try:
        rows = ROWS[operation](Fields(thing, "things[0]"))
    except SchemaDrift as drift:
        told = drift.reason
    assert not told or told.startswith(("schema drift: things[0]", "schema drift: no item"))
    for row in rows:
        assert row.keys() == OPERATIONS[operation].columns
        for value in row.values():
            assert value is None or isinstance(value, str | int | float)
            assert not isinstance(value, float) or math.isfinite(value)


def event(**data: object) -> Fields:
    return Fields({"id": "evt_1", "type": "t", "created": 1_700_000_000, "data": data}, "events[0]")


def test_a_refused_change_tells_no_personal_data() -> None:
    told = event(
        object={"id": "cus_1", "object": "customer", "phone": "+49 30 1", "attempt_count": 1},
        previous_attributes={"phone": "+49 30 2", "address": {"city": "Berlin"}, "attempt_count": 0},
    )
    assert event_row(told)["summary"] == "customer cus_1; changed: address, attempt_count 0 → 1, phone"


def an_invoice(**fields: object) -> Fields:
    amounts = dict.fromkeys(("subtotal", "total", "amount_due", "amount_paid"), 500)
    return Fields({"id": "in_1", "currency": "jpy", "created": 1_700_000_000, **amounts, **fields}, "invoices[0]")


def test_an_invoice_without_tax_has_zero_and_one_that_does_not_tell_has_none() -> None:
    assert invoice_row(an_invoice(total_taxes=[]), "")["tax"] == 0
    assert invoice_row(an_invoice(), "")["tax"] is None
    assert invoice_row(an_invoice(total_taxes=None, tax=7), "")["tax"] == 7


def test_an_amount_in_a_currency_without_minor_units_is_left_as_it_is() -> None:
    row = invoice_row(an_invoice(), "")
    assert (row["total"], row["currency"]) == (500, "jpy")


def test_a_balance_is_turned_into_what_the_customer_is_owed() -> None:
    row = balance_row(Fields({"id": "cus_1", "balance": -4_083, "currency": "usd"}, "customer"))
    assert (row["kind"], row["credit"], row["currency"]) == ("customer_balance", 4_083, "usd")


def price(name: str, amount: int = 4_900, **fields: object) -> dict[str, object]:
    recurring = {"interval": "month"}
    return {
        "id": f"price_{name}",
        "nickname": name,
        "unit_amount": amount,
        "currency": "usd",
        "recurring": recurring,
    } | fields


def item(number: int, name: str, quantity: int | None = 1) -> dict[str, object]:
    return {"id": f"si_{number}", "price": price(name), "quantity": quantity}


def changed(now: list[dict[str, object]], then: list[dict[str, object]]) -> Fields:
    return event(
        object={"id": "sub_1", "object": "subscription", "items": {"data": now}},
        previous_attributes={"items": {"data": then}},
    )


def test_each_changed_item_is_one_change() -> None:
    told = changed(
        [item(1, "Team"), item(2, "Seats", 7), item(4, "Support"), item(5, "Same")],
        [item(1, "Starter"), item(2, "Seats", 5), item(3, "Old"), item(5, "Same")],
    )
    rows = plan_change_rows(told, [])
    assert [(row["item"], row["change"]) for row in rows] == [
        ("si_1", "plan"),
        ("si_2", "quantity"),
        ("si_3", "removed"),
        ("si_4", "added"),
    ]
    assert (rows[0]["from_nickname"], rows[0]["to_nickname"]) == ("Starter", "Team")
    assert (rows[1]["from_quantity"], rows[1]["to_quantity"]) == (5, 7)
    assert (rows[2]["to_price"], rows[3]["from_price"]) == ("", "")
    assert {row["proration"] for row in rows} == {False}


def test_an_event_that_changes_no_plan_is_no_change() -> None:
    told = event(object={"id": "sub_1", "items": {"data": [item(1, "Team")]}}, previous_attributes={"status": "active"})
    assert plan_change_rows(told, []) == []
    assert plan_change_rows(changed([item(1, "Team")], [item(1, "Team")]), []) == []


def test_older_versions_tell_the_change_on_the_subscription() -> None:
    old = {"id": "price_Starter", "nickname": "Starter", "amount": 4_900, "currency": "usd", "interval": "month"}
    told = event(
        object={"id": "sub_1", "items": {"data": [item(1, "Team")]}}, previous_attributes={"plan": old, "quantity": 3}
    )
    (row,) = plan_change_rows(told, None)
    assert (row["change"], row["from_price"], row["to_price"]) == ("plan", "price_Starter", "price_Team")
    assert (row["from_unit_amount"], row["from_interval"], row["from_quantity"]) == (4_900, "month", 3)
    assert row["proration"] is None


def test_prorations_are_those_of_the_same_moment_and_subscription() -> None:
    def invoice_item(amount: int, subscription: str = "sub_1", later: int = 0, *, proration: bool = True) -> Fields:
        parent = {"subscription_details": {"subscription": subscription}}
        date = 1_700_000_000 + later
        return Fields({"amount": amount, "proration": proration, "date": date, "parent": parent}, "invoiceitems[0]")

    found = [
        invoice_item(-4_083),
        invoice_item(16_583, later=1),
        invoice_item(1, "sub_2"),
        invoice_item(2, later=3_600),
        invoice_item(3, proration=False),
    ]
    (row,) = plan_change_rows(changed([item(1, "Team")], [item(1, "Starter")]), found)
    assert (row["proration"], row["proration_amount"]) == (True, 12_500)


def test_a_field_that_must_be_there_is_told_by_its_path() -> None:
    with pytest.raises(SchemaDrift, match=r"charges\[3\]\.amount is missing"):
        charge_row(Fields({"id": "ch_1", "status": "failed"}, "charges[3]"), {})
    with pytest.raises(SchemaDrift, match=r"subscriptions\[0\]\.items\.data\[0\]\.price is text, not an object"):
        subscription_rows(Fields({"id": "sub_1", "items": {"data": [{"price": "price_1"}]}}, "subscriptions[0]"))
    with pytest.raises(SchemaDrift, match=r"x\.amount is beyond any number"):
        Fields({"amount": "1e999999"}, "x").number("amount")
