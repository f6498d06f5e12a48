"""Work of a command that SIGINT and SIGTERM end in good order."""

import asyncio
import signal
import sys
from collections.abc import Coroutine
from typing import TypeVar

import typer

T = TypeVar("T")


async def interruptible(work: Coroutine[None, None, T], said: str = "stopped; nothing is left running") -> T:
    """Run to the end; at a signal cancel the work, let it clean up, say so and exit with 130."""
    task = asyncio.ensure_future(work)
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        print(said, file=sys.stderr)
        raise typer.Exit(130) from None
