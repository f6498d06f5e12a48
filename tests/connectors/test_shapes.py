"""An answer that does not fit is told by its field and kind, never by its value."""

import pytest
from pydantic import JsonValue, TypeAdapter

from connectors.http import SchemaDrift
from connectors.shapes import Moment, Shape, read_shape


class Line(Shape):
    amount: int
    at: Moment
    paid: bool = False


class Bill(Shape):
    lines: list[Line]
    rate: float | None = None


BILL = TypeAdapter(Bill)
NOON = "2026-11-20T13:00:00+01:00"


def test_what_fits_is_read_and_the_rest_is_left_alone() -> None:
    bill = read_shape(BILL, {"lines": [{"amount": 5, "at": NOON, "new": {}}], "rate": 2, "more": 1}, "bill")
    assert bill.lines[0].at.isoformat() == "2026-11-20T12:00:00+00:00"


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (None, "bill is nothing, not an object"),
        ({}, "bill.lines is missing"),
        ({"lines": {"secret": 1}}, "bill.lines is an object, not a list"),
        ({"lines": ["secret"]}, "bill.lines[0] is text, not an object"),
        ({"lines": [{"amount": "secret", "at": NOON}]}, "bill.lines[0].amount is text, not a whole number"),
        ({"lines": [{"amount": True, "at": NOON}]}, "bill.lines[0].amount is true or false, not a whole number"),
        ({"lines": [{"amount": 1.5, "at": NOON}]}, "bill.lines[0].amount is a number, not a whole number"),
        ({"lines": [{"amount": 1, "at": "secret"}]}, "bill.lines[0].at is text, not a time"),
        ({"lines": [{"amount": 1, "at": "2026-11-20T13:00:00"}]}, "bill.lines[0].at is text, not a time"),
        ({"lines": [{"amount": 1, "at": 1_800_000_000}]}, "bill.lines[0].at is a whole number, not a time"),
        ({"lines": [{"amount": 1, "at": NOON, "paid": "yes"}]}, "bill.lines[0].paid is text, not true or false"),
        ({"lines": [], "rate": "1.5"}, "bill.rate is text, not a number"),
    ],
)
def test_what_does_not_fit_is_named(answer: JsonValue, told: str) -> None:
    with pytest.raises(SchemaDrift) as raised:
        read_shape(BILL, answer, "bill")
    assert raised.value.reason == f"schema drift: {told}"
    assert raised.value.__cause__ is None
