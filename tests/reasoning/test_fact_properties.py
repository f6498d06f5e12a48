"""Properties of every fact function: unknown in gives unknown out, a known fact says all of itself, and edges end in a word."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from models.base import Row
from models.customer import Anchors, Window
from models.diagnosis import Fact
from models.evidence import Evidence
from models.playbook import FactSpec
from models.vocabulary import EvidenceStatus, Scope, Source
from reasoning.fact_inputs import Argument, Takes
from reasoning.facts import FUNCTIONS, compute_facts
from reasoning.phrases import format_value
from reasoning.quantities import says_fact
from tests.reasoning.case import PLAYBOOK

START = datetime(2026, 3, 12, 12, tzinfo=UTC)
WINDOW = Window(start=START, end=START + timedelta(hours=2))
ANCHORS = Anchors(
    reported_at=START + timedelta(hours=2), symptom_at=START + timedelta(hours=1), window=WINDOW, symptoms=("slow",)
)
UNANSWERED = [status for status in EvidenceStatus if not status.answered]
COLUMNS = {
    "column": "n",
    "total": "all",
    "time": "at",
    "by": "n",
    "currency": "currency",
}


def evidence(rows: Sequence[Row], **change: object) -> Evidence:
    found = Evidence(
        id="E1",
        query="q",
        source=Source.CLICKHOUSE,
        title="t",
        scope=Scope.SHARED,
        status=EvidenceStatus.FOUND if rows else EvidenceStatus.EMPTY,
        rows=tuple(rows),
        window=WINDOW,
        fetched_at=START,
    )
    return found.model_copy(update=change)


def series(count: int = 12) -> list[Row]:
    return [
        {
            "at": (START + timedelta(minutes=at)).isoformat().replace("+00:00", "Z"),
            "n": 1 if at < count / 2 else 40,
            "all": 100,
            "currency": "usd",
            "name": f"row{at % 3}",
        }
        for at in range(count)
    ]


def argument(argument: Argument, fact: str) -> JsonValue:
    """Give an argument something that fits, with `fact` wherever it takes one."""
    match argument.takes:
        case Takes.QUERY:
            return "q"
        case Takes.COLUMN:
            return COLUMNS.get(argument.name, "n")
        case Takes.WHERE:
            return {"n": {"gte": 0}}
        case Takes.FACT:
            return f"${fact}"
        case Takes.FACTS:
            return [f"${fact}"]
        case Takes.NUMBER:
            return 0
        case Takes.TERMS:
            return ["row1", f"${fact}"]


def arguments(fn: str, fact: str, *, optional: bool = True) -> dict[str, JsonValue]:
    return {each.name: argument(each, fact) for each in FUNCTIONS[fn].arguments if optional or not each.optional}


def unit_of(fn: str) -> str:
    return {
        "first": "count",
        "last": "count",
        "value": "count",
        "last_before": "count",
        "min": "count",
        "max": "count",
    }.get(fn, "")


def compute(fn: str, args: dict[str, JsonValue], *found: Evidence, unit: str | None = None) -> Fact:
    unit = unit_of(fn) if unit is None else unit
    facts = {
        "fact": FactSpec.model_validate({"fn": fn, "label": "it", "unit": unit, "args": args}),
        "lost": FactSpec.model_validate({"fn": "count", "label": "lost", "args": {"query": "never_asked"}}),
        "lost_time": FactSpec.model_validate(
            {"fn": "min", "label": "lost", "unit": "time", "args": {"query": "never_asked", "column": "at"}}
        ),
        "number": FactSpec.model_validate({"fn": "count", "label": "number", "args": {"query": "q"}}),
        "moment": FactSpec.model_validate(
            {"fn": "max", "label": "moment", "unit": "time", "args": {"query": "q", "column": "at"}}
        ),
    }
    return compute_facts(PLAYBOOK.model_copy(update={"facts": facts}), found, ANCHORS)["fact"]


OVER_ROWS = sorted(name for name, fn in FUNCTIONS.items() if any(each.takes is Takes.QUERY for each in fn.arguments))
OVER_FACTS = sorted(
    name for name, fn in FUNCTIONS.items() if any(each.takes in (Takes.FACT, Takes.FACTS) for each in fn.arguments)
)
FACT_ARGUMENTS = [
    (fn, each.name)
    for fn in sorted(FUNCTIONS)
    for each in FUNCTIONS[fn].arguments
    if each.takes in (Takes.FACT, Takes.FACTS, Takes.TERMS, Takes.WHERE)
]


@pytest.mark.parametrize("fn", OVER_ROWS)
@pytest.mark.parametrize("status", UNANSWERED)
def test_question_without_an_answer_is_unknown(fn: str, status: EvidenceStatus) -> None:
    fact = compute(fn, arguments(fn, "number"), evidence([], status=status))
    assert (fact.value, fact.formula) == (None, "")
    assert fact.why_unknown


@pytest.mark.parametrize(("fn", "name"), FACT_ARGUMENTS)
@pytest.mark.parametrize("lost", ["lost", "lost_time"])
def test_unknown_fact_in_any_place_makes_it_unknown(fn: str, name: str, lost: str) -> None:
    kinds = {each.name: each.takes for each in FUNCTIONS[fn].arguments}
    args = arguments(fn, "moment" if fn in ("gap", "age", "shift", "earliest", "last_before") else "number")
    shapes: dict[Takes, JsonValue] = {Takes.FACTS: [f"${lost}"], Takes.WHERE: {"n": {"gte": f"${lost}"}}}
    spoilt = shapes.get(kinds[name], f"${lost}")
    fact = compute(fn, args | {name: spoilt}, evidence(series()))
    assert fact.value is None, (args, spoilt)
    assert fact.why_unknown
    assert (fact.unit, fact.label, fact.formula) == (unit_of(fn), "it", "")


@pytest.mark.parametrize("fn", sorted(FUNCTIONS))
def test_known_fact_says_its_unit_its_formula_and_its_evidence(fn: str) -> None:
    timed = fn in ("gap", "age", "shift", "earliest", "last_before")
    args = arguments(fn, "moment" if timed else "number")
    if fn == "ticket_names":
        args |= {"anchor": "$anchors.symptoms", "terms": ["slow"]}
    if fn in ("contains_any", "touches_any"):
        args |= {"column": "name", "terms": ["row1"]}
    if fn == "value":
        args |= {"where": {"at": "2026-03-12T12:03:00Z"}}
    if fn == "top":
        args |= {"column": "name"}
    rows = series()
    if fn == "stretch_end":
        rows = [*series(), *[{**row, "at": str(row["at"]).replace("T12:", "T13:"), "n": 1} for row in series()]]
    fact = compute(fn, args, evidence(rows))
    assert fact.value is not None, fact.why_unknown
    assert fact.formula
    assert fact.unit == ("usd-cents" if fn == "sum_minor_units" else unit_of(fn))
    assert fact.evidence == (() if fn == "ticket_names" else ("E1",))
    assert fn == "ticket_names" or fact.formula.endswith("E1")
    assert says_fact(format_value(fact), fact)


CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5),
    st.sampled_from([10**18, -(10**18), 10**400, 1e308, -1e308, 5e-324, 0.1, math.nan, math.inf, -math.inf]),
    st.sampled_from(
        ["", "NaN", "Infinity", "1e999999999", "-1E+400", "9007199254740993", "0.10", "usd", "eur", "text"]
    ),
    st.integers(-90, 90).map(lambda at: f"{START + timedelta(minutes=at):%Y-%m-%dT%H:%M:%SZ}"),
    st.sampled_from(
        ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-02-30T00:00:00Z", "2026-03-12T12:00:00+14:00"]
    ),
)
ROWS = st.lists(st.fixed_dictionaries(dict.fromkeys(("at", "n", "all", "currency", "name"), CELLS)), max_size=9)


@settings(max_examples=40)
@given(rows=ROWS, minutes=st.sampled_from([0, 1, -(10**15), 10**15, 1e308]))
@pytest.mark.parametrize("fn", sorted(FUNCTIONS))
def test_whatever_the_rows_hold_a_fact_is_finite_or_unknown_with_a_reason(
    fn: str, rows: list[Row], minutes: float
) -> None:
    for name in ("number", "moment"):
        for unit in ("", "count", "time", "bool", "usd-cents"):
            args = arguments(fn, name, optional=False)
            args |= {"minutes": minutes} if fn == "shift" else {}
            fact = compute(fn, args, evidence(rows), unit=unit)
            assert (fact.value is None) == bool(fact.why_unknown)
            if isinstance(fact.value, float | int):
                assert math.isfinite(fact.value)
            assert format_value(fact)


def totals(rows: list[Row], fn: str = "sum_minor_units") -> Fact:
    return compute(fn, {"query": "q", "column": "n", "currency": "currency"}, evidence(rows))


def test_invoice_arithmetic_is_exact_and_in_one_currency() -> None:
    lines: list[Row] = [{"n": 10**15 + 1, "currency": "USD"}, {"n": -1, "currency": "usd"}, {"n": 0, "currency": "usd"}]
    assert (totals(lines).value, totals(lines).unit) == (10**15, "usd-cents")
    assert totals([{"n": 1, "currency": "usd"}, {"n": 1, "currency": "eur"}]).value is None
    assert totals([{"n": 0.5, "currency": "usd"}]).value is None
    assert totals([{"n": None, "currency": "usd"}]).value is None
    assert (
        totals([{"n": 1, "currency": None}]).value is None or totals([{"n": 1, "currency": None}]).unit != "usd-cents"
    )
    assert totals([]).value is None


@pytest.mark.parametrize("p", [0, 1, 50, 95, 99, 99.9, 100])
def test_percentile_is_one_of_the_values_by_nearest_rank(p: float) -> None:
    for count in (1, 2, 3, 100, 101):
        rows: list[Row] = [{"n": value} for value in reversed(range(1, count + 1))]
        rows.insert(0, {"n": None})
        fact = compute("percentile", {"query": "q", "column": "n", "p": p}, evidence(rows))
        assert fact.value == max(math.ceil(p / 100 * count), 1)


@pytest.mark.parametrize("cell", [math.nan, math.inf, "NaN", True, "text"])
def test_percentile_of_what_is_no_number_is_unknown(cell: JsonValue) -> None:
    rows: list[Row] = [{"n": 1}, {"n": cell}, {"n": 3}]
    assert compute("percentile", {"query": "q", "column": "n", "p": 95}, evidence(rows)).value is None


def onset_of(rows: Sequence[Row], fn: str = "onset", **args: JsonValue) -> Fact:
    return compute(fn, {"query": "q", "time": "at", "column": "n", **args}, evidence(rows))


def test_onset_does_not_depend_on_the_order_of_the_rows() -> None:
    rows = series(20)
    straight = onset_of(rows, total="all")
    assert straight.value == START + timedelta(minutes=10)
    assert onset_of(rows[::-1], total="all").value == straight.value
    assert onset_of(rows[::2] + rows[1::2]).value == straight.value


def test_onset_of_doubled_buckets_joins_shares_and_does_not_guess_levels() -> None:
    rows = series(20)
    doubled = [*rows, *rows[::-1]]
    assert onset_of(doubled, total="all").value == START + timedelta(minutes=10)
    assert "several rows for one at" in onset_of(doubled).why_unknown


def test_onset_of_one_moment_or_one_row_is_unknown() -> None:
    one = series(20)[:1]
    for fn in ("onset", "onset_end", "onset_confidence"):
        assert onset_of(one, fn).value is None
        assert onset_of(one * 20, fn).value is None
        assert onset_of([{**row, "at": one[0]["at"]} for row in series(20)], fn, total="all").value is None


def test_gap_tells_a_clock_that_runs_ahead_by_its_sign() -> None:
    """A deployment that is stamped after the rise that it made: the gap is negative, never its size alone."""
    rows: list[Row] = [{"at": "2026-03-12T14:05:00+02:00", "n": 1}]
    ahead = compute("gap", {"from": "$moment", "to": "$anchors.symptom_at"}, evidence(rows))
    assert ahead.value == 55.0
    rows = [{"at": "2026-03-12T13:00:30Z", "n": 1}]
    behind = compute("gap", {"from": "$moment", "to": "$anchors.symptom_at"}, evidence(rows), unit="minutes")
    assert behind.value == -0.5
    assert says_fact(format_value(behind), behind)


def test_share_by_column_is_of_the_whole_that_is_named() -> None:
    rows: list[Row] = [{"name": "a", "n": 3}, {"name": "b", "n": 1}, {"name": "b", "n": 0}]
    args: dict[str, JsonValue] = {"query": "q", "column": "n", "where": {"name": "a"}}
    assert compute("share", args, evidence(rows)).value == 0.75
    assert compute("share", args, evidence(rows[2:])).value is None
    assert compute("share", args, evidence([])).value is None
    assert compute("share", args, evidence([{"name": "a", "n": None}])).value is None
    assert compute("share", args, evidence(rows, truncated=True)).value is None


@pytest.mark.parametrize("fn", ["count", "sum", "exists", "distinct", "rate", "contains_any"])
def test_that_no_row_passes_is_not_known_from_an_old_answer(fn: str) -> None:
    args = arguments(fn, "number") | {"where": {"name": "gone"}}
    if fn == "contains_any":
        args |= {"terms": ["x"]}
    assert compute(fn, args, evidence(series())).value in (0, 0.0, False)
    old = compute(fn, args, evidence(series(), stale=True))
    assert (old.value, old.why_unknown) == (None, "q has no such row, but the answer is old")
