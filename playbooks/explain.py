"""Why a run ended as it did: its playbook's signals, every fact, every condition as it was judged, and the ranking."""

from collections.abc import Iterator, Mapping, Sequence

from models.base import Frozen
from models.customer import Anchors
from models.diagnosis import Fact, HypothesisVerdict, Weighing
from models.evidence import Evidence
from models.playbook import Condition, Hypothesis, Playbook
from models.ticket import Ticket
from models.vocabulary import CauseClass, Severity, Source, Verdict
from reasoning.conditions import judge
from reasoning.hypotheses import consequences
from reasoning.phrases import format_value
from reasoning.select import select_playbook


class Candidate(Frozen):
    """A playbook that could have been chosen, and what in the ticket spoke for it."""

    playbook: str
    """`api-errors@1`."""
    chosen: bool
    signals: str
    """`api (1), rate-limited (3)`; empty where nothing spoke for it."""


class ExplainedFact(Frozen):
    """A fact as it was computed."""

    id: str
    label: str
    value: str
    """In its unit, or `unknown`."""
    formula: str
    evidence: tuple[str, ...]
    why_unknown: str = ""


class JudgedCondition(Frozen):
    """One condition and what the facts said."""

    condition: Condition
    part: str
    """`supports` or `refutes`."""
    holds: bool | None
    """None: it decides nothing."""
    facts: tuple[str, ...]
    """The facts that it speaks of with their values: `error_rate = 25%`."""
    why: str = ""


class ExplainedHypothesis(Frozen):
    """One hypothesis with all that was judged."""

    id: str
    cause: CauseClass
    verdict: Verdict
    rank: int
    severity: Severity
    sources: tuple[Source, ...]
    evidence: tuple[str, ...]
    requires: tuple[str, ...]
    """Required queries and how each answered: `incidents: found`."""
    open_checks: tuple[str, ...]
    conditions: tuple[JudgedCondition, ...]
    would_change: str
    ranked_because: str
    """Why it stands where it does among the supported; empty for all others."""


class Explanation(Frozen):
    """All of it."""

    playbook: str
    chosen_because: str
    candidates: tuple[Candidate, ...]
    missing: tuple[str, ...]
    """Anchors that the ticket lacks."""
    not_checked: tuple[str, ...]
    follow_ups: tuple[str, ...]
    """Follow-ups that rules would still ask for."""
    facts: tuple[ExplainedFact, ...]
    hypotheses: tuple[ExplainedHypothesis, ...]
    """The supported first, by rank, then as the playbook lists them."""


def explain(
    playbook: Playbook, evidence: Sequence[Evidence], weighing: Weighing, candidates: Sequence[Candidate], reason: str
) -> Explanation:
    """Explain a weighing.

    Args:
        playbook: The one that was followed.
        evidence: All that was weighed.
        weighing: As it was stored.
        candidates: By `candidates`, for what else could have been chosen.
        reason: Why the playbook was chosen, as the run kept it.
    """
    facts = {fact.id: fact for fact in weighing.facts}
    by_query = {item.query: item for item in evidence}
    hypotheses = [
        _hypothesis(playbook, hypothesis, verdict, facts, by_query, weighing)
        for hypothesis in playbook.hypotheses
        if (verdict := weighing.verdict(hypothesis.id)) is not None
    ]
    return Explanation(
        playbook=f"{playbook.id}@{playbook.version}",
        chosen_because=reason,
        candidates=tuple(candidates),
        missing=weighing.missing,
        not_checked=tuple(f"{one.query}: {one.reason}" for one in weighing.not_checked),
        follow_ups=weighing.follow_ups,
        facts=tuple(_fact(fact) for fact in weighing.facts),
        hypotheses=tuple(sorted(hypotheses, key=lambda one: (one.rank == 0, one.rank))),
    )


def candidates(ticket: Ticket, anchors: Anchors, playbooks: Sequence[Playbook], chosen: Playbook) -> list[Candidate]:
    """Return every playbook with the signals that the ticket has for it, those of which most speaks first.

    The chosen one counts as it was pinned, all others as they are now.
    """
    others = [playbook for playbook in playbooks if playbook.id != chosen.id]
    scored = [(playbook, _signals(ticket, anchors, playbook)) for playbook in (chosen, *others)]
    found = [
        Candidate(playbook=f"{playbook.id}@{playbook.version}", chosen=playbook is chosen, signals=signals)
        for playbook, signals in scored
    ]
    return sorted(found, key=lambda one: (not one.chosen, not one.signals, one.playbook))


def _signals(ticket: Ticket, anchors: Anchors, playbook: Playbook) -> str:
    """Ask for this playbook alone: then the reason holds its own signals and no others."""
    plain = playbook.model_copy(update={"applies_when": playbook.applies_when.model_copy(update={"fallback": False})})
    try:
        return select_playbook(ticket, anchors, [plain])[1]
    except LookupError:
        return "the fallback" if playbook.applies_when.fallback else ""


def _fact(fact: Fact) -> ExplainedFact:
    return ExplainedFact(
        id=fact.id,
        label=fact.label,
        value=format_value(fact),
        formula=fact.formula,
        evidence=fact.evidence,
        why_unknown=fact.why_unknown,
    )


def _hypothesis(
    playbook: Playbook,
    hypothesis: Hypothesis,
    verdict: HypothesisVerdict,
    facts: Mapping[str, Fact],
    by_query: Mapping[str, Evidence],
    weighing: Weighing,
) -> ExplainedHypothesis:
    answers = {name: by_query[name].status.value if name in by_query else "not asked" for name in hypothesis.requires}
    return ExplainedHypothesis(
        id=hypothesis.id,
        cause=hypothesis.cause,
        verdict=verdict.verdict,
        rank=verdict.rank,
        severity=verdict.severity,
        sources=verdict.sources,
        evidence=verdict.evidence,
        requires=tuple(f"{name}: {status}" for name, status in answers.items()),
        open_checks=verdict.open_checks,
        conditions=tuple(_conditions(hypothesis, facts)),
        would_change=hypothesis.would_change,
        ranked_because=_ranked_because(playbook, hypothesis, verdict, weighing) if verdict.rank else "",
    )


def _conditions(hypothesis: Hypothesis, facts: Mapping[str, Fact]) -> Iterator[JudgedCondition]:
    for part, conditions in (("supports", hypothesis.supported_when), ("refutes", hypothesis.refuted_when)):
        for condition in conditions:
            said = judge(condition, facts)
            values = tuple(f"{name} = {_value(facts, name)}" for name in said.facts)
            yield JudgedCondition(condition=condition, part=part, holds=said.holds, facts=values, why=said.why)


def _value(facts: Mapping[str, Fact], name: str) -> str:
    fact = facts.get(name)
    if fact is None:
        return "no such fact"
    return repr(fact.value) if isinstance(fact.value, str) else format_value(fact)


def _ranked_because(playbook: Playbook, hypothesis: Hypothesis, verdict: HypothesisVerdict, weighing: Weighing) -> str:
    supported = [one.id for one in weighing.verdicts if one.verdict is Verdict.SUPPORTED]
    above = [
        one
        for one in supported
        if one != hypothesis.id and hypothesis.id in consequences(playbook, [one, hypothesis.id])
    ]
    if above:
        return f"a consequence of {', '.join(above)}, so no cause of its own"
    systems, pieces = _of(len(verdict.sources), "system"), _of(len(verdict.evidence), "piece")
    stands_on = f"weight {hypothesis.weight}, {systems}, {pieces} of evidence"
    if len(supported) == 1:
        return f"the only one that is supported ({stands_on})"
    return f"by {stands_on}"


def _of(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
