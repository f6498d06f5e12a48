"""Rows from whatever Stripe may send: always flat, never an exception."""

import math
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.stripe_rows import (
    card_row,
    charge_row,
    customer_row,
    event_row,
    invoice_row,
    line_row,
    subscription_rows,
)
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


@settings(max_examples=150, deadline=None)
@given(THINGS)
def test_rows_are_flat_whatever_comes(thing: dict[str, object]) -> None:
    rows: list[Row] = [
        customer_row(thing, "customer_id"),
        *subscription_rows(thing),
        invoice_row(thing, "https://dashboard.example.com"),
        line_row(thing, thing, {}),
        charge_row(thing, {}),
        event_row(thing),
        card_row(thing, "", datetime(2026, 11, 20, tzinfo=UTC)),
    ]
    for row in rows:
        for value in row.values():
            assert value is None or isinstance(value, str | int | float)
            assert not isinstance(value, float) or math.isfinite(value)


def test_a_refused_change_tells_no_personal_data() -> None:
    event = {
        "data": {
            "object": {"id": "cus_1", "object": "customer", "phone": "+49 30 1", "attempt_count": 1},
            "previous_attributes": {"phone": "+49 30 2", "address": {"city": "Berlin"}, "attempt_count": 0},
        }
    }
    assert event_row(event)["summary"] == "customer cus_1; changed: address, attempt_count 0 → 1, phone"


def test_an_invoice_without_tax_has_zero_and_one_that_does_not_tell_has_none() -> None:
    assert invoice_row({"id": "in_1", "total_taxes": []}, "")["tax"] == 0
    assert invoice_row({"id": "in_1"}, "")["tax"] is None
    assert invoice_row({"id": "in_1", "total_taxes": None, "tax": 7}, "")["tax"] == 7
