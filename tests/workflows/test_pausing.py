"""The kill switch on a real server: what is under way finishes, nothing begins, nothing is lost, and all goes on by itself."""

import asyncio

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionRequest
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle

from activities.control_board import ControlBoard
from ledger.controls import Change, Said, SqlControls
from ledger.reading import RunReader
from ledger.store import SqlLedger
from models.control import ALL, PAUSED, source_scope, tenant_scope
from models.run import RunResult
from models.vocabulary import EvidenceStatus, Outcome, Source
from tests.workflows.house import House, an_incident, billing, failing_requests


def a_house(client: Client, ledger: SqlLedger) -> tuple[House, SqlControls]:
    controls = SqlControls(ledger.database)
    board = ControlBoard(controls, fresh=0.05)
    return House(client, ledger, failing_requests(), an_incident(), billing(), board=board), controls


async def switch(controls: SqlControls, scope: str, value: str) -> None:
    await controls.change([Change(scope, PAUSED, value)], Said("ada", "pause", scope, "a drill"))


async def waits(client: Client, handle: WorkflowHandle[object, RunResult]) -> str:
    """Wait until the run waits to be let on; return what the server shows of it."""
    while True:
        described = await client.workflow_service.describe_workflow_execution(
            DescribeWorkflowExecutionRequest(
                namespace=client.namespace, execution=WorkflowExecution(workflow_id=handle.id)
            )
        )
        for pending in described.pending_activities:
            if pending.activity_type.name == "wait_until_resumed" and pending.last_failure.message:
                return pending.last_failure.message
        await asyncio.sleep(0.05)


async def card(handle: WorkflowHandle[object, RunResult]) -> str:
    said: WorkflowMetadata = await handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
    return said.current_details


async def test_a_run_of_a_paused_tenant_waits_visibly_and_carries_on_by_itself(
    temporal: Client, ledger: SqlLedger
) -> None:
    house, controls = a_house(temporal, ledger)
    await switch(controls, tenant_scope("acme"), "yes")
    async with house.worker():
        ref = house.open_ticket()
        handle = await house.deliver(ref)
        await asyncio.wait_for(waits(temporal, handle), 20)
        shown = await card(handle)
        events = len((await handle.fetch_history()).events)
        await asyncio.sleep(4.5)
        assert len((await handle.fetch_history()).events) == events, "a look at the switch must not cost history"
        assert house.helpdesk.reads == 0
        await switch(controls, tenant_scope("acme"), "")
        result = await asyncio.wait_for(handle.result(), 40)
    assert "paused since 20" in shown
    assert "by ada: a drill" in shown
    assert [revision.outcome for revision in result.revisions] == [Outcome.DIAGNOSED]
    assert len(house.helpdesk.notes[ref.ticket]) == 1


async def test_a_run_in_its_midst_stops_before_its_next_step_outside(temporal: Client, ledger: SqlLedger) -> None:
    house, controls = a_house(temporal, ledger)
    pages = house.connectors.by_source[Source.STATUSPAGE]
    pages.hold = asyncio.Event()
    async with house.worker():
        ref = house.open_ticket()
        handle = await house.deliver(ref)
        await asyncio.wait_for(pages.was_asked.wait(), 20)
        await switch(controls, ALL, "yes")
        await asyncio.sleep(0.2)
        pages.hold.set()
        await asyncio.wait_for(waits(temporal, handle), 20)
        assert ref.ticket not in house.helpdesk.notes
        await switch(controls, ALL, "")
        [revision] = (await asyncio.wait_for(handle.result(), 40)).revisions
    assert len(house.helpdesk.notes[ref.ticket]) == 1
    record = await RunReader(ledger).load_run(revision.investigation)
    assert {item.ref.status for item in record.evidence if item.ref.source is Source.STATUSPAGE} == {
        EvidenceStatus.FOUND
    }, "what was being asked when the switch was thrown is kept"
    assert len(pages.asked) == 1


async def test_a_paused_source_is_not_asked_and_the_note_says_not_checked(temporal: Client, ledger: SqlLedger) -> None:
    house, controls = a_house(temporal, ledger)
    pages = house.connectors.by_source[Source.STATUSPAGE]
    await switch(controls, source_scope("statuspage"), "yes")
    async with house.worker():
        ref = house.open_ticket()
        [revision] = (await house.investigate(ref)).revisions
    assert pages.asked == []
    assert "statuspage" in revision.gaps
    [(_, note)] = house.helpdesk.notes[ref.ticket]
    assert "StatusPage is paused by ops" in note.markdown
    record = await RunReader(ledger).load_run(revision.investigation)
    [asked] = [item.ref for item in record.evidence if item.ref.source is Source.STATUSPAGE]
    assert asked.status is EvidenceStatus.SKIPPED


async def test_a_paused_tenant_that_is_cancelled_ends(temporal: Client, ledger: SqlLedger) -> None:
    house, controls = a_house(temporal, ledger)
    await switch(controls, tenant_scope("acme"), "yes")
    async with house.worker():
        handle = await house.deliver(house.open_ticket())
        await asyncio.wait_for(waits(temporal, handle), 20)
        await handle.cancel()
        with pytest.raises(WorkflowFailureError):
            await asyncio.wait_for(handle.result(), 20)
    assert house.helpdesk.notes == {}
