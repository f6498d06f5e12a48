"""What a fact's function is given: its arguments resolved over evidence and other facts, or the reason why they cannot be."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from pydantic import JsonValue

from models.base import Row
from models.customer import Anchors
from models.diagnosis import Fact, FactValue
from models.evidence import Evidence
from models.vocabulary import EvidenceStatus, Scope
from reasoning.cells import NotKnown, Operand, cell_of, number_of, passing
from reasoning.onset import Bucket, Onset
from reasoning.stretch import Stretch


class Takes(StrEnum):
    """What an argument takes; checked when a playbook loads."""

    QUERY = "query id"
    COLUMN = "column"
    WHERE = "filter"
    FACT = "$fact"
    FACTS = "list of $facts"
    NUMBER = "number"
    TERMS = "list of texts or $facts"


@dataclass(frozen=True)
class Argument:
    """One argument of a function."""

    name: str
    takes: Takes
    optional: bool = False


@dataclass(frozen=True)
class Reckoned:
    """A known result."""

    value: FactValue
    formula: str
    unit: str = ""
    """The unit that the values themselves bring, such as `usd-cents`; else the playbook's."""


@dataclass
class Readings:
    """What the facts of one weighing read alike, kept so that it is read once: many look at the same part of a series."""

    regions: frozenset[str] = frozenset()
    """The company's own, as its request log names them."""
    filtered: dict[tuple[str, str], list[Row]] = field(default_factory=dict)
    """Rows by query and resolved filter."""
    series: dict[tuple[str, ...], list[Bucket]] = field(default_factory=dict)
    """Buckets by what they are made of."""
    onsets: dict[tuple[str, ...], Onset | None] = field(default_factory=dict)
    """The change of each such series."""
    stretches: dict[tuple[str, ...], Stretch | None] = field(default_factory=dict)
    """The worst stretch of each."""


@dataclass
class Given:
    """The arguments of one fact. Everything that is read through it is remembered as what the fact stands on."""

    args: Mapping[str, JsonValue]
    evidence: Mapping[str, Evidence]
    """By query id."""
    fact: Callable[[str], Fact]
    anchors: Anchors
    unit: str = ""
    """The unit that the playbook declares."""
    stands_on: dict[str, None] = field(default_factory=dict)
    """Evidence ids, in order of use."""
    readings: Readings = field(default_factory=Readings)

    def has(self, name: str) -> bool:
        """Whether an optional argument was given."""
        return name in self.args

    def text(self, name: str) -> str:
        """Return a literal text argument, such as a column."""
        return str(self.args[name])

    def number(self, name: str, default: float = 0.0) -> float:
        """Return a literal number."""
        value = self.args.get(name, default)
        assert isinstance(value, int | float)
        return value

    def source(self) -> Evidence:
        """Return the evidence of the argument `query`, which must have been answered, and by a fresh answer."""
        name = self.text("query")
        found = self.evidence.get(name)
        if found is None:
            raise NotKnown(f"{name} was not asked")
        self.stands_on[found.id] = None
        if not found.status.answered:
            raise NotKnown(f"{name} has no answer ({found.status.value})")
        if found.status is EvidenceStatus.EMPTY and not found.shows_absence:
            raise NotKnown(f"{name} found nothing, but the answer is {'cut' if found.truncated else 'old'}")
        if found.status is EvidenceStatus.EMPTY and found.scope is Scope.FLEET:
            # Groups of few customers are suppressed, so silence about all of them is not absence.
            raise NotKnown(f"{name} has too few customers to tell")
        return found

    def rows(self, *, whole: bool = True) -> list[Row]:
        """Return the rows that pass `where`.

        Args:
            whole: The result needs every row, so a truncated answer makes it unknown.
        """
        found = self.source()
        if whole and found.truncated:
            raise NotKnown(f"{found.query} was cut at {len(found.rows)} rows")
        where = self.where()
        key, known = (found.query, repr(where)), self.readings.filtered
        if key not in known:
            known[key] = passing(found.rows, where, self.readings.regions)
        if not known[key] and found.stale:
            # That nothing passes the filter is an absence too, and an old answer shows none.
            raise NotKnown(f"{found.query} has no such row, but the answer is old")
        return known[key]

    def where(self, name: str = "where") -> dict[str, dict[str, Operand]]:
        """Return the filter with its references resolved."""
        tests = self.args.get(name) or {}
        assert isinstance(tests, dict)
        return {
            column: {
                op: self.operand(value) for op, value in (test if isinstance(test, dict) else {"eq": test}).items()
            }
            for column, test in tests.items()
        }

    def cells(self, rows: list[Row]) -> list[JsonValue]:
        """Return the cells of the argument `column` that hold something."""
        column = self.text("column")
        return [cell for row in rows if (cell := cell_of(row, column)) is not None]

    def numbers(self, rows: list[Row]) -> list[int | float]:
        """Return the argument `column` as numbers; an empty cell makes a total unknown."""
        column = self.text("column")
        return [number_of(row, column) for row in rows]

    def operand(self, value: JsonValue) -> Operand:
        """Resolve a literal, a reference, or a list of both."""
        if isinstance(value, list):
            parts = [self.operand(part) for part in value]
            return tuple(
                item for part in parts for item in (part if isinstance(part, tuple) else (part,)) if item is not None
            )
        if isinstance(value, str) and value.startswith("$"):
            return self._reference(value[1:])
        assert value is None or isinstance(value, bool | int | float | str)
        return value

    def known(self, name: str) -> FactValue:
        """Return the value of the fact that an argument refers to."""
        value = self.operand(self.args[name])
        if value is None or isinstance(value, tuple):
            raise NotKnown(f"{self.args[name]} has no single value")
        return value

    def number_of(self, name: str) -> int | float:
        """Return the number that an argument refers to."""
        return _number(self.known(name), str(self.args[name]))

    def time_of(self, name: str) -> datetime:
        """Return the time that an argument refers to."""
        return _moment(self.known(name), str(self.args[name]))

    def unit_of(self, name: str) -> str:
        """Return the unit of the fact that an argument refers to, or nothing for a literal."""
        value = self.args.get(name)
        if isinstance(value, str) and value.startswith("$") and not value.startswith(("$anchors.", "$customer.")):
            return self.fact(value[1:]).unit
        return ""

    def _reference(self, name: str) -> Operand:
        if name.startswith("anchors."):
            value = getattr(self.anchors, name.removeprefix("anchors."))
            assert isinstance(value, datetime | int | tuple)
            return value
        if name.startswith("customer."):
            found = getattr(self.anchors.customer, name.removeprefix("customer."), "")
            return str(found) or None
        fact = self.fact(name)
        for item in fact.evidence:
            self.stands_on[item] = None
        if fact.value is None:
            raise NotKnown(f"{name} is unknown")
        return fact.value


def _number(value: FactValue, name: str) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise NotKnown(f"{name} is no number")
    return value


def _moment(value: FactValue, name: str) -> datetime:
    if not isinstance(value, datetime):
        raise NotKnown(f"{name} is no time")
    return value
