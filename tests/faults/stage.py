"""The installation that faults happen to: a server, vendors, a gateway, a paid model, and workers that can be killed."""

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum
from itertools import count
from pathlib import Path

import httpx
import yaml
from pydantic import JsonValue
from temporalio.client import Client, WorkflowHandle

from cli.connection import connect, load_settings
from cli.demo import DEFAULT_WORLD
from cli.dev_server import NoTemporal, free_port, start_dev_server
from cli.processes import Household, Running
from cli.world_tenant import TENANT, SandboxState, write_tenant
from keys.keyring import Keyring
from ledger.store import SqlLedger
from models.run import RunResult
from models.ticket import TicketRef
from sandbox.world_files import load_world
from tests.anthropic_server import AnthropicServer
from tests.faults.model_script import MODEL, Script
from tests.faults.stops import Stops
from workflows import naming

READY_WITHIN = 300.0
ROWS = 20_000
LEDGER_SIZE = "128m"
"""Of the file system that can be filled up."""
PAID = "paid"
"""The tenant that has a model."""


class Side(Enum):
    """Two tenants, each with its own helpdesk and reasoner, so that both of both are met."""

    RULES = (TENANT, "zendesk")
    MODEL = (PAID, "standard")

    @property
    def tenant(self) -> str:
        """Whose ticket."""
        return self.value[0]

    @property
    def helpdesk(self) -> str:
        """Where it came in."""
        return self.value[1]


@dataclass
class Worker:
    """One worker process on its leash."""

    name: str
    running: Running
    pid: int
    """Of the worker itself, not of its leash."""

    @property
    def ended(self) -> bool:
        """Whether it is gone."""
        return self.running.process.returncode is not None


@dataclass
class Stage:
    """All of it."""

    state: Path
    environ: dict[str, str]
    servers: Household
    house: Household
    ports: tuple[int, int, int]
    """Temporal, its UI, the gateway."""
    script: Script
    model: AnthropicServer
    stops: Stops
    sandbox: SandboxState
    control: httpx.AsyncClient
    client: Client
    can_fill: bool
    """Whether the ledger has a file system of its own."""
    workers: list[Worker] = field(default_factory=list)
    _numbers: Callable[[], int] = field(default_factory=lambda: count(1).__next__)

    # Processes

    async def start_worker(self, *, plain: bool = False) -> Worker:
        """Start one and wait until it works."""
        name = f"worker-{self._numbers()}"
        command = ["tests.faults.worker_process", str(self.state / "stops")] if not plain else ["cli", "worker"]
        running = await self.house.start(name, [sys.executable, "-m", *command], self.environ)
        log = self.state / "logs" / f"{name}.log"
        await self.until(lambda: '"working"' in log.read_text(), running, name)
        worker = Worker(name, running, child_of(running))
        self.workers.append(worker)
        return worker

    async def kill(self, worker: Worker) -> None:
        """Kill -9, and wait until nothing is left of it."""
        os.kill(worker.pid, signal.SIGKILL)
        await asyncio.wait_for(worker.running.process.wait(), 20)
        self.workers.remove(worker)

    async def terminate(self, worker: Worker) -> None:
        """Ask it to end; `gone` waits for it."""
        os.kill(worker.pid, signal.SIGTERM)

    async def gone(self, worker: Worker, within: float = 130) -> int:
        """Wait for the end of a worker that was asked to; return its exit code."""
        code = await asyncio.wait_for(worker.running.process.wait(), within)
        self.workers.remove(worker)
        return code

    async def stop_workers(self) -> None:
        """Let all of them end well."""
        for worker in self.workers:
            await self.terminate(worker)
        for worker in list(self.workers):
            await self.gone(worker)

    async def kill_server(self) -> None:
        """Kill -9 Temporal."""
        [running] = [one for one in self.servers._running if one.process.returncode is None]
        os.kill(child_of(running), signal.SIGKILL)
        await running.process.wait()

    async def start_server(self) -> None:
        """Start Temporal on its file and its port."""
        temporal, ui, _ = self.ports
        try:
            await start_dev_server(self.servers, self.environ, self.state / "temporal.db", temporal, ui)
        except NoTemporal:
            # On a machine that is busy with other things it may take longer than people are asked to wait.
            await connect(load_settings(self.environ), within=READY_WITHIN)

    async def start_gateway(self) -> Running:
        """Start the gateway and wait until it takes webhooks."""
        running = await self.house.start("gateway", [sys.executable, "-m", "cli", "gateway"], self.environ)
        async with httpx.AsyncClient(base_url=self.gateway, trust_env=False) as http:
            until = time.monotonic() + READY_WITHIN
            while time.monotonic() < until:
                running.ensure()
                with contextlib.suppress(httpx.TransportError):
                    if (await http.get("/readyz")).status_code == 200:
                        return running
                await asyncio.sleep(0.1)
        raise AssertionError("the gateway was not ready")

    async def kill_gateway(self) -> None:
        """Kill -9 the gateway."""
        for running in self.house._running:
            if running.name == "gateway" and running.process.returncode is None:
                os.kill(child_of(running), signal.SIGKILL)
                await running.process.wait()

    @staticmethod
    async def until(condition: Callable[[], bool], running: Running, what: str) -> None:
        """Wait for what a process does."""
        end = time.monotonic() + READY_WITHIN
        while not condition():
            running.ensure()
            assert time.monotonic() < end, f"{what} was not ready within {READY_WITHIN:.0f} s"
            await asyncio.sleep(0.05)

    # Addresses

    @property
    def gateway(self) -> str:
        """Its base URL."""
        return f"http://127.0.0.1:{self.ports[2]}"

    @property
    def ledger_file(self) -> Path:
        """Where the ledger is."""
        return self.state / "ledger" / "ledger.db"

    # Tickets

    async def open(self, key: str, side: Side, *, deliver: bool = True, copies: int = 1) -> TicketRef:
        """Open a ticket of the world; undelivered, it waits for `deliver`."""
        body: dict[str, JsonValue] = {"helpdesk": side.helpdesk, "deliver": deliver, "copies": copies}
        answer = await self.post(f"/tickets/{key}/open", body)
        return TicketRef(tenant=side.tenant, helpdesk=side.helpdesk, ticket=str(answer["ticket"]))

    async def deliver(self, ref: TicketRef) -> None:
        """Send the last event of a ticket, again or for the first time."""
        await self.post(f"/tickets/{ref.ticket}/redeliver", {})

    async def post(self, path: str, body: dict[str, JsonValue]) -> dict[str, JsonValue]:
        """Ask the sandbox's control."""
        answer: dict[str, JsonValue] = (await self.control.post(path, json=body)).raise_for_status().json()
        return answer

    async def fault(self, vendor: str, **fault: JsonValue) -> None:
        """Put a fault in force at a vendor, at each of its ports."""
        for name in self.sandbox.addresses:
            if name == vendor or name.startswith(f"{vendor}-"):
                await self.post("/faults", {"vendor": name, **fault})

    async def no_faults(self) -> None:
        """Take all back."""
        (await self.control.delete("/faults")).raise_for_status()

    def handle(self, ref: TicketRef) -> WorkflowHandle[object, RunResult]:
        """Return the ticket's workflow."""
        return self.client.get_workflow_handle(naming.workflow_id(ref), result_type=RunResult)

    async def park(self, planned: Sequence[tuple[TicketRef, str, str]], within: float = 180) -> None:
        """Deliver tickets that are to stop, each at its place, and wait until all have."""
        for ref, place, detail in planned:
            self.stops.plan(naming.workflow_id(ref), place, detail)
            await self.deliver(ref)
        end = time.monotonic() + within
        waiting = [(ref, place) for ref, place, _ in planned]
        while waiting:
            waiting = [one for one in waiting if self.stops.reached(naming.workflow_id(one[0])) is None]
            assert time.monotonic() < end, f"these never got to their place: {waiting}"
            await asyncio.sleep(0.05)

    def release(self, refs: Sequence[TicketRef]) -> None:
        """Let tickets go on."""
        for ref in refs:
            self.stops.release(naming.workflow_id(ref))


async def open_ledger(stage: Stage) -> SqlLedger:
    """Open the ledger that the workers write."""
    return await SqlLedger.open(stage.environ["WHYDESK_LEDGER_URL"], load_settings(stage.environ).keyring())


def child_of(running: Running) -> int:
    """Return the process that a leash holds."""
    leash = running.process.pid
    [child] = Path(f"/proc/{leash}/task/{leash}/children").read_text().split()
    return int(child)


@asynccontextmanager
async def raised(state: Path, script: Script) -> AsyncIterator[Stage]:
    """Start all but the workers."""
    ports = (free_port(), free_port(), free_port())
    environ = {
        "PATH": os.environ.get("PATH", ""),
        "HOME": str(state),
        "TEMPORAL_ADDRESS": f"127.0.0.1:{ports[0]}",
        "WHYDESK_STATE": str(state),
        "WHYDESK_CONFIG": str(state / "whydesk.yaml"),
        "WHYDESK_GATEWAY_PORT": str(ports[2]),
        "WHYDESK_LEDGER_URL": f"sqlite:///{state}/ledger/ledger.db",
        "ANTHROPIC_API_KEY": "sk-ant-of-the-harness",
        "WHYDESK_MASTER_KEYS": "env:KEYS_OF_THE_HARNESS",
        "KEYS_OF_THE_HARNESS": Keyring.generate().text(),
    }
    async with AsyncExitStack() as stack:
        can_fill = stack.enter_context(_small_disk(state / "ledger"))
        model = stack.enter_context(AnthropicServer(script))
        servers = await stack.enter_async_context(Household(state / "server"))
        house = await stack.enter_async_context(Household(state / "logs"))
        sandboxed = asyncio.create_task(_start_sandbox(house, environ, state, ports[2]))
        stack.callback(sandboxed.cancel)
        await start_dev_server(servers, environ, state / "temporal.db", ports[0], ports[1])
        sandbox = await sandboxed
        environ |= sandbox.secrets()
        _configure(sandbox, state / "whydesk.yaml", model.address)
        control = httpx.AsyncClient(base_url=sandbox.control, timeout=30, trust_env=False)
        stage = Stage(
            state=state,
            environ=environ,
            servers=servers,
            house=house,
            ports=ports,
            script=script,
            model=model,
            stops=Stops(state / "stops"),
            sandbox=sandbox,
            control=await stack.enter_async_context(control),
            client=await connect(load_settings(environ)),
            can_fill=can_fill,
        )
        await stage.start_gateway()
        yield stage


@contextlib.contextmanager
def _small_disk(folder: Path) -> Iterator[bool]:
    """Give the ledger a file system that can be filled up, where this machine lets us mount one."""
    folder.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={LEDGER_SIZE}", "tmpfs", str(folder)]
    known = shutil.which("mount") is not None
    mounted = known and subprocess.run(command, capture_output=True, check=False).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(folder)], check=False)


async def _start_sandbox(house: Household, environ: dict[str, str], state: Path, gateway: int) -> SandboxState:
    path = state / "sandbox.json"
    hook = f"http://127.0.0.1:{gateway}/hooks"
    command = [
        sys.executable,
        "-m",
        "sandbox",
        "--world",
        str(DEFAULT_WORLD),
        "--rows",
        str(ROWS),
        "--state",
        str(path),
    ]
    command += ["--webhook-url", f"{hook}/{Side.RULES.tenant}/{Side.RULES.helpdesk}"]
    command += ["--standard-webhook-url", f"{hook}/{Side.MODEL.tenant}/{Side.MODEL.helpdesk}"]
    running = await house.start("sandbox", command, environ)
    await Stage.until(path.exists, running, "the sandbox")
    return SandboxState.read(path)


def _configure(sandbox: SandboxState, path: Path, model: str) -> None:
    """Write both tenants: the sandbox's own, and the same with a model. If both had a helpdesk, both would sweep its tickets."""
    write_tenant(sandbox, load_world(DEFAULT_WORLD).tenant, [], path)
    written = yaml.safe_load(path.read_text())
    link = {"model": MODEL, "api_key": "env:ANTHROPIC_API_KEY", "base_url": model, "timeout": 12}
    whole = written["tenants"][TENANT]
    for side, models in ((Side.RULES, []), (Side.MODEL, [link])):
        helpdesks = {side.helpdesk: whole["helpdesks"][side.helpdesk]}
        written["tenants"][side.tenant] = {**whole, "helpdesks": helpdesks, "models": models}
    path.write_text(yaml.safe_dump(written, sort_keys=False))
