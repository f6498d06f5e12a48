"""Verdicts on a playbook's hypotheses: supported, refuted or untested, by the facts and by what was really checked."""

from collections.abc import Iterator, Mapping, Sequence

from models.customer import Anchors
from models.diagnosis import Fact, HypothesisVerdict, NotChecked, Weighing
from models.evidence import CUSTOMER_LOOKUP, Evidence
from models.playbook import Hypothesis, Playbook, Query
from models.vocabulary import Confidence, EvidenceStatus, Severity, Source, Verdict
from reasoning.conditions import Judgement, judge
from reasoning.facts import compute_facts

HIGH_COVERAGE = 0.9
MEDIUM_COVERAGE = 0.6
INDEPENDENT_SOURCES = 2
"""How many systems of record must agree on a high severity."""
_RISING = (Severity.LOW, Severity.MEDIUM, Severity.HIGH)
_LOST = (EvidenceStatus.FAILED, EvidenceStatus.DENIED, EvidenceStatus.TIMED_OUT)
_REASONS = {
    EvidenceStatus.FAILED: "the source refused the question or failed",
    EvidenceStatus.DENIED: "access was denied",
    EvidenceStatus.TIMED_OUT: "no answer in time",
    EvidenceStatus.SKIPPED: "not asked",
}


def weigh(playbook: Playbook, anchors: Anchors, evidence: Sequence[Evidence]) -> Weighing:
    """Conclude all that code can conclude from the stored evidence.

    Args:
        playbook: As loaded by playbooks/library.py.
        anchors: What the ticket names.
        evidence: All answers of the run so far, also those that failed; of several to one query the last counts.
    """
    facts = compute_facts(playbook, evidence, anchors)
    by_query = {item.query: item for item in evidence}
    verdicts = _ranked(playbook, [_verdict(playbook, each, facts, by_query) for each in playbook.hypotheses])
    asked = [query for query in playbook.queries if not query.follow_up or query.id in by_query]
    answered = [query for query in asked if query.id in by_query and by_query[query.id].status.answered]
    coverage = round(len(answered) / len(asked), 4) if asked else 0.0
    return Weighing(
        facts=tuple(facts.values()),
        verdicts=verdicts,
        not_checked=(
            *(_not_checked(query, by_query.get(query.id)) for query in asked if query not in answered),
            *_lost_lookups(evidence),
        ),
        coverage=coverage,
        confidence=_confidence(coverage),
        missing=tuple(name for name in playbook.needs if not getattr(anchors, name)),
        follow_ups=tuple(query.id for query in playbook.queries if _is_due(query, by_query, facts)),
    )


def _confidence(coverage: float) -> Confidence:
    if coverage >= HIGH_COVERAGE:
        return Confidence.HIGH
    return Confidence.MEDIUM if coverage >= MEDIUM_COVERAGE else Confidence.LOW


def _is_due(query: Query, by_query: Mapping[str, Evidence], facts: Mapping[str, Fact]) -> bool:
    # Without a rule of its own a follow-up is only ever asked for by a reasoner.
    return (
        query.follow_up
        and query.id not in by_query
        and bool(query.ask_when)
        and all(judge(condition, facts).holds for condition in query.ask_when)
    )


def _not_checked(query: Query, found: Evidence | None) -> NotChecked:
    reason = "not asked" if found is None else found.reason or _REASONS.get(found.status, found.status.value)
    return NotChecked(query=query.id, source=query.source, title=query.title, reason=reason)


def _lost_lookups(evidence: Sequence[Evidence]) -> Iterator[NotChecked]:
    """Name each source that could not say who the customer is: another way to find them may be a weaker one."""
    lost = [item for item in evidence if item.query == CUSTOMER_LOOKUP and item.status in _LOST]
    for item in {item.source: item for item in lost}.values():
        reason = item.reason or _REASONS[item.status]
        yield NotChecked(query=CUSTOMER_LOOKUP, source=item.source, title="who the customer is", reason=reason)


def _verdict(
    playbook: Playbook, hypothesis: Hypothesis, facts: Mapping[str, Fact], by_query: Mapping[str, Evidence]
) -> HypothesisVerdict:
    open_checks = tuple(
        name for name in hypothesis.requires if name not in by_query or not by_query[name].status.answered
    )
    against = [(text, said) for text in hypothesis.refuted_when if (said := judge(text, facts)).holds]
    support = [(text, judge(text, facts)) for text in hypothesis.supported_when]
    if against:
        verdict, deciding = Verdict.REFUTED, against
    elif support and not open_checks and all(said.holds for _, said in support):
        verdict, deciding = Verdict.SUPPORTED, support
    else:
        verdict, deciding = Verdict.UNTESTED, []
    names, stands_on = _ground(deciding, facts)
    sources = tuple(
        dict.fromkeys(
            item.source for item in by_query.values() if item.id in stands_on and item.source is not Source.HELPDESK
        )
    )
    return HypothesisVerdict(
        id=hypothesis.id,
        cause=hypothesis.cause,
        title=hypothesis.title,
        verdict=verdict,
        because=tuple(text for text, _ in deciding),
        facts=names,
        evidence=stands_on,
        sources=sources,
        open_checks=open_checks,
        severity=_severity(playbook, hypothesis, facts, sources) if verdict is Verdict.SUPPORTED else Severity.LOW,
    )


def _ground(
    deciding: Sequence[tuple[str, Judgement]], facts: Mapping[str, Fact]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    names = tuple(dict.fromkeys(name for _, said in deciding for name in said.facts))
    return names, tuple(dict.fromkeys(item for name in names for item in facts[name].evidence))


def _severity(
    playbook: Playbook, hypothesis: Hypothesis, facts: Mapping[str, Fact], sources: Sequence[Source]
) -> Severity:
    severity = next(
        (
            rule.severity
            for rule in playbook.severity
            if (not rule.of or hypothesis.id in rule.of) and all(judge(text, facts).holds for text in rule.when)
        ),
        Severity.LOW,
    )
    enough = len(sources) >= INDEPENDENT_SOURCES or hypothesis.authoritative in sources
    if severity is Severity.HIGH and not enough:
        severity = Severity.MEDIUM
    return severity if hypothesis.at_most is None else min(severity, hypothesis.at_most, key=_RISING.index)


def _ranked(playbook: Playbook, verdicts: Sequence[HypothesisVerdict]) -> tuple[HypothesisVerdict, ...]:
    """Number the supported: causes before their consequences, the heavier first, then the better evidenced."""
    supported = [item for item in verdicts if item.verdict is Verdict.SUPPORTED]
    explained = consequences(playbook, [item.id for item in supported])
    weights = {each.id: each.weight for each in playbook.hypotheses}
    order = sorted(
        supported,
        key=lambda item: (item.id in explained, -weights[item.id], -len(item.sources), -len(item.evidence), item.id),
    )
    ranks = {item.id: rank for rank, item in enumerate(order, start=1)}
    return tuple(
        item.model_copy(
            update={"rank": ranks[item.id], "rank_reason": _reason(playbook, item, supported, weights[item.id])}
        )
        if item.id in ranks
        else item
        for item in verdicts
    )


def _reason(playbook: Playbook, item: HypothesisVerdict, supported: Sequence[HypothesisVerdict], weight: int) -> str:
    """Say what decides a rank, in the order in which it does."""
    others = [other.id for other in supported if other.id != item.id]
    behind = [other for other in others if item.id in consequences(playbook, [other, item.id])]
    explains = [other for other in others if other in consequences(playbook, [item.id, other])]
    parts = [f"a consequence of {', '.join(behind)}"] if behind else []
    parts += [f"explains {', '.join(explains)}"] if explains else []
    systems = len(item.sources)
    parts.append(
        f"{systems} systems agree" if systems > 1 else "one system shows it" if systems else "by the ticket alone"
    )
    return "; ".join([*parts, f"weight {weight}"])


def consequences(playbook: Playbook, supported: Sequence[str]) -> frozenset[str]:
    """Return which of the supported hypotheses are consequences of another supported one, also of a consequence."""
    found: set[str] = set()
    for name in supported:
        pending = [name]
        seen = {name}
        while pending:
            hypothesis = playbook.hypothesis(pending.pop())
            fresh = [each for each in (hypothesis.explains if hypothesis else []) if each not in seen]
            seen.update(fresh)
            pending.extend(fresh)
        found |= seen - {name}
    return frozenset(found & set(supported))
