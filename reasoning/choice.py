"""Which outcome and which hypotheses of a draft stand, by the weighing alone."""

from collections.abc import Sequence
from dataclasses import dataclass

from models.diagnosis import CheckedClaim, Claim, Draft, Predicate, Weighing
from models.playbook import Hypothesis, Playbook
from models.vocabulary import CauseClass, Outcome, Verdict
from reasoning.claims import ClaimChecker, Unproven
from reasoning.hypotheses import consequences


@dataclass(frozen=True)
class Choice:
    """What stands, and what was chosen but does not."""

    outcome: Outcome
    hypotheses: tuple[Hypothesis, ...] = ()
    """The cause first; none unless diagnosed or nothing-wrong."""
    refused: tuple[CheckedClaim, ...] = ()
    """Each failed choice as a claim that was dropped, so that it is counted and can be mended."""


def choose(playbook: Playbook, weighing: Weighing, checker: ClaimChecker, draft: Draft) -> Choice:
    """Check what a draft chose. A cause that does not stand makes the outcome inconclusive; so does an outcome not on offer."""
    if draft.outcome is Outcome.NEEDS_INFO:
        if weighing.missing:
            return Choice(Outcome.NEEDS_INFO)
        return _refused("needs-info", "the ticket names all that the playbook needs")
    if draft.outcome not in (Outcome.DIAGNOSED, Outcome.NOTHING_WRONG):
        return Choice(Outcome.INCONCLUSIVE)
    try:
        main = checker.hypothesis(draft.hypothesis, Verdict.SUPPORTED)
    except Unproven as problem:
        return _refused(draft.hypothesis, str(problem))
    if main.cause is CauseClass.NOTHING_WRONG:
        return _nothing_wrong(weighing, main)
    if draft.outcome is Outcome.NOTHING_WRONG:
        return _refused(main.id, "this hypothesis is a cause, so the outcome is not nothing-wrong")
    also, refused = _further(playbook, checker, main, draft.also)
    return Choice(Outcome.DIAGNOSED, (main, *also), refused)


def _nothing_wrong(weighing: Weighing, main: Hypothesis) -> Choice:
    verdict = weighing.verdict(main.id)
    if verdict is None or verdict.rank != 1:
        return _refused(main.id, "another supported hypothesis explains more")
    return Choice(Outcome.NOTHING_WRONG, (main,))


def _further(
    playbook: Playbook, checker: ClaimChecker, main: Hypothesis, names: Sequence[str]
) -> tuple[list[Hypothesis], tuple[CheckedClaim, ...]]:
    """Return the further causes that stand. A consequence of one that is named already is silently no second cause."""
    found: list[Hypothesis] = []
    refused: list[CheckedClaim] = []
    for name in dict.fromkeys(names):
        try:
            found.append(checker.hypothesis(name, Verdict.SUPPORTED))
        except Unproven as problem:
            refused.append(_dropped(name, str(problem)))
    explained = consequences(playbook, [main.id, *(each.id for each in found)])
    return [
        each
        for each in found
        if each.id not in explained and each.id != main.id and each.cause is not CauseClass.NOTHING_WRONG
    ], tuple(refused)


def _refused(subject: str, problem: str) -> Choice:
    return Choice(Outcome.INCONCLUSIVE, refused=(_dropped(subject, problem),))


def _dropped(subject: str, problem: str) -> CheckedClaim:
    claim = Claim(predicate=Predicate.SUPPORTED, subject=subject)
    return CheckedClaim(claim=claim, kept=False, problem=problem)
