"""Conditions: three values, comparisons only, refusals instead of crashes."""

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.diagnosis import Fact, FactValue
from reasoning.conditions import ConditionError, check_condition, facts_of, judge

AT = datetime(2026, 3, 12, 14, tzinfo=UTC)


def facts(**values: FactValue | None) -> dict[str, Fact]:
    return {name: Fact(id=name, label=name, value=value) for name, value in values.items()}


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("rate > 0.2", True),
        ("rate > 0.2 && count < 1", False),
        ("rate > 0.9 || count >= 5", True),
        ("count == 5.0", True),
        ("!flag", False),
        ("flag == true", True),
        ("code == 'rate_limited'", True),
        ("code in ['a', 'rate_limited']", True),
        ("code.startsWith('rate')", True),
        ("early < late", True),
        ("late <= early", False),
        ("early > 0", True),
        ("gap > -3 && gap < 0.5", True),
        ("unknown > 0", None),
        ("unknown > 0 || rate > 0.2", None),
        ("unknown > 0 && rate > 0.9", None),
        ("missing > 0", None),
        ("code > 5", None),
        ("rate", None),
        ("rate >", None),
    ],
)
def test_three_values(condition: str, holds: bool | None) -> None:
    known = facts(
        rate=0.4, count=5, flag=True, code="rate_limited", early=AT, late=AT.replace(hour=15), gap=-2.5, unknown=None
    )
    said = judge(condition, known)
    assert said.holds is holds
    assert bool(said.why) == (holds is None)


def test_names_what_is_unknown() -> None:
    said = judge("a > 0 && b > 0", facts(a=1, b=None))
    assert (said.facts, said.why) == (("a", "b"), "unknown: b")


def test_a_refusal_never_quotes_a_value() -> None:
    assert "secret" not in judge("a > 5", facts(a="secret@example.com")).why


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("a >", "is not a CEL expression"),
        ("", "is not a CEL expression"),
        ("a = 1", "is not a CEL expression"),
        ("a + 1 > 2", "compute the rest as a fact"),
        ("a / 2 > 1", "compute the rest as a fact"),
        ("-a > 1", "compute the rest as a fact"),
        ("a.matches('x')", "matches"),
        ("[a].exists(v, v > 1)", "compute the rest as a fact"),
        ("size(t) > 1", "size"),
        ("b > 1", "'b', which is no fact"),
        ("a", "is not always true or false"),
        ("5", "is not always true or false"),
        ("t > 5", "is not always true or false"),
        ("t && a > 1", "is not always true or false"),
    ],
)
def test_what_is_refused_at_load(condition: str, said: str) -> None:
    with pytest.raises(ConditionError, match=re.escape(said)):
        check_condition(condition, {"a": "number", "t": "text", "f": "bool", "w": "time"})


@pytest.mark.parametrize("condition", ["a > 0.5", "f", "!f && a != 3", "t == 'x' || f", "w > 0", "w > a"])
def test_what_is_taken_at_load(condition: str) -> None:
    check_condition(condition, {"a": "number", "t": "text", "f": "bool", "w": "time"})


def test_facts_are_sorted_and_single() -> None:
    assert facts_of("b > 1 && a > 1 && b < 3") == ("a", "b")


@given(st.text(max_size=40))
def test_no_text_crashes_it(text: str) -> None:
    assert judge(text, facts(a=1)).holds in (True, False, None)
