"""Production without containers: Temporal's server and the ledger on PostgreSQL, two workers, a gateway; one worker dies.

The databases, the server and the namespace are made by the very scripts, settings and commands of docker-compose.yml.
"""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import psycopg
import pytest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest

from cli.connection import connect, load_settings
from cli.processes import ROOT, Household
from cli.stack import Play, Ports, start_stack
from conformance.conftest import WORLD
from conformance.production import Databases, databases_of, start_temporal, temporal_environment
from conformance.tools import temporal
from ledger.store import SqlLedger
from models.run import RunResult
from models.ticket import TicketRef
from sandbox.world_files import load_world
from tests.cli.running import ended
from tests.master_keys import KEYRING, VARIABLES
from tests.postgres_server import plain, postgres_server
from tests.whole_path.town import Town, text_of
from workflows import naming

PATIENCE = 240.0
"""Seconds; what a dead worker had begun is given to another only when its time is over."""
TICKET = "render-answers-400"


@pytest.fixture
def databases(monkeypatch: pytest.MonkeyPatch) -> Iterator[Databases]:
    """Run PostgreSQL; not the one of DATABASE_URL, whose databases may have these names."""
    monkeypatch.delenv("DATABASE_URL", raising=False)
    with postgres_server() as server:
        yield databases_of(server)


@pytest.fixture
async def town(tmp_path: Path, databases: Databases) -> AsyncIterator[Town]:
    """Run it all, the server as one that is there already, with vendors that take their time."""
    environ = {"PATH": os.environ.get("PATH", ""), "HOME": str(tmp_path)}
    for script in ("temporal/schema.sh", "postgres/ledger.sh") * 2:
        await databases.run(script)
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(Household(tmp_path / "server"))
        address = await start_temporal(server, environ | temporal_environment(databases))
        ledger = plain(databases.ledger)
        environ |= {"TEMPORAL_ADDRESS": address, "WHYDESK_LEDGER_URL": ledger, **VARIABLES}
        prepared = [await namespace(environ), await namespace(environ)]
        assert [one.startswith("made the namespace 'default'") for one in prepared] == [True, False]
        household = await stack.enter_async_context(Household(tmp_path / "logs"))
        play = Play(WORLD, rows=20_000, latency=(1.5, 2.5))
        running = await start_stack(household, environ, tmp_path, Ports(), play=play)
        await household.start("worker-2", [sys.executable, "-m", "cli", "worker"], running.environ)
        assert running.sandbox is not None
        control = httpx.AsyncClient(base_url=running.sandbox.control, timeout=30, trust_env=False)
        yield Town(
            household=household,
            stack=running,
            sandbox=running.sandbox,
            client=await connect(load_settings(running.environ)),
            control=await stack.enter_async_context(control),
            ledger=await stack.enter_async_context(await SqlLedger.open(ledger, KEYRING)),
            world=load_world(WORLD),
            state=tmp_path,
        )


async def namespace(environ: dict[str, str]) -> str:
    """Run `whydesk namespace`; return what it said."""
    ran = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cli", "namespace"),
        cwd=ROOT,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    told, _ = await ran.communicate()
    assert ran.returncode == 0, told.decode()
    return told.decode()


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

    handle = town.client.get_workflow_handle(naming.workflow_id(delivered.ref), result_type=RunResult)
    result = await asyncio.wait_for(handle.result(), PATIENCE)
    [revision] = result.revisions
    assert str(revision.outcome) != "failed"
    notes = [text_of(str(one["html"])) for one in await town.comments(delivered.ref) if one["role"] == "own"]
    assert len(notes) == 1, "one revision, one note"
    assert await town.writes() == []

    started = [
        event.activity_task_started_event_attributes
        async for event in handle.fetch_history_events()
        if event.HasField("activity_task_started_event_attributes")
    ]
    identities = {one.identity.partition("@")[0] for one in started}
    assert len(identities) == 2, f"both workers did a part: {identities}"
    # Not that it was answered: on a busy machine the second attempt may come too late, and the note then says so.
    assert identities - {str(victim)} <= {one.identity.partition("@")[0] for one in started if one.attempt > 1}, (
        "what the dead one had begun was asked again, by the other"
    )

    # The servers are those of production: its switches, its search attributes, its walls between the databases.
    described = await town.client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace="default"))
    assert described.namespace_info.capabilities.workflow_pause, "ops/temporal/dynamic.yaml"
    assert described.config.workflow_execution_retention_ttl.ToTimedelta().days == 30
    assert await found(town, f"Tenant='demo' AND Outcome='{revision.outcome}'") == 1
    record = await town.record(delivered.ref)
    assert record.note
    assert record.note.body, "the ledger on PostgreSQL has it"


async def found(town: Town, query: str) -> int:
    """Count workflows by their search attributes, which are written a moment after."""
    for _ in range(150):
        if count := (await town.client.count_workflows(query)).count:
            return count
        await asyncio.sleep(0.2)
    return 0


def test_temporal_knows_every_switch_that_we_set() -> None:
    ran = subprocess.run(  # noqa: S603  # our own build
        [str(temporal() / "temporal-server"), "validate-dynamic-config", str(ROOT / "ops/temporal/dynamic.yaml")],
        capture_output=True,
        text=True,
        check=True,
    )
    # It ends with 0 whatever it finds.
    assert "dynamic.yaml" in ran.stdout
    assert "error:" not in ran.stdout + ran.stderr
    assert "warning:" not in ran.stdout + ran.stderr


async def test_each_user_has_its_own_databases(databases: Databases) -> None:
    for script in ("temporal/schema.sh", "postgres/ledger.sh"):
        await databases.run(script)
    with psycopg.connect(plain(databases.ledger)) as connection:
        connection.execute("CREATE TABLE mine (a int)")
    for name in ("temporal", "temporal_visibility", "postgres"):
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            psycopg.connect(plain(databases.ledger.set(database=name)))
