"""Playbook format v1: what an engineer writes. Reading files and checking references is playbooks/library.py."""

import re
from datetime import date, timedelta
from typing import Annotated, Literal

from pydantic import BeforeValidator, ConfigDict, Field, JsonValue, PlainSerializer, WithJsonSchema

from models.base import Strict
from models.vocabulary import CauseClass, Scope, Severity, Source

_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_LONG_HAND = re.compile(r"(\d+)\s*(m|h|d)[a-z]*", re.IGNORECASE)
"""What people write instead: `90 minutes`, `2hours`, `7 Days`."""


def _span(value: object) -> object:
    """Read `90m`, `24h` or `7d`."""
    if isinstance(value, str) and value[:-1].isdigit() and value[-1:] in _UNITS:
        return timedelta(**{_UNITS[value[-1]]: int(value[:-1])})
    if isinstance(value, timedelta):
        return value
    meant = _LONG_HAND.fullmatch(value.strip()) if isinstance(value, str) else None
    remedy = f"; did you mean {meant[1]}{meant[2].lower()}?" if meant else ", such as 90m, 24h or 7d"
    raise ValueError(f"{value!r} is not a span of time; write a number and m, h or d{remedy}")


def _as_written(span: timedelta) -> str:
    """Write a span as `_span` reads it, so that a stored playbook can be read again."""
    minutes = round(span.total_seconds() / 60)
    size, unit = next((size, unit) for size, unit in ((1440, "d"), (60, "h"), (1, "m")) if minutes % size == 0)
    return f"{minutes // size}{unit}"


Span = Annotated[
    timedelta,
    BeforeValidator(_span),
    PlainSerializer(_as_written, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": "^[0-9]+[mhd]$", "examples": ["90m", "24h", "7d"]}),
]
"""A span of time as it is written: a number and m, h or d."""
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")]
"""An id: lower case, digits, hyphen, underscore."""
FactName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
"""A fact's id: also an identifier in conditions, so no hyphen."""
Condition = str
"""A CEL expression over facts by their names, such as `error_rate > 0.2 && deploy_gap < 30`."""


class Documented(Strict):
    """Written by a person in an editor: what stands under a field here is what the editor shows for it."""

    model_config = ConfigDict(use_attribute_docstrings=True)


class AppliesWhen(Documented):
    """Signals in a ticket that speak for this playbook; their weights are added."""

    terms: dict[str, int] = {}
    """Words or phrases in subject and conversation and what each counts: whole words, case and accents ignored; `klucz*` takes
    any ending, and Japanese stands anywhere."""
    symptoms: dict[str, int] = {}
    """Symptoms from the fixed list in reasoning/anchors.py."""
    fields: dict[str, list[str]] = {}
    """Custom fields and the values that settle the choice."""
    fallback: bool = False
    """Chosen when nothing else applies; exactly one playbook is."""


class SpanAround(Documented):
    """A window around the symptom's start; never beyond now."""

    before: Span = timedelta(hours=24)
    """How much earlier than the earliest start that the customer's words allow: 90m, 24h, 7d."""
    after: Span = timedelta(hours=2)
    """How much later than the report; never beyond now."""


class Query(Documented):
    """One question for one source."""

    id: FactName
    """How facts, `requires` and `claims` name this query; unique among queries and facts."""
    source: Source
    """The system that is asked."""
    title: str
    """For summaries and the note: `error rate by minute`."""
    scope: Scope
    """`customer`: over this customer alone; `fleet`: over all in aggregate; `shared`: what has no customer."""
    operation: str = "sql"
    """The connector's operation; `sql` for ClickHouse."""
    sql: str = ""
    """ClickHouse only: one SELECT over logical tables (docs/tables.md), parameters as `{name:Type}`; `{start:DateTime64(3)}`
    and `{end:DateTime64(3)}` are the window. The customer filter is added by code and never written here."""
    parameters: dict[str, JsonValue] = {}
    """Literals, or references: `$anchors.error_codes`, `$customer.billing_id`, `$facts.onset`, `$window.start`, `$tenant.region`.
    A reference that has no value makes the query `skipped`, unless `defaults` has one."""
    defaults: dict[str, JsonValue] = {}
    """Values of parameters whose references have none."""
    window: SpanAround = SpanAround()
    """Which span of time is looked at, around the symptom."""
    rows: int = Field(default=200, ge=1, le=1000)
    """The most rows that are taken; an answer with more counts as cut, and totals over it are unknown."""
    row_sentence: str = ""
    """How code says one row: `Deployment of {sha} to {environment} at {created_at}`."""
    absent_sentence: str = ""
    """How code says that nothing was found."""
    follow_up: bool = False
    """Offered for a later round, not asked at first."""
    ask_when: list[Condition] = []
    """A follow-up is asked when all of these hold."""


class FactSpec(Documented):
    """How a fact is computed: a function of reasoning/facts.py and its arguments."""

    fn: str
    """The function; docs/playbooks.md lists all."""
    label: str
    """The fact's name for people."""
    unit: str = ""
    """`percent` (a share from 0 to 1), `count`, `ms`, `minutes`, `times`, `per-minute`, `time`, `text`, `bool`; money brings
    its own."""
    args: dict[str, JsonValue] = {}
    """`query`, `column`, `where` …: each function documents its own; `$name` is another fact."""
    say: str = ""
    """The sentence of a claim on this fact: `{value} of the requests failed (before: {error_rate_before})`; braces hold facts."""


class Hypothesis(Documented):
    """One explanation that the evidence can support or refute."""

    id: Name
    """How fixtures, `explains` and a model name it."""
    cause: CauseClass
    """Where the trouble comes from; docs/cause-classes.md defines them."""
    title: str
    """The verdict as one sentence, facts in braces."""
    requires: list[FactName] = []
    """Queries that must have answered before this may be supported."""
    supported_when: list[Condition]
    """All must hold."""
    refuted_when: list[Condition] = []
    """Any refutes. A condition over an unknown fact decides nothing."""
    ruled_out_sentence: str = ""
    """How the note says that this is not it, facts in braces; shown only where refuted."""
    would_change: str = ""
    """What evidence would change the verdict, as a sentence for the engineer who doubts it; in `show`, not in the note."""
    claims: list[FactName] = []
    """Facts to state when this is the cause, best first; a query's id states its best row or its absence."""
    weight: int = 0
    """Among several supported, the heavier explains more (a regression explains the bug report about it)."""
    explains: list[Name] = []
    """Hypotheses that are consequences of this one: not a second cause when both are supported."""
    authoritative: Source | None = None
    """The one source that is enough for high severity."""
    at_most: Severity | None = None
    """The highest severity that this explanation may have, whatever the rubric says: a service that works as sold is no
    emergency of ours."""
    next_step: Name
    """Which of `next_steps` the agent takes."""
    reply: Name | None = None
    """Which of `replies` is drafted for the agent."""


class SeverityRule(Documented):
    """One line of the rubric; the first that holds decides, else low."""

    severity: Severity
    """How bad it is for the customer where this line decides."""
    when: list[Condition]
    """All must hold; an unknown fact does not."""
    of: list[Name] = []
    """The hypotheses that this line is about; all if left out."""


class Budgets(Documented):
    """What one investigation may use."""

    rounds: int = Field(default=1, ge=0, le=3)
    """Follow-up rounds."""
    usd: float = Field(default=0.25, ge=0)
    """What models may cost, in US dollars; the tenant's own budget counts too."""
    queries: int = Field(default=20, ge=1, le=40)
    """The most queries that this playbook may have."""


class Playbook(Documented):
    """One version of one playbook."""

    format: Literal[1]
    """The version of this format."""
    id: Name
    """The folder's name."""
    version: int = Field(ge=1)
    """The file's name. A released version never changes: a change is the next version."""
    title: str
    """What kind of ticket this is for, in a few words."""
    owner: str
    """The team that answers for it."""
    review_by: date
    """The day until which its owner stands by it, as 2026-12-31; after it, the note and `whydesk playbooks list` say so."""
    applies_when: AppliesWhen
    """What in a ticket speaks for this playbook."""
    needs: list[str] = []
    """Anchors without which nothing can be said: `customer`, `invoices`, `routes` …"""
    questions: dict[str, str] = {}
    """For each needed anchor, what the agent asks the customer."""
    queries: list[Query]
    """What is asked, all at once; follow-ups wait."""
    facts: dict[FactName, FactSpec]
    """What code computes from the answers, by name."""
    hypotheses: list[Hypothesis]
    """The explanations that the facts support or refute."""
    severity: list[SeverityRule] = []
    """The rubric, worst first."""
    next_steps: dict[Name, str]
    """Must hold `inconclusive`, `nothing-wrong` and `needs-info` beside the hypotheses' own."""
    replies: dict[Name, str] = {}
    """Drafts of what the agent may write to the customer, facts in braces."""
    instructions: str = ""
    """For the model: how an experienced engineer weighs this evidence."""
    budgets: Budgets = Budgets()
    """Limits of one investigation with this playbook."""

    def query(self, name: str) -> Query | None:
        """Return the query of that id."""
        return next((query for query in self.queries if query.id == name), None)

    def hypothesis(self, name: str) -> Hypothesis | None:
        """Return the hypothesis of that id."""
        return next((hypothesis for hypothesis in self.hypotheses if hypothesis.id == name), None)
