"""What a workflow sees of a step that failed: the type of what went wrong, never its message."""

from temporalio.exceptions import ActivityError, ApplicationError, TimeoutError

TIMED_OUT = "TimedOut"


def kind_of(error: ActivityError) -> str:
    """Return the type of what went wrong."""
    if isinstance(error.cause, TimeoutError):
        return TIMED_OUT
    if isinstance(error.cause, ApplicationError):
        return error.cause.type or "ApplicationError"
    return type(error.cause).__name__
