"""Everything that runs on one machine: Temporal server, sandbox, worker, gateway; each a process of its own, on a leash."""

import asyncio
import sys
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from pydantic import JsonValue
from temporalio.client import Client

from cli.connection import connect, load_settings
from cli.dev_server import free_port, prepare_namespace, start_dev_server
from cli.open_runs import OpenRuns, is_current, mend_open_runs
from cli.processes import Household, NotReady, Running
from cli.world_tenant import SandboxState, write_tenant
from sandbox.world_files import load_world
from settings import Settings

READY_WITHIN = 120.0


@dataclass(frozen=True)
class Ports:
    """Where things listen; free ones unless told."""

    temporal: int = field(default_factory=free_port)
    ui: int = field(default_factory=free_port)
    gateway: int = field(default_factory=free_port)
    codec: int = 0
    """0: no codec server, and the UI shows payloads encrypted."""


@dataclass(frozen=True)
class Play:
    """How a sandbox plays its world."""

    world: Path
    rows: int | None = None
    latency: tuple[float, float] = (0.0, 0.0)
    models: tuple[dict[str, JsonValue], ...] = ()
    tenant: Mapping[str, JsonValue] = field(default_factory=dict)
    """Keys of the tenant that are to be otherwise than a sandbox's are."""
    without: Mapping[str, Collection[str]] = field(default_factory=dict)
    """Further tenants of the same company, by name, and the sources that nobody answers for."""
    nowhere: str = ""
    """The address that those sources have instead."""
    ready_within: float = READY_WITHIN
    """Seconds that the far end may take to load the company's logs."""


@dataclass(frozen=True)
class Stack:
    """A running installation."""

    temporal: str
    temporal_from: str
    ui: str
    gateway: str
    mended: OpenRuns
    environ: Mapping[str, str]
    settings: Settings
    """As its processes read them."""
    sandbox: SandboxState | None = None


def _nothing(_: str) -> None:
    return None


async def start_stack(
    household: Household,
    environ: Mapping[str, str],
    state: Path,
    ports: Ports,
    *,
    play: Play | None = None,
    say: Callable[[str], None] = _nothing,
) -> Stack:
    """Start all of it and wait until the gateway takes webhooks and the worker works.

    Args:
        household: Owns the processes.
        environ: What they inherit.
        state: Folder of all files.
        ports: Where to listen.
        play: The world behind the connectors; None for the systems of whydesk.yaml.
        say: Called with what is being waited for.

    Raises:
        ProcessEnded, NotReady, NoTemporal, ConfigError: what did not start, with its last words.
    """
    keys = _keys(environ, state)
    hook = f"http://127.0.0.1:{ports.gateway}"
    far_end = asyncio.ensure_future(_start_sandbox(household, environ, state, hook, play)) if play else None
    try:
        say("starting the Temporal server")
        server = await _temporal(household, environ, state, ports)
        playing = await far_end if far_end else None
    finally:
        if far_end:
            far_end.cancel()
    sandbox = playing.state if playing else None
    ours = {**environ, **server.variables, **keys, "WHYDESK_STATE": str(state)}
    ours["WHYDESK_GATEWAY_PORT"] = str(ports.gateway)
    # Here whoever runs is the current version; a build id is for installations where versions are promoted.
    ours.pop("BUILD_ID", None)
    if sandbox and play:
        ours |= sandbox.secrets() | {"WHYDESK_CONFIG": str(state / "whydesk.yaml")}
        company, config = load_world(play.world).tenant, state / "whydesk.yaml"
        write_tenant(sandbox, company, list(play.models), config, play.tenant, play.without, play.nowhere)
    settings = load_settings(ours)
    client = await connect(settings)
    mended = await mend_open_runs(client)
    say("starting the worker and the gateway")
    for name in ("worker", "gateway"):
        await household.start(name, [sys.executable, "-m", "cli", name], ours)
    if ports.codec and server.ours:
        await household.start("codec-server", [sys.executable, "-m", "cli", "codec-server"], ours | _codec(ports))
    await _ready(household, client, hook)
    if playing:
        say("loading the company's logs into ClickHouse")
        await playing.loaded()
    return Stack(server.address, server.origin, server.ui, hook, mended, ours, settings, sandbox)


def _keys(environ: Mapping[str, str], state: Path) -> Mapping[str, str]:
    """Name the master keys for processes that are given an address of Temporal and so would make none themselves."""
    settings = load_settings({**environ, "WHYDESK_STATE": str(state)})
    settings.keyring()
    return {"WHYDESK_MASTER_KEYS": settings.master_keys or f"file:{settings.key_file}"}


@dataclass(frozen=True)
class _Server:
    """The Temporal server of a stack, ours or one that runs elsewhere, and how our processes find it."""

    address: str
    origin: str
    ui: str
    variables: Mapping[str, str]

    @property
    def ours(self) -> bool:
        """Whether it is started and ended by us."""
        return bool(self.variables)


async def _temporal(household: Household, environ: Mapping[str, str], state: Path, ports: Ports) -> _Server:
    settings = load_settings(environ)
    if settings.temporal_address:
        await prepare_namespace(await connect(settings, payloads=False))
        return _Server(settings.temporal_address, "TEMPORAL_ADDRESS", "of that server", {})
    codec = f"http://127.0.0.1:{ports.codec}" if ports.codec else ""
    ours = await start_dev_server(household, environ, state / "temporal.db", ports.temporal, ports.ui, codec)
    # What is set for a server elsewhere, its namespace and keys, does not fit this one.
    elsewhere = {name: "" for name in environ if name.startswith("TEMPORAL_") and name != "TEMPORAL_CLI_PATH"}
    return _Server(ours.address, ours.program.origin, ours.ui, {**elsewhere, "TEMPORAL_ADDRESS": ours.address})


def _codec(ports: Ports) -> dict[str, str]:
    """Let the local UI's pages ask, which have no token to show."""
    return {
        "WHYDESK_CODEC_HOST": "127.0.0.1",
        "WHYDESK_CODEC_PORT": str(ports.codec),
        "WHYDESK_CODEC_ORIGINS": f"http://127.0.0.1:{ports.ui},http://localhost:{ports.ui}",
        "WHYDESK_CODEC_TOKEN": "",
        "WHYDESK_CODEC_OIDC_ISSUER": "",
        "WHYDESK_CODEC_OIDC_AUDIENCE": "",
    }


@dataclass(frozen=True)
class _Playing:
    """A sandbox whose ports are taken. Its logs load for seconds, in which others can start."""

    state: SandboxState
    running: Running
    done: Path
    within: float

    async def loaded(self) -> None:
        """Wait until it answers every question."""
        await _until(self.done.exists, [self.running], "the sandbox", self.within)


async def _start_sandbox(
    household: Household, environ: Mapping[str, str], state: Path, hook: str, play: Play
) -> _Playing:
    early, done = state / "sandbox-early.json", state / "sandbox.json"
    for path in (early, done):
        path.unlink(missing_ok=True)
    command = [sys.executable, "-m", "sandbox", "--world", str(play.world.absolute())]
    command += ["--early-state", str(early), "--state", str(done)]
    command += ["--webhook-url", f"{hook}/hooks/demo/zendesk", "--latency", f"{play.latency[0]},{play.latency[1]}"]
    command += ["--rows", str(play.rows)] if play.rows is not None else []
    running = await household.start("sandbox", command, environ)
    await _until(early.exists, [running], "the sandbox", play.ready_within)
    return _Playing(SandboxState.read(early), running, done, play.ready_within)


async def _ready(household: Household, client: Client, hook: str) -> None:
    """Wait for the gateway, and for the worker's version to be current: before that nothing is worked on."""
    deadline = time.monotonic() + READY_WITHIN
    async with httpx.AsyncClient() as http:
        while True:
            household.ensure()
            try:
                if (await http.get(f"{hook}/readyz")).status_code == 200 and await is_current(client):
                    return
            except httpx.TransportError:
                pass
            if time.monotonic() > deadline:
                raise NotReady(f"the gateway and the worker were not ready within {READY_WITHIN:.0f} s")
            await asyncio.sleep(0.1)


async def _until(condition: Callable[[], bool], running: list[Running], what: str, within: float) -> None:
    deadline = time.monotonic() + within
    while not condition():
        for process in running:
            process.ensure()
        if time.monotonic() > deadline:
            raise NotReady(f"{what} was not ready within {within:.0f} s")
        await asyncio.sleep(0.05)
