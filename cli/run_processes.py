"""`whydesk up`, `worker`, `gateway`, `namespace`: the processes of an installation."""

import asyncio
import contextlib
import fcntl
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import typer
from rich.console import Console

from cli.connection import connect, load_settings
from cli.dev_server import prepare_namespace
from cli.errors import UsageProblem
from cli.processes import Household
from cli.serve_gateway import serve_gateway
from cli.stack import Play, Ports, Stack, start_stack
from telemetry import configure_logging
from worker import run_worker

T = TypeVar("T")


def worker() -> None:
    """Run a worker against the Temporal server of TEMPORAL_ADDRESS until it is told to stop."""
    settings = load_settings()
    configure_logging(settings.log_level, settings.log_format)
    asyncio.run(run_worker(settings))


def gateway() -> None:
    """Receive webhooks until told to stop."""
    settings = load_settings()
    configure_logging(settings.log_level, settings.log_format)
    asyncio.run(serve_gateway(settings))


def namespace() -> None:
    """Register the search attributes in the namespace and raise its retention. Safe to repeat."""

    async def prepare() -> None:
        await prepare_namespace(await connect(load_settings()))

    asyncio.run(prepare())
    print("the namespace has the search attributes and the retention that Whydesk needs")


def up(
    world: Annotated[Path | None, typer.Option(help="Play this world as the far end of all connectors.")] = None,
    port: Annotated[int, typer.Option(help="The Temporal server's port.")] = 7233,
    ui_port: Annotated[int, typer.Option(help="The Temporal UI's port.")] = 8233,
    gateway_port: Annotated[int | None, typer.Option(help="Instead of WHYDESK_GATEWAY_PORT.")] = None,
) -> None:
    """Run the Temporal server, a worker and the gateway in this terminal. Ctrl-C stops them all."""
    settings = load_settings()
    if world is None and not settings.tenants:
        raise UsageProblem(
            f"no tenants: {str(settings.config)!r} does not exist or is empty. Write one (docs/configuration.md), "
            "or try `whydesk up --world sandbox/worlds/vellumworks`"
        )
    ports = Ports(temporal=port, ui=ui_port, gateway=gateway_port or settings.gateway_port)
    with only_one(settings.state) as running:
        asyncio.run(_up(settings.state, ports, world, running))


async def _up(state: Path, ports: Ports, world: Path | None, running: Path) -> None:
    console = Console()
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    async with Household() as household:
        play = Play(world) if world else None
        start = asyncio.ensure_future(start_stack(household, dict(os.environ), state, ports, play=play))
        stack = await _unless(stopping, start)
        if stack is None:
            return
        running.write_text(json.dumps({"pid": os.getpid(), "ui": stack.ui, "gateway": stack.gateway}))
        _announce(console, stack)
        ended = await _unless(stopping, asyncio.ensure_future(household.first_end()))
        if ended is not None:
            ended.ensure()
        console.print("stopping …")


async def _unless(stopping: asyncio.Event, work: asyncio.Future[T]) -> T | None:
    """Wait for the work, or for the signal to stop; then the work is cancelled and None returned."""
    stop = asyncio.ensure_future(stopping.wait())
    either: list[asyncio.Future[T] | asyncio.Future[Literal[True]]] = [work, stop]
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    stop.cancel()
    if work.done():
        return work.result()
    work.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await work
    return None


def _announce(console: Console, stack: Stack) -> None:
    console.print(f"Temporal   {stack.temporal}  ({stack.temporal_from})", highlight=False)
    console.print(f"UI         {stack.ui}", highlight=False)
    console.print(f"gateway    {stack.gateway}/hooks/TENANT/HELPDESK", highlight=False)
    if stack.mended.reset:
        console.print(f"reset      {', '.join(stack.mended.reset)} (they did not replay on today's code)")
    console.print("Ctrl-C stops everything.")


@contextlib.contextmanager
def only_one(state: Path) -> Iterator[Path]:
    """Hold the state folder for one installation; yield the file that tells others about it.

    Raises:
        UsageProblem: one is running already, and where.
    """
    state.mkdir(parents=True, exist_ok=True)
    path = state / "up.json"
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            told = file.read()
            where = "".join(f", {key} {value}" for key, value in json.loads(told).items()) if told else ""
            raise UsageProblem(
                f"already running on {str(state)!r}{where}; stop it first, or set WHYDESK_STATE"
            ) from None
        file.truncate(0)
        try:
            yield path
        finally:
            path.write_text("")
