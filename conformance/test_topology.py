"""Production's processes without containers: a Temporal server elsewhere, two workers on one ledger, a gateway; one worker dies.

The server is the dev server on its file: Temporal's own on PostgreSQL takes longer to build than all the rest to test.
"""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from cli.dev_server import free_port, start_dev_server
from cli.processes import Household
from cli.stack import Play, Ports, start_stack
from conformance.conftest import WORLD
from ledger.store import SqlLedger
from models.run import RunResult
from models.ticket import TicketRef
from sandbox.world_files import load_world
from tests.cli.running import ended
from tests.whole_path.town import Town, text_of
from tests.master_keys import KEYRING
from workflows.naming import workflow_id

PATIENCE = 240.0
"""Seconds; what a dead worker had begun is given to another only when its time is over."""
TICKET = "render-answers-400"


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    """Run it all, the server as one that is there already, with vendors that take their time."""
    environ = {"PATH": os.environ.get("PATH", ""), "HOME": str(tmp_path)}
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(Household(tmp_path / "server"))
        temporal = await start_dev_server(server, environ, tmp_path / "temporal.db", free_port(), free_port())
        household = await stack.enter_async_context(Household(tmp_path / "logs"))
        environ["TEMPORAL_ADDRESS"] = temporal.address
        play = Play(WORLD, rows=20_000, latency=(1.5, 2.5))
        running = await start_stack(household, environ, tmp_path, Ports(), play=play)
        await household.start("worker-2", [sys.executable, "-m", "cli", "worker"], running.environ)
        assert running.sandbox is not None
        control = httpx.AsyncClient(base_url=running.sandbox.control, timeout=30, trust_env=False)
        yield Town(
            household=household,
            stack=running,
            sandbox=running.sandbox,
            client=await Client.connect(temporal.address, data_converter=pydantic_data_converter),
            control=await stack.enter_async_context(control),
            ledger=await stack.enter_async_context(await SqlLedger.open(f"sqlite:///{tmp_path}/ledger.db", KEYRING)),
            world=load_world(WORLD),
            state=tmp_path,
        )


def works(state: Path, name: str) -> bool:
    return '"working"' in (state / "logs" / f"{name}.log").read_text()


async def busy_worker(town: Town, ref: TicketRef) -> int:
    """Wait until one fetches evidence; return its process."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        described = await town.newest_run(ref)
        begun = [
            one for one in described.raw_description.pending_activities if one.activity_type.name == "fetch_evidence"
        ]
        for one in begun:
            # The SDK's own name for a worker: PROCESS@MACHINE.
            if one.last_worker_identity:
                return int(one.last_worker_identity.partition("@")[0])
        await asyncio.sleep(0.05)
    raise AssertionError("nobody fetched evidence within a minute")


@pytest.mark.timeout(600)
async def test_a_worker_is_killed_while_it_works_and_the_other_writes_the_one_note(town: Town) -> None:
    while not all(works(town.state, name) for name in ("worker", "worker-2")):
        town.household.ensure()
        await asyncio.sleep(0.1)
    delivered = await town.open(TICKET)
    assert delivered.statuses == (202,)
    victim = await busy_worker(town, delivered.ref)
    os.kill(victim, signal.SIGKILL)
    assert await ended(victim)

    handle = town.client.get_workflow_handle(workflow_id(delivered.ref), result_type=RunResult)
    result = await asyncio.wait_for(handle.result(), PATIENCE)
    [revision] = result.revisions
    assert str(revision.outcome) != "failed"
    notes = [text_of(str(one["html"])) for one in await town.comments(delivered.ref) if one["role"] == "own"]
    assert len(notes) == 1, "one revision, one note"
    assert not revision.gaps, "what the dead one had begun was asked again"
    assert await town.writes() == []

    identities = set()
    async for event in handle.fetch_history_events():
        if event.HasField("activity_task_started_event_attributes"):
            identities.add(event.activity_task_started_event_attributes.identity.partition("@")[0])
    assert len(identities) == 2, f"both workers did a part: {identities}"
