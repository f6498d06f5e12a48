"""What a fixture file holds: evidence in, diagnosis out."""

from datetime import datetime

from pydantic import Field, JsonValue

from models.base import Moment
from models.playbook import Documented
from models.vocabulary import CauseClass, Confidence, EvidenceStatus, Outcome, Severity, Verdict


class Stretch(Documented):
    """Rows at equal steps from `start` on; each is `row` with the time added."""

    start: datetime
    """The time of the first row, such as 2026-03-04T10:00:00Z."""
    minutes: int = Field(ge=1)
    """The step from one row to the next."""
    count: int = Field(ge=1, le=1000)
    """How many rows."""
    time: str = "bucket"
    """The column that holds the time."""
    row: dict[str, JsonValue]
    """The other columns. A list goes round: its first value in the first row, its second in the second, and so on."""


class Asked(Documented):
    """The window that was asked for, half-open."""

    start: Moment
    """Its first moment."""
    end: Moment
    """The moment after its last."""


class FixtureAnswer(Documented):
    """What one query answers; without rows it is empty, unless the status says otherwise."""

    rows: list[dict[str, JsonValue]] = []
    """Rows with the columns that the query answers; docs/playbooks.md lists them for each operation."""
    status: EvidenceStatus | None = None
    """`failed`, `denied`, `timed-out` or `skipped` for a query that got no answer."""
    asked: bool = True
    """False: it was not asked, such as a follow-up before its round."""
    truncated: bool = False
    """There was more than came."""
    stale: bool = False
    """The answer is an old one."""
    total: int | None = None
    """How many rows the source has, where it tells."""
    window: Asked | None = None
    """Where it is not the one that the query's own window gives."""
    series: list[Stretch] = []
    """Generates rows at equal steps, for series too long to write down; they come after `rows`."""


class Expectation(Documented):
    """What must come out; what is left out is not looked at."""

    outcome: Outcome
    """How the run ends."""
    cause: CauseClass | None = None
    """The cause class of the hypothesis that was chosen."""
    hypothesis: str | None = None
    """The hypothesis that was chosen."""
    also: list[str] = []
    """Further causes that are each needed; none where it is left out."""
    ranks: list[str] | None = None
    """All supported hypotheses, the best first."""
    severity: Severity | None = None
    """Of the hypothesis that was chosen."""
    confidence: Confidence | None = None
    """The most that the checks that answered allow."""
    verdicts: dict[str, Verdict] = {}
    """Hypotheses and what the facts say of them."""
    facts: dict[str, JsonValue] = {}
    """Facts and their values as JSON; null for unknown."""
    claims: list[str] | None = None
    """Subjects that must be claimed: facts, or queries for their rows or absence."""
    missing: list[str] | None = None
    """Anchors that the playbook needs and the ticket lacks: what the customer is asked for."""
    follow_ups: list[str] | None = None
    """Follow-ups that the playbook's rules ask for next; one whose evidence is given has been asked."""


class Fixture(Documented):
    """One file."""

    extends: str | None = None
    """Another fixture of this playbook: its evidence and anchors count where this one has none of the same name."""
    says: str
    """What this shows, in one sentence."""
    reported_at: datetime | None = None
    """When the customer wrote; needed, here or in the fixture that is extended."""
    symptom_at: datetime | None = None
    """When the trouble began as far as the ticket tells; `reported_at` if left out."""
    now: datetime | None = None
    """When the run asked; `reported_at` if left out. No window reaches beyond it."""
    customer: bool = True
    """False: nobody knows whose ticket this is."""
    anchors: dict[str, JsonValue] = {}
    """Further anchors, such as `routes: [/v1/search]`; a customer with a region or a plan is one too."""
    evidence: dict[str, FixtureAnswer] = {}
    """By query; first-round queries that are not named are `empty`, follow-ups not asked."""
    expect: Expectation
    """What must come out."""
