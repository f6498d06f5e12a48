"""Facts, verdicts, claims and the diagnosis: what reasoning says, before and after verification."""

import re
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BeforeValidator, Field, StrictBool, StrictFloat, StrictInt

from models.base import Frozen
from models.screening import Screened
from models.vocabulary import CauseClass, Confidence, Outcome, Severity, Source, Verdict


def _only_a_time(value: object) -> object:
    """Leave a text such as `20260312` a text: pydantic would read any number as seconds since 1970."""
    if isinstance(value, datetime) or (isinstance(value, str) and _TIME.fullmatch(value)):
        return value
    raise ValueError("not a time with date, clock and zone")


_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})")
FactValue = Annotated[
    StrictBool | StrictInt | StrictFloat | Annotated[datetime, BeforeValidator(_only_a_time)] | str,
    Field(union_mode="left_to_right"),
]
"""A known value. The first type that fits exactly counts: a bool is not an int here, and digits stay text."""


class Fact(Frozen):
    """A named, typed value computed from evidence. Unknown is a state, never zero."""

    id: str
    label: str
    value: FactValue | None
    """None: unknown."""
    unit: str = ""
    """`percent`, `count`, `ms`, `minutes`, `usd-cents`, `time`, `text`, `bool` …"""
    formula: str = ""
    """How it was computed, for people: `errors ÷ total · E1`."""
    evidence: tuple[str, ...] = ()
    """Ids of all evidence that it stands on, through other facts too."""
    why_unknown: str = ""


class HypothesisVerdict(Frozen):
    """What the facts say of one hypothesis."""

    id: str
    cause: CauseClass
    title: str
    verdict: Verdict
    because: tuple[str, ...] = ()
    """The conditions that decided, for people."""
    facts: tuple[str, ...] = ()
    """Facts that decided."""
    evidence: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()
    """The different systems of record that the verdict stands on."""
    open_checks: tuple[str, ...] = ()
    """Required queries that did not answer."""
    severity: Severity = Severity.LOW
    """By the rubric over facts, already lowered where two sources do not agree or a required check is open."""
    rank: int = 0
    """1 for the best explanation among the supported; 0 for all others."""
    rank_reason: str = ""
    """Why it has that rank, for people: `explains known-bug; 2 systems agree; weight 50`. Empty without a rank."""


class NotChecked(Frozen):
    """A question that got no answer, for the note."""

    query: str
    source: Source
    title: str
    reason: str


class Weighing(Frozen):
    """All that code concludes from the stored evidence. A body in the ledger."""

    facts: tuple[Fact, ...]
    verdicts: tuple[HypothesisVerdict, ...]
    not_checked: tuple[NotChecked, ...] = ()
    coverage: float
    """Share of the playbook's checks that answered, 0 to 1."""
    confidence: Confidence
    """The most that coverage allows."""
    missing: tuple[str, ...] = ()
    """Anchors that the playbook needs and the ticket lacks."""
    follow_ups: tuple[str, ...] = ()
    """Ids of further queries that the playbook's own rules ask for now."""

    def fact(self, name: str) -> Fact | None:
        """Return the fact of that id."""
        return next((fact for fact in self.facts if fact.id == name), None)

    def verdict(self, name: str) -> HypothesisVerdict | None:
        """Return the verdict on the hypothesis of that id."""
        return next((verdict for verdict in self.verdicts if verdict.id == name), None)


class Predicate(StrEnum):
    """The kinds of statement that code can check and say."""

    FACT_IS = "fact_is"
    """subject: a fact; values: one, named `value`."""
    ROW_SHOWS = "row_shows"
    """subject: an evidence id; values: columns and values that stand together in one of its rows."""
    NOTHING_FOUND = "nothing_found"
    """subject: a query; no values. Needs evidence that shows absence."""
    SUPPORTED = "supported"
    """subject: a hypothesis."""
    REFUTED = "refuted"
    """subject: a hypothesis."""


class ClaimValue(Frozen):
    """A name and a value as text; a list of these, because structured output allows no free keys."""

    name: str
    value: str


class Claim(Frozen):
    """One checkable statement."""

    predicate: Predicate
    subject: str
    values: tuple[ClaimValue, ...] = ()
    evidence: tuple[str, ...] = ()
    """Ids of the evidence it cites."""
    wording: str = ""
    """The model's own sentence, for whoever reviews a model; it is never shown on a note."""


class Draft(Frozen):
    """What a reasoner returns, model or rules: choices among the playbook's ids, and claims."""

    outcome: Outcome
    hypothesis: str = ""
    """Id of the hypothesis that explains the ticket; empty where none does."""
    also: tuple[str, ...] = ()
    """Further supported hypotheses that are each needed to explain it."""
    claims: tuple[Claim, ...] = ()
    next_step: str = ""
    severity: Severity | None = None
    """A lower severity than the rubric's; a higher one is ignored."""
    follow_ups: tuple[str, ...] = ()
    """Ids of queries that the playbook offers and that should run before deciding."""


class CheckedClaim(Frozen):
    """A claim after verification."""

    claim: Claim
    kept: bool
    sentence: str = ""
    """As rendered by code; empty if dropped."""
    problem: str = ""
    """Why it was dropped, in words a model can act on."""


class Diagnosis(Frozen):
    """The verified result. A body in the ledger; the note is rendered from it alone."""

    outcome: Outcome
    cause: CauseClass
    hypothesis: str = ""
    also: tuple[str, ...] = ()
    title: str
    """The verdict in one sentence, by code."""
    severity: Severity
    confidence: Confidence
    confidence_basis: str
    calibration: str = ""
    """How often this level was right, by feedback, or `uncalibrated`; empty where nothing is explained or nobody counted."""
    claims: tuple[CheckedClaim, ...] = ()
    """All of them; only the kept ones are shown."""
    ruled_out: tuple[str, ...] = ()
    """Sentences: what, and by which evidence."""
    not_checked: tuple[NotChecked, ...] = ()
    next_step: str = ""
    """The playbook's step, filled in by code."""
    question: str = ""
    """For `needs-info`: one question, written for the agent to send."""
    draft_reply: str = ""
    reasoner: str
    """`rules`, or the model id that answered."""
    reasoner_problem: str = ""
    """Why the rules answered although a model is configured."""
    screened: tuple[Screened, ...] = ()
    """What looks odd in the ticket and the evidence. It decides nothing."""

    @property
    def kept(self) -> tuple[CheckedClaim, ...]:
        """The claims that stand."""
        return tuple(claim for claim in self.claims if claim.kept)

    @property
    def dropped(self) -> int:
        """How many claims did not stand."""
        return len(self.claims) - len(self.kept)
