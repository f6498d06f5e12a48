"""The rules reasoner: a draft from the verdicts alone, with no model."""

from collections.abc import Mapping, Sequence

from models.base import Row
from models.diagnosis import Claim, ClaimValue, Draft, Fact, FactValue, HypothesisVerdict, Predicate, Weighing
from models.evidence import Evidence
from models.playbook import Hypothesis, Playbook, Query
from models.vocabulary import CauseClass, EvidenceStatus, Outcome, Scope, Verdict
from reasoning.cells import NotKnown, matches
from reasoning.conditions import facts_of
from reasoning.facts import facts_used
from reasoning.hypotheses import consequences
from reasoning.phrases import cell_text, fill_row, format_value, places_in

MOST_CLAIMS = 8
CLAIMS_WITHOUT_CAUSE = 4
"""What was measured is worth a line even where it decides nothing."""
PICKS = frozenset({"value", "first", "last", "last_before", "top", "min", "max"})
"""Functions whose value is the cell of one row: they tell which row a claim means."""


def decide(playbook: Playbook, weighing: Weighing, evidence: Sequence[Evidence]) -> Draft:
    """Choose the best explanation by rank and state the claims that the playbook lists for it.

    Args:
        playbook: The one that was weighed.
        weighing: By reasoning/hypotheses.py.
        evidence: The same that was weighed, for the rows that claims quote.
    """
    supported = sorted((each for each in weighing.verdicts if each.verdict is Verdict.SUPPORTED), key=_rank)
    facts = {fact.id: fact for fact in weighing.facts}
    if not supported:
        outcome = Outcome.NEEDS_INFO if weighing.missing else Outcome.INCONCLUSIVE
        return Draft(
            outcome=outcome,
            claims=_measured(playbook, facts),
            next_step=outcome.value,
            follow_ups=weighing.follow_ups,
        )
    best = playbook.hypothesis(supported[0].id)
    assert best is not None
    also = _also(playbook, best, supported)
    claims = _in_shares([_claims(playbook, each, facts, evidence) for each in (best, *also)])
    return Draft(
        outcome=Outcome.NOTHING_WRONG if best.cause is CauseClass.NOTHING_WRONG else Outcome.DIAGNOSED,
        hypothesis=best.id,
        also=tuple(each.id for each in also),
        claims=tuple({(claim.predicate, claim.subject): claim for claim in claims}.values())[:MOST_CLAIMS],
        next_step=best.next_step,
        follow_ups=weighing.follow_ups,
    )


def best_row(
    playbook: Playbook, hypothesis: Hypothesis, query: Query, facts: Mapping[str, Fact], found: Evidence
) -> Row | None:
    """Return the row that a hypothesis means: the one that holds most of the cells which its own facts picked.

    None where its facts pick from this query but no row holds what they picked, or where no row fills the query's sentence.
    """
    picked = _picked(playbook, hypothesis, query, facts)
    rows = [row for row in found.rows if fill_row(query.row_sentence, row) is not None]
    scores = [sum(_holds(row, column, value) for column, value in picked) for row in rows]
    if not rows or (picked and max(scores) == 0):
        return None
    return rows[scores.index(max(scores))]


def _rank(verdict: HypothesisVerdict) -> int:
    return verdict.rank


def _also(playbook: Playbook, best: Hypothesis, supported: Sequence[HypothesisVerdict]) -> list[Hypothesis]:
    explained = consequences(playbook, [each.id for each in supported])
    further = [playbook.hypothesis(each.id) for each in supported[1:] if each.id not in explained]
    if best.cause is CauseClass.NOTHING_WRONG:
        return []
    return [each for each in further if each is not None and each.cause is not CauseClass.NOTHING_WRONG]


def _in_shares(claims: Sequence[Sequence[Claim]]) -> list[Claim]:
    """Join the claims for several causes so that none is left without its evidence where not all fit."""
    share = -(-MOST_CLAIMS // len(claims))
    return [*(each for some in claims for each in some[:share]), *(each for some in claims for each in some[share:])]


def _measured(playbook: Playbook, facts: Mapping[str, Fact]) -> tuple[Claim, ...]:
    names = dict.fromkeys(name for each in playbook.hypotheses for name in each.claims if name in playbook.facts)
    claims = [_fact_claim(facts[name]) for name in names if facts[name].value is not None and playbook.facts[name].say]
    return tuple(claims[:CLAIMS_WITHOUT_CAUSE])


def _claims(
    playbook: Playbook, hypothesis: Hypothesis, facts: Mapping[str, Fact], evidence: Sequence[Evidence]
) -> list[Claim]:
    by_query = {item.query: item for item in evidence}
    claims: list[Claim | None] = []
    for name in hypothesis.claims:
        query = playbook.query(name)
        if query is None:
            claims.append(_fact_claim(facts[name]) if facts[name].value is not None else None)
        elif name in by_query:
            claims.append(_query_claim(playbook, hypothesis, query, facts, by_query[name]))
    return [claim for claim in claims if claim is not None]


def _fact_claim(fact: Fact) -> Claim:
    return Claim(
        predicate=Predicate.FACT_IS,
        subject=fact.id,
        values=(ClaimValue(name="value", value=format_value(fact)),),
        evidence=fact.evidence,
    )


def _query_claim(
    playbook: Playbook, hypothesis: Hypothesis, query: Query, facts: Mapping[str, Fact], found: Evidence
) -> Claim | None:
    if found.shows_absence and found.scope is not Scope.FLEET:
        return Claim(predicate=Predicate.NOTHING_FOUND, subject=query.id, evidence=(found.id,))
    row = best_row(playbook, hypothesis, query, facts, found) if found.status is EvidenceStatus.FOUND else None
    if row is None:
        return None
    return Claim(
        predicate=Predicate.ROW_SHOWS,
        subject=found.id,
        values=tuple(ClaimValue(name=name, value=cell_text(row[name])) for name in places_in(query.row_sentence)),
        evidence=(found.id,),
    )


def _picked(
    playbook: Playbook, hypothesis: Hypothesis, query: Query, facts: Mapping[str, Fact]
) -> list[tuple[str, FactValue]]:
    spoken = [name for text in hypothesis.supported_when for name in facts_of(text)]
    pending = [*spoken, *hypothesis.claims, *places_in(hypothesis.title)]
    seen: dict[str, None] = {}
    while pending:
        name = pending.pop()
        if name in playbook.facts and name not in seen:
            seen[name] = None
            pending.extend(facts_used(playbook.facts[name]))
    specs = [(playbook.facts[name], facts[name].value) for name in seen]
    return [
        (str(spec.args["column"]), value)
        for spec, value in specs
        if spec.fn in PICKS and spec.args.get("query") == query.id and value is not None
    ]


def _holds(row: Row, column: str, value: FactValue) -> bool:
    try:
        return matches(row, {column: {"eq": value}})
    except NotKnown:
        return False
