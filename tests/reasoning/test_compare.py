"""Better, worse, the same, or nobody can say: every row of the table in docs/replays.md."""

from datetime import UTC, datetime

import pytest

from models.feedback import Feedback, FeedbackVerdict
from models.rediagnosis import Side, Verdict
from models.vocabulary import CauseClass, Confidence, Outcome, Severity
from reasoning.compare import compare

BUG, FIXED, QUOTA = CauseClass.KNOWN_BUG, CauseClass.ALREADY_FIXED, CauseClass.QUOTA_EXHAUSTED
UNKNOWN = CauseClass.UNKNOWN
RIGHT, WRONG = FeedbackVerdict.RIGHT, FeedbackVerdict.WRONG


def side(cause: CauseClass) -> Side:
    outcome = Outcome.INCONCLUSIVE if cause is UNKNOWN else Outcome.DIAGNOSED
    return Side(
        playbook="p@1",
        reasoner="rules",
        outcome=outcome,
        cause=cause,
        hypothesis="",
        title="",
        severity=Severity.LOW,
        confidence=Confidence.LOW,
        coverage=1.0,
        kept=(),
        dropped=(),
        not_checked=(),
        usd=0.0,
        note="",
    )


def said(verdict: FeedbackVerdict, cause: CauseClass | None = None, hour: int = 1) -> Feedback:
    at = datetime(2026, 3, 2, hour, tzinfo=UTC)
    return Feedback(revision=1, verdict=verdict, who=f"ada{hour}", cause=cause, given_at=at)


@pytest.mark.parametrize(
    ("then", "now", "feedback", "unanswered", "verdict"),
    [
        (BUG, BUG, [], 0, Verdict.SAME),
        (BUG, BUG, [said(WRONG)], 0, Verdict.SAME),
        (BUG, BUG, [], 3, Verdict.SAME),
        (BUG, FIXED, [], 0, Verdict.NOT_COMPARABLE),
        (BUG, UNKNOWN, [], 0, Verdict.NOT_COMPARABLE),
        (BUG, FIXED, [said(RIGHT)], 0, Verdict.WORSE),
        (BUG, UNKNOWN, [said(RIGHT)], 0, Verdict.WORSE),
        (BUG, FIXED, [said(WRONG, FIXED)], 0, Verdict.BETTER),
        (UNKNOWN, FIXED, [said(WRONG, FIXED)], 0, Verdict.BETTER),
        (BUG, UNKNOWN, [said(WRONG, FIXED)], 0, Verdict.BETTER),
        (BUG, UNKNOWN, [said(WRONG)], 0, Verdict.BETTER),
        (BUG, FIXED, [said(WRONG)], 0, Verdict.NOT_COMPARABLE),
        (BUG, QUOTA, [said(WRONG, FIXED)], 0, Verdict.SAME),
        (UNKNOWN, QUOTA, [said(WRONG, FIXED)], 0, Verdict.WORSE),
        (BUG, UNKNOWN, [said(RIGHT)], 1, Verdict.NOT_COMPARABLE),
        (BUG, FIXED, [said(WRONG, FIXED)], 1, Verdict.BETTER),
        (BUG, FIXED, [said(RIGHT, hour=1), said(WRONG, FIXED, hour=2)], 0, Verdict.BETTER),
        (BUG, FIXED, [said(WRONG, FIXED, hour=1), said(RIGHT, hour=2)], 0, Verdict.WORSE),
    ],
)
def test_each_pair_is_judged_by_what_people_said(
    then: CauseClass, now: CauseClass, feedback: list[Feedback], unanswered: int, verdict: Verdict
) -> None:
    found, why = compare(side(then), side(now), feedback, unanswered)
    assert found is verdict
    assert why
