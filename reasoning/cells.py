"""Cells of evidence as numbers and times, and the `where` filters over rows."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from operator import ge, gt, le, lt
from typing import Any

from pydantic import JsonValue

from models.base import Row
from models.diagnosis import FactValue
from reasoning.relatedness import in_region, touches

Operand = FactValue | tuple[FactValue, ...] | None
"""A filter's value after references are resolved."""
TEXT_OPERATORS = ("contains", "touches", "touches_all", "in_region")
OPERATORS = ("gte", "gte_or_null", "gt", "lte", "lt", "ne", "in", *TEXT_OPERATORS)
LONGEST_NUMBER = 300
"""Decimal places before the point; what is larger is no measure, and a text such as `1e999999999` would fill the memory."""
_LIMIT = 10**LONGEST_NUMBER
_PLAIN = 2**63
"""Counts and amounts are whole numbers far below this; they need no further look."""
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})?)?")


class NotKnown(Exception):
    """A fact cannot be known, and why, for people."""


def as_time(cell: JsonValue, column: str) -> datetime:
    """Read an ISO 8601 cell as a time in UTC."""
    moment = _moment(cell) if isinstance(cell, str) else None
    if moment is None:
        raise NotKnown(f"column {column!r} holds no time")
    return moment


@lru_cache(maxsize=16_384)
def _moment(text: str) -> datetime | None:
    """Read a time; kept, because every fact over a series reads the same buckets."""
    if not _ISO.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def as_number(cell: JsonValue, column: str) -> int | float:
    """Read a number, also one sent as text (decimals and wide integers are); whole numbers come back as ints.

    What is not finite, or beyond any measure, is unknown: it would make a sum, an order or a share of anything.
    """
    if type(cell) is int or type(cell) is float:
        if -_LIMIT < cell < _LIMIT:
            return cell
        raise NotKnown(f"column {column!r} holds no finite number")
    if isinstance(cell, str):
        try:
            number = Decimal(cell)
        except InvalidOperation:
            number = Decimal("NaN")
        if number.is_finite() and number.adjusted() < LONGEST_NUMBER:
            return int(number) if number == number.to_integral_value() else float(number)
    raise NotKnown(f"column {column!r} holds no number" if cell is not None else f"column {column!r} holds no value")


def number_of(row: Row, column: str) -> int | float:
    """Read a cell as a number, see `as_number`."""
    cell = row.get(column)
    return cell if type(cell) is int and -_PLAIN < cell < _PLAIN else as_number(cell_of(row, column), column)


def cell_of(row: Row, column: str) -> JsonValue:
    """Return a cell; a column that is not there makes the fact unknown, never zero."""
    try:
        return row[column]
    except KeyError:
        known = ", ".join(sorted(row)) or "none"
    raise NotKnown(f"the answer has no column {column!r}; it has {known}")


def text_of(row: Row, columns: str) -> str:
    """Return the text of one column, or of several joined by `+`."""
    return " ".join(str(cell) for name in columns.split("+") if (cell := cell_of(row, name)) is not None)


def matches(row: Row, where: Mapping[str, Mapping[str, Operand]]) -> bool:
    """Whether a row passes all tests: column to operator (`eq` for plain equality) to value."""
    return bool(passing((row,), where))


def passing(
    rows: Sequence[Row], where: Mapping[str, Mapping[str, Operand]], regions: Collection[str] = ()
) -> list[Row]:
    """Return the rows that pass all tests, see `matches`. What a test cannot say of a row makes it unknown.

    Args:
        rows: Of one answer.
        where: The tests.
        regions: The company's own regions, for `in_region`.
    """
    tests = [
        _test(column, operator, operand, regions)
        for column, named in where.items()
        for operator, operand in named.items()
    ]
    if len(tests) == 1:
        [test] = tests
        return [row for row in rows if test(row)]
    # A loop, not all(…): this runs for every row of every fact, and a generator costs as much as a test.
    passed = []
    for row in rows:
        for test in tests:
            if not test(row):
                break
        else:
            passed.append(row)
    return passed


Test = Callable[[Row], bool]


def _test(column: str, operator: str, operand: Operand, regions: Collection[str]) -> Test:
    """Choose once for all rows how one test is made. What is wrong with it is said where a row meets it, not before."""
    if operator in TEXT_OPERATORS:
        return lambda row: _text_passes(text_of(row, column), operator, operand, regions)
    if operator == "in":
        choices = operand if isinstance(operand, tuple) else (operand,)
        return lambda row: _is_one_of(cell_of(row, column), choices, column)
    if isinstance(operand, tuple):
        return _refusing(column)
    if operator in ("eq", "ne"):
        wanted = operator == "eq"
        return lambda row: _equal(cell_of(row, column), operand, column) is wanted
    return _ordering(column, operator, operand)


def _refusing(column: str) -> Test:
    def test(row: Row) -> bool:
        raise NotKnown(f"column {column!r} cannot be compared with a list; use `in`")

    return test


def _ordering(column: str, operator: str, operand: FactValue | None) -> Test:
    compare, empty_passes = _ORDER[operator], operand is not None and operator == "gte_or_null"

    def by_time(row: Row) -> bool:
        cell = cell_of(row, column)
        return empty_passes if cell is None else compare(as_time(cell, column), operand)

    def by_number(row: Row) -> bool:
        cell = cell_of(row, column)
        if cell is None or operand is None:
            return cell is None and empty_passes
        return compare(_difference(cell, operand, column), 0)

    return by_time if isinstance(operand, datetime) else by_number


def _is_one_of(cell: JsonValue, choices: Sequence[FactValue | None], column: str) -> bool:
    return any(_equal(cell, choice, column) for choice in choices)


def _text_passes(text: str, operator: str, operand: Operand, regions: Collection[str]) -> bool:
    terms = [str(term) for term in (operand if isinstance(operand, tuple) else (operand,)) if term not in (None, "")]
    if operator == "contains":
        return any(term.lower() in text.lower() for term in terms)
    if operator == "in_region":
        return in_region(text, terms, regions)
    if operator == "touches_all":
        return bool(terms) and all(touches(text, term) for term in terms)
    return any(touches(text, term) for term in terms)


def _equal(cell: JsonValue, operand: FactValue | None, column: str) -> bool:
    if cell is None or operand is None:
        return cell is operand
    if isinstance(cell, bool) or isinstance(operand, bool):
        return cell is operand
    if isinstance(operand, str):
        return isinstance(cell, str) and cell == operand
    return _difference(cell, operand, column) == 0


def _difference(cell: JsonValue, operand: FactValue, column: str) -> float:
    """Return a number whose sign orders the cell against the operand."""
    if isinstance(operand, datetime):
        return (as_time(cell, column) - operand).total_seconds()
    if isinstance(operand, str):
        return (as_time(cell, column) - as_time(operand, column)).total_seconds()
    number = as_number(cell, column)
    # Compared, not subtracted: Python orders an int against a float exactly, however large.
    return (number > operand) - (number < operand)


_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "gte": ge,
    "gte_or_null": ge,
    "gt": gt,
    "lte": le,
    "lt": lt,
}
