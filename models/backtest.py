"""A playbook over many past investigations: what is asked for, and one line for each. Ids and enum values only."""

from models.base import Frozen, Moment
from models.feedback import FeedbackVerdict
from models.rediagnosis import Verdict
from models.vocabulary import CauseClass, Outcome, Severity


class BacktestProgress(Frozen):
    """How far it is; also the result."""

    done: int = 0
    total: int = 0
    better: int = 0
    worse: int = 0
    failed: int = 0
    """Could not be done this time; another start tries them again."""
    usd: float = 0.0
    stopped: str = ""
    """Why it ended before its end, in words."""


class BacktestInput(Frozen):
    """What starts the workflow."""

    backtest: str
    """Its name: another start under the same name goes on where this one stopped."""
    tenant: str
    playbook: str
    """Digest."""
    playbook_label: str
    """`api-errors@4`."""
    over: str
    """Id of the playbook whose investigations are looked at again, whatever their version."""
    since: Moment
    until: Moment
    sample: int | None = None
    """As many of them as this, chosen by a hash; None: all."""
    reasoner: str = "rules"
    """`rules` or a model of the tenant's chain."""
    max_usd: float | None = None
    """What all of it may cost; None: no limit of its own."""
    per_minute: int | None = None
    """Investigations a minute at most."""
    so_far: BacktestProgress = BacktestProgress()
    """What an earlier history of the same run had come to."""


class PastRevision(Frozen):
    """One past revision that had something to say."""

    investigation: str
    revision: int
    opened_at: Moment


class BacktestPage(Frozen):
    """What is next."""

    items: tuple[PastRevision, ...]
    done: int
    """Lines that there are already."""
    total: int
    usd: float
    """What those lines cost."""


class BacktestItem(Frozen):
    """One investigation to be looked at again."""

    given: BacktestInput
    investigation: str
    revision: int
    most_usd: float | None = None
    """What is left of the money."""


class BacktestLine(Frozen):
    """What became of one investigation."""

    investigation: str
    revision: int
    ticket: str
    playbook_then: str
    outcome_then: Outcome
    cause_then: CauseClass
    severity_then: Severity
    outcome_now: Outcome | None = None
    """None where it could not be looked at again."""
    cause_now: CauseClass | None = None
    severity_now: Severity | None = None
    feedback: FeedbackVerdict | None = None
    """What people said of the diagnosis then."""
    truth: CauseClass | None = None
    """The cause as people named it, or confirmed it."""
    unanswered: int = 0
    """Questions of the playbook now that nobody asked then."""
    verdict: Verdict
    why: str
    usd: float = 0.0

    @property
    def changed(self) -> bool:
        """Whether it says something else than then."""
        return (self.outcome_now, self.cause_now) != (self.outcome_then, self.cause_then)
