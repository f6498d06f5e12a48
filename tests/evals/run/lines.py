"""Lines of a run as tests need them."""

from datetime import UTC, datetime

from evals.records import Arm, RunFacts, TicketRun
from models.vocabulary import CauseClass, Confidence, Outcome, Severity

BEGAN = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)


def facts(**changes: object) -> RunFacts:
    """Facts of a run, as told otherwise."""
    known: dict[str, object] = {
        "world": "w" * 64,
        "world_name": "small",
        "playbooks": {"general@1": "p" * 64},
        "code": "c" * 64,
        "arms": (Arm.RULES,),
        "rows": 1000,
        "began": BEGAN,
    }
    return RunFacts.model_validate(known | changes)


def line(key: str, **changes: object) -> TicketRun:
    """The line of a ticket, as told otherwise."""
    known: dict[str, object] = {
        "key": key,
        "arm": Arm.RULES,
        "outcome": Outcome.DIAGNOSED,
        "cause": CauseClass.KNOWN_BUG,
        "severity": Severity.LOW,
        "confidence": Confidence.HIGH,
    }
    return TicketRun.model_validate(known | changes)
