"""The functions that read rows of evidence: from a query's answer to one value."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from pydantic import JsonValue

from models.base import Row
from models.diagnosis import FactValue
from reasoning.cells import NotKnown, as_number, as_time, cell_of, passing, text_of
from reasoning.fact_inputs import Argument, Given, Reckoned, Takes
from reasoning.relatedness import touches

QUERY = Argument("query", Takes.QUERY)
COLUMN = Argument("column", Takes.COLUMN)
WHERE = Argument("where", Takes.WHERE, optional=True)


@dataclass(frozen=True)
class FactFunction:
    """One function that a playbook may name."""

    name: str
    arguments: tuple[Argument, ...]
    gives: str
    """`number`, `time`, `bool`, `text`, or `any`: then the fact's unit tells."""
    run: Callable[[Given], Reckoned]

    @property
    def doc(self) -> str:
        """What it does, for docs/playbooks.md."""
        return " ".join((self.run.__doc__ or "").split())


def value(given: Given) -> Reckoned:
    """The one cell of `column`. Unknown for no row, for several rows, and for an empty cell."""
    rows = given.rows()
    if len(rows) != 1:
        raise NotKnown(f"{given.text('query')} has {len(rows)} such rows, not one")
    return _picked(given, rows[0], "")


def count(given: Given) -> Reckoned:
    """How many rows. 0 where the source really looked and found none; where no filter is given, the source's own total
    counts.
    """
    if not given.has("where") and (total := given.source().total) is not None:
        return Reckoned(total, "rows in all")
    return Reckoned(len(given.rows()), "rows")


def total(given: Given) -> Reckoned:
    """The sum of `column`. 0 over no rows; unknown as soon as one cell is empty."""
    numbers = given.numbers(given.rows())
    exact = sum(numbers) if all(isinstance(number, int) for number in numbers) else math.fsum(numbers)
    return Reckoned(_tidy(exact), f"sum of {given.text('column')}")


def smallest(given: Given) -> Reckoned:
    """The smallest value of `column`, also of times (unit `time`); empty cells are left out. Unknown for no value."""
    return _extreme(given, min)


def largest(given: Given) -> Reckoned:
    """The largest value of `column`, also of times (unit `time`); empty cells are left out. Unknown for no value."""
    return _extreme(given, max)


def first(given: Given) -> Reckoned:
    """The cell of `column` in the first row, in the order of the answer."""
    rows = given.rows(whole=False)
    if not rows:
        raise NotKnown(f"{given.text('query')} has no such row")
    return _picked(given, rows[0], "first ")


def last(given: Given) -> Reckoned:
    """The cell of `column` in the last row, in the order of the answer."""
    rows = given.rows()
    if not rows:
        raise NotKnown(f"{given.text('query')} has no such row")
    return _picked(given, rows[-1], "last ")


def top(given: Given) -> Reckoned:
    """The value of `column` with the largest sum of `by` over its rows, such as the commonest error; the first in the
    alphabet wins a tie.
    """
    sums: dict[str, int | float] = {}
    for row in given.rows():
        name = text_of(row, given.text("column"))
        if name:
            sums[name] = sums.get(name, 0) + as_number(cell_of(row, given.text("by")), given.text("by"))
    if not sums:
        raise NotKnown(f"{given.text('query')} has no such row")
    best = min(sums, key=lambda name: (-sums[name], name))
    return Reckoned(best, f"{given.text('column')} with most {given.text('by')}")


def share(given: Given) -> Reckoned:
    """What part the rows that pass `where` have of all rows, or of those that pass `within`; by `column`'s sum where
    it is given. 0 to 1, unknown where the whole is 0.
    """
    if given.source().truncated:
        raise NotKnown(f"{given.text('query')} was cut")
    within, where = given.where("within"), given.where()
    regions = given.readings.regions
    whole = passing(given.source().rows, within, regions)
    part = passing(whole, where, regions)
    sums = [sum(given.numbers(rows)) if given.has("column") else len(rows) for rows in (part, whole)]
    if sums[1] == 0:
        raise NotKnown("the whole is 0")
    return Reckoned(sums[0] / sums[1], f"{given.text('column') if given.has('column') else 'rows'} of part ÷ whole")


def rate(given: Given) -> Reckoned:
    """Rows, or the sum of `column`, per minute of the evidence's window. Unknown without a window."""
    window = given.source().window
    minutes = (window.end - window.start).total_seconds() / 60 if window else 0
    if minutes <= 0:
        raise NotKnown(f"{given.text('query')} has no window")
    rows = given.rows()
    amount = sum(given.numbers(rows)) if given.has("column") else len(rows)
    return Reckoned(amount / minutes, f"sum ÷ {minutes:g} minutes")


def delta(given: Given) -> Reckoned:
    """The last value of `column` minus the first, in the order of the answer. Unknown for fewer than two rows."""
    numbers = given.numbers(given.rows())
    if len(numbers) < 2:
        raise NotKnown(f"{given.text('query')} has fewer than two rows")
    return Reckoned(_tidy(numbers[-1] - numbers[0]), f"last − first {given.text('column')}")


def percentile(given: Given) -> Reckoned:
    """The `p`-th percentile (0 to 100) of `column` over rows, by nearest rank; empty cells are left out. Unknown for
    no value.
    """
    column, p = given.text("column"), given.number("p")
    numbers = sorted(as_number(cell, column) for cell in given.cells(given.rows()))
    if not numbers:
        raise NotKnown(f"{given.text('query')} has no value of {column}")
    return Reckoned(numbers[max(math.ceil(p / 100 * len(numbers)), 1) - 1], f"p{p:g} of {column}")


def distinct(given: Given) -> Reckoned:
    """How many different values `column` has, empty ones left out."""
    values = {str(cell) for cell in given.cells(given.rows()) if cell != ""}
    return Reckoned(len(values), f"different {given.text('column')}")


def exists(given: Given) -> Reckoned:
    """Whether any row passes. A hit in a cut answer counts; no hit in a cut answer is unknown."""
    if given.rows(whole=False):
        return Reckoned(True, "a row is there")
    return Reckoned(bool(given.rows()), "no row is there")


def last_before(given: Given) -> Reckoned:
    """The cell of `column` in the row whose `time` is the last at or before the time fact `before`. Unknown where no
    row is. A hit in a cut answer counts where the newest rows come first, since what was cut is older.
    """
    time = given.text("time")
    limit = given.time_of("before")
    rows = [(at, row) for row in given.rows(whole=False) if (at := _moment_of(row, time)) is not None]
    earlier = [(at, row) for at, row in rows if at <= limit]
    if not earlier or not _newest_first(given.source().rows, time):
        given.rows()
    if not earlier:
        raise NotKnown(f"{given.text('query')} has no such row before {limit:%Y-%m-%d %H:%M} UTC")
    return _picked(given, max(earlier, key=lambda pair: pair[0])[1], f"last {time} before the time: ")


def _moment_of(row: Row, time: str) -> datetime | None:
    cell = cell_of(row, time)
    return None if cell is None else as_time(cell, time)


def _newest_first(rows: Sequence[Row], time: str) -> bool:
    moments = [_moment_of(row, time) for row in rows]
    return all(later is not None and earlier is not None and later >= earlier for later, earlier in pairwise(moments))


def sum_minor_units(given: Given) -> Reckoned:
    """The sum of the whole minor units in `column`; the unit comes from the column `currency`. Unknown for mixed
    currencies or for parts of a unit.
    """
    rows = given.rows()
    currencies = {text_of(row, given.text("currency")).lower() for row in rows}
    if len(currencies) != 1:
        raise NotKnown("no amount to take the currency from" if not currencies else "amounts are in several currencies")
    numbers = given.numbers(rows)
    whole = [number for number in numbers if isinstance(number, int)]
    if len(whole) != len(numbers):
        raise NotKnown(f"column {given.text('column')!r} is not in whole minor units")
    return Reckoned(sum(whole), f"sum of {given.text('column')}", f"{currencies.pop()}-cents")


def contains_any(given: Given) -> Reckoned:
    """Whether the text of `column` (several joined by `+`) in any row holds one of `terms`, case ignored."""
    terms = _terms(given)
    rows = given.rows(whole=False)
    if any(term.lower() in text_of(row, given.text("column")).lower() for row in rows for term in terms):
        return Reckoned(True, f"{given.text('column')} holds one of the terms")
    given.rows()
    return Reckoned(False, f"{given.text('column')} holds none of the terms")


def touches_any(given: Given) -> Reckoned:
    """Whether the text of `column` (several joined by `+`) in any row speaks of one of `terms`: error codes, routes or
    names, by the words of reasoning/relatedness.py.
    """
    terms = _terms(given)
    rows = given.rows(whole=False)
    if any(touches(text_of(row, given.text("column")), term) for row in rows for term in terms):
        return Reckoned(True, f"{given.text('column')} speaks of one of the terms")
    given.rows()
    return Reckoned(False, f"{given.text('column')} speaks of none of the terms")


def _terms(given: Given) -> list[str]:
    operand = given.operand(given.args["terms"])
    terms = [str(term) for term in (operand if isinstance(operand, tuple) else (operand,)) if term not in (None, "")]
    if not terms:
        raise NotKnown("there are no terms to look for")
    return terms


def _picked(given: Given, row: Row, how: str) -> Reckoned:
    column = given.text("column")
    return Reckoned(_typed(cell_of(row, column), column, given.unit), f"{how}{column}")


def _typed(cell: JsonValue, column: str, unit: str) -> FactValue:
    if cell is None or cell == "":
        raise NotKnown(f"column {column!r} is empty")
    if unit == "time":
        return as_time(cell, column)
    if unit == "bool":
        if cell not in (True, False):
            raise NotKnown(f"column {column!r} holds neither true nor false")
        return bool(cell)
    return str(cell) if unit in ("", "text") else as_number(cell, column)


def _extreme(given: Given, choose: Callable[[list[int | float]], int | float]) -> Reckoned:
    column, cells = given.text("column"), given.cells(given.rows())
    if not cells:
        raise NotKnown(f"{given.text('query')} has no value of {column}")
    name = f"{'largest' if choose is max else 'smallest'} {column}"
    if given.unit == "time":
        moments = {at.timestamp(): at for at in {as_time(cell, column) for cell in cells}}
        return Reckoned(moments[choose(list(moments))], name)
    return Reckoned(choose([as_number(cell, column) for cell in cells]), name)


def _tidy(number: float) -> int | float:
    return int(number) if abs(number) < 2**53 and number == int(number) else number


_PICK = (QUERY, COLUMN, WHERE)

ROW_FUNCTIONS = (
    FactFunction("value", _PICK, "any", value),
    FactFunction("count", (QUERY, WHERE), "number", count),
    FactFunction("sum", _PICK, "number", total),
    FactFunction("min", _PICK, "any", smallest),
    FactFunction("max", _PICK, "any", largest),
    FactFunction("first", _PICK, "any", first),
    FactFunction("last", _PICK, "any", last),
    FactFunction("top", (QUERY, COLUMN, Argument("by", Takes.COLUMN), WHERE), "text", top),
    FactFunction(
        "share",
        (QUERY, Argument("column", Takes.COLUMN, optional=True), Argument("where", Takes.WHERE),
         Argument("within", Takes.WHERE, optional=True)),
        "number",
        share,
    ),
    FactFunction("rate", (QUERY, Argument("column", Takes.COLUMN, optional=True), WHERE), "number", rate),
    FactFunction("delta", _PICK, "number", delta),
    FactFunction("percentile", (QUERY, COLUMN, Argument("p", Takes.NUMBER), WHERE), "number", percentile),
    FactFunction("distinct", _PICK, "number", distinct),
    FactFunction("exists", (QUERY, WHERE), "bool", exists),
    FactFunction(
        "last_before",
        (QUERY, Argument("time", Takes.COLUMN), Argument("before", Takes.FACT), COLUMN, WHERE),
        "any",
        last_before,
    ),
    FactFunction("sum_minor_units", (QUERY, COLUMN, Argument("currency", Takes.COLUMN), WHERE), "number", sum_minor_units),
    FactFunction("contains_any", (QUERY, COLUMN, Argument("terms", Takes.TERMS), WHERE), "bool", contains_any),
    FactFunction("touches_any", (QUERY, COLUMN, Argument("terms", Takes.TERMS), WHERE), "bool", touches_any),
)  # fmt: skip
