"""Starts investigations and bare workflows as the gateway starts them, and follows them to their end."""

import asyncio
import itertools
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHistory

from benchmarks.bare import NAME
from benchmarks.far_ends import ref_of
from gateway.starter import TemporalDown, TemporalStarter
from models.run import RunResult
from models.ticket import Trigger, TriggerKind
from models.vocabulary import Outcome
from workflows import naming

_PATIENCE = 300.0
_numbers = itertools.count(1)


class WrongResult(Exception):
    """An investigation ended otherwise than the fixture says: a figure of it would be about something else."""


@dataclass(frozen=True)
class Steps:
    """How many activities a run had, by kind."""

    local: int
    in_turn: int
    at_once: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.local + self.in_turn + self.at_once


def next_ticket() -> str:
    """Return a number that no run of this process has had."""
    return str(next(_numbers))


async def investigate(client: Client, ticket: str) -> RunResult:
    """Start one investigation as the gateway does, and wait for its end.

    Raises:
        WrongResult: it was not diagnosed, or its note not posted.
    """
    delivery = Trigger(delivery=f"d-{ticket}", kind=TriggerKind.CREATED, received_at=datetime.now(UTC))
    await _deliver(client, ticket, delivery)
    handle = client.get_workflow_handle(naming.workflow_id(ref_of(ticket)), result_type=RunResult)
    result: RunResult = await asyncio.wait_for(handle.result(), _PATIENCE)
    last = result.revisions[-1]
    if last.outcome is not Outcome.DIAGNOSED or last.note_status != "posted":
        raise WrongResult(f"ticket {ticket!r} ended {last.outcome.value!r}, note {last.note_status!r}")
    return result


async def _deliver(client: Client, ticket: str, delivery: Trigger) -> None:
    """Deliver as a helpdesk does: what is refused is sent again."""
    deadline = asyncio.get_running_loop().time() + _PATIENCE
    while True:
        try:
            return await TemporalStarter(client, lambda tenant: "")(ref_of(ticket), delivery)
        except TemporalDown:
            if asyncio.get_running_loop().time() > deadline:
                raise
            await asyncio.sleep(1)


async def steps_of(client: Client, ticket: str) -> Steps:
    """Count the activities of a finished investigation."""
    return count_steps(await client.get_workflow_handle(naming.workflow_id(ref_of(ticket))).fetch_history())


def count_steps(history: WorkflowHistory) -> Steps:
    """Count by kind: local ones are markers in a history."""
    local = sum(event.event_type == EventType.EVENT_TYPE_MARKER_RECORDED for event in history.events)
    names = [
        event.activity_task_scheduled_event_attributes.activity_type.name
        for event in history.events
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
    ]
    at_once = names.count("fetch_evidence")
    return Steps(local, len(names) - at_once, at_once)


async def run_bare(client: Client, steps: Steps) -> None:
    """Run one workflow of as many steps that do nothing."""
    await client.execute_workflow(
        NAME,
        args=[steps.local, steps.in_turn, steps.at_once],
        id=f"bare-{secrets.token_hex(8)}",
        task_queue=naming.task_queue(),
        result_type=int,
    )


async def at_most(number: int, jobs: Sequence[Callable[[], Awaitable[object]]]) -> None:
    """Run all jobs, that many at a time."""
    free = asyncio.Semaphore(number)

    async def one(job: Callable[[], Awaitable[object]]) -> None:
        async with free:
            await job()

    async with asyncio.TaskGroup() as group:
        for job in jobs:
            group.create_task(one(job))
