"""What a connector's subject says of it: how it is made, and what its vendor answers to each operation.

A subject is a module of this folder with a `SUBJECT`; nothing else lists it. The matrix (tests/conformance/matrix.py) asks each
case under each `Condition` and compares what came with `COMMON`, or with what the subject documents instead, and why.
"""

import importlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from functools import cache
from pathlib import Path

from pydantic import JsonValue

from connectors.base import Connector
from models.customer import Window
from models.vocabulary import Scope, Source
from tests.connectors.far_end import DAY, Handler, Reply, Seen


class Condition(StrEnum):
    """What the vendor does."""

    OK = "ok"
    EMPTY = "empty"
    NO_KEY = "401"
    NO_RIGHT = "403"
    NOT_THERE = "404"
    LIMITED_SECONDS = "429 s"
    LIMITED_DATE = "429 date"
    BROKEN = "500"
    RESET = "reset"
    SLOW = "slow"
    MALFORMED = "malformed"
    BLANK = "blank"
    """A 200 without a body, as proxies answer that lost their far end: no rows are no absence."""
    OVERSIZE = "oversize"
    WRONG_TYPE = "wrong type"
    EXTRA_FIELDS = "extra"
    NEXT_PAGE = "next page"
    HALFWAY = "halfway"
    """Each failure above at each one of the question's requests: what is left must not look whole."""


class Outcome(StrEnum):
    """What came of a question, by the letter that the table shows."""

    FOUND = "F"
    TRUNCATED = "T"
    """Rows, and told that some are missing."""
    EMPTY = "E"
    DENIED = "D"
    FAILED = "X"
    DRIFT = "S"
    """Failed, with a reason that starts "schema drift"."""
    UNAVAILABLE = "U"
    RATE_LIMITED = "R"
    SLOW = "Z"
    HONEST = "H"
    """Only for `HALFWAY`: every outcome told that something is missing, or nothing was."""


COMMON: Mapping[Condition, frozenset[Outcome]] = {
    Condition.OK: frozenset({Outcome.FOUND}),
    Condition.EMPTY: frozenset({Outcome.EMPTY}),
    Condition.NO_KEY: frozenset({Outcome.DENIED}),
    Condition.NO_RIGHT: frozenset({Outcome.DENIED}),
    Condition.NOT_THERE: frozenset({Outcome.FAILED}),
    Condition.LIMITED_SECONDS: frozenset({Outcome.RATE_LIMITED}),
    Condition.LIMITED_DATE: frozenset({Outcome.RATE_LIMITED}),
    Condition.BROKEN: frozenset({Outcome.UNAVAILABLE}),
    Condition.RESET: frozenset({Outcome.UNAVAILABLE}),
    Condition.SLOW: frozenset({Outcome.SLOW}),
    Condition.MALFORMED: frozenset({Outcome.UNAVAILABLE}),
    Condition.BLANK: frozenset({Outcome.UNAVAILABLE}),
    Condition.OVERSIZE: frozenset({Outcome.FAILED}),
    Condition.WRONG_TYPE: frozenset({Outcome.DRIFT}),
    Condition.EXTRA_FIELDS: frozenset({Outcome.FOUND}),
    Condition.NEXT_PAGE: frozenset({Outcome.FOUND, Outcome.TRUNCATED}),
    Condition.HALFWAY: frozenset({Outcome.HONEST}),
}
"""The posture of connectors/base.py."""


class Missing(Enum):
    """Stands for a field that is not there."""

    MISSING = "missing"


MISSING = Missing.MISSING


@dataclass(frozen=True)
class Drift:
    """One change to the good answer that a connector must notice: another value at a path, or `MISSING`."""

    path: tuple[str | int, ...]
    value: JsonValue | Missing
    at: str = ""
    """Only in answers to requests whose target holds this."""


@dataclass(frozen=True)
class Instead:
    """A vendor's own outcome, where the common one would be wrong."""

    outcome: Outcome
    because: str


@dataclass(frozen=True)
class Case:
    """One operation with a question that it takes, and what the vendor answers.

    Handlers play the vendor: from a request to its reply. Failures are played by the matrix. `answers` replaces a condition's
    answer where the vendor has its own form of it.
    """

    operation: str
    ok: Handler
    rows: int
    """Rows of the good answer."""
    empty: Handler | None = None
    next_page: Handler | None = None
    rows_of_both: int = 0
    """Rows of both pages; fewer must be `truncated`."""
    drifts: Sequence[Drift] = ()
    parameters: Mapping[str, JsonValue] = field(default_factory=dict)
    text: str = ""
    scope: Scope = Scope.SHARED
    customer: str | None = None
    window: Window | None = DAY
    variant: str = ""
    """Tells two cases of one operation apart."""
    answers: Mapping[Condition, Handler] = field(default_factory=dict)
    instead: Mapping[Condition, Instead] = field(default_factory=dict)
    not_applicable: Mapping[Condition, str] = field(default_factory=dict)
    """Conditions that cannot come about, each with the reason."""
    absent: Mapping[Condition, str] = field(default_factory=dict)
    """Failures of a single request that rightly mean absence of what it is about, each with the reason."""


@dataclass(frozen=True)
class Place:
    """Where a connector's far end is for one cell: a server on loopback, and a folder of its own."""

    url: str
    folder: Path


def gets_alone(seen: Seen) -> bool:
    """Whether a request only reads, for a vendor that is read by GET."""
    return seen.method == "GET" and not seen.body


@dataclass(frozen=True)
class Subject:
    """One connector and its vendor."""

    source: Source
    connect: Callable[[Place], Connector]
    """Make the real connector."""
    cases: Sequence[Case]
    secrets: Sequence[str] = ()
    """What was given to the connector and must not come out of it."""
    reads: Callable[[Seen], bool] = gets_alone
    refusal: Callable[[int, str], Reply] = lambda status, quoted: Reply({"message": quoted}, status=status)
    """The vendor's own body for a 4xx or 5xx; `quoted` is a text that it must be found nowhere in what the connector says."""
    prepare: Callable[[Condition, Case, Place], None] | None = None
    """Fills the folder before the question."""
    instead: Mapping[Condition, Instead] = field(default_factory=dict)
    not_applicable: Mapping[Condition, str] = field(default_factory=dict)

    def name_of(self, case: Case) -> str:
        """Name a row of the matrix."""
        return f"{self.source.value}.{case.operation}" + (f" ({case.variant})" if case.variant else "")

    def reason_against(self, case: Case, condition: Condition) -> str:
        """Return why a cell does not apply; empty if it does."""
        return case.not_applicable.get(condition) or self.not_applicable.get(condition) or ""

    def expected(self, case: Case, condition: Condition) -> frozenset[Outcome]:
        """Return the outcomes that are right."""
        own = case.instead.get(condition) or self.instead.get(condition)
        return frozenset({own.outcome}) if own else COMMON[condition]


def names() -> list[str]:
    """Return the names of this folder's modules that may hold a subject."""
    package = importlib.import_module("tests.conformance")
    found = (module.name for module in pkgutil.iter_modules(package.__path__))
    return [name for name in found if name not in ("frame", "matrix") and not name.startswith(("test_", "__"))]


@cache
def subjects(*wanted: str) -> tuple[Subject, ...]:
    """Return the subjects of the modules of these names, or all; a module without one is no subject."""
    modules = [importlib.import_module(f"tests.conformance.{name}") for name in wanted or names()]
    found = [module.SUBJECT for module in modules if hasattr(module, "SUBJECT")]
    return tuple(sorted(found, key=lambda subject: subject.source.value))
