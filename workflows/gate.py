"""Where a run waits while ops have paused its tenant. A run that is never paused leaves no trace of this in its history."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.pausing import PAUSED, PauseActivities, Waiting
    from workflows.failures import kind_of
    from workflows.options import PAUSE

Self = TypeVar("Self")
P = TypeVar("P")
R = TypeVar("R")


class Gate:
    """One for a run."""

    def __init__(self, tenant: str, show: Callable[[str], None]) -> None:
        """Take whose run it is, and what shows a person why it waits; it is shown nothing once the run goes on."""
        self._tenant = tenant
        self._show = show
        self._waiting: asyncio.Task[None] | None = None

    async def through(
        self, method: Callable[[Self, P], Coroutine[Any, Any, R]], request: P, options: workflow.ActivityConfig
    ) -> R:
        """Run an activity that reaches outside. Turned away by a pause it is run again after it, as if nothing had been.

        Raises:
            ActivityError: as the activity ended.
        """
        while True:
            try:
                return await workflow.execute_activity_method(method, request, **options)
            except ActivityError as error:
                if kind_of(error) != PAUSED:
                    raise
                await self._resumed(error.cause.message if isinstance(error.cause, ApplicationError) else PAUSED)

    async def _resumed(self, why: str) -> None:
        """Wait, together with the other steps of this run that were turned away."""
        if self._waiting is None:
            self._waiting = asyncio.create_task(self._wait(why))
        await self._waiting

    async def _wait(self, why: str) -> None:
        self._show(why)
        try:
            await workflow.execute_activity_method(
                PauseActivities.wait_until_resumed,
                Waiting(tenant=self._tenant),
                **(PAUSE | {"summary": f"paused by ops · {self._tenant}"}),
            )
        finally:
            # Nothing of Temporal's here: a run that leaves the worker's memory while it waits is closed at this place.
            self._waiting = None
        self._show("")
