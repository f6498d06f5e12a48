"""Kept evidence under another playbook: which of its questions were answered already, and which nobody has asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from models.customer import Anchors
from models.diagnosis import Fact, Weighing
from models.evidence import Evidence
from models.playbook import Playbook, Query
from models.vocabulary import EvidenceStatus
from reasoning.hypotheses import weigh
from reasoning.queries import Skipped, references_in, resolve_query

NOT_KEPT = "the kept evidence has no answer to it"
"""Why a question counts as not checked where nobody is asked again."""
_FACTS = "facts."


@dataclass(frozen=True)
class Refitted:
    """What a playbook has to go on with."""

    evidence: tuple[Evidence, ...]
    """All of it, with each unanswered question as skipped evidence of its own."""
    weighing: Weighing
    unanswered: tuple[str, ...]
    """Ids of queries of the new playbook."""
    unused: tuple[str, ...]
    """Ids of queries of the old one."""


def refit(old: Playbook, new: Playbook, anchors: Anchors, evidence: Sequence[Evidence], region: str = "") -> Refitted:
    """Find what kept evidence answers of another playbook's questions, and weigh it.

    An answer counts for a query that asks exactly the same, whatever its id or title; one that asks only nearly the same was
    never asked. Follow-ups that the new playbook's rules would ask for are answered or counted as not checked like the others.

    Args:
        old: The playbook that the evidence was gathered for.
        new: The playbook that is to weigh it.
        anchors: Of the ticket, as they were found then.
        evidence: Of one look; what found the customer is among it and stays.
        region: Of the tenant, for `$tenant.region`.
    """
    asked = {query.id: query for query in old.queries}
    answers = {item.query: item for item in evidence if item.query in asked}
    fitted = [item for item in evidence if item.query not in asked]
    used: dict[str, str] = {}
    for query in new.queries:
        found = _answer_to(query, asked, answers)
        if found is not None:
            used[query.id] = found.query
            fitted.append(_as_of(found, query))
    fitted.sort(key=lambda item: int(item.id[1:]))
    weighing = weigh(new, anchors, fitted)
    # A question that was bound to a fact is the same only if the fact has the same value now.
    known = {item.query: item for item in fitted}
    unlike = {
        query.id
        for query in new.queries
        if query.id in used and not _bound_alike(query, known[query.id], anchors, weighing, region)
    }
    if unlike:
        fitted = [item for item in fitted if item.query not in unlike]
        weighing = weigh(new, anchors, fitted)
    gaps: list[str] = []
    numbers = _Numbers(evidence)
    while due := _due(new, fitted, weighing):
        gaps += [query.id for query in due]
        fitted += [_gap(query, numbers.next(), evidence, anchors) for query in due]
        weighing = weigh(new, anchors, fitted)
    kept = {name for query, name in used.items() if query not in unlike}
    unused = tuple(name for name in answers if name not in kept)
    return Refitted(tuple(fitted), weighing, tuple(gaps), unused)


def _answer_to(query: Query, asked: Mapping[str, Query], answers: Mapping[str, Evidence]) -> Evidence | None:
    """Return what answers a query: under its own id first, then under another."""
    names = [query.id, *(name for name in asked if name != query.id)]
    same = (name for name in names if name in asked and question_of(asked[name]) == question_of(query))
    return next((answers[name] for name in same if name in answers), None)


def question_of(query: Query) -> tuple[object, ...]:
    """Return all of a query that decides what is asked; how a question was laid out in its file does not."""
    sql = " ".join(query.sql.split())
    window = (query.window.before, query.window.after)
    asked = (query.parameters, query.defaults)
    return query.source, query.scope, query.operation, sql, asked, window, query.rows


def _as_of(found: Evidence, query: Query) -> Evidence:
    if (found.query, found.title) == (query.id, query.title):
        return found
    return found.model_copy(update={"query": query.id, "title": query.title})


def _bound_alike(query: Query, found: Evidence, anchors: Anchors, weighing: Weighing, region: str) -> bool:
    names = [
        name
        for name, value in query.parameters.items()
        if any(reference.startswith(_FACTS) for reference in references_in(value))
    ]
    if not names or not found.status.answered:
        return True
    facts: dict[str, Fact] = {fact.id: fact for fact in weighing.facts}
    resolved = resolve_query(query, anchors, facts, found.fetched_at, region)
    if isinstance(resolved, Skipped):
        return False
    return all(resolved.parameters.get(name) == found.parameters.get(name) for name in names)


def _due(playbook: Playbook, evidence: Sequence[Evidence], weighing: Weighing) -> list[Query]:
    have = {item.query for item in evidence}
    wanted = set(weighing.follow_ups)
    return [query for query in playbook.queries if query.id not in have and (not query.follow_up or query.id in wanted)]


class _Numbers:
    def __init__(self, evidence: Sequence[Evidence]) -> None:
        self._last = max((int(item.id[1:]) for item in evidence), default=0)

    def next(self) -> str:
        self._last += 1
        return f"E{self._last}"


def _gap(query: Query, name: str, evidence: Sequence[Evidence], anchors: Anchors) -> Evidence:
    return Evidence(
        id=name,
        query=query.id,
        source=query.source,
        title=query.title,
        scope=query.scope,
        status=EvidenceStatus.SKIPPED,
        # Of the past like all the rest, so that the same evidence always gives the same answer.
        fetched_at=max((item.fetched_at for item in evidence), default=anchors.reported_at),
        reason=NOT_KEPT,
    )
