"""Every true claim of all shipped fixtures, and the checker that takes it."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from pydantic import JsonValue

from models.customer import Anchors
from models.diagnosis import Claim, ClaimValue, Fact, Predicate, Weighing
from models.evidence import Evidence
from models.playbook import Playbook
from reasoning.claims import ClaimChecker
from reasoning.phrases import cell_text, format_value
from tests.reasoning.mutations import (
    rounds_to,
    same_times,
    same_values,
    tells_time,
)
from tests.reasoning.test_shipped_playbooks import CASES, run

PLAYBOOKS = sorted({name.partition("/")[0] for name in CASES})
MOST = 3
"""Different claims of one subject that are tried, of all fixtures of a playbook together; and rows of one answer."""


@dataclass(frozen=True)
class Run:
    """One investigation with its checker and the true claims that are tried on it."""

    playbook: Playbook
    anchors: Anchors
    weighing: Weighing
    evidence: tuple[Evidence, ...]
    checker: ClaimChecker
    claims: tuple[Claim, ...] = ()

    def over(self, evidence: Sequence[Evidence]) -> ClaimChecker:
        """Check against other evidence."""
        return ClaimChecker(self.playbook, self.anchors, evidence, self.weighing)

    def found(self, claim: Claim) -> Evidence:
        """Return what a claim on a row is about."""
        return next(found for found in self.evidence if found.id == claim.subject)

    def fact(self, claim: Claim) -> Fact:
        """Return what a claim on a fact is about."""
        fact = self.weighing.fact(claim.subject)
        assert fact is not None
        return fact

    def told(self, *predicates: Predicate) -> list[Claim]:
        """Return the claims of these kinds."""
        return [claim for claim in self.claims if claim.predicate in predicates]

    def keeps(self, claim: Claim, **change: object) -> bool:
        """Whether a claim stands with something changed."""
        return self.checker.check(claim.model_copy(update=change)).kept


@cache
def pool(playbook: str) -> tuple[Run, ...]:
    """Return the investigations of a playbook with their true claims, each kind of claim a few times."""
    tried: Counter[tuple[Predicate, str]] = Counter()
    seen: set[tuple[object, ...]] = set()
    runs = []
    for name in sorted(name for name in CASES if name.startswith(f"{playbook}/")):
        loaded, anchors, weighing, _, evidence = run(name)
        case = Run(loaded, anchors, weighing, evidence, ClaimChecker(loaded, anchors, evidence, weighing))
        queries = {found.id: found.query for found in evidence}
        claims = []
        for claim in every_claim(case):
            kind = (claim.predicate, queries.get(claim.subject, claim.subject))
            same = (*kind, claim.values)
            if tried[kind] < MOST and same not in seen and case.checker.check(claim).kept:
                tried[kind] += 1
                seen.add(same)
                claims.append(claim)
        runs.append(Run(loaded, anchors, weighing, evidence, case.checker, tuple(claims)))
    return tuple(runs)


def every_claim(case: Run) -> Iterator[Claim]:
    """State each fact, the first rows of each answer, and each absence and verdict that may or may not stand."""
    for fact in case.weighing.facts:
        if fact.value is not None:
            values = (ClaimValue(name="value", value=format_value(fact)),)
            yield Claim(predicate=Predicate.FACT_IS, subject=fact.id, values=values, evidence=fact.evidence)
    for found in case.evidence:
        yield Claim(predicate=Predicate.NOTHING_FOUND, subject=found.query, evidence=(found.id,))
        for row in found.rows[:MOST]:
            yield row_claim(found, {name: cell_text(cell) for name, cell in row.items() if cell not in (None, "")})
    for verdict in case.weighing.verdicts:
        for predicate in (Predicate.SUPPORTED, Predicate.REFUTED):
            yield Claim(predicate=predicate, subject=verdict.id, evidence=verdict.evidence)


def row_claim(found: Evidence, texts: dict[str, str]) -> Claim:
    values = tuple(ClaimValue(name=name, value=text) for name, text in texts.items())
    return Claim(predicate=Predicate.ROW_SHOWS, subject=found.id, values=values, evidence=(found.id,))


def value(text: str) -> tuple[ClaimValue]:
    return (ClaimValue(name="value", value=text),)


def states(cell: JsonValue, text: str) -> bool:
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return rounds_to(text, cell, "")
    moment = moment_of(cell)
    return cell_text(cell) == text or (moment is not None and tells_time(text, moment))


def moment_of(cell: JsonValue) -> datetime | None:
    try:
        found = datetime.fromisoformat(cell) if isinstance(cell, str) and "T" in cell else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None


def same_cell(cell: JsonValue) -> Iterator[str]:
    moment = moment_of(cell)
    if moment is not None:
        yield from same_times(moment)
    elif isinstance(cell, str | int | float | bool):
        yield from same_values(cell, "")


def is_number(fact: Fact) -> bool:
    return isinstance(fact.value, int | float) and not isinstance(fact.value, bool)


def number_of(fact: Fact) -> float:
    assert isinstance(fact.value, int | float)
    return fact.value
