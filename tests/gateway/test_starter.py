"""TemporalStarter against a real server: running, never up, frozen, stopped and back."""

import asyncio
import socket
import sys
import time
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from gateway.starter import TemporalDown, TemporalStarter, connect_lazily
from models.run import InvestigateInput
from models.ticket import TicketRef, Trigger, TriggerKind
from tests.gateway.serving import NOW, calling, gateway
from tests.helpdesks.far_end import SILENCE, FarEnd
from tests.helpdesks.signers import zendesk_event, zendesk_headers
from tests.master_keys import KEYRING, PLUGIN
from workflows import naming

TRIGGER = Trigger(delivery="d-1", kind=TriggerKind.CREATED, received_at=NOW)
ACKNOWLEDGED_WITHIN = 5.0
"""Seconds: the most impatient helpdesk waits no longer."""


def some_ticket() -> str:
    return str(uuid.uuid4().int)[:18].replace("0", "1")


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


async def server(port: int | None = None) -> WorkflowEnvironment:
    return await WorkflowEnvironment.start_local(
        port=port,
        plugins=[PLUGIN],
        search_attributes=naming.SEARCH_ATTRIBUTES,
        dev_server_existing_path=str(Path(sys.executable).with_name("temporal")),
        dev_server_startup_timeout=timedelta(seconds=60),
        dev_server_log_level="error",
    )


@pytest_asyncio.fixture(scope="module")
async def environment() -> AsyncIterator[WorkflowEnvironment]:
    started = await server()
    yield started
    await started.shutdown()


@pytest_asyncio.fixture(scope="module")
async def client(environment: WorkflowEnvironment) -> Client:
    return environment.client


@pytest_asyncio.fixture(scope="module")
async def starter(client: Client) -> TemporalStarter:
    lazy = await connect_lazily(client.service_client.config.target_host, KEYRING)
    return TemporalStarter(lazy, {"acme": "eu"}.__getitem__)


async def test_starts_the_workflow_with_all_that_it_is_found_by(client: Client, starter: TemporalStarter) -> None:
    ref = TicketRef(tenant="acme", helpdesk="zendesk", ticket=some_ticket())
    await starter(ref, TRIGGER)
    run = await client.get_workflow_handle(naming.workflow_id(ref)).describe()
    assert (run.workflow_type, run.task_queue) == ("InvestigateTicketWorkflow", "whydesk-eu")
    assert await run.static_summary() == f"acme · {ref.ticket}"
    assert run.typed_search_attributes[naming.TENANT] == "acme"
    assert run.typed_search_attributes[naming.TICKET] == ref.ticket
    assert run.typed_search_attributes[naming.HELPDESK] == "zendesk"
    assert run.raw_description.workflow_execution_info.priority.fairness_key == "acme"


async def test_input_and_signal_can_be_read_by_the_worker(client: Client, starter: TemporalStarter) -> None:
    ref = TicketRef(tenant="acme", helpdesk="zendesk", ticket=some_ticket())
    await starter(ref, TRIGGER)
    history = await client.get_workflow_handle(naming.workflow_id(ref)).fetch_history()
    first = history.events[0].workflow_execution_started_event_attributes
    signal = next(e for e in history.events if e.HasField("workflow_execution_signaled_event_attributes"))
    signalled = signal.workflow_execution_signaled_event_attributes
    assert await client.data_converter.decode(first.input.payloads, [InvestigateInput]) == [InvestigateInput(ref=ref)]
    assert signalled.signal_name == naming.SIGNAL
    assert await client.data_converter.decode(signalled.input.payloads, [Trigger]) == [TRIGGER]


async def test_twenty_of_the_same_delivery_make_one_workflow(client: Client, starter: TemporalStarter) -> None:
    ticket = some_ticket()
    ref = TicketRef(tenant="acme", helpdesk="zendesk", ticket=ticket)
    body = zendesk_event(ticket=ticket)
    async with calling(gateway(starter, check=starter.check)) as http:
        answers = await asyncio.gather(
            *(http.post("/hooks/acme/zendesk", content=body, headers=zendesk_headers(body, NOW)) for _ in range(20))
        )
    assert {(answer.status_code, answer.json()["investigation"]) for answer in answers} == {
        (202, naming.investigation_id(ref))
    }
    history = await client.get_workflow_handle(naming.workflow_id(ref)).fetch_history()
    kinds = [event.event_type for event in history.events]
    assert kinds.count(EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED) == 1
    assert kinds.count(EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED) == 20


async def test_after_a_run_is_over_the_ticket_gets_another(client: Client, starter: TemporalStarter) -> None:
    ref = TicketRef(tenant="acme", helpdesk="zendesk", ticket=some_ticket())
    await starter(ref, TRIGGER)
    handle = client.get_workflow_handle(naming.workflow_id(ref))
    first = (await handle.describe()).run_id
    await handle.terminate("over")
    await starter(ref, TRIGGER.model_copy(update={"delivery": "d-2", "kind": TriggerKind.MESSAGE}))
    assert (await handle.describe()).run_id != first


async def test_ready_while_the_server_answers(starter: TemporalStarter) -> None:
    assert await starter.check()


async def refused(starter: TemporalStarter) -> None:
    """Hold a starter without a server to its answers, through the gateway."""
    body = zendesk_event(ticket=some_ticket())
    async with calling(gateway(starter, check=starter.check)) as http:
        began = time.monotonic()
        hook = await http.post("/hooks/acme/zendesk", content=body, headers=zendesk_headers(body, NOW))
        took = time.monotonic() - began
        ready = await http.get("/readyz")
    assert hook.status_code == 503
    assert "retry-after" in hook.headers
    assert took < ACKNOWLEDGED_WITHIN
    assert ready.status_code == 503


async def test_a_server_that_was_never_up() -> None:
    await refused(TemporalStarter(await connect_lazily(f"127.0.0.1:{free_port()}", KEYRING), lambda _: ""))


async def test_a_server_that_accepts_and_says_nothing() -> None:
    async with FarEnd(lambda _: SILENCE) as frozen:
        await refused(TemporalStarter(await connect_lazily(f"127.0.0.1:{frozen.port}", KEYRING), lambda _: ""))


async def test_a_server_that_stops_and_comes_back_needs_no_restart_of_the_gateway() -> None:
    port = free_port()
    starter = TemporalStarter(await connect_lazily(f"127.0.0.1:{port}", KEYRING), lambda _: "")
    ref = TicketRef(tenant="acme", helpdesk="zendesk", ticket=some_ticket())
    with pytest.raises(TemporalDown):
        await starter(ref, TRIGGER)
    first = await server(port)
    await eventually(starter, ref)
    await first.shutdown()
    await refused(starter)
    second = await server(port)
    try:
        await eventually(starter, ref)
        assert await starter.check()
    finally:
        await second.shutdown()


async def eventually(starter: TemporalStarter, ref: TicketRef) -> None:
    """Send as a helpdesk does: again, until it is taken."""
    async with asyncio.timeout(30):
        while True:
            try:
                return await starter(ref, TRIGGER)
            except TemporalDown:
                await asyncio.sleep(0.1)
