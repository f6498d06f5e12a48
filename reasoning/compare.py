"""One investigation, diagnosed twice: is the second better, worse, the same, or can nobody say?"""

from collections.abc import Sequence

from models.feedback import Feedback, FeedbackVerdict
from models.rediagnosis import Side, Verdict
from models.vocabulary import CauseClass, Outcome


def truth_of(then: Side, feedback: Sequence[Feedback]) -> tuple[FeedbackVerdict | None, CauseClass | None]:
    """Return what people said of a diagnosis, and the cause that they named or confirmed; of several the last counts."""
    if not feedback:
        return None, None
    last = max(feedback, key=lambda one: one.given_at)
    if last.verdict is FeedbackVerdict.RIGHT:
        return last.verdict, then.cause
    return last.verdict, last.cause


def compare(then: Side, now: Side, feedback: Sequence[Feedback], unanswered: int) -> tuple[Verdict, str]:
    """Judge the second diagnosis against the first and against what people said of it.

    Returns:
        The verdict, and why, for people.
    """
    said, truth = truth_of(then, feedback)
    if (then.outcome, then.cause) == (now.outcome, now.cause):
        return Verdict.SAME, "the same cause" + (f", which people call {said.value}" if said else "")
    if unanswered and now.outcome is not Outcome.DIAGNOSED:
        return Verdict.NOT_COMPARABLE, "it asks what nobody asked then"
    if said is None:
        return Verdict.NOT_COMPARABLE, "nobody said what it was"
    if truth is None:
        return _against_a_wrong_cause(now)
    if now.cause is truth:
        return Verdict.BETTER, "people said that it was this"
    if then.cause is truth:
        return Verdict.WORSE, "people said that the first was right"
    return _between_two_wrong_ones(then, now)


def _against_a_wrong_cause(now: Side) -> tuple[Verdict, str]:
    """People called the first wrong, and did not say what was right."""
    if now.outcome is Outcome.DIAGNOSED:
        return Verdict.NOT_COMPARABLE, "the first was wrong, and nobody said what it was"
    return Verdict.BETTER, "the first was wrong, and this does not claim it"


def _between_two_wrong_ones(then: Side, now: Side) -> tuple[Verdict, str]:
    if then.outcome is Outcome.DIAGNOSED and now.outcome is not Outcome.DIAGNOSED:
        return Verdict.BETTER, "the first was wrong, and this does not claim it"
    if then.outcome is not Outcome.DIAGNOSED and now.outcome is Outcome.DIAGNOSED:
        return Verdict.WORSE, "it names a cause, and people said that it was another"
    return Verdict.SAME, "neither is what people said"
