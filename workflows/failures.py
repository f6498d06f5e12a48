"""What a workflow sees of a step that failed: the type of what went wrong, never its message."""

from collections.abc import Iterator
from contextlib import contextmanager

from temporalio.exceptions import ActivityError, ApplicationError, TimeoutError

TIMED_OUT = "TimedOut"


class StepFailed(Exception):
    """A local step failed for good; the message is the step and the type of its failure."""


@contextmanager
def step(name: str) -> Iterator[None]:
    """Name the failure of a local activity.

    The SDK hands it over as it was raised in the activity, with no ActivityError around it that would say which one.

    Raises:
        StepFailed: the activity failed for good.
    """
    try:
        yield
    except (ApplicationError, TimeoutError) as error:
        raise StepFailed(f"{name}: {_kind(error)}") from error


def kind_of(error: ActivityError) -> str:
    """Return the type of what went wrong."""
    return _kind(error.cause)


def _kind(cause: BaseException | None) -> str:
    if isinstance(cause, TimeoutError):
        return TIMED_OUT
    if isinstance(cause, ApplicationError):
        return cause.type or "ApplicationError"
    return type(cause).__name__
