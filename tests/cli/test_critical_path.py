"""The critical path, found in histories that were recorded and in some that were written for it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowHistory

from cli.critical_path import critical_path

RECORDED = Path(__file__).parent.parent / "workflows" / "histories"
BEGAN = datetime(2026, 11, 21, 9, tzinfo=UTC)


class Written:
    """A history, one step after the other."""

    def __init__(self) -> None:
        self.events: list[HistoryEvent] = []

    def _event(self, at: float) -> HistoryEvent:
        event = HistoryEvent(event_id=len(self.events) + 1)
        event.event_time.FromDatetime(BEGAN + timedelta(seconds=at))
        self.events.append(event)
        return event

    def schedule(self, name: str, at: float) -> int:
        event = self._event(at)
        event.activity_task_scheduled_event_attributes.activity_type.name = name
        return event.event_id

    def start(self, number: int, at: float, attempt: int = 1) -> None:
        attributes = self._event(at).activity_task_started_event_attributes
        attributes.scheduled_event_id, attributes.attempt = number, attempt

    def complete(self, number: int, at: float) -> None:
        self._event(at).activity_task_completed_event_attributes.scheduled_event_id = number

    def fail(self, number: int, at: float) -> None:
        self._event(at).activity_task_failed_event_attributes.scheduled_event_id = number

    def step(self, name: str, scheduled: float, began: float, ended: float) -> None:
        number = self.schedule(name, scheduled)
        self.start(number, began)
        self.complete(number, ended)


def test_of_what_runs_at_once_the_slowest_counts_and_waiting_for_a_worker_does_not() -> None:
    history = Written()
    history.step("read_ticket", 0, 1, 2)
    numbers = [history.schedule("fetch_evidence", 3) for _ in range(3)]
    for number in numbers:
        history.start(number, 4)
    for number, at in zip(numbers, (5, 9, 6), strict=True):
        history.complete(number, at)
    history.step("publish_note", 10, 10, 12)
    found = critical_path(history.events)
    assert found
    assert found.seconds == pytest.approx(1 + 5 + 2)
    assert found.noted_at == BEGAN + timedelta(seconds=12)


def test_what_runs_at_once_counts_once_though_it_was_not_asked_for_at_the_same_time() -> None:
    history = Written()
    first, second = history.schedule("fetch_evidence", 0), history.schedule("fetch_evidence", 1)
    history.start(first, 0)
    history.start(second, 1)
    history.complete(first, 4)
    history.complete(second, 5)
    history.step("publish_note", 5, 5, 6)
    found = critical_path(history.events)
    assert found
    assert found.seconds == pytest.approx(4 + 1)


def test_attempts_that_failed_and_the_pauses_after_them_are_time_that_others_took() -> None:
    history = Written()
    number = history.schedule("fetch_evidence", 0)
    history.start(number, 7, attempt=4)
    history.fail(number, 8)
    history.step("publish_note", 8, 8, 9)
    found = critical_path(history.events)
    assert found
    assert found.seconds == pytest.approx(9)


def test_what_comes_after_the_note_does_not_count() -> None:
    history = Written()
    history.step("publish_note", 0, 0, 2)
    history.step("read_ticket", 3, 3, 100)
    found = critical_path(history.events)
    assert found
    assert found.seconds == pytest.approx(2)


def test_without_a_note_there_is_no_path() -> None:
    history = Written()
    history.step("read_ticket", 0, 0, 2)
    assert critical_path(history.events) is None


@pytest.mark.parametrize("name", ["diagnosed", "diagnosed-by-model", "source-down", "re-look"])
def test_of_a_recorded_run_it_is_no_longer_than_the_run(name: str) -> None:
    events = WorkflowHistory.from_json("x", (RECORDED / f"{name}.json").read_text()).events
    found = critical_path(events)
    assert found
    taken = found.noted_at - events[0].event_time.ToDatetime(UTC)
    assert 0 < found.seconds <= taken.total_seconds()
