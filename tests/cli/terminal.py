"""The command line as a process of its own, beside a house of scripted far ends."""

import asyncio
import os
import sys
import uuid
from asyncio.subprocess import PIPE, Process
from pathlib import Path

import yaml
from temporalio.client import Client

from ledger.store import SqlLedger
from models.vocabulary import Mode, Source
from tests.cli.command import Said
from tests.cli.running import CHECKOUT
from tests.fakes import ScriptedConnector
from tests.master_keys import VARIABLES
from tests.workflows.house import TENANT, House, an_incident, billing, failing_requests
from workflows import naming


def a_house(temporal: Client, ledger: SqlLedger, mode: Mode = Mode.NOTE) -> House:
    """A house whose queue is that of a region of its own."""
    region = f"r{uuid.uuid4().hex[:8]}"
    tenant = TENANT.model_copy(update={"mode": mode, "region": region})
    bugs = ScriptedConnector(Source.LINEAR, {})
    house = House(temporal, ledger, failing_requests(), an_incident(), billing(), bugs, tenant=tenant)
    house.queue = naming.task_queue(region)
    return house


class Terminal:
    """Runs the command as a process that reads this house's configuration."""

    def __init__(self, house: House, folder: Path, address: str) -> None:
        """Write the house's tenant into a whydesk.yaml of that folder."""
        tenant = house.tenant.model_dump(mode="json", include={"mode", "region", "tables", "helpdesks"})
        (folder / "whydesk.yaml").write_text(yaml.safe_dump({"tenants": {house.tenant.id: tenant}}))
        self._folder = folder
        self._environ = {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(folder),
            "PYTHONPATH": str(CHECKOUT),
            "WHYDESK_STATE": str(folder / "state"),
            "TEMPORAL_ADDRESS": address,
            **VARIABLES,
            "NONE": "whsec_" + "c2VjcmV0" * 4,
            "COLUMNS": "120",
        }

    async def investigate(self, *arguments: str) -> Process:
        """Start `whydesk investigate`."""
        return await self.start("investigate", *arguments)

    async def run(self, *arguments: str) -> Said:
        """Run a command to its end."""
        process = await self.start(*arguments)
        out, err = await asyncio.wait_for(process.communicate(), 60)
        return Said(process.returncode or 0, out.decode(), err.decode())

    async def start(self, *arguments: str) -> Process:
        """Start a command."""
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "cli", *arguments),
            cwd=self._folder,
            env=self._environ,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
        )
