"""What the generator knows of a ticket beyond the world format: evidence, effect, noise, and whether it can be solved."""

import math
from datetime import timedelta
from enum import StrEnum

from pydantic import BaseModel, Field, JsonValue

from models.vocabulary import CauseClass, Outcome, Severity
from sandbox.world_base import Offset

TIMES_NOISE = 3.0
"""An effect below this many times the noise is not called solvable."""
FEWEST_ROWS = 8.0
"""Nor is one that fewer rows are expected to show: chance may halve them."""
THINNEST = 0.3
"""Traffic in the thinnest hours against the mean: whatever the time of the run, at least this much of it is there."""


class Axis(StrEnum):
    """What makes a ticket difficult."""

    FIND = "find_it"
    DECOYS = "rule_out_decoys"
    MISSING = "missing_source"
    CONTRADICTION = "contradicting_sources"
    TRAP = "wrong_customer_trap"
    TWO = "two_causes"
    NOTHING = "nothing_wrong"
    VAGUE = "too_vague"
    INJECTED = "injected_text"
    NOISE = "noise_and_clock_skew"


class Row(BaseModel):
    """Evidence that shows the cause: something of a source by id, or by what to filter and in which span.

    Of GitHub without an id it is that nothing was deployed there; `own` is the company's whole status page.
    """

    source: str
    id: str = ""
    """Id in that source: an issue, deployment, incident, invoice, page path."""
    table: str = ""
    where: dict[str, JsonValue] = {}
    start: Offset | None = None
    end: Offset | None = None


class Effect(BaseModel):
    """How large the planted effect is, in `unit`, and the noise it stands in, in the same unit.

    `rows` are those that could show it, expected in the thinnest hours of a week; 0 where the source is exact, as an invoice is.
    """

    unit: str
    size: float
    noise: float = 0.0
    rows: float = 0.0
    affected: float = 0.0
    hours: float = 0.0
    """How long it has lasted, in the log."""
    whose: str = "customer"
    """`others`: what the other customers of the region show of a trouble of many; without it nobody can tell that it is one."""

    @property
    def visible(self) -> bool:
        """Whether the effect is at least three times the noise, and enough rows show it."""
        if not self.rows:
            return self.size > 0
        return self.size >= TIMES_NOISE * self.noise and self.affected >= FEWEST_ROWS


class Signal(BaseModel):
    """Where an effect shows in the requests of a customer; the effect follows once everybody's weight is known."""

    kind: str
    """`share`, `latency`, `per_minute` or `webhooks`."""
    size: float
    """Share of answers, factor of latency, or load against the limit."""
    part: float = 1.0
    """Part of the customer's requests that is touched, of those on `routes`."""
    routes: list[str] = []
    """Routes that are touched; all if empty."""
    hours: float
    base: float = 0.0
    """The same answer's share on an ordinary day."""
    spread: float = 0.45
    rate: float = 0.0
    """Rows an hour, where the format fixes them: webhook attempts, bursts."""

    def effect(self, per_hour: float) -> Effect:
        """Return the effect for a customer with that many requests an hour on average."""
        rows = (self.rate or per_hour * self.part * THINNEST) * self.hours
        rows = max(rows, 1e-6)
        found = self._measure(per_hour, rows)
        return found.model_copy(update={"hours": round(self.hours, 2)})

    def _measure(self, per_hour: float, rows: float) -> Effect:
        if self.kind == "latency":
            noise = 1.2533 * self.spread / math.sqrt(rows)
            return _effect("log_latency_factor", math.log(self.size), noise, rows, rows)
        if self.kind == "per_minute":
            noise = math.sqrt(max(per_hour / 60, 0.01)) / max(self.base, 1.0)
            return _effect("load_over_limit", self.size - 1, noise, rows, rows * (1 - 1 / self.size))
        base = max(self.base, 1 / rows)
        return _effect("share_of_answers", self.size, math.sqrt(base / rows), rows, rows * self.size)


def _effect(unit: str, size: float, noise: float, rows: float, affected: float) -> Effect:
    return Effect(
        unit=unit, size=round(size, 5), noise=round(noise, 5), rows=round(rows, 1), affected=round(affected, 1)
    )


class Planted(BaseModel):
    """A cause that is in the world now, and what is true because of it."""

    cause: CauseClass
    symptom: str
    """Name of the texts in which a customer complains of it."""
    slots: dict[str, str] = {}
    """What the texts may quote."""
    since: timedelta
    """How long ago it began, positive."""
    severity: Severity
    outcome: Outcome = Outcome.DIAGNOSED
    also: list[CauseClass] = []
    not_causes: list[CauseClass] = []
    evidence: list[Row]
    signals: list[Signal] = []
    exact: Effect | None = None
    why: str
    parts: list[CauseClass] = []


class TicketTruth(BaseModel):
    """One ticket of truth/whybench.json."""

    id: int
    axis: Axis
    language: str
    style: str
    region: str
    customer: str
    cause: CauseClass
    parts: list[CauseClass] = []
    also: list[CauseClass] = []
    severity: Severity
    severity_accepts: list[Severity]
    outcome: Outcome
    outcome_accepts: list[Outcome]
    required_evidence: list[Row]
    forbidden_causes: list[CauseClass]
    forbidden_customers: list[str] = []
    forbidden_words: list[str] = []
    """Words that must not be in a note: what an injected text asks for."""
    decoys: list[Row] = []
    sources_down: list[str] = []
    """Sources that a run must make fail for this ticket; the world format cannot say it."""
    injection_channel: str = ""
    clock_skew_minutes: int = 0
    effects: list[Effect]
    solvable: bool
    why: str


class BenchFile(BaseModel):
    """truth/whybench.json"""

    format: int = 1
    seed: int
    generator: str
    """Digest of the generator's own code and texts."""
    rows: int
    """Rows of ordinary traffic for which `solvable` was computed."""
    tickets: dict[str, TicketTruth] = Field(default_factory=dict)
