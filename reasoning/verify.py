"""From a draft to a diagnosis: every choice checked against the weighing, every claim against the stored rows.

A draft is taken for hostile. It can choose among what the playbook offers and the weighing supports, point at stored values and
lower the severity; all words but a grounded rewording are the playbook's.
"""

import re
from collections.abc import Mapping, Sequence

from models.customer import Anchors
from models.diagnosis import CheckedClaim, Claim, Diagnosis, Draft, Fact, HypothesisVerdict, Predicate, Weighing
from models.evidence import CUSTOMER_LOOKUP, Evidence
from models.playbook import Hypothesis, Playbook
from models.screening import Screened
from models.vocabulary import CauseClass, Confidence, Outcome, Scope, Severity, Source, Verdict
from reasoning.choice import choose
from reasoning.claims import ClaimChecker, Unproven
from reasoning.compound import cite, join_titles
from reasoning.phrases import PLACE, UNKNOWN, fill, places_in
from reasoning.rules import decide
from reasoning.screening import screen_evidence

MOST_CLAIMS = 8
FEWEST_LINES = 3
"""Below that the playbook's own claims for the cause are added: a verdict needs its evidence beside it."""
MOST_READ = 40
"""Claims of a draft that are looked at; a model that sends more is not listened to any longer."""
LONGEST_FINDING = 400
"""Characters of a problem that a model is shown: what it quotes is the model's own, and as long as it likes."""
_REPEATED = "repeats an earlier claim"
_TOO_MANY = f"more than {MOST_CLAIMS} claims stand"
_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven")


def verify(
    playbook: Playbook,
    anchors: Anchors,
    evidence: Sequence[Evidence],
    weighing: Weighing,
    draft: Draft,
    reasoner: str,
    reasoner_problem: str = "",
) -> Diagnosis:
    """Check a draft and render what stands.

    Args:
        playbook: The pinned one.
        anchors: With the customer that all customer evidence must be about.
        evidence: All that is stored of this revision.
        weighing: Code's own conclusions from it.
        draft: Choices and claims, with real values in place of pseudonyms.
        reasoner: `rules`, or the model id that answered.
        reasoner_problem: Why the rules answered although a model is configured.
    """
    checker = ClaimChecker(playbook, anchors, evidence, weighing)
    choice = choose(playbook, weighing, checker, draft)
    outcome, chosen = choice.outcome, choice.hypotheses
    claims = _checked(checker, draft.claims[:MOST_READ], choice.refused)
    if chosen and sum(claim.kept for claim in claims) < FEWEST_LINES:
        claims = _completed(checker, claims, playbook, weighing, evidence, chosen[0])
    verdicts = [verdict for each in chosen if (verdict := weighing.verdict(each.id)) is not None]
    return Diagnosis(
        outcome=outcome,
        cause=_cause(outcome, chosen),
        hypothesis=chosen[0].id if chosen else "",
        also=tuple(each.id for each in chosen[1:]),
        title=_title(outcome, chosen, checker, weighing, bool(choice.refused)),
        severity=_severity(outcome, verdicts, draft.severity, _ceiling(playbook, evidence, weighing)),
        confidence=weighing.confidence if chosen else Confidence.LOW,
        confidence_basis=_basis(playbook, evidence, verdicts),
        claims=tuple(claims),
        ruled_out=_ruled_out(checker, weighing, playbook),
        not_checked=weighing.not_checked,
        next_step=_next_step(playbook, checker.facts, draft.next_step, outcome, chosen),
        question=_question(playbook, weighing) if outcome is Outcome.NEEDS_INFO else "",
        draft_reply=_reply(playbook, anchors, evidence, checker.facts, outcome, chosen),
        reasoner=reasoner,
        reasoner_problem=reasoner_problem,
        screened=(
            *(Screened(source=Source.HELPDESK, sign=sign) for sign in anchors.screened),
            *screen_evidence(evidence),
        ),
    )


def findings(diagnosis: Diagnosis) -> tuple[str, ...]:
    """Return what a model could mend in a second attempt: why its cause or claims did not stand."""
    return tuple(
        f"{checked.claim.predicate} {checked.claim.subject!r}: {checked.problem}"[:LONGEST_FINDING]
        for checked in diagnosis.claims[:MOST_READ]
        if not checked.kept and checked.problem not in (_REPEATED, _TOO_MANY)
    )


def _checked(checker: ClaimChecker, claims: Sequence[Claim], refused: Sequence[CheckedClaim]) -> list[CheckedClaim]:
    checked = list(refused)
    seen: set[str] = set()
    kept = 0
    for claim in claims:
        result = checker.check(claim)
        if result.kept:
            key = _key(result)
            if key in seen:
                result = CheckedClaim(claim=claim, kept=False, problem=_REPEATED)
            elif kept == MOST_CLAIMS:
                result = CheckedClaim(claim=claim, kept=False, problem=_TOO_MANY)
            else:
                kept += 1
            seen.add(key)
        checked.append(result)
    return checked


def _key(checked: CheckedClaim) -> str:
    """Tell claims apart by what they say of what, not by their words."""
    claim = checked.claim
    values = sorted((value.name, value.value) for value in claim.values)
    return repr((claim.predicate, claim.subject, values if claim.predicate is Predicate.ROW_SHOWS else ()))


def _completed(
    checker: ClaimChecker,
    claims: list[CheckedClaim],
    playbook: Playbook,
    weighing: Weighing,
    evidence: Sequence[Evidence],
    chosen: Hypothesis,
) -> list[CheckedClaim]:
    own = decide(playbook, weighing, evidence)
    if own.hypothesis != chosen.id:
        return claims
    stated = {_key(claim) for claim in claims if claim.kept}
    sentences = {claim.sentence for claim in claims if claim.kept}
    further = [checker.check(claim) for claim in own.claims]
    fresh = [each for each in further if each.kept and _key(each) not in stated and each.sentence not in sentences]
    return [*claims, *fresh[: FEWEST_LINES - len(stated)]]


def _cause(outcome: Outcome, chosen: Sequence[Hypothesis]) -> CauseClass:
    if not chosen:
        return CauseClass.TOO_VAGUE if outcome is Outcome.NEEDS_INFO else CauseClass.UNKNOWN
    return chosen[0].cause if len({each.cause for each in chosen}) == 1 else CauseClass.TWO_CAUSES


def _title(
    outcome: Outcome, chosen: Sequence[Hypothesis], checker: ClaimChecker, weighing: Weighing, failed: bool
) -> str:
    if chosen:
        return join_titles([checker.title(each) for each in chosen])
    if outcome is Outcome.NEEDS_INFO:
        missing = ", ".join(name.replace("_", " ") for name in weighing.missing)
        return f"Not enough to look with: the ticket does not tell {missing}"
    if failed:
        return "Inconclusive: the stored evidence does not support the cause that was proposed"
    supported = sum(verdict.verdict is Verdict.SUPPORTED for verdict in weighing.verdicts)
    if supported:
        return f"Inconclusive: the evidence supports {_count(supported, 'explanation')}, and none was chosen"
    return f"Inconclusive: the evidence supports none of {_count(len(weighing.verdicts), 'explanation')}"


def _ceiling(playbook: Playbook, evidence: Sequence[Evidence], weighing: Weighing) -> Severity:
    """Return the severity of what the rules would choose: choosing another cause must not raise it."""
    own = decide(playbook, weighing, evidence)
    chosen = (weighing.verdict(name) for name in (own.hypothesis, *own.also))
    return max((verdict.severity for verdict in chosen if verdict), key=_rank_of, default=Severity.LOW)


def _severity(
    outcome: Outcome, verdicts: Sequence[HypothesisVerdict], wanted: Severity | None, ceiling: Severity
) -> Severity:
    if outcome is not Outcome.DIAGNOSED:
        return Severity.LOW
    rubric = max((verdict.severity for verdict in verdicts), key=_rank_of)
    return min(rubric, ceiling, wanted or rubric, key=_rank_of)


def _rank_of(severity: Severity) -> int:
    return severity.rank


def _basis(playbook: Playbook, evidence: Sequence[Evidence], verdicts: Sequence[HypothesisVerdict]) -> str:
    by_query = {item.query: item for item in evidence}
    asked = [query for query in playbook.queries if not query.follow_up or query.id in by_query]
    answered = sum(query.id in by_query and by_query[query.id].status.answered for query in asked)
    said = f"{answered} of {_count(len(asked), 'check')} answered"
    sources = {source for verdict in verdicts for source in verdict.sources}
    if not sources:
        return said
    agree = "systems agree" if len(sources) > 1 else "system shows it"
    return f"{said}, {_WORDS[len(sources)]} {agree}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _ruled_out(checker: ClaimChecker, weighing: Weighing, playbook: Playbook) -> tuple[str, ...]:
    said = []
    for verdict in weighing.verdicts:
        if verdict.verdict is not Verdict.REFUTED or playbook.hypothesis(verdict.id) is None:
            continue
        try:
            hypothesis = checker.hypothesis(verdict.id, Verdict.REFUTED)
        except Unproven:
            continue
        said.append(cite(checker.ruling_out(hypothesis), verdict.evidence))
    return tuple(said)


def _next_step(
    playbook: Playbook,
    facts: Mapping[str, Fact],
    wanted: str,
    outcome: Outcome,
    chosen: Sequence[Hypothesis],
) -> str:
    own = chosen[0].next_step if chosen else outcome.value
    # A step that belongs to an explanation which was not found is the playbook's, and still the wrong advice.
    elsewhere = {each.next_step for each in playbook.hypotheses} - {each.next_step for each in chosen}
    outcomes = {each.value for each in Outcome} - {outcome.value}
    offered = set(playbook.next_steps) - elsewhere - outcomes
    step = wanted if wanted in offered or wanted == own else own
    # Each further cause is mended by a step of its own.
    steps = dict.fromkeys((step, *(each.next_step for each in chosen[1:])))
    texts = [playbook.next_steps[name] for name in steps if name in playbook.next_steps]
    texts = texts or [playbook.next_steps.get(Outcome.INCONCLUSIVE.value, "")]
    return " Also: ".join(fill(text, facts) or PLACE.sub(UNKNOWN, text) for text in texts)


def _question(playbook: Playbook, weighing: Weighing) -> str:
    asked = (playbook.questions.get(name, "") for name in weighing.missing)
    return " ".join(dict.fromkeys(text.strip() for text in asked if text.strip()))


def _reply(
    playbook: Playbook,
    anchors: Anchors,
    evidence: Sequence[Evidence],
    facts: Mapping[str, Fact],
    outcome: Outcome,
    chosen: Sequence[Hypothesis],
) -> str:
    names = [each.reply or "" for each in chosen] if chosen else [outcome.value]
    templates = [playbook.replies.get(name, "") for name in dict.fromkeys(names)]
    if anchors.customer is None or anchors.customer.weak:
        # Who wrote is not certain enough to be told what the customer's own data say.
        private = {item.id for item in evidence if item.scope is Scope.CUSTOMER or item.query == CUSTOMER_LOOKUP}
        places = [place for template in templates for place in places_in(template) if place in facts]
        if any(private & set(facts[place].evidence) for place in places):
            return ""
    said = [fill(template, facts) or "" for template in templates]
    # A reply that tells of one cause and is silent about the other would tell the customer that all is found.
    return _without_repeats(said) if all(said) else ""


def _without_repeats(replies: Sequence[str]) -> str:
    """Join replies as paragraphs; a sentence that a reply before has, such as its thanks, is said once."""
    paragraphs = [replies[0]]
    for reply in replies[1:]:
        sentences = re.split(r"(?<=[.!?])\s+", reply.strip())
        paragraphs.append(" ".join(each for each in sentences if each not in paragraphs[0]))
    return "\n\n".join(each.strip() for each in paragraphs if each.strip())
