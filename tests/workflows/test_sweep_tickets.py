"""Tickets whose webhook was lost: all are investigated, none twice, whatever dies in between."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from temporalio.client import Client

from activities.control_board import ControlBoard
from activities.sweep import LONGEST, OVERLAP
from cli.sweeps import ensure_sweeps
from gateway.starter import TemporalStarter
from helpdesks.base import HelpdeskUnavailable
from ledger.base import LedgerError
from ledger.controls import Change, Said, SqlControls
from ledger.coordinator import coordinate
from ledger.sweeps import SqlSweeps
from models.control import PAUSED, tenant_scope
from models.sweep import SweepInput, SweepResult
from models.ticket import CREATED_EVENT, Message, Role, TicketRef, Trigger, TriggerKind, message_event
from models.vocabulary import Outcome
from tests.workflows.house import TENANT, House, an_incident, billing, failing_requests, open_ledger
from workflows import naming

SWEPT = SweepInput(tenant="acme", helpdesk="desk")


@pytest_asyncio.fixture
async def house(temporal: Client, tmp_path: Path) -> AsyncIterator[House]:
    """A house whose gateway is down, swept for the first time twenty minutes ago."""
    async with await open_ledger(tmp_path) as ledger:
        house = House(temporal, ledger, failing_requests(), an_incident(), billing(), together=True)
        await coordinate(ledger).sweeps.keep_watermark("acme", "desk", datetime.now(UTC) - timedelta(minutes=20))
        async with house.worker():
            yield house


def came_in(house: House, minutes_ago: float) -> TicketRef:
    """Let a ticket come in that nobody tells us about."""
    at = datetime.now(UTC) - timedelta(minutes=minutes_ago)
    text = "We get 429 on /v1/search."
    message = Message(id=uuid.uuid4().hex, role=Role.REQUESTER, public=True, text=text, created_at=at)
    return house.open_ticket(text, messages=(message,), created_at=at, updated_at=at, updated_stamp=at.isoformat())


async def sweep(house: House) -> SweepResult:
    """Sweep as the schedule does."""
    swept: SweepResult = await house.client.execute_workflow(
        "SweepTicketsWorkflow", SWEPT, id=f"sweep-{uuid.uuid4()}", task_queue=house.queue, result_type=SweepResult
    )
    return swept


async def finished(house: House, ref: TicketRef) -> None:
    await asyncio.wait_for(house.client.get_workflow_handle(naming.workflow_id(ref)).result(), 60)


async def revisions(house: House, ref: TicketRef) -> list[str | None]:
    """Return how each revision of a ticket ended."""
    sql = f"SELECT outcome FROM revisions WHERE investigation = '{naming.investigation_id(ref)}' ORDER BY revision"
    return await house.ledger.database.read(
        lambda connection: [row[0] for row in connection.exec_driver_sql(sql).all()]
    )


async def tell(house: House, ref: TicketRef, event: str, kind: TriggerKind = TriggerKind.CREATED) -> None:
    """Deliver a webhook, as the gateway does."""
    trigger = Trigger(delivery=uuid.uuid4().hex, kind=kind, received_at=datetime.now(UTC), event=event)
    await TemporalStarter(house.client, lambda _: house.region)(ref, trigger)
    await finished(house, ref)


async def test_every_ticket_of_an_outage_is_investigated_and_none_twice(house: House) -> None:
    told = came_in(house, 12)
    await tell(house, told, CREATED_EVENT)
    lost = [came_in(house, minutes) for minutes in (9, 7, 4, 1, 0.1)]
    first = await sweep(house)
    assert (first.started, first.changed) == (5, 6)
    for ref in lost:
        await finished(house, ref)
    again = await sweep(house)
    assert again.started == 0
    # The webhooks come after all.
    await asyncio.gather(*(tell(house, ref, CREATED_EVENT) for ref in lost))
    for ref in (told, *lost):
        assert await revisions(house, ref) == [Outcome.DIAGNOSED.value]
        assert len(house.helpdesk.notes[ref.ticket]) == 1


async def test_what_was_swept_is_not_read_again_before_it_changes(house: House) -> None:
    ref = came_in(house, 5)
    assert (await sweep(house)).read == 1
    await finished(house, ref)
    reads = house.helpdesk.reads
    assert (await sweep(house)).read == 0
    assert house.helpdesk.reads == reads


async def test_a_lost_message_is_a_revision_and_its_late_webhook_none(house: House) -> None:
    ref = came_in(house, 15)
    await tell(house, ref, CREATED_EVENT)
    house.helpdesk.say(ref.ticket, "Now /v1/orders fails with 503, too: req_8f3ab21")
    assert (await sweep(house)).started == 1
    await finished(house, ref)
    outcomes = await revisions(house, ref)
    assert len(outcomes) == 2
    assert outcomes[1] != Outcome.NOTHING_NEW.value
    newest = house.helpdesk.tickets[ref.ticket].messages[-1].id
    await tell(house, ref, message_event(newest), TriggerKind.MESSAGE)
    assert len(await revisions(house, ref)) == 2


async def test_a_lost_creation_with_a_later_message_is_one_look_at_all_of_it(house: House) -> None:
    ref = came_in(house, 15)
    house.helpdesk.say(ref.ticket, "Still failing.")
    assert (await sweep(house)).started == 1
    await finished(house, ref)
    await tell(house, ref, CREATED_EVENT)
    assert len(await revisions(house, ref)) == 1


async def test_an_agents_change_starts_nothing(house: House) -> None:
    ref = came_in(house, 15)
    await tell(house, ref, CREATED_EVENT)
    house.helpdesk.say(ref.ticket, "We are looking into it.", role=Role.AGENT)
    house.helpdesk.say(ref.ticket, "assigned", role=Role.AGENT, public=False)
    assert (await sweep(house)).started == 0


async def test_a_crash_between_start_and_watermark_starts_nothing_twice(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    crashes: list[str] = []
    keep, note = SqlSweeps.keep_watermark, SqlSweeps.note_swept

    async def crash_once(self: SqlSweeps, tenant: str, helpdesk: str, watermark: datetime) -> None:
        if not crashes:
            crashes.append("watermark")
            raise LedgerError("the worker died here")
        await keep(self, tenant, helpdesk, watermark)

    async def crash_after_the_start(self: SqlSweeps, ref: TicketRef, updated_at: datetime) -> None:
        if len(crashes) == 1:
            crashes.append("swept")
            raise LedgerError("the worker died here")
        await note(self, ref, updated_at)

    lost = [came_in(house, minutes) for minutes in (8, 3)]
    monkeypatch.setattr(SqlSweeps, "keep_watermark", crash_once)
    monkeypatch.setattr(SqlSweeps, "note_swept", crash_after_the_start)
    before = await coordinate(house.ledger).sweeps.watermark("acme", "desk")
    await sweep(house)
    assert crashes[0] == "watermark"
    for ref in lost:
        await finished(house, ref)
        assert await revisions(house, ref) == [Outcome.DIAGNOSED.value]
        assert len(house.helpdesk.notes[ref.ticket]) == 1
    after = await coordinate(house.ledger).sweeps.watermark("acme", "desk")
    assert before is not None
    assert after is not None
    assert after > before


async def test_a_helpdesk_that_is_down_moves_no_watermark(house: House) -> None:
    ref = came_in(house, 3)
    house.helpdesk.failures = [HelpdeskUnavailable("down", retry_after=0.1)]
    assert (await sweep(house)).started == 1
    await finished(house, ref)
    assert await revisions(house, ref) == [Outcome.DIAGNOSED.value]


async def test_a_paused_tenant_is_not_swept_and_nothing_of_it_is_lost(temporal: Client, tmp_path: Path) -> None:
    async with await open_ledger(tmp_path) as ledger:
        controls = SqlControls(ledger.database)
        board = ControlBoard(controls, fresh=0.0)
        house = House(temporal, ledger, failing_requests(), an_incident(), billing(), together=True, board=board)
        await coordinate(ledger).sweeps.keep_watermark("acme", "desk", datetime.now(UTC) - timedelta(minutes=20))
        ref = came_in(house, 5)
        await controls.change([Change(tenant_scope("acme"), PAUSED, "yes")], Said("ada", "pause", "acme", "a drill"))
        async with house.worker():
            assert await sweep(house) == SweepResult()
            assert house.helpdesk.reads == 0
            await controls.change([Change(tenant_scope("acme"), PAUSED, "")], Said("ada", "resume", "acme", ""))
            assert (await sweep(house)).started == 1
            await finished(house, ref)
    assert len(house.helpdesk.notes[ref.ticket]) == 1


async def test_the_first_sweep_of_a_helpdesk_begins_now(temporal: Client, tmp_path: Path) -> None:
    async with await open_ledger(tmp_path) as ledger:
        house = House(temporal, ledger, failing_requests(), an_incident(), billing(), together=True)
        came_in(house, 3)
        async with house.worker():
            assert await sweep(house) == SweepResult()
            # Inside of the overlap it is seen by the next one.
            assert (await sweep(house)).changed == 1


async def test_the_watermark_never_goes_back(house: House) -> None:
    sweeps, now = coordinate(house.ledger).sweeps, datetime.now(UTC)
    await sweeps.keep_watermark("acme", "desk", now)
    await sweeps.keep_watermark("acme", "desk", now - timedelta(hours=1))
    assert await sweeps.watermark("acme", "desk") == now
    assert OVERLAP < LONGEST


async def test_schedules_are_made_once_and_changed_with_the_configuration(temporal: Client) -> None:
    name = f"t{uuid.uuid4().hex[:8]}"
    tenant = TENANT.model_copy(update={"id": name, "region": name, "sweep_minutes": 7})
    await asyncio.gather(*(ensure_sweeps(temporal, {name: tenant}) for _ in range(3)))
    handle = temporal.get_schedule_handle(naming.sweep_id(name, "desk"))
    assert (await handle.describe()).schedule.spec.intervals[0].every == timedelta(minutes=7)
    await handle.pause(note="ops said so")
    await ensure_sweeps(temporal, {name: tenant.model_copy(update={"sweep_minutes": 3})})
    described = (await handle.describe()).schedule
    assert described.spec.intervals[0].every == timedelta(minutes=3)
    assert described.state.paused
    for _ in range(2):
        await ensure_sweeps(temporal, {name: tenant.model_copy(update={"sweep_minutes": 0})})
    assert name not in [each.id async for each in await temporal.list_schedules()]
