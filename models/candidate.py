"""What a candidate playbook made of evidence that the stable version was diagnosed on."""

from collections.abc import Sequence

from models.base import Frozen, Moment
from models.feedback import Feedback, FeedbackVerdict
from models.run import RunKey
from models.vocabulary import CauseClass, Confidence, Outcome, Severity


class CandidateResult(Frozen):
    """One revision, diagnosed twice by rules over the same evidence: what differs is the playbook's doing, not a model's."""

    key: RunKey
    playbook: str
    version: int
    """The candidate's."""
    outcome: Outcome
    cause: CauseClass
    severity: Severity
    confidence: Confidence
    stable_version: int
    stable_outcome: Outcome
    stable_cause: CauseClass
    not_asked: int
    """How many of the candidate's queries the kept evidence has no answer to: they count as not checked."""
    done_at: Moment
    told: CauseClass | None = None
    """The cause that the note told, by whichever reasoner."""
    feedback: tuple[Feedback, ...] = ()
    """The last word of each person on what the note told."""

    @property
    def differs(self) -> bool:
        """Whether the two decide differently."""
        return (self.outcome, self.cause) != (self.stable_outcome, self.stable_cause)

    @property
    def truth(self) -> CauseClass | None:
        """Return what people say it was; None where they do not say, or do not agree."""
        known = {
            self.told if one.verdict is FeedbackVerdict.RIGHT else one.cause
            for one in self.feedback
            if one.verdict is FeedbackVerdict.RIGHT or one.cause is not None
        }
        return known.pop() if len(known) == 1 else None


class Comparison(Frozen):
    """One candidate against one stable version, over all revisions on which both were tried."""

    playbook: str
    version: int
    stable_version: int
    runs: int
    differ: int
    judged: int
    """Revisions of which people say what it was; the two below are counted among them."""
    right: int
    """The candidate has the cause that people say."""
    stable_right: int
    not_asked: int
    """Revisions in which the candidate lacked an answer to a question of its own."""


def compare(results: Sequence[CandidateResult]) -> tuple[Comparison, ...]:
    """Count, for each pair of versions, the newest candidate first."""
    pairs = sorted({(one.playbook, one.version, one.stable_version) for one in results}, reverse=True)
    return tuple(_count(pair, [one for one in results if _pair(one) == pair]) for pair in pairs)


def _pair(result: CandidateResult) -> tuple[str, int, int]:
    return result.playbook, result.version, result.stable_version


def _count(pair: tuple[str, int, int], results: Sequence[CandidateResult]) -> Comparison:
    judged = [one for one in results if one.truth is not None]
    playbook, version, stable = pair
    return Comparison(
        playbook=playbook,
        version=version,
        stable_version=stable,
        runs=len(results),
        differ=sum(one.differs for one in results),
        judged=len(judged),
        right=sum(one.cause is one.truth for one in judged),
        stable_right=sum(one.stable_cause is one.truth for one in judged),
        not_asked=sum(one.not_asked > 0 for one in results),
    )
