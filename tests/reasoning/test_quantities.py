"""Values as text: another format is the same value, another value never is."""

from datetime import UTC, datetime

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import JsonValue

from models.diagnosis import Fact, FactValue
from reasoning.phrases import cell_text, format_value
from reasoning.quantities import says_cell, says_fact

AT = datetime(2026, 3, 12, 14, 5, 30, 250_000, tzinfo=UTC)


def fact(value: FactValue | None, unit: str = "") -> Fact:
    return Fact(id="f", label="f", value=value, unit=unit)


SAME: list[tuple[FactValue, str, str]] = [
    (1234, "count", "1,234"),
    (1234, "count", "1234"),
    (1234, "count", "1 234"),
    (0.12, "percent", "12.0 %"),
    (0.12, "percent", "12%"),
    (0.12, "percent", "0.12"),
    (0.12, "percent", "12 percent"),
    (0.41234, "percent", "41%"),
    (0.41234, "percent", "41.23 %"),
    (0.9996, "percent", "over 99.9%"),
    (0.00004, "percent", "under 0.01%"),
    (1240.4, "ms", "1,240 ms"),
    (1240.4, "ms", "1.24 s"),
    (125, "minutes", "2 h 5 min"),
    (125, "minutes", "125 minutes"),
    (125, "minutes", "125"),
    (3.42, "times", "3.4 times"),
    (3.42, "times", "3.4×"),
    (18, "per-minute", "18/min"),
    (123456, "usd-cents", "$1,234.56"),
    (123456, "usd-cents", "1234.56 USD"),
    (123456, "usd-cents", "123456"),
    (-300, "eur-cents", "-€3.00"),
    (1200, "jpy-cents", "¥1,200"),
    (True, "bool", "yes"),
    (True, "bool", "true"),
    (True, "bool", "Yes"),
    (1000, "kwd-cents", "1.000 KWD"),
    (1200, "ugx-cents", "1,200 UGX"),
    (5, "GB", "5 gb"),
    (0.004, "", "0.004"),
    (10**400, "count", str(10**400)),
    ("caf\u00e9", "text", "cafe\u0301"),
    (AT, "time", "2026-03-12 14:05 UTC"),
    (AT, "time", "2026-03-12T14:05:30Z"),
    (AT, "time", "2026-03-12T14:05:30.250Z"),
    (AT, "time", "2026-03-12T15:05:30+01:00"),
    (AT, "time", "2026-03-12"),
    ("rate_limited", "text", " rate_limited "),
]

OTHER: list[tuple[FactValue | None, str, str]] = [
    (None, "count", "0"),
    (None, "count", "unknown"),
    (1234, "count", "1,235"),
    (1234, "count", "1,23"),
    (1234, "count", "12,34"),
    (1234, "count", "1234.5"),
    (1234, "count", "1,200"),
    (1234, "count", "1.2k"),
    (1234, "count", "1234 ms"),
    (1234, "count", "1234%"),
    (1234, "count", "$1234"),
    (1234, "count", "-1234"),
    (1234, "count", "about 1234"),
    (1234, "count", "1234 and more"),
    (1, "count", "١"),
    (0.12, "percent", "12"),
    (0.12, "percent", "13%"),
    (0.12, "percent", "0.13"),
    (0.9996, "percent", "100%"),
    (0.9996, "percent", "1"),
    (0.004, "percent", "0%"),
    (0.4, "ms", "0 ms"),
    (1.4, "", "1"),
    (125, "minutes", "3 hours"),
    (125, "minutes", "125 hours"),
    (125, "minutes", "2 h 5 min and a half"),
    (125, "minutes", "-125"),
    (123456, "usd-cents", "$1,234"),
    (123456, "usd-cents", "$1,234.57"),
    (123456, "usd-cents", "€1,234.56"),
    (123456, "usd-cents", "1,234.56"),
    (True, "bool", "no"),
    (True, "bool", "1"),
    (AT, "time", "2026-03-12 14:06 UTC"),
    (AT, "time", "2026-03-12 14:05 +01:00"),
    (AT, "time", "2026-03-12T14:05:31Z"),
    (AT, "time", "14:05"),
    (AT, "time", "2026-13-12 14:05 UTC"),
    (1200, "ugx-cents", "12.00 UGX"),
    (1000, "kwd-cents", "10.00 KWD"),
    (0.004, "", "0"),
    (10**400, "count", str(10**400 + 1)),
    ("rate_limited", "text", "rate_limіted"),
    ("rate_limited", "text", "rate_limite"),
    ("rate_limited", "text", "Rate_limited"),
    ("rate_limited", "text", "not rate_limited"),
    (float("inf"), "count", "1"),
    (float("nan"), "count", "0"),
]


@pytest.mark.parametrize(("value", "unit", "text"), SAME)
def test_other_format_is_the_same_value(value: FactValue, unit: str, text: str) -> None:
    assert says_fact(text, fact(value, unit))


@pytest.mark.parametrize(("value", "unit", "text"), OTHER)
def test_other_value_is_not(value: FactValue | None, unit: str, text: str) -> None:
    assert not says_fact(text, fact(value, unit))


UNITS = st.sampled_from(["", "count", "percent", "ms", "minutes", "times", "per-minute", "usd-cents"])
NUMBERS = st.one_of(
    st.integers(-(10**9), 10**9),
    st.floats(-1e9, 1e9, allow_nan=False).map(lambda number: round(number, 6)),
)


@given(NUMBERS, UNITS)
def test_what_code_writes_is_always_the_value(value: float, unit: str) -> None:
    assert says_fact(format_value(fact(value, unit)), fact(value, unit))


@given(st.integers(-(10**12), 10**12), st.integers(-(10**12), 10**12), st.sampled_from(["", "count", "usd-cents"]))
def test_whole_number_says_no_other(value: int, other: int, unit: str) -> None:
    assume(value != other)
    assert not says_fact(str(other), fact(value, unit))
    assert not says_fact(f"{other:,}", fact(value, unit))


@given(st.floats(0.01, 1e6), st.floats(0.01, 1e6), st.integers(0, 4))
def test_number_shown_to_some_places_is_near_enough(value: float, other: float, places: int) -> None:
    shown = f"{other:.{places}f}"
    if says_fact(shown, fact(value)):
        assert abs(float(shown) - value) <= max(0.5 * 10**-places * 1.000001, 0.005)
        assert abs(float(shown) - value) <= 0.051 * value


CELLS: list[tuple[JsonValue, str, bool]] = [
    (412, "412", True),
    (412, "412.0", True),
    (412, "413", False),
    (1_000_000, "1,000,000", True),
    (0.412, "41.2%", True),
    (0.412, "0.412", True),
    (0.412, "41.3%", False),
    (True, "true", True),
    (True, "yes", True),
    (True, "1", False),
    (1, "true", False),
    (None, "", False),
    (None, "null", False),
    ("", "", False),
    ("12.50", "12.5", True),
    ("12.50", "12.51", False),
    ("007", "7", False),
    ("1234", "1,234", False),
    ("/v1/exports", "/v1/exports", True),
    ("/v1/exports", "/v1/export", False),
    ("2026-03-12T14:05:30Z", "2026-03-12 14:05 UTC", True),
    ("2026-03-12T14:05:30Z", "2026-03-12 14:04 UTC", False),
    ("The export worker crashes on empty rows", "The export worker crashes…", True),
    ("The export worker crashes on empty rows", "The…", False),
    ("The export worker crashes on empty rows", "The export worker crashes on empty rows…", False),
    ("https://billing.example.com/in_20", "https://billing.example.com/in_2…", False),
    (412, "41,200%", False),
    (41.2, "4,120%", False),
    (True, "TRUE", True),
    ("The export worker crashes on empty rows", "The import worker crashes…", False),
    (["a"], "a", False),
]


@pytest.mark.parametrize(("cell", "text", "same"), CELLS)
def test_cells(cell: JsonValue, text: str, same: bool) -> None:
    assert says_cell(text, cell) is same


@pytest.mark.parametrize("column", ["version", "app_version", "number", "release", "ref", "card_number"])
def test_name_of_figures_is_no_amount(column: str) -> None:
    assert says_cell("2026.10", "2026.10", column)
    assert not says_cell("2026.1", "2026.10", column)
    assert says_cell("12.5", "12.50", "price")
    assert not says_cell("12.49", "12.50", "price")
    assert not says_cell("12", "12.4", "price")


@given(st.one_of(st.text(min_size=1).filter(str.strip), st.integers(), st.booleans()))
def test_cell_as_it_is_quoted_is_the_cell(cell: str | int | bool) -> None:
    assert says_cell(cell_text(cell), cell)
