"""Values and sentences as people read them."""

from datetime import UTC, datetime

import pytest

from models.base import Row
from models.diagnosis import Fact, FactValue
from models.playbook import Query
from reasoning.phrases import (
    cell_text,
    fill,
    fill_row,
    format_money,
    format_scalar,
    format_value,
    places_in,
    say_absence,
    say_fact,
    stray_braces,
)
from tests.reasoning.case import PLAYBOOK

AT = datetime(2026, 3, 12, 14, 5, 59, tzinfo=UTC)


def fact(name: str, value: FactValue | None, unit: str = "") -> Fact:
    return Fact(id=name, label=name, value=value, unit=unit)


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (0.342, "percent", "34%"),
        (0, "percent", "0%"),
        (1, "percent", "100%"),
        (0.9996, "percent", "over 99.9%"),
        (0.995, "percent", "99.5%"),
        (0.034, "percent", "3.4%"),
        (0.0005, "percent", "0.05%"),
        (0.00001, "percent", "under 0.01%"),
        (-0.25, "percent", "-25%"),
        (2.5, "percent", "250%"),
        (1240.4, "ms", "1,240 ms"),
        (12345, "count", "12,345"),
        (1, "minutes", "1 minute"),
        (-4, "minutes", "-4 minutes"),
        (185, "minutes", "3 h 5 min"),
        (-180, "minutes", "-3 hours"),
        (5000, "minutes", "3.5 days"),
        (7.04, "times", "7 times"),
        (340, "per-minute", "340 per minute"),
        (123456, "usd-cents", "$1,234.56"),
        (-300, "eur-cents", "-€3.00"),
        (1200, "jpy-cents", "¥1,200"),
        (1200, "chf-cents", "12.00 CHF"),
        (True, "bool", "yes"),
        (AT, "time", "2026-03-12 14:05 UTC"),
        (AT, "clock", "14:05 UTC"),
        (AT, "date", "2026-03-12"),
        ("a {brace}", "text", "a {brace}"),
        (float("inf"), "count", "inf"),
        (1 / 3, "", "0.33"),
    ],
)
def test_values(value: FactValue, unit: str, said: str) -> None:
    assert format_scalar(value, unit) == said


def test_unknown_is_said() -> None:
    assert format_value(fact("a", None, "percent")) == "unknown"


@pytest.mark.parametrize(
    ("minor", "said"), [(0, "$0.00"), (5, "$0.05"), (-105, "-$1.05"), (10**12, "$10,000,000,000.00")]
)
def test_money_is_exact(minor: int, said: str) -> None:
    assert format_money(minor, "USD") == said


@pytest.mark.parametrize(("cell", "text"), [(None, ""), (True, "true"), (5, "5"), (0.5, "0.5"), ("x", "x")])
def test_cells_are_quoted_exactly(cell: bool | float | str | None, text: str) -> None:
    assert cell_text(cell) == text


def test_a_sentence_with_an_unknown_fact_is_not_said() -> None:
    known = {"rate": fact("rate", 0.5, "percent"), "gone": fact("gone", None)}
    assert fill("{rate} failed", known) == "50% failed"
    assert fill("{value} failed, {rate}", known, own="3") == "3 failed, 50%"
    assert fill("{rate} and {gone}", known) is None
    assert fill("{rate} and {other}", known) is None


def test_a_value_with_braces_is_not_filled_again() -> None:
    known = {"a": fact("a", "{b}"), "b": fact("b", "secret")}
    assert fill("it is {a}", known) == "it is {b}"
    assert fill_row("it is {a}", {"a": "{b}", "b": "secret"}) == "it is {b}"


def test_rows_say_times_and_money_and_refuse_empty_cells() -> None:
    row: Row = {
        "amount": 4990,
        "currency": "usd",
        "at": "2026-03-12T14:05:00Z",
        "none": None,
        "empty": "",
        "n": 1234,
        "ok": False,
    }
    assert fill_row("{amount:money} at {at}, {at:date}", row) == "$49.90 at 2026-03-12 14:05 UTC, 2026-03-12"
    assert fill_row("{n} and {n:count} {ok}", row) == "1,234 and 1,234 no"
    assert fill_row("{none}", row) is None
    assert fill_row("{empty}", row) is None
    assert fill_row("{gone}", row) is None
    assert fill_row("{amount:money}", {"amount": 4990}) == "4,990"


def test_long_and_broken_text_is_cut_and_flattened() -> None:
    said = fill_row("{text}", {"text": "a\n\n b\t" + "x" * 500})
    assert said is not None
    assert said.startswith("a b x")
    assert len(said) == 160
    assert said.endswith("…")


def test_places_and_stray_braces() -> None:
    assert places_in("{a} {b:money} {a}") == ("a", "b")
    assert not stray_braces("{a} {b:money}")
    assert all(stray_braces(text) for text in ("{a", "a}", "{A}", "{a.b}", "{{a}}", "{}"))


def test_a_fact_without_a_sentence_is_said_by_its_label() -> None:
    name = next(iter(PLAYBOOK.facts))
    bare = PLAYBOOK.model_copy(update={"facts": {name: PLAYBOOK.facts[name].model_copy(update={"say": ""})}})
    assert say_fact(bare, {name: fact("how many", 5, "count")}, name) == "how many: 5"
    needy = PLAYBOOK.model_copy(
        update={"facts": {name: PLAYBOOK.facts[name].model_copy(update={"say": "{value} of {gone}"})}}
    )
    assert say_fact(needy, {name: fact("how many", 5, "count")}, name) == "how many: 5"
    assert say_fact(bare, {name: fact("how many", None)}, name) is None
    assert say_fact(bare, {}, name) is None


def test_absence_always_has_words() -> None:
    query = Query.model_validate({"id": "q", "source": "github", "title": "deployments", "scope": "shared"})
    assert say_absence(query) == "Nothing found: deployments"
