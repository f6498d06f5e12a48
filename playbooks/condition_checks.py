"""Conditions of a playbook: that they parse, compare like with like, and speak of facts that are there."""

import re
from collections.abc import Iterator, Mapping

from playbooks.fact_checks import Finding, unknown
from playbooks.yaml_source import Field
from reasoning.conditions import ConditionError, check_condition, facts_of

_PLACE = re.compile(r"ERROR: <input>:1:(\d+):")
_OTHER_LANGUAGES = (
    (re.compile(r"(?<![=!<>])=(?!=)"), "write == to compare"),
    (re.compile(r"\band\b", re.IGNORECASE), "write && for and"),
    (re.compile(r"\bor\b", re.IGNORECASE), "write || for or"),
    (re.compile(r"\bnot\b", re.IGNORECASE), "write ! for not"),
    (re.compile(r"\bis\b", re.IGNORECASE), "write == for is"),
    (re.compile(r"\d\s*%"), "a share is a number from 0 to 1: write 0.2 for 20%"),
    (re.compile(r"<>"), "write != for unequal"),
)
"""What people bring along from SQL, Python and spreadsheets."""


def condition_problems(condition: str, kinds: Mapping[str, str], at: Field) -> Iterator[Finding]:
    """Yield what is wrong with one condition.

    Args:
        condition: The CEL text.
        kinds: Fact to `number`, `time`, `bool` or `text`.
        at: Where it stands.
    """
    try:
        names = facts_of(condition)
        for name in names:
            if name not in kinds:
                yield at, unknown("fact", name, kinds)
                return
        check_condition(condition, kinds)
    except ConditionError as error:
        yield at, _syntax(condition, str(error))


def _syntax(condition: str, message: str) -> str:
    """Say where a text stops being CEL in a line; every other message is good as it is."""
    found = _PLACE.search(message)
    if found is None:
        return message
    bare = re.sub(r"'[^']*'|\"[^\"]*\"", "''", condition)
    remedy = next((remedy for pattern, remedy in _OTHER_LANGUAGES if pattern.search(bare)), "")
    stop = int(found[1]) - 1
    rest = condition[stop:].strip()
    place = f"at {rest!r}" if rest else "at its end, where something is missing"
    return f"{condition!r} is not a CEL expression: it breaks {place}" + (f"; {remedy}" if remedy else "")
