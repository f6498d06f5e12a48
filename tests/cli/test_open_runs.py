"""Worker versions on one machine: what no longer replays begins again, what does is left alone, who works is current."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest
from temporalio.client import Client
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import Worker, WorkerDeploymentConfig

from cli.dev_server import free_port, start_dev_server
from cli.open_runs import EMBEDDED_BUILD, is_current, make_current, mend_open_runs
from cli.processes import Household
from models.run import RunResult
from tests.cli.yesterday import Yesterday
from tests.fakes import OneHelpdesk
from tests.master_keys import PLUGIN
from tests.workflows.house import House, Shelf, failing_requests, open_ledger, probe_playbook
from worker import Activity, make_activities
from workflows import naming
from workflows.investigate_ticket import InvestigateTicketWorkflow


async def serve(household: Household, folder: Path) -> Client:
    """Start a server of one's own: open runs and the current version are the server's, not a queue's."""
    environ = {"PATH": os.environ.get("PATH", ""), "HOME": str(folder)}
    server = await start_dev_server(household, environ, folder / "temporal.db", free_port(), free_port())
    return await Client.connect(server.address, plugins=[PLUGIN])


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    async with Household(tmp_path) as household:
        yield await serve(household, tmp_path)


@pytest.fixture
async def house(client: Client, tmp_path: Path) -> AsyncIterator[House]:
    """A house whose helpdesk is down, so that what begins there stays open."""
    async with await open_ledger(tmp_path) as ledger:
        house = House(client, ledger, failing_requests())
        house.helpdesk.failures = [ConnectionError("down")] * 1000
        yield house


def activities(house: House) -> Sequence[Activity]:
    return make_activities(
        ledger=house.ledger,
        helpdesks=OneHelpdesk(house.helpdesk),
        connectors=house.connectors,
        models=house.models,
        shelf=Shelf([probe_playbook()]),
        tenants={house.tenant.id: house.tenant},
    )


def worker(house: House, definition: type = InvestigateTicketWorkflow, build_id: str = EMBEDDED_BUILD) -> Worker:
    return Worker(
        house.client,
        task_queue=house.queue,
        workflows=[definition],
        activities=activities(house),
        deployment_config=WorkerDeploymentConfig(
            version=WorkerDeploymentVersion(naming.DEPLOYMENT, build_id),
            use_worker_versioning=True,
            default_versioning_behavior=VersioningBehavior.PINNED,
        ),
    )


async def seen(client: Client, name: str, wanted: Callable[[list[str]], bool]) -> list[str]:
    """Wait until the newest run's history is as wanted; return the names of its events."""
    for _ in range(400):
        history = await client.get_workflow_handle(name).fetch_history()
        happened = [str(event.WhichOneof("attributes")).removesuffix("_event_attributes") for event in history.events]
        if wanted(happened):
            return happened
        await asyncio.sleep(0.05)
    raise AssertionError(f"never so: {happened}")


async def left_open(house: House, definition: type, last: str) -> str:
    """Begin a run on that code and stop its worker; return the workflow's id."""
    handle = await house.deliver(house.open_ticket())
    async with worker(house, definition):
        await make_current(house.client, EMBEDDED_BUILD)
        await seen(house.client, handle.id, lambda happened: last in happened)
    return handle.id


async def test_a_run_that_does_not_replay_begins_again_on_todays_code(house: House) -> None:
    name = await left_open(house, Yesterday, "timer_started")
    mended = await mend_open_runs(house.client)
    assert (mended.replayed, mended.reset) == (0, (name,))
    happened = await seen(house.client, name, lambda happened: "workflow_execution_signaled" in happened)
    assert "timer_started" not in happened, "the old steps are gone, the ticket's signal is not"
    house.helpdesk.failures.clear()
    async with worker(house):
        await make_current(house.client, EMBEDDED_BUILD)
        handle = house.client.get_workflow_handle(name, result_type=RunResult)
        result = await asyncio.wait_for(handle.result(), 60)
    assert [(revision.revision, revision.note_status) for revision in result.revisions] == [(1, "posted")]
    assert [len(notes) for notes in house.helpdesk.notes.values()] == [1]


async def test_a_run_that_replays_is_left_alone(house: House) -> None:
    name = await left_open(house, InvestigateTicketWorkflow, "activity_task_scheduled")
    before = await house.client.get_workflow_handle(name).describe()
    mended = await mend_open_runs(house.client)
    assert (mended.replayed, mended.reset) == (1, ())
    assert (await house.client.get_workflow_handle(name).describe()).run_id == before.run_id


async def test_a_run_that_no_worker_has_taken_yet_is_left_alone(house: House) -> None:
    handle = await house.deliver(house.open_ticket())
    before = await handle.describe()
    assert (await mend_open_runs(house.client)).reset == ()
    assert (await handle.describe()).run_id == before.run_id


async def test_each_run_is_judged_for_itself_and_reset_once(house: House) -> None:
    old = await left_open(house, Yesterday, "timer_started")
    await left_open(house, InvestigateTicketWorkflow, "activity_task_scheduled")
    mended = await mend_open_runs(house.client)
    assert (mended.replayed, mended.reset) == (1, (old,))
    assert (await mend_open_runs(house.client)).reset == ()


async def test_a_version_becomes_current_once_a_worker_of_it_polls(house: House) -> None:
    assert not await is_current(house.client), "nobody has ever worked here"
    waiting = asyncio.ensure_future(make_current(house.client, EMBEDDED_BUILD))
    await asyncio.sleep(0.6)
    assert not waiting.done()
    async with worker(house):
        await waiting
        assert await is_current(house.client)
        async with worker(house, build_id="another"):
            assert not await is_current(house.client, "another"), "to work is not yet to be current"
            await make_current(house.client, "another")
            assert await is_current(house.client, "another")
            assert not await is_current(house.client)


async def test_without_a_worker_it_gives_up_with_the_servers_reason(client: Client) -> None:
    with pytest.raises(RPCError) as refused:
        await make_current(client, EMBEDDED_BUILD, within=0.3)
    assert refused.value.status in (RPCStatusCode.NOT_FOUND, RPCStatusCode.FAILED_PRECONDITION)


async def test_a_restarted_server_still_has_the_run_and_it_is_mended(tmp_path: Path) -> None:
    async with Household(tmp_path) as household, await open_ledger(tmp_path) as ledger:
        house = House(await serve(household, tmp_path), ledger)
        name = await left_open(house, Yesterday, "timer_started")
    async with Household(tmp_path) as household:
        assert (await mend_open_runs(await serve(household, tmp_path))).reset == (name,)
