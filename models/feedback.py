"""What people say of a diagnosis: right or wrong, at the command line or by a tag on the ticket."""

from enum import StrEnum

from models.base import Frozen, Moment
from models.vocabulary import CauseClass, Confidence


class FeedbackVerdict(StrEnum):
    """What someone says of a revision's diagnosis."""

    RIGHT = "right"
    WRONG = "wrong"


FEEDBACK_TAGS = {"whydesk-right": FeedbackVerdict.RIGHT, "whydesk-wrong": FeedbackVerdict.WRONG}
"""Tags on a ticket that are feedback. They are read, never written; of two that are met together the last one counts."""
RERUN_TAG = "whydesk-rerun"
"""The tag whose adding asks for a fresh look."""
BY_TAG = "a tag on the ticket"
"""Who gave a feedback that came as a tag: the helpdesk does not tell with the ticket who set it."""


class Feedback(Frozen):
    """One feedback on one revision. All are kept; of one person the last one counts."""

    revision: int
    verdict: FeedbackVerdict
    who: str
    """The user at the command line, or `BY_TAG`."""
    cause: CauseClass | None = None
    """What it really was, if it was said."""
    comment: str = ""
    given_at: Moment


class Labelled(Frozen):
    """Runs of one playbook that said the same confidence, and of which people said whether they were right."""

    tenant: str
    playbook: str
    """Its id; the versions count together."""
    confidence: Confidence
    right: int
    of: int
