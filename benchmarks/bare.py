"""The measuring stick: a workflow with as many steps as an investigation, none of which does anything."""

import asyncio
from datetime import timedelta

from temporalio import activity, workflow

NAME = "BareWorkflow"
_TIMEOUT = timedelta(seconds=30)


@activity.defn
async def do_nothing(text: str) -> str:
    """Return what came."""
    return text


@workflow.defn(name=NAME)
class BareWorkflow:
    """Steps of the same kinds, in the same shape: in turn, at once, in turn."""

    @workflow.run
    async def run(self, local: int, in_turn: int, at_once: int) -> int:
        """Run that many local activities, activities one after the other, and activities together; return how many."""
        for _ in range(local // 2):
            await workflow.execute_local_activity(do_nothing, "step", start_to_close_timeout=_TIMEOUT)
        for _ in range(in_turn):
            await workflow.execute_activity(do_nothing, "step", start_to_close_timeout=_TIMEOUT)
        together = [
            workflow.execute_activity(do_nothing, "step", start_to_close_timeout=_TIMEOUT) for _ in range(at_once)
        ]
        await asyncio.gather(*together)
        for _ in range(local - local // 2):
            await workflow.execute_local_activity(do_nothing, "step", start_to_close_timeout=_TIMEOUT)
        return local + in_turn + at_once
