"""What simple arithmetic makes of an answer's rows: counts, sums, extremes, shares, and spans between its times.

Written from what an answer looks like, apart from the product's own checking of claims.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import accumulate
from statistics import fmean, median

from pydantic import JsonValue

from models.evidence import Evidence

_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?")
_MOST_GROUPS = 60
_MOST_TIMES = 400

Row = dict[str, JsonValue]


class Derived:
    """One answer, and what follows from it. Everything is worked out when it is first asked for."""

    def __init__(self, item: Evidence) -> None:
        """Take an answer."""
        self.item = item

    @cached_property
    def text(self) -> str:
        """All words of the answer, as one text without case."""
        parts = [cell_text(cell) for row in self.item.rows for cell in row.values()]
        parts += [*map(cell_text, self.item.parameters.values()), self.item.asked, self.item.title, self.item.reason]
        return folded("\n".join([*parts, self.item.customer or "", self.item.url or ""]))

    @cached_property
    def moments(self) -> list[datetime]:
        """All times: in cells and texts of the rows, of the window, and when it was asked."""
        found = [moment for row in self.item.rows for cell in row.values() for moment in moments_in(cell)]
        found += [moment for cell in self.item.parameters.values() for moment in moments_in(cell)]
        window = self.item.window
        found += [window.start, window.end] if window else []
        return sorted({*found, self.item.fetched_at})

    @cached_property
    def spans(self) -> list[float]:
        """Minutes between any two of the times."""
        times = self.moments[-_MOST_TIMES:]
        return [(later - times[at]) / timedelta(minutes=1) for at in range(len(times)) for later in times[at:]]

    @cached_property
    def cells(self) -> list[float]:
        """Every number of the rows and of the question, those that came as text among them."""
        found = [value for row in self.item.rows for cell in row.values() for value in numbers_in(cell)]
        asked = [*self.item.parameters.values(), self.item.asked]
        return [*found, *(value for cell in asked for value in numbers_in(cell))]

    @cached_property
    def reckoned(self) -> list[float]:
        """Counts of rows; sums, extremes and middles of columns: of all rows, those with one text, a beginning or end."""
        found = [float(len(self.item.rows)), float(self.item.total or 0)]
        found += [float(len(self._groups[name])) for name in self._groups]
        for rows in self._subsets:
            found.append(float(len(rows)))
            for name in self._columns:
                values = [value for row in rows for value in _number(row.get(name))]
                if values:
                    found += [sum(values), min(values), max(values), fmean(values), median(values)]
        for name in self._columns:
            values = [next(_number(row.get(name)), 0.0) for row in self._in_time]
            found += [*accumulate(values), *accumulate(reversed(values))]
        return found

    @cached_property
    def shares(self) -> list[float]:
        """One number through another: in a row, of sums over the same rows, of a group through all; and what is left of one."""
        found = [value for row in self.item.rows for value in _ratios(row, self._columns)]
        totals = {name: _sum(self.item.rows, name) for name in self._columns}
        for rows in self._subsets:
            sums = {name: _sum(rows, name) for name in self._columns}
            found += _through(list(sums.values()))
            found += [sums[name] / total for name, total in totals.items() if total]
            found.append(len(rows) / max(len(self.item.rows), 1))
        found += self._shares_in_time
        return [*found, *(1 - value for value in found if 0 <= value <= 1)]

    @cached_property
    def _shares_in_time(self) -> list[float]:
        """Sums over a beginning or an end of the rows, through each other."""
        found: list[float] = []
        for ordered in (self._in_time, self._in_time[::-1]):
            columns = [list(accumulate(next(_number(row.get(name)), 0.0) for row in ordered)) for name in self._columns]
            for sums in zip(*columns, strict=True):
                found += _through(sums)
        return found

    @cached_property
    def _columns(self) -> list[str]:
        names = dict.fromkeys(name for row in self.item.rows for name in row)
        return [name for name in names if any(True for row in self.item.rows for _ in _number(row.get(name)))]

    @cached_property
    def _in_time(self) -> list[Row]:
        clock = next((name for name in (self.item.rows[0] if self.item.rows else ()) if self._tells_time(name)), "")
        return sorted(self.item.rows, key=lambda row: cell_text(row.get(clock))) if clock else []

    def _tells_time(self, name: str) -> bool:
        return all(_MOMENT.fullmatch(cell_text(row.get(name))) for row in self.item.rows)

    @cached_property
    def _groups(self) -> dict[str, dict[str, list[Row]]]:
        """Column to value to rows, for columns that tell few things apart."""
        found: dict[str, dict[str, list[Row]]] = {}
        for name in dict.fromkeys(name for row in self.item.rows for name in row):
            groups: dict[str, list[Row]] = {}
            for row in self.item.rows:
                groups.setdefault(cell_text(row.get(name)), []).append(row)
            if len(groups) <= _MOST_GROUPS:
                found[name] = groups
        return found

    @property
    def _subsets(self) -> Iterator[Sequence[Row]]:
        yield self.item.rows
        for groups in self._groups.values():
            yield from groups.values()


def cell_text(cell: JsonValue) -> str:
    """Return a cell as text."""
    return "" if cell is None else str(cell)


def folded(text: str) -> str:
    """Return text without case, and with single spaces."""
    return " ".join(text.split()).casefold()


def moments_in(cell: JsonValue) -> Iterator[datetime]:
    """Yield the times in a cell."""
    if isinstance(cell, list):
        for one in cell:
            yield from moments_in(one)
    if not isinstance(cell, str):
        return
    for text in _MOMENT.findall(cell):
        try:
            moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
        except ValueError:
            continue
        yield moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def numbers_in(cell: JsonValue) -> Iterator[float]:
    """Yield the numbers in a cell: the cell itself, or those that stand in its text."""
    if isinstance(cell, list):
        for one in cell:
            yield from numbers_in(one)
    elif isinstance(cell, str):
        for text in re.findall(r"(?<![\w.-])-?\d[\d,]*(?:\.\d+)?(?![\w-])", cell):
            yield float(text.replace(",", ""))
    else:
        yield from _number(cell)


def _number(cell: JsonValue) -> Iterator[float]:
    """Yield a cell that is a number; decimals come as text."""
    if isinstance(cell, bool) or cell is None:
        return
    if isinstance(cell, int | float) or (isinstance(cell, str) and re.fullmatch(r"-?\d+(?:\.\d+)?", cell)):
        yield float(cell)


def _sum(rows: Sequence[Row], name: str) -> float:
    return sum(value for row in rows for value in _number(row.get(name)))


def _ratios(row: Row, columns: Sequence[str]) -> list[float]:
    return _through([value for name in columns for value in _number(row.get(name))])


def _through(values: Sequence[float]) -> list[float]:
    return [one / other for one in values for other in values if other and one is not other]
