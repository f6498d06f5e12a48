"""Rows and answers over which tests compute one fact."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from pydantic import JsonValue

from models.base import Row
from models.customer import Anchors, Window
from models.diagnosis import Fact
from models.evidence import Evidence
from models.playbook import FactSpec
from models.vocabulary import EvidenceStatus, Scope, Source
from reasoning.facts import compute_facts
from tests.reasoning.case import PLAYBOOK

START = datetime(2026, 3, 12, 12, tzinfo=UTC)
WINDOW = Window(start=START, end=START + timedelta(hours=2))
ANCHORS = Anchors(
    reported_at=START + timedelta(hours=2),
    symptom_at=START + timedelta(hours=1),
    window=WINDOW,
    symptoms=("slow",),
    routes=("/v1/a",),
)
ROWS: list[Row] = [
    {
        "name": "a",
        "n": 4,
        "f": 0.5,
        "wide": "9007199254740993",
        "at": "2026-03-12T12:00:00Z",
        "ok": True,
        "none": None,
        "cur": "usd",
    },
    {"name": "b", "n": 6, "f": 1.5, "wide": "1", "at": "2026-03-12T13:00:00Z", "ok": False, "none": 3, "cur": "USD"},
    {"name": "a", "n": 0, "f": 2.0, "wide": "2", "at": "2026-03-12T14:00:00Z", "ok": True, "none": None, "cur": "usd"},
]  # fmt: skip


def evidence(
    rows: Sequence[Row] = ROWS,
    query: str = "q",
    status: EvidenceStatus | None = None,
    number: int = 1,
    truncated: bool = False,
    stale: bool = False,
    scope: Scope = Scope.CUSTOMER,
    total: int | None = None,
) -> Evidence:
    return Evidence(
        id=f"E{number}",
        query=query,
        source=Source.CLICKHOUSE,
        title="t",
        scope=scope,
        status=status or (EvidenceStatus.FOUND if rows else EvidenceStatus.EMPTY),
        rows=tuple(rows),
        truncated=truncated,
        stale=stale,
        total=total,
        window=WINDOW,
        fetched_at=START,
    )


def compute(specs: dict[str, dict[str, JsonValue]], *found: Evidence) -> dict[str, Fact]:
    facts = {name: FactSpec.model_validate({"label": name, **spec}) for name, spec in specs.items()}
    return compute_facts(PLAYBOOK.model_copy(update={"facts": facts}), found, ANCHORS)


def one(fn: str, *found: Evidence, unit: str = "", **args: JsonValue) -> Fact:
    return given_args(fn, args, *(found or (evidence(),)), unit=unit)


def given_args(fn: str, args: dict[str, JsonValue], *found: Evidence, unit: str = "") -> Fact:
    return compute({"fact": {"fn": fn, "unit": unit, "args": {"query": "q", **args}}}, *found)["fact"]


def at(hour: int, minute: int = 0) -> datetime:
    return START.replace(hour=hour, minute=minute)


ROW_FUNCTIONS: dict[str, dict[str, JsonValue]] = {
    "value": {"column": "n", "where": {"name": "b"}},
    "count": {"where": {"name": "b"}},
    "sum": {"column": "n"},
    "min": {"column": "n"},
    "max": {"column": "n"},
    "first": {"column": "n"},
    "last": {"column": "n"},
    "top": {"column": "name", "by": "n"},
    "share": {"where": {"name": "b"}},
    "rate": {},
    "delta": {"column": "n"},
    "percentile": {"column": "n", "p": 50},
    "distinct": {"column": "name"},
    "exists": {"where": {"name": "z"}},
    "last_before": {"column": "name", "time": "at", "before": "$anchors.symptom_at"},
    "onset": {"time": "at", "column": "n"},
    "onset_end": {"time": "at", "column": "n"},
    "onset_confidence": {"time": "at", "column": "n"},
    "stretch": {"time": "at", "column": "n", "total": "n"},
    "stretch_end": {"time": "at", "column": "n", "total": "n"},
    "sum_minor_units": {"column": "n", "currency": "cur"},
    "contains_any": {"column": "name", "terms": ["z"]},
    "touches_any": {"column": "name", "terms": ["/v1/zebra"]},
}
