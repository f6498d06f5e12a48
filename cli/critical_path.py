"""How long a ticket's note had to wait for others, by the times in the run's history: what nothing of ours could shorten."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from temporalio.api.history.v1 import HistoryEvent

_CLOSED = ("completed", "failed", "timed_out", "canceled")


@dataclass(frozen=True)
class CriticalPath:
    """The longest chain of steps of which each began after the one before had ended."""

    seconds: float
    noted_at: datetime
    """When the note was written."""


@dataclass
class _Step:
    name: str
    scheduled: datetime
    began: datetime
    ended: datetime | None = None
    longest: float = 0.0
    """Of all chains that end with it, in seconds."""


def critical_path(events: Iterable[HistoryEvent]) -> CriticalPath | None:
    """Find it in a run's history; None where no note was written.

    What the workflow asks others for are activities; what it does itself are local activities, which do not count. Of those that
    run at once the slowest counts, so the path holds the ticket, the customer, the slowest source of each round, the model and
    the note. Repeated attempts and the pauses between them count: that is time that others took.
    """
    steps: dict[int, _Step] = {}
    for event in events:
        at = event.event_time.ToDatetime(UTC)
        if event.HasField("activity_task_scheduled_event_attributes"):
            name = event.activity_task_scheduled_event_attributes.activity_type.name
            steps[event.event_id] = _Step(name, at, at)
        elif event.HasField("activity_task_started_event_attributes"):
            started = event.activity_task_started_event_attributes
            if started.attempt <= 1:
                steps[started.scheduled_event_id].began = at
        elif (number := _closes(event)) is not None:
            step = _end(steps, number, at)
            if step.name == "publish_note":
                return CriticalPath(step.longest, at)
    return None


def _closes(event: HistoryEvent) -> int | None:
    """Return the number of the activity that ended with this event."""
    for how in _CLOSED:
        field = f"activity_task_{how}_event_attributes"
        if event.HasField(field):  # type: ignore[arg-type]  # the names are those of the literal
            return int(getattr(event, field).scheduled_event_id)
    return None


def _end(steps: dict[int, _Step], number: int, at: datetime) -> _Step:
    step = steps[number]
    step.ended = at
    before = [other.longest for other in steps.values() if other.ended and other.ended <= step.scheduled]
    step.longest = max(before, default=0.0) + (at - step.began).total_seconds()
    return step
