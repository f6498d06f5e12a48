"""What is measured on: the embedded Temporal server, our gateway and a worker, each a process of its own."""

import asyncio
import base64
import os
import secrets
import shutil
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import yaml
from temporalio.client import Client

from benchmarks.far_ends import HELPDESK, MODEL, TENANT
from benchmarks.process_facts import child_of
from cli.connection import connect, load_settings
from cli.dev_server import free_port, start_dev_server
from cli.processes import Household, NotReady
from keys.keyring import Keyring
from models.tables import LOGICAL_TABLES

READY_WITHIN = 60.0


@dataclass
class Site:
    """One empty installation; a new one for each measure, so that none inherits another's data."""

    household: Household
    folder: Path
    environ: dict[str, str]
    client: Client
    webhook_secret: str
    server: int
    """Process id of the Temporal server."""
    workers: int = 0
    gateway: int = 0
    """Process id of the gateway, once it is started."""

    async def start_worker(self, *options: str) -> int:
        """Start the measured worker, wait until it works, and return its process id."""
        self.workers += 1
        ready = self.folder / f"worker-{self.workers}.ready"
        command = [sys.executable, "-m", "benchmarks.worker_process", "--ready", str(ready), *options]
        running = await self.household.start(f"worker-{self.workers}", command, self.environ)
        deadline = time.monotonic() + READY_WITHIN
        while not (ready.exists() and ready.read_text()):
            running.ensure()
            if time.monotonic() > deadline:
                raise NotReady(f"the worker was not ready within {READY_WITHIN:.0f} s; see {running.log}")
            await asyncio.sleep(0.05)
        return int(ready.read_text())

    async def stop_worker(self) -> None:
        """Stop the worker that was started last."""
        await self.household.stop(f"worker-{self.workers}")

    async def start_gateway(self) -> str:
        """Start the gateway, wait until it takes webhooks, and return where they go."""
        port = free_port()
        environ = self.environ | {"WHYDESK_GATEWAY_PORT": str(port)}
        running = await self.household.start("gateway", [sys.executable, "-m", "cli", "gateway"], environ)
        deadline = time.monotonic() + READY_WITHIN
        async with httpx.AsyncClient(trust_env=False) as http:
            while True:
                running.ensure()
                try:
                    if (await http.get(f"http://127.0.0.1:{port}/readyz")).is_success:
                        self.gateway = child_of(running.process.pid)
                        return f"http://127.0.0.1:{port}/hooks/{TENANT}/{HELPDESK}"
                except httpx.TransportError:
                    pass
                if time.monotonic() > deadline:
                    raise NotReady(f"the gateway was not ready within {READY_WITHIN:.0f} s; see {running.log}")
                await asyncio.sleep(0.1)


@asynccontextmanager
async def open_site(folder: Path, *, model: bool = False) -> AsyncIterator[Site]:
    """Start the server and write the configuration; everything ends with the block.

    Args:
        folder: Emptied first; holds the database, the ledger and the logs.
        model: Let a model diagnose before the rules.
    """
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()
    _begin_afresh(folder, model)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("WHYDESK_", "TEMPORAL_"))}
    async with Household(folder / "logs") as household:
        server = await start_dev_server(household, os.environ, folder / "temporal.db", free_port(), free_port())
        environ = inherited | {
            "TEMPORAL_ADDRESS": server.address,
            "WHYDESK_CONFIG": str(folder / "whydesk.yaml"),
            "WHYDESK_STATE": str(folder),
            "WHYDESK_MASTER_KEYS": "env:BENCH_MASTER_KEYS",
            "BENCH_MASTER_KEYS": Keyring.generate().text(),
            "BENCH_WEBHOOK_SECRET": secret,
            "BENCH_MODEL_KEY": "none-is-asked",
        }
        environ.pop("BUILD_ID", None)
        client = await connect(load_settings(environ))
        yield Site(household, folder, environ, client, secret, child_of(household.running("temporal").process.pid))


def _begin_afresh(folder: Path, model: bool) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "whydesk.yaml").write_text(yaml.safe_dump({"tenants": {TENANT: _tenant(model)}}))


def _tenant(model: bool) -> dict[str, object]:
    # The addresses are only for show: the measured worker brings its own far ends.
    return {
        "mode": "note",
        "helpdesks": {
            HELPDESK: {
                "kind": "standard",
                "note_url": "http://127.0.0.1:9/notes",
                "ticket_url": "http://127.0.0.1:9/tickets/{ticket}",
                "webhook_secrets": ["env:BENCH_WEBHOOK_SECRET"],
            }
        },
        "tables": {name: {"table": f"prod.{name}"} for name in LOGICAL_TABLES},
        "models": [{"provider": "anthropic", "model": MODEL, "api_key": "env:BENCH_MODEL_KEY"}] if model else [],
    }
