"""Cells of evidence as numbers and times, and the `where` filters over rows."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache

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
    if isinstance(cell, int | float) and not isinstance(cell, bool):
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


def cell_of(row: Row, column: str) -> JsonValue:
    """Return a cell; a column that is not there makes the fact unknown, never zero."""
    if column not in row:
        raise NotKnown(f"the answer has no column {column!r}; it has {', '.join(sorted(row)) or 'none'}")
    return row[column]


def text_of(row: Row, columns: str) -> str:
    """Return the text of one column, or of several joined by `+`."""
    return " ".join(str(cell) for name in columns.split("+") if (cell := cell_of(row, name)) is not None)


def matches(row: Row, where: Mapping[str, Mapping[str, Operand]]) -> bool:
    """Whether a row passes all tests: column to operator (`eq` for plain equality) to value."""
    # Loops, not all(…): this runs for every row of every fact, and a generator costs as much as a test.
    for column, tests in where.items():
        for operator, operand in tests.items():
            if not _passes(row, column, operator, operand):
                return False
    return True


def _passes(row: Row, column: str, operator: str, operand: Operand) -> bool:
    if operator in TEXT_OPERATORS:
        return _text_passes(text_of(row, column), operator, operand)
    cell = cell_of(row, column)
    if operator == "in":
        choices = operand if isinstance(operand, tuple) else (operand,)
        return any(_equal(cell, choice, column) for choice in choices)
    if isinstance(operand, tuple):
        raise NotKnown(f"column {column!r} cannot be compared with a list; use `in`")
    if operator in ("eq", "ne"):
        return _equal(cell, operand, column) == (operator == "eq")
    if cell is None or operand is None:
        return cell is None and operand is not None and operator == "gte_or_null"
    return _ORDER[operator](_difference(cell, operand, column))


def _text_passes(text: str, operator: str, operand: Operand) -> bool:
    terms = [str(term) for term in (operand if isinstance(operand, tuple) else (operand,)) if term not in (None, "")]
    if operator == "contains":
        return any(term.lower() in text.lower() for term in terms)
    if operator == "in_region":
        return in_region(text, terms)
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


_ORDER: dict[str, Callable[[float], bool]] = {
    "gte": lambda difference: difference >= 0,
    "gte_or_null": lambda difference: difference >= 0,
    "gt": lambda difference: difference > 0,
    "lte": lambda difference: difference <= 0,
    "lt": lambda difference: difference < 0,
}
