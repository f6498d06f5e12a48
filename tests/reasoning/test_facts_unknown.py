"""What lacks evidence is unknown and stays unknown; and the facts about series and words."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from models.base import Row
from models.evidence import Evidence
from models.playbook import FactSpec
from models.vocabulary import EvidenceStatus, Scope
from reasoning.facts import kind_of, queries_of
from reasoning.onset import Bucket, find_onset
from reasoning.relatedness import touches
from tests.reasoning.facts_case import ROW_FUNCTIONS, ROWS, START, compute, evidence, given_args, one


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


def test_the_last_before_a_time_is_known_of_a_cut_answer_that_has_the_newest_first() -> None:
    rows: list[Row] = [
        {"at": "2026-03-12T14:20:00Z", "name": "c"},
        {"at": "2026-03-12T13:00:00Z", "name": "b"},
        {"at": "2026-03-12T12:00:00Z", "name": "a"},
    ]
    args: dict[str, JsonValue] = {"query": "q", "time": "at", "before": "$anchors.symptom_at", "column": "name"}
    assert one("last_before", evidence(rows, truncated=True), unit="text", **args).value == "b"
    assert one("last_before", evidence(rows[::-1], truncated=True), unit="text", **args).value is None
    none_before = evidence([{"at": "2099-01-01T00:00:00Z", "name": "z"}], truncated=True)
    assert "was cut" in one("last_before", none_before, unit="text", **args).why_unknown


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
