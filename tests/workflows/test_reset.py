"""Reset from the Temporal UI at every boundary, pause and resume: the note stays one, what was paid stays paid once."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.workflowservice.v1 import (
    PauseWorkflowExecutionRequest,
    ResetWorkflowExecutionRequest,
    UnpauseWorkflowExecutionRequest,
)
from temporalio.client import Client, WorkflowHandle, WorkflowHistory
from temporalio.service import RPCError

from ledger.reading import RunReader
from ledger.store import SqlLedger
from models.diagnosis import Draft
from models.run import RunResult
from models.tenant import ModelConfig
from models.ticket import TicketRef
from models.vocabulary import Outcome, Source
from tests.anthropic_server import AnthropicServer, says
from tests.fakes import ScriptedConnector
from tests.reasoning.case import fact_is, row_shows
from tests.workflows.house import TENANT, House, an_incident, billing, failing_requests
from tests.workflows.vendor import vendor
from workflows import naming

MODEL = "claude-haiku-5-5"
GOOD = Draft(
    outcome=Outcome.DIAGNOSED,
    hypothesis="incident",
    claims=(fact_is("failed", "40", "E3"), row_shows("E4", name="Elevated errors")),
    next_step="point-at-incident",
)


@asynccontextmanager
async def a_house(client: Client, ledger: SqlLedger) -> AsyncIterator[tuple[House, AnthropicServer]]:
    """A house in which a model is paid."""
    tenant = TENANT.model_copy(update={"models": [ModelConfig(model=MODEL, api_key="env:NONE")]})
    async with vendor([says(GOOD)], {MODEL: MODEL}) as (server, models):
        bugs = ScriptedConnector(Source.LINEAR, {})
        connectors = (failing_requests(), an_incident(), billing(), bugs)
        yield House(client, ledger, *connectors, tenant=tenant, models=models), server


def boundaries(history: WorkflowHistory) -> list[int]:
    """Return every event at which the server takes a reset: that a workflow task started, and that it completed at once after."""
    started = [
        event.event_id for event in history.events if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED
    ]
    completed = [
        event.event_id
        for event in history.events
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED and event.event_id - 1 in started
    ]
    return sorted((*started, *completed))


async def reset(client: Client, name: str, run: str, event: int) -> bool:
    """Reset as the UI and `temporal workflow reset` do; return whether the server takes that event for a boundary.

    A workflow task that a busy server starts at once, in one batch with what the last one decided, begins at none.
    """
    request = ResetWorkflowExecutionRequest(
        namespace=client.namespace,
        workflow_execution=WorkflowExecution(workflow_id=name, run_id=run),
        reason="ops",
        request_id=str(uuid.uuid4()),
        workflow_task_finish_event_id=event,
    )
    try:
        await client.workflow_service.reset_workflow_execution(request)
    except RPCError as error:
        if "must be at the boundary" not in str(error):
            raise
        return False
    return True


def newest(house: House, ref: TicketRef) -> WorkflowHandle[object, RunResult]:
    return house.client.get_workflow_handle(naming.workflow_id(ref), result_type=RunResult)


async def the_one_note(house: House, ref: TicketRef, revisions: int = 1) -> tuple[float, int]:
    """Check that there is one note and no other revision; return what was paid, and for how many answers."""
    found = await RunReader(house.ledger).find_investigation(naming.investigation_id(ref))
    assert found is not None
    assert found.revisions == revisions
    assert len(house.helpdesk.notes[ref.ticket]) == revisions
    record = await RunReader(house.ledger).load_run(found.investigation, 1)
    assert record.summary.outcome is Outcome.DIAGNOSED
    assert record.summary.usd == pytest.approx(await house.ledger.spent(record.summary.key))
    return record.summary.usd, len(record.answers)


@pytest.mark.timeout(400)
async def test_a_finished_run_reset_anywhere_posts_and_pays_nothing_again(temporal: Client, ledger: SqlLedger) -> None:
    async with a_house(temporal, ledger) as (house, server), house.worker():
        ref = house.open_ticket()
        await house.investigate(ref)
        handle = newest(house, ref)
        history = await handle.fetch_history()
        first = (await handle.describe()).run_id
        paid = await the_one_note(house, ref)
        asked = [len(connector.asked) for connector in house.connectors.by_source.values()]
        at = boundaries(history)
        taken = 0
        for event in at:
            if not await reset(house.client, handle.id, first, event):
                continue
            taken += 1
            result = await asyncio.wait_for(newest(house, ref).result(), 60)
            assert [(one.revision, one.note_status) for one in result.revisions] == [(1, "posted")], event
            assert await the_one_note(house, ref) == paid, event
        assert taken >= 8
        assert len(server.requests) == 1
        # Who the customer is, is asked again; the questions of the playbook are not.
        sources = list(house.connectors.by_source)
        again = dict(zip(sources, (len(one.asked) for one in house.connectors.by_source.values()), strict=True))
        before = dict(zip(sources, asked, strict=True))
        assert again[Source.STATUSPAGE] == before[Source.STATUSPAGE]
        assert again[Source.LINEAR] == before[Source.LINEAR]


@pytest.mark.timeout(400)
async def test_an_open_run_reset_anywhere_ends_with_one_note(temporal: Client, ledger: SqlLedger) -> None:
    async with a_house(temporal, ledger) as (house, server), house.worker():
        bugs = house.connectors.by_source[Source.LINEAR]
        bugs.hold = asyncio.Event()
        ref = house.open_ticket()
        await house.deliver(ref)
        await asyncio.wait_for(bugs.was_asked.wait(), 60)
        handle = newest(house, ref)
        run = (await handle.describe()).run_id
        at = boundaries(await handle.fetch_history())
        taken = 0
        for event in at:
            bugs.was_asked.clear()
            if not await reset(house.client, handle.id, run, event):
                continue
            taken += 1
            # As far as it was before, and then once more from another boundary.
            await asyncio.wait_for(bugs.was_asked.wait(), 60)
        assert taken >= 5
        bugs.hold.set()
        result = await asyncio.wait_for(newest(house, ref).result(), 60)
        assert [(one.revision, one.note_status) for one in result.revisions] == [(1, "posted")]
        _, answers = await the_one_note(house, ref)
        assert answers == len(server.requests) == 1


async def test_a_reset_of_an_old_revision_leaves_the_newer_note_alone(temporal: Client, ledger: SqlLedger) -> None:
    house = House(temporal, ledger, failing_requests(), an_incident(), billing())
    async with house.worker():
        ref = house.open_ticket()
        await house.investigate(ref)
        old = (await newest(house, ref).describe()).run_id
        house.helpdesk.say(ref.ticket, "Now we also get 401 unauthorized, request id req_8fK2mQ0aLz71.")
        await house.investigate(ref, "d2")
        history = await house.client.get_workflow_handle(naming.workflow_id(ref), run_id=old).fetch_history()
        assert await reset(house.client, naming.workflow_id(ref), old, boundaries(history)[0])
        result = await asyncio.wait_for(newest(house, ref).result(), 60)
        assert [one.revision for one in result.revisions] == [1]
        await the_one_note(house, ref, revisions=2)
    assert ["Replaces" in note.markdown for _, note in house.helpdesk.notes[ref.ticket]] == [False, True]


async def test_a_paused_run_does_nothing_until_it_is_resumed(temporal: Client, ledger: SqlLedger) -> None:
    house = House(temporal, ledger, failing_requests(), an_incident(), billing())
    incidents = house.connectors.by_source[Source.STATUSPAGE]
    incidents.hold = asyncio.Event()
    async with house.worker():
        ref = house.open_ticket()
        handle = await house.deliver(ref)
        await incidents.was_asked.wait()
        which = {"namespace": temporal.namespace, "workflow_id": handle.id, "identity": "ops"}
        await temporal.workflow_service.pause_workflow_execution(
            PauseWorkflowExecutionRequest(reason="a look at it", request_id=str(uuid.uuid4()), **which)
        )
        incidents.hold.set()
        await asyncio.sleep(3)
        before = await handle.fetch_history()
        assert house.helpdesk.notes == {}
        await asyncio.sleep(1)
        assert len((await handle.fetch_history()).events) == len(before.events), "nothing proceeds while it is paused"
        await temporal.workflow_service.unpause_workflow_execution(
            UnpauseWorkflowExecutionRequest(reason="seen", request_id=str(uuid.uuid4()), **which)
        )
        result = await asyncio.wait_for(handle.result(), 60)
    assert [(one.outcome, one.note_status) for one in result.revisions] == [(Outcome.DIAGNOSED, "posted")]
    assert len(house.helpdesk.notes[ref.ticket]) == 1
    assert len(incidents.asked) == 1
