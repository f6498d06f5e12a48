"""Facts: each function, and that what lacks evidence stays unknown through all of them."""

import pytest
from pydantic import JsonValue

from models.diagnosis import FactValue
from models.vocabulary import EvidenceStatus
from reasoning.facts import FUNCTIONS
from tests.reasoning.facts_case import ROW_FUNCTIONS, ROWS, at, compute, evidence, given_args, one


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


def test_the_first_that_is_known_does_not_stand_on_what_had_no_answer() -> None:
    facts = compute(
        {
            "either": {"fn": "first_known", "unit": "count", "args": {"of": ["$lost", "$none", "$known"]}},
            "lost": {"fn": "min", "unit": "count", "args": {"query": "q", "column": "n"}},
            "none": {"fn": "min", "unit": "count", "args": {"query": "r", "column": "n", "where": {"name": "z"}}},
            "known": {"fn": "max", "unit": "count", "args": {"query": "s", "column": "n"}},
        },
        evidence((), status=EvidenceStatus.SKIPPED),
        evidence(query="r", number=2),
        evidence(query="s", number=3),
    )
    assert (facts["either"].value, facts["either"].evidence) == (6, ("E2", "E3"))


def test_every_function_over_rows_is_covered_here() -> None:
    assert set(ROW_FUNCTIONS) == {
        name for name, fn in FUNCTIONS.items() if any(arg.name == "query" for arg in fn.arguments)
    }
