"""`whydesk up`: all processes of an installation in one terminal."""

import asyncio
import contextlib
import fcntl
import json
import os
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from cli.connection import RUNNING_FILE, load_settings, unless
from cli.dev_server import is_free
from cli.errors import UsageProblem
from cli.processes import Household
from cli.stack import Play, Ports, Stack, start_stack
from cli.worlds import ensure_valid
from settings import Settings


def up(
    world: Annotated[Path | None, typer.Option(help="Play this world as the far end of all connectors.")] = None,
    rows: Annotated[int | None, typer.Option(help="The world's log rows; its own number if left out.", min=1)] = None,
    port: Annotated[int, typer.Option(help="The Temporal server's port.")] = 7233,
    ui_port: Annotated[int, typer.Option(help="The Temporal UI's port.")] = 8233,
    gateway_port: Annotated[int | None, typer.Option(help="Instead of WHYDESK_GATEWAY_PORT.")] = None,
    codec_port: Annotated[
        int | None,
        typer.Option(help="Instead of WHYDESK_CODEC_PORT; 0: none, and the UI shows payloads encrypted.", min=0),
    ] = None,
) -> None:
    """Run the Temporal server, a worker, the gateway and the UI's codec server in this terminal. Ctrl-C stops them all."""
    settings = load_settings()
    if world is None and not settings.tenants:
        raise UsageProblem(
            f"no tenants: {str(settings.config)!r} does not exist or is empty. Write one (docs/configuration.md), "
            "or try `whydesk up --world sandbox/worlds/vellumworks`"
        )
    if world:
        ensure_valid(world)
    ports = Ports(
        temporal=port,
        ui=ui_port,
        gateway=gateway_port or settings.gateway_port,
        codec=settings.codec_port if codec_port is None else codec_port,
    )
    with only_one(settings.state) as running:
        if not is_free(settings.gateway_host, ports.gateway):
            raise UsageProblem(
                f"port {ports.gateway} is in use, where the gateway should listen; choose another with --gateway-port"
            )
        if ports.codec and not is_free("127.0.0.1", ports.codec):
            raise UsageProblem(
                f"port {ports.codec} is in use, where the codec server should listen; choose another with --codec-port"
            )
        # The processes run in the checkout, whatever folder we were started in.
        environ = {**os.environ, **({"WHYDESK_CONFIG": str(settings.config)} if settings.config.exists() else {})}
        asyncio.run(_up(environ, settings, ports, Play(world, rows) if world else None, running))


async def _up(environ: Mapping[str, str], settings: Settings, ports: Ports, play: Play | None, running: Path) -> None:
    console = Console()
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    async with Household() as household:
        stack = await unless(stopping, start_stack(household, environ, settings.state, ports, play=play))
        if stack is None:
            return
        told = {"pid": os.getpid(), "ui": stack.ui, "gateway": stack.gateway}
        # A server elsewhere has settings of its own, without which its address is of no use.
        running.write_text(json.dumps(told if settings.temporal_address else told | {"temporal": stack.temporal}))
        _announce(console, stack)
        ended = await unless(stopping, household.first_end())
        if ended is not None:
            ended.ensure()
        console.print("stopping …")


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
    path = state / RUNNING_FILE
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
