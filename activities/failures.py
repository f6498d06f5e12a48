"""The one retry posture: what an activity raises becomes a Temporal failure that waits, tries again, or stops.

    may pass (source or model or helpdesk down, rate limited)   retryable, with the server's own delay
    ours or for good (denied, refused write, bad answer)        not retryable, typed
    a model that used up its time                               not retryable: the next one of the chain may be quicker

Messages keep the class of what went wrong and never a customer's data: they stand in histories.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from connectors.base import ConnectorError, SlowAnswer, Unavailable
from helpdesks.base import HelpdeskError, HelpdeskUnavailable, NoteConflict
from ledger.base import BodyMissing
from reasoning.providers.base import ModelError, ModelTimedOut, ModelUnavailable

SLOW = "SlowAnswer"
"""The failure type of a source that gave no answer in time."""

WORTH_WAITING = 60.0
"""Seconds; a source or a model that asks to be left alone for longer is not waited for."""

_PASSING = (Unavailable, HelpdeskUnavailable, NoteConflict, ModelUnavailable)
_LONGEST_WAIT = timedelta(minutes=15)
_CONFLICT_WAIT = 1.0


@contextmanager
def failing_as_temporal_expects() -> Iterator[None]:
    """Translate the errors of connectors, helpdesks, models and the ledger at the edge of an activity.

    Raises:
        ApplicationError: typed by the error's class, retryable where trying again can help.
    """
    try:
        yield
    except (ConnectorError, HelpdeskError, ModelError) as error:
        retryable = isinstance(error, _PASSING) and not isinstance(error, ModelTimedOut)
        wait = _CONFLICT_WAIT if isinstance(error, NoteConflict) else error.retry_after
        raise ApplicationError(
            str(error),
            type=SLOW if isinstance(error, SlowAnswer) else type(error).__name__,
            non_retryable=not retryable,
            next_retry_delay=min(timedelta(seconds=wait), _LONGEST_WAIT) if retryable and wait else None,
            category=ApplicationErrorCategory.BENIGN if retryable else ApplicationErrorCategory.UNSPECIFIED,
        ) from error
    except BodyMissing as error:
        raise ApplicationError(str(error), type="BodyMissing", non_retryable=True) from error
