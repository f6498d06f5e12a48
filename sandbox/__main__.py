"""`python -m sandbox --world PATH --state FILE`: plays a world on loopback until it is told to stop or its parent is gone."""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
from pathlib import Path

from pydantic import JsonValue

from sandbox.run import Sandbox, SandboxError
from sandbox.world_files import WorldError

PARENT_POLL = 0.2
"""Seconds between looks at the parent."""


def _bounds(text: str) -> tuple[float, float]:
    low, comma, high = text.partition(",")
    try:
        bounds = float(low), float(high if comma else low)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: write two numbers of seconds, such as 0.2,2.5") from None
    if not 0 <= bounds[0] <= bounds[1]:
        raise argparse.ArgumentTypeError(f"{text!r}: the lower bound comes first, and neither is below 0")
    return bounds


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("--world", type=Path, required=True, help="the world's folder")
    parser.add_argument(
        "--rows", type=int, help="rows of baseline traffic in ClickHouse; the world's own number by default"
    )
    parser.add_argument("--webhook-url", default="", help="where Zendesk's events go")
    parser.add_argument(
        "--standard-webhook-url",
        default="",
        help="the same for the other helpdesk; …/standard beside the first if left out",
    )
    parser.add_argument(
        "--state", type=Path, required=True, help="written as JSON when everything answers; holds secrets"
    )
    parser.add_argument(
        "--early-state", type=Path, help="the same, written when all ports are taken and ClickHouse still loads"
    )
    parser.add_argument(
        "--latency", type=_bounds, default=(0.0, 0.0), metavar="LOW,HIGH", help="seconds that vendors think"
    )
    parser.add_argument("--seed", type=int, default=0, help="for the latency")
    parser.add_argument("--no-clickhouse", action="store_true", help="leave the ClickHouse process out")
    parser.add_argument("--parent-pid", type=int, help="end when this process ends")
    return parser.parse_args()


def write_state(path: Path, state: dict[str, JsonValue]) -> None:
    """Write the state file in one step, readable by its owner alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(state, file, indent=2)
    draft.replace(path)


async def _parent_gone(parent: int | None) -> None:
    """Return when the parent is gone; without one, never."""
    if parent is None:
        await asyncio.Event().wait()
        return
    direct = os.getppid() == parent
    while not (direct and os.getppid() != parent):
        try:
            os.kill(parent, 0)
        except ProcessLookupError:
            return
        except PermissionError:
            pass
        await asyncio.sleep(PARENT_POLL)


async def _play(options: argparse.Namespace) -> None:
    def early() -> None:
        if options.early_state:
            write_state(options.early_state, sandbox.state())

    sandbox = Sandbox(
        options.world,
        rows=options.rows,
        clickhouse=not options.no_clickhouse,
        webhook_url=options.webhook_url,
        standard_webhook_url=options.standard_webhook_url,
        latency=options.latency,
        seed=options.seed,
        listening=early,
    )
    try:
        async with sandbox:
            write_state(options.state, sandbox.state())
            await asyncio.Event().wait()
    finally:
        for file in filter(None, (options.state, options.early_state)):
            file.unlink(missing_ok=True)


async def _until_stopped(options: argparse.Namespace) -> None:
    """Play until a signal comes or the parent is gone; also while still starting."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    playing = asyncio.ensure_future(_play(options))
    ends = [asyncio.ensure_future(stop.wait()), asyncio.ensure_future(_parent_gone(options.parent_pid))]
    await asyncio.wait([playing, *ends], return_when=asyncio.FIRST_COMPLETED)
    for end in ends:
        end.cancel()
    if not playing.done():
        playing.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await playing


def main() -> int:
    """Run; the exit code is 1 where the world or the start was no good."""
    options = _options()
    try:
        asyncio.run(_until_stopped(options))
    except (WorldError, SandboxError) as error:
        print(error, file=sys.stderr)  # noqa: T201  # a command line's way to say why
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
