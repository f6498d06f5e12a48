"""Conditions of a playbook: CEL over facts by their names, three-valued, comparisons only.

Arithmetic belongs to facts, where the unknown stays unknown: CEL's integer division, type errors and infinities do not
reach it. A time counts as minutes since 1970 here, so that times compare with each other.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from itertools import islice, product

import cel

from models.diagnosis import Fact, FactValue

ALLOWED = frozenset(
    {"_&&_", "_||_", "!_", "_>_", "_>=_", "_<_", "_<=_", "_==_", "_!=_", "@in", "contains", "startsWith", "endsWith"}
)
"""Operators and functions that a condition may use, by CEL's own names."""
MOST_SAMPLES = 512
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SAMPLES: dict[str, tuple[FactValue, ...]] = {
    "number": (0.5, -1e12, 10**12),
    "time": (1.0, 1e12),
    "bool": (True, False),
    "text": ("text", ""),
}


class ConditionError(ValueError):
    """A condition that cannot be used, with the reason and the remedy in one message."""


@dataclass(frozen=True)
class Judgement:
    """What a condition says: True, False, or None where a fact is unknown or the values do not fit."""

    holds: bool | None
    facts: tuple[str, ...]
    """Facts that it speaks of, sorted."""
    why: str = ""
    """Why it decides nothing."""


def facts_of(condition: str) -> tuple[str, ...]:
    """Return the facts that a condition speaks of, sorted.

    Raises:
        ConditionError: It does not parse, or uses more than comparisons.
    """
    return _compiled(condition)[1]


def judge(condition: str, facts: Mapping[str, Fact]) -> Judgement:
    """Evaluate one condition. It decides nothing as soon as any fact that it speaks of is unknown, whatever else it says."""
    try:
        program, names = _compiled(condition)
    except ConditionError as error:
        return Judgement(None, (), str(error))
    unknown = [name for name in names if name not in facts or facts[name].value is None]
    if unknown:
        return Judgement(None, names, "unknown: " + ", ".join(unknown))
    values = {name: _comparable(value) for name in names if (value := facts[name].value) is not None}
    try:
        result = program.execute(values)
    except (ValueError, TypeError, RuntimeError, ArithmeticError, KeyError):
        # CEL's own words may quote the values, and they may be a customer's.
        return Judgement(None, names, "these values cannot be compared so")
    if not isinstance(result, bool):
        return Judgement(None, names, "the result is neither true nor false")
    return Judgement(result, names)


def check_condition(condition: str, kinds: Mapping[str, str]) -> None:
    """Refuse at load what could not work at run time.

    Args:
        condition: The CEL text.
        kinds: Fact to `number`, `time`, `bool` or `text`.

    Raises:
        ConditionError: Syntax, an unknown fact, arithmetic, or values of the facts' kinds that yield neither true nor false.
    """
    program, names = _compiled(condition)
    for name in names:
        if name not in kinds:
            raise ConditionError(f"{condition!r} speaks of {name!r}, which is no fact of this playbook")
    if all(_decides(program, dict(zip(names, values, strict=True))) for values in _samples(names, kinds)):
        return
    said = ", ".join(f"{name} is a {kinds[name]}" for name in names) or "it names no fact"
    raise ConditionError(f"{condition!r} is not always true or false: {said}; compare like with like")


def _samples(names: Sequence[str], kinds: Mapping[str, str]) -> Iterator[tuple[FactValue, ...]]:
    return islice(product(*(_SAMPLES[kinds[name]] for name in names)), MOST_SAMPLES)


def _decides(program: cel.Program, values: dict[str, FactValue]) -> bool:
    try:
        return isinstance(program.execute(values), bool)
    except (ValueError, TypeError, RuntimeError, ArithmeticError, KeyError):
        return False


@lru_cache(maxsize=2048)
def _compiled(condition: str) -> tuple[cel.Program, tuple[str, ...]]:
    try:
        program = cel.compile(condition)
    except ValueError as error:
        reason = " ".join(str(error).split())
        raise ConditionError(f"{condition!r} is not a CEL expression: {reason[:300]}") from None
    beyond = sorted(set(program.functions()) - ALLOWED)
    if beyond:
        raise ConditionError(
            f"{condition!r} uses {', '.join(beyond)}; conditions only compare (== != < <= > >= in && || !, contains, "
            "startsWith, endsWith): compute the rest as a fact"
        )
    return program, tuple(sorted(program.variables()))


def _comparable(value: FactValue) -> bool | int | float | str:
    return (value - _EPOCH).total_seconds() / 60 if isinstance(value, datetime) else value
