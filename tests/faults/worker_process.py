"""The product's worker in a process that can be made to stop at a place: `python -m tests.faults.worker_process FOLDER`.

`worker.run_worker` wires it as always; here only what it hands to the activities is watched, and the client gets an interceptor.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, cast

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.client import Interceptor as ClientInterceptor
from temporalio.worker import (
    ActivityInboundInterceptor,
    ExecuteActivityInput,
    Interceptor,
    StartActivityInput,
    StartLocalActivityInput,
    Worker,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
    WorkflowOutboundInterceptor,
)

import connectors.docs
import worker
from cli.connection import load_settings
from telemetry import configure_logging
from tests.faults.stops import BEAT, Stops

NOTED = ("model.answer", "model.choose", "connector.fetch", "helpdesk.post_note")
"""Calls of which a journal is kept: those that cost, and the one that writes."""
_HOST = "faults_stand_still"


class Watched:
    """Something that an activity uses, with a place before and after each of its coroutines."""

    def __init__(self, inner: object, name: str, stops: Stops) -> None:
        """Watch it."""
        self._inner = inner
        self._name = name
        self._stops = stops

    def __getattr__(self, attribute: str) -> object:
        found = getattr(self._inner, attribute)
        return partial(self._call, attribute, found) if asyncio.iscoroutinefunction(found) else found

    async def _call(
        self, attribute: str, found: Callable[..., Awaitable[object]], *given: object, **named: object
    ) -> object:
        if not activity.in_activity():
            return await found(*given, **named)
        info = activity.info()
        ticket, call = str(info.workflow_id), f"{info.activity_type}:{self._name}.{attribute}"
        detail = str(getattr(self._inner, "source", ""))
        if call == "diagnose:model.answer" and len(given) == 2:
            given = (given[0], partial(self._beat, ticket, cast(Callable[[], None], given[1])))
        note = self._stops.note if f"{self._name}.{attribute}" in NOTED else _not_noted
        await self._stops.pass_by(ticket, f"{call}:before", detail)
        note(ticket, call, "before", detail)
        try:
            answer = await found(*given, **named)
        except Exception as error:  # noted whatever it is, and passed on
            note(ticket, call, "failed", type(error).__name__)
            raise
        note(ticket, call, "after", detail)
        await self._stops.pass_by(ticket, f"{call}:after", detail)
        return answer

    def _beat(self, ticket: str, beat: Callable[[], None]) -> None:
        self._stops.mark(ticket, BEAT)
        beat()


def _not_noted(ticket: str, call: str, phase: str, detail: str = "") -> None:
    return None


class WatchedPool:
    """A pool that hands out what is watched."""

    def __init__(self, inner: Any, name: str, stops: Stops) -> None:
        """Watch what it hands out."""
        self._inner = inner
        self._name = name
        self._stops = stops

    def __getattr__(self, attribute: str) -> object:
        return getattr(self._inner, attribute)

    async def get(self, *given: object) -> object:
        """Return what the pool returns, watched."""
        found = await self._inner.get(*given)
        return None if found is None else Watched(found, self._name, self._stops)


class Places(ClientInterceptor, Interceptor):
    """The places around activities, and before the workflow schedules one. A worker takes it over from its client."""

    def __init__(self, stops: Stops) -> None:
        """Take the folder."""
        self._stops = stops

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        """Stop at the start and at the end."""
        return _AroundActivity(next, self._stops)

    def workflow_interceptor_class(self, input: WorkflowInterceptorClassInput) -> type[WorkflowInboundInterceptor]:
        """Stop where something is scheduled. The workflow's sandbox may not look at files, so the host does."""
        input.unsafe_extern_functions[_HOST] = self._stops.stand_still
        return _InWorkflow


class _AroundActivity(ActivityInboundInterceptor):
    def __init__(self, next: ActivityInboundInterceptor, stops: Stops) -> None:
        super().__init__(next)
        self._stops = stops

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        info = activity.info()
        ticket = str(info.workflow_id)
        await self._stops.pass_by(ticket, f"{info.activity_type}:start")
        answer = await super().execute_activity(input)
        await self._stops.pass_by(ticket, f"{info.activity_type}:end")
        return answer


class _InWorkflow(WorkflowInboundInterceptor):
    def init(self, outbound: WorkflowOutboundInterceptor) -> None:
        super().init(_Scheduling(outbound))


class _Scheduling(WorkflowOutboundInterceptor):
    def start_activity(self, input: StartActivityInput) -> workflow.ActivityHandle[Any]:
        _here(input.activity)
        return super().start_activity(input)

    def start_local_activity(self, input: StartLocalActivityInput) -> workflow.ActivityHandle[Any]:
        _here(input.activity)
        return super().start_local_activity(input)


def _here(name: str) -> None:
    if not workflow.unsafe.is_replaying():
        found: Mapping[str, Callable[[str, str], None]] = workflow.extern_functions()
        found[_HOST](workflow.info().workflow_id, f"schedule:{name}")


def watch(stops: Stops) -> None:
    """Put the places into the wiring of `worker.run_worker`."""
    make_activities, make_worker = worker.make_activities, worker.make_worker

    def activities(**given: Any) -> Any:
        given["ledger"] = Watched(given["ledger"], "ledger", stops)
        for pool, name in (("helpdesks", "helpdesk"), ("connectors", "connector"), ("models", "model")):
            given[pool] = WatchedPool(given[pool], name, stops)
        if "together" in given:
            # Tickets that wait for each other's answers could not all stand still at once.
            given["together"] = None
        return make_activities(**given)

    def a_worker(client: Client, *given: Any, **named: Any) -> Worker:
        config = client.config()
        config["interceptors"] = [*config["interceptors"], Places(stops)]
        made = make_worker(Client(**config), *given, **named)
        # A thread that stands still in a workflow is no deadlock here; debug mode would run all of them in one thread.
        made._workflow_worker._deadlock_timeout_seconds = None  # type: ignore[union-attr]  # it has workflows
        return made

    worker.make_activities, worker.make_worker = activities, a_worker
    # Each question for the documentation asks its site, so that a fault there is met.
    connectors.docs._SITE_SECONDS = 0.0


def main(folder: Path) -> None:
    """Work until told to stop, as `whydesk worker` does."""
    settings = load_settings()
    configure_logging(settings.log_level, settings.log_format)
    watch(Stops(folder))
    asyncio.run(worker.run_worker(settings))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
