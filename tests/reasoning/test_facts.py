"""Facts: each function, and that what lacks evidence stays unknown through all of them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from models.base import Row
from models.customer import Anchors, Window
from models.diagnosis import Fact, FactValue
from models.evidence import Evidence
from models.playbook import FactSpec
from models.vocabulary import EvidenceStatus, Scope, Source
from reasoning.facts import FUNCTIONS, compute_facts, kind_of, queries_of
from reasoning.onset import Bucket, find_onset
from reasoning.relatedness import touches
from tests.reasoning.case import PLAYBOOK

START = datetime(2026, 3, 12, 12, tzinfo=UTC)
WINDOW = Window(start=START, end=START + timedelta(hours=2))
ANCHORS = Anchors(
    reported_at=START + timedelta(hours=2),
    symptom_at=START + timedelta(hours=1),
    window=WINDOW,
    symptoms=("slow",),
    routes=("/v1/a",),
)
ROWS: list[Row] = [
    {
        "name": "a",
        "n": 4,
        "f": 0.5,
        "wide": "9007199254740993",
        "at": "2026-03-12T12:00:00Z",
        "ok": True,
        "none": None,
        "cur": "usd",
    },
    {"name": "b", "n": 6, "f": 1.5, "wide": "1", "at": "2026-03-12T13:00:00Z", "ok": False, "none": 3, "cur": "USD"},
    {"name": "a", "n": 0, "f": 2.0, "wide": "2", "at": "2026-03-12T14:00:00Z", "ok": True, "none": None, "cur": "usd"},
]  # fmt: skip


def evidence(
    rows: Sequence[Row] = ROWS,
    query: str = "q",
    status: EvidenceStatus | None = None,
    number: int = 1,
    truncated: bool = False,
    stale: bool = False,
    scope: Scope = Scope.CUSTOMER,
    total: int | None = None,
) -> Evidence:
    return Evidence(
        id=f"E{number}",
        query=query,
        source=Source.CLICKHOUSE,
        title="t",
        scope=scope,
        status=status or (EvidenceStatus.FOUND if rows else EvidenceStatus.EMPTY),
        rows=tuple(rows),
        truncated=truncated,
        stale=stale,
        total=total,
        window=WINDOW,
        fetched_at=START,
    )


def compute(specs: dict[str, dict[str, JsonValue]], *found: Evidence) -> dict[str, Fact]:
    facts = {name: FactSpec.model_validate({"label": name, **spec}) for name, spec in specs.items()}
    return compute_facts(PLAYBOOK.model_copy(update={"facts": facts}), found, ANCHORS)


def one(fn: str, *found: Evidence, unit: str = "", **args: JsonValue) -> Fact:
    return given_args(fn, args, *(found or (evidence(),)), unit=unit)


def given_args(fn: str, args: dict[str, JsonValue], *found: Evidence, unit: str = "") -> Fact:
    return compute({"fact": {"fn": fn, "unit": unit, "args": {"query": "q", **args}}}, *found)["fact"]


def at(hour: int, minute: int = 0) -> datetime:
    return START.replace(hour=hour, minute=minute)


@pytest.mark.parametrize(
    ("fn", "unit", "args", "value"),
    [
        ("count", "", {}, 3),
        ("count", "", {"where": {"name": "a"}}, 2),
        ("count", "", {"where": {"name": "z"}}, 0),
        ("count", "", {"where": {"n": {"gte": 4}}}, 2),
        ("count", "", {"where": {"n": {"gt": 4}}}, 1),
        ("count", "", {"where": {"n": {"gt": 0, "lt": 6}}}, 1),
        ("count", "", {"where": {"name": {"in": ["b", "c"]}}}, 1),
        ("count", "", {"where": {"name": {"ne": "a"}}}, 1),
        ("count", "", {"where": {"ok": True}}, 2),
        ("count", "", {"where": {"none": None}}, 2),
        ("count", "", {"where": {"none": {"gt": 0}}}, 1),
        ("count", "", {"where": {"wide": {"gt": 9007199254740992}}}, 1),
        ("count", "", {"where": {"at": {"gte": "$anchors.symptom_at"}}}, 2),
        ("count", "", {"where": {"name+cur": {"contains": ["B", "EUR"]}}}, 1),
        ("sum", "", {"column": "n"}, 10),
        ("sum", "", {"column": "f"}, 4),
        ("sum", "", {"column": "wide"}, 9007199254740996),
        ("sum", "", {"column": "n", "where": {"name": "z"}}, 0),
        ("min", "count", {"column": "n"}, 0),
        ("max", "count", {"column": "none"}, 3),
        ("max", "time", {"column": "at"}, at(14)),
        ("min", "time", {"column": "at"}, at(12)),
        ("first", "text", {"column": "name"}, "a"),
        ("last", "count", {"column": "n"}, 0),
        ("value", "count", {"column": "n", "where": {"name": "b"}}, 6),
        ("value", "bool", {"column": "ok", "where": {"name": "b"}}, False),
        ("value", "time", {"column": "at", "where": {"name": "b"}}, at(13)),
        ("top", "text", {"column": "name", "by": "n"}, "b"),
        ("share", "", {"where": {"name": "b"}}, 1 / 3),
        ("share", "", {"column": "n", "where": {"name": "a"}}, 0.4),
        ("share", "", {"column": "n", "where": {"n": {"gt": 0}}, "within": {"name": "a"}}, 1.0),
        ("rate", "", {"column": "n"}, 10 / 120),
        ("rate", "", {}, 3 / 120),
        ("delta", "", {"column": "n"}, -4),
        ("percentile", "", {"column": "n", "p": 50}, 4),
        ("percentile", "", {"column": "n", "p": 100}, 6),
        ("percentile", "", {"column": "n", "p": 0}, 0),
        ("distinct", "", {"column": "name"}, 2),
        ("exists", "", {"where": {"name": "b"}}, True),
        ("exists", "", {"where": {"name": "z"}}, False),
        ("last_before", "text", {"column": "name", "time": "at", "before": "$anchors.symptom_at"}, "b"),
        ("sum_minor_units", "", {"column": "n", "currency": "cur"}, 10),
        ("contains_any", "", {"column": "name", "terms": ["B"]}, True),
        ("contains_any", "", {"column": "name", "terms": ["x", "y"]}, False),
        ("touches_any", "", {"column": "name", "terms": ["rate_limited"]}, False),
    ],
)
def test_functions_over_rows(fn: str, unit: str, args: dict[str, JsonValue], value: FactValue) -> None:
    fact = given_args(fn, args, evidence(), unit=unit)
    assert fact.value == value, fact.why_unknown
    assert type(fact.value) is type(value)
    assert fact.evidence == ("E1",)
    assert fact.formula.endswith("E1")
    assert fact.why_unknown == ""


def test_money_takes_its_unit_from_the_currency() -> None:
    assert one("sum_minor_units", query="q", column="n", currency="cur").unit == "usd-cents"
    mixed = [{**ROWS[0]}, {**ROWS[1], "cur": "eur"}]
    assert (
        "several currencies"
        in one("sum_minor_units", evidence(mixed), query="q", column="n", currency="cur").why_unknown
    )
    assert "minor units" in one("sum_minor_units", query="q", column="f", currency="cur").why_unknown


@pytest.mark.parametrize(
    ("fn", "args", "value"),
    [
        ("ratio", {"of": "$ten", "to": "$four"}, 2.5),
        ("change", {"of": "$ten", "base": "$four"}, 1.5),
        ("difference", {"of": "$four", "less": "$ten"}, -6),
        ("product", {"of": "$four", "by": "$ten"}, 40),
        ("gap", {"from": "$noon", "to": "$anchors.symptom_at"}, 60.0),
        ("gap", {"from": "$anchors.symptom_at", "to": "$noon"}, -60.0),
        ("age", {"of": "$noon"}, 120.0),
        ("shift", {"of": "$noon", "minutes": -30}, at(11, 30)),
        ("earliest", {"of": ["$anchors.symptom_at", "$noon"]}, at(12)),
        ("ticket_names", {"anchor": "$anchors.symptoms", "terms": ["slow"]}, True),
        ("ticket_names", {"anchor": "$anchors.symptoms", "terms": ["down"]}, False),
        ("ticket_names", {"anchor": "$anchors.invoices", "terms": ["slow"]}, False),
    ],
)
def test_functions_over_facts(fn: str, args: dict[str, JsonValue], value: FactValue) -> None:
    facts = compute(
        {
            "fact": {"fn": fn, "args": args},
            "ten": {"fn": "sum", "args": {"query": "q", "column": "n"}},
            "four": {"fn": "sum", "args": {"query": "r", "column": "n", "where": {"n": 4}}},
            "noon": {"fn": "min", "unit": "time", "args": {"query": "q", "column": "at"}},
        },
        evidence(),
        evidence(query="r", number=2),
    )
    assert facts["fact"].value == value, facts["fact"].why_unknown


def test_a_fact_stands_on_all_evidence_of_the_facts_below_it() -> None:
    facts = compute(
        {
            "share": {"fn": "ratio", "args": {"of": "$a", "to": "$b"}},
            "a": {"fn": "sum", "args": {"query": "q", "column": "n"}},
            "b": {"fn": "count", "args": {"query": "r", "where": {"n": {"gte": "$c"}}}},
            "c": {"fn": "min", "unit": "count", "args": {"query": "s", "column": "n"}},
        },
        evidence(),
        evidence(query="r", number=2),
        evidence(query="s", number=3),
    )
    assert facts["share"].evidence == ("E1", "E2", "E3")
    assert list(facts) == ["share", "a", "b", "c"]


ROW_FUNCTIONS: dict[str, dict[str, JsonValue]] = {
    "value": {"column": "n", "where": {"name": "b"}},
    "count": {"where": {"name": "b"}},
    "sum": {"column": "n"},
    "min": {"column": "n"},
    "max": {"column": "n"},
    "first": {"column": "n"},
    "last": {"column": "n"},
    "top": {"column": "name", "by": "n"},
    "share": {"where": {"name": "b"}},
    "rate": {},
    "delta": {"column": "n"},
    "percentile": {"column": "n", "p": 50},
    "distinct": {"column": "name"},
    "exists": {"where": {"name": "z"}},
    "last_before": {"column": "name", "time": "at", "before": "$anchors.symptom_at"},
    "onset": {"time": "at", "column": "n"},
    "onset_end": {"time": "at", "column": "n"},
    "onset_confidence": {"time": "at", "column": "n"},
    "stretch": {"time": "at", "column": "n", "total": "n"},
    "stretch_end": {"time": "at", "column": "n", "total": "n"},
    "sum_minor_units": {"column": "n", "currency": "cur"},
    "contains_any": {"column": "name", "terms": ["z"]},
    "touches_any": {"column": "name", "terms": ["/v1/zebra"]},
}


def test_every_function_over_rows_is_covered_here() -> None:
    assert set(ROW_FUNCTIONS) == {
        name for name, fn in FUNCTIONS.items() if any(arg.name == "query" for arg in fn.arguments)
    }


@pytest.mark.parametrize("fn", sorted(ROW_FUNCTIONS))
@pytest.mark.parametrize(
    "status", [EvidenceStatus.FAILED, EvidenceStatus.DENIED, EvidenceStatus.TIMED_OUT, EvidenceStatus.SKIPPED]
)
def test_no_answer_is_unknown(fn: str, status: EvidenceStatus) -> None:
    fact = given_args(fn, ROW_FUNCTIONS[fn], evidence([], status=status))
    assert fact.value is None
    assert status.value in fact.why_unknown


@pytest.mark.parametrize("fn", sorted(ROW_FUNCTIONS))
def test_not_asked_is_unknown(fn: str) -> None:
    fact = given_args(fn, ROW_FUNCTIONS[fn], evidence(query="other"))
    assert (fact.value, fact.why_unknown) == (None, "q was not asked")


@pytest.mark.parametrize("fn", sorted(set(ROW_FUNCTIONS) - {"first"}))
def test_a_cut_answer_makes_no_total(fn: str) -> None:
    assert given_args(fn, ROW_FUNCTIONS[fn], evidence(truncated=True)).value is None


def test_a_cut_answer_still_shows_what_it_shows() -> None:
    cut = evidence(truncated=True, total=500)
    assert one("exists", cut, query="q", where={"name": "b"}).value is True
    assert one("first", cut, query="q", column="n", unit="count").value == 4
    assert one("count", cut, query="q").value == 500
    assert one("contains_any", cut, query="q", column="name", terms=["b"]).value is True


def test_what_a_real_empty_answer_allows() -> None:
    nothing = evidence([])
    values = {fn: given_args(fn, args, nothing).value for fn, args in ROW_FUNCTIONS.items()}
    known = {fn: value for fn, value in values.items() if value is not None}
    assert known == {
        "count": 0,
        "sum": 0,
        "rate": 0.0,
        "distinct": 0,
        "exists": False,
        "contains_any": False,
        "touches_any": False,
    }


@pytest.mark.parametrize("fn", sorted(ROW_FUNCTIONS))
@pytest.mark.parametrize(
    "found", [evidence([], stale=True), evidence([], truncated=True), evidence([], scope=Scope.FLEET)]
)
def test_an_old_cut_or_suppressed_empty_answer_shows_no_absence(fn: str, found: Evidence) -> None:
    assert given_args(fn, ROW_FUNCTIONS[fn], found).value is None


@pytest.mark.parametrize("fn", sorted(set(ROW_FUNCTIONS) - {"count", "exists", "rate", "share"}))
def test_a_missing_column_is_unknown_never_zero(fn: str) -> None:
    args = {
        name: "gone" if name in ("column", "time", "by", "currency") else value
        for name, value in ROW_FUNCTIONS[fn].items()
    }
    assert "no column 'gone'" in given_args(fn, args, evidence()).why_unknown


def test_empty_cells_in_a_total_make_it_unknown() -> None:
    assert "no value" in one("sum", query="q", column="none").why_unknown
    assert one("value", query="q", column="none", where={"ok": True, "n": 4}).value is None


@pytest.mark.parametrize(
    ("fn", "args"),
    [
        ("ratio", {"of": "$gone", "to": "$known"}),
        ("ratio", {"of": "$known", "to": "$gone"}),
        ("ratio", {"of": "$known", "to": "$zero"}),
        ("change", {"of": "$known", "base": "$zero"}),
        ("difference", {"of": "$known", "less": "$gone"}),
        ("product", {"of": "$gone", "by": "$zero"}),
        ("earliest", {"of": ["$anchors.symptom_at", "$gone"]}),
        ("shift", {"of": "$gone", "minutes": 1}),
        ("age", {"of": "$gone"}),
        ("gap", {"from": "$gone", "to": "$anchors.symptom_at"}),
        ("count", {"query": "q", "where": {"n": {"gte": "$gone"}}}),
        ("count", {"query": "q", "where": {"name": {"in": ["a", "$gone"]}}}),
        ("count", {"query": "q", "where": {"name": {"touches": ["a", "$gone"]}}}),
        ("gap", {"from": "$known", "to": "$anchors.symptom_at"}),
        ("count", {"query": "q", "where": {"name": {"gte": 5}}}),
    ],
)
def test_the_unknown_spreads(fn: str, args: dict[str, JsonValue]) -> None:
    facts = compute(
        {
            "fact": {"fn": fn, "args": args},
            "gone": {"fn": "count", "args": {"query": "lost"}},
            "known": {"fn": "count", "args": {"query": "q"}},
            "zero": {"fn": "count", "args": {"query": "q", "where": {"name": "z"}}},
        },
        evidence(),
    )
    assert facts["fact"].value is None
    assert facts["fact"].why_unknown


def test_money_of_two_currencies_is_not_mixed() -> None:
    euro: list[Row] = [{"n": 5, "cur": "eur"}]
    facts = compute(
        {
            "usd": {"fn": "sum_minor_units", "args": {"query": "q", "column": "n", "currency": "cur"}},
            "eur": {"fn": "sum_minor_units", "args": {"query": "r", "column": "n", "currency": "cur"}},
            "both": {"fn": "difference", "args": {"of": "$usd", "less": "$eur"}},
            "third": {"fn": "product", "args": {"of": "$usd", "by": "$part"}},
            "part": {"fn": "share", "args": {"query": "q", "where": {"name": "b"}}},
        },
        evidence(),
        evidence(euro, query="r", number=2),
    )
    assert facts["both"].value is None
    assert (facts["third"].value, facts["third"].unit) == (3, "usd-cents")


def test_a_circle_is_unknown_and_ends() -> None:
    facts = compute(
        {
            "a": {"fn": "shift", "args": {"of": "$b", "minutes": 1}},
            "b": {"fn": "shift", "args": {"of": "$a", "minutes": 1}},
        }
    )
    assert [fact.value for fact in facts.values()] == [None, None]


def test_of_two_answers_to_one_query_the_last_counts() -> None:
    assert one("count", evidence(), evidence(ROWS[:1], number=2), query="q").value == 1


def test_kinds_and_queries_of_facts() -> None:
    specs = {
        "a": FactSpec(fn="count", label="", args={"query": "q", "where": {"n": {"gt": "$b"}}}),
        "b": FactSpec(fn="value", label="", unit="ms", args={"query": "r", "column": "n"}),
    }
    assert (kind_of(specs["a"]), kind_of(specs["b"])) == ("number", "number")
    assert queries_of("a", specs) == ("q", "r")


def series(*levels: float, weight: float = 1) -> list[Bucket]:
    return [Bucket(START + timedelta(minutes=number), level, weight) for number, level in enumerate(levels)]


def test_onset_is_the_first_bucket_after_the_change() -> None:
    found = find_onset(series(*[0.01] * 30, *[0.4] * 10))
    assert found is not None
    assert (found.at, found.confidence) == (START + timedelta(minutes=30), 1.0)
    assert found.before == pytest.approx(0.01)


def test_onset_of_what_is_over_again_is_where_it_rose() -> None:
    found = find_onset(series(*[0.01] * 30, *[0.4] * 6, *[0.01] * 40))
    assert found is not None
    assert (found.at, found.confidence) == (START + timedelta(minutes=30), 1.0)


def test_a_nearly_empty_minute_counts_for_little() -> None:
    buckets = series(*[0.0] * 20, *[0.5] * 10, weight=100)
    buckets[5] = Bucket(buckets[5].at, 1.0, 1)
    found = find_onset(list(reversed(buckets)))
    assert found is not None
    assert found.at == START + timedelta(minutes=20)


@pytest.mark.parametrize(
    "levels", [[0.2] * 40, [0.4] * 20 + [0.01] * 20, [0.0] * 3, [0.1] * 20 + [0.12] * 20, [0.0] * 40, []]
)
def test_no_clear_change_is_no_onset(levels: list[float]) -> None:
    assert find_onset(series(*levels)) is None


@given(st.lists(st.floats(0, 1), max_size=60), st.floats(0.001, 1000))
def test_onset_does_not_depend_on_the_scale(levels: list[float], scale: float) -> None:
    rounded = [round(level, 3) for level in levels]
    one_found, other = find_onset(series(*rounded)), find_onset(series(*[level * 4 for level in rounded]))
    assert (one_found and one_found.at) == (other and other.at)
    if one_found is not None:
        assert 0 <= one_found.confidence <= 1
        assert one_found.after > one_found.before


@pytest.mark.parametrize(
    ("text", "subject", "related"),
    [
        ("Move RateLimiter to Redis", "rate_limited", True),
        ("internal/limiter/bucket.go", "rate_limited", True),
        ("Limits of liability", "rate_limited", False),
        ("Faster search indexes", "/v1/search/{id}", True),
        ("Research page", "/v1/search", False),
        ("export worker", "/v1/exports/:id", True),
        ("batch import", "/v1/batches", True),
        ("Reword the pricing page", "/v1/search", False),
        ("API gateway", "api", True),
        ("API gateway", "/api/v1", False),
        ("anything", "", False),
    ],
)
def test_what_touches_what(text: str, subject: str, related: bool) -> None:
    assert touches(text, subject) is related
