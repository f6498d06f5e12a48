"""`whydesk investigate` against a real server, worker and ledger: it posts only when told to, joins what runs, and lets go."""

import asyncio
import json
import signal
import uuid
from pathlib import Path

import pytest
from temporalio.client import Client, WorkflowExecutionStatus

from cli.connection import NoServer
from cli.errors import UsageProblem
from cli.investigate_run import Started, Wanted, ensure_worker, follow, load_revision, start_by_hand
from helpdesks.base import HelpdeskDenied
from ledger.base import LedgerError
from ledger.reading import RunReader
from ledger.records import RunRecord
from ledger.store import SqlLedger
from models.ticket import TicketRef, TriggerKind
from models.vocabulary import Mode, Outcome, Source
from tests.cli.terminal import Terminal
from tests.workflows.house import TENANT, House, an_incident, billing, failing_requests
from workflows import naming


def a_house(temporal: Client, ledger: SqlLedger, mode: Mode = Mode.NOTE) -> House:
    """A house whose queue is that of a region of its own."""
    region = f"r{uuid.uuid4().hex[:8]}"
    tenant = TENANT.model_copy(update={"mode": mode, "region": region})
    house = House(temporal, ledger, failing_requests(), an_incident(), billing(), tenant=tenant)
    house.queue = naming.task_queue(region)
    return house


def nothing(_: str, __: tuple[str, ...]) -> None:
    return None


async def by_hand(house: House, ref: TicketRef, *, post: bool) -> tuple[Started, RunRecord]:
    """Start it, follow it, and load what came of it, as the command does."""
    started = await start_by_hand(house.client, Wanted(ref, house.tenant), post=post)
    await asyncio.wait_for(follow(started, nothing), 60)
    return started, await load_revision(RunReader(house.ledger), started)


async def test_nothing_is_posted_unless_told_to(temporal: Client, ledger: SqlLedger) -> None:
    house = a_house(temporal, ledger)
    async with house.worker():
        ref = house.open_ticket()
        _, first = await by_hand(house, ref, post=False)
        assert house.helpdesk.notes == {}
        _, second = await by_hand(house, ref, post=True)
    assert (first.summary.outcome, first.summary.note_status) == (Outcome.DIAGNOSED, "shadow")
    assert first.note is not None
    assert first.note.body is not None
    assert first.note.mode == "shadow"
    assert (second.summary.key.revision, second.summary.note_status) == (2, "posted")
    assert len(house.helpdesk.notes[ref.ticket]) == 1


async def test_a_tenant_in_shadow_stays_in_shadow(temporal: Client, ledger: SqlLedger) -> None:
    house = a_house(temporal, ledger, Mode.SHADOW)
    async with house.worker():
        _, record = await by_hand(house, house.open_ticket(), post=True)
    assert record.summary.note_status == "shadow"
    assert house.helpdesk.notes == {}


async def test_a_run_that_fails_before_it_knows_a_playbook_posts_nothing_either(
    temporal: Client, ledger: SqlLedger
) -> None:
    house = a_house(temporal, ledger)
    async with house.worker():
        ref = house.open_ticket()
        house.helpdesk.failures = [HelpdeskDenied("401")]
        _, record = await by_hand(house, ref, post=False)
    assert record.summary.outcome is Outcome.FAILED
    assert "HelpdeskDenied" in record.summary.problem
    assert house.helpdesk.notes == {}


async def test_a_message_that_comes_meanwhile_still_gets_its_note(temporal: Client, ledger: SqlLedger) -> None:
    house = a_house(temporal, ledger)
    incidents = house.connectors.by_source[Source.STATUSPAGE]
    incidents.hold = asyncio.Event()
    async with house.worker():
        ref = house.open_ticket()
        started = await start_by_hand(temporal, Wanted(ref, house.tenant), post=False)
        await incidents.was_asked.wait()
        house.helpdesk.say(ref.ticket, "Also 500 on /v1/export, request req_77aa88bb99cc.")
        await house.deliver(ref, "d2", TriggerKind.MESSAGE)
        incidents.hold.set()
        result = await started.handle.result()
    assert [(one.revision, one.outcome, one.note_status) for one in result.revisions] == [
        (1, Outcome.DIAGNOSED, "shadow"),
        (2, Outcome.DIAGNOSED, "posted"),
    ]
    assert len(house.helpdesk.notes[ref.ticket]) == 1


async def test_a_message_from_before_is_not_taken_for_known(temporal: Client, ledger: SqlLedger) -> None:
    house = a_house(temporal, ledger)
    async with house.worker():
        ref = house.open_ticket()
        await house.investigate(ref)
        house.helpdesk.say(ref.ticket, "Now we also get 401 unauthorized, request id req_8fK2mQ0aLz71.")
        await by_hand(house, ref, post=False)
        handle = await house.deliver(ref, "d2", TriggerKind.MESSAGE)
        [third] = (await handle.result()).revisions
    assert (third.outcome, third.note_status) == (Outcome.DIAGNOSED, "posted"), "only the terminal had seen it"
    assert len(house.helpdesk.notes[ref.ticket]) == 2


async def test_a_run_that_is_going_is_joined_and_its_note_is_not_lost(temporal: Client, ledger: SqlLedger) -> None:
    house = a_house(temporal, ledger)
    incidents = house.connectors.by_source[Source.STATUSPAGE]
    incidents.hold = asyncio.Event()
    async with house.worker():
        ref = house.open_ticket()
        handle = await house.deliver(ref)
        await incidents.was_asked.wait()
        started = await start_by_hand(temporal, Wanted(ref, house.tenant), post=False)
        incidents.hold.set()
        told: list[str] = []
        await asyncio.wait_for(follow(started, lambda stage, _: told.append(stage)), 60)
        record = await load_revision(RunReader(ledger), started)
    assert started.joined
    assert started.handle.run_id == handle.result_run_id
    assert (record.summary.key.revision, record.summary.note_status) == (2, "shadow")
    assert len(house.helpdesk.notes[ref.ticket]) == 1, "the first revision's"
    assert any("revision 1 · gathering evidence" in stage for stage in told)


async def test_without_a_worker_nothing_is_started(temporal: Client) -> None:
    with pytest.raises(NoServer, match=r"no worker asks for work on the queue 'whydesk-none'; .*`whydesk up`"):
        await ensure_worker(temporal, naming.task_queue("none"))


async def test_a_worker_that_polls_is_seen(temporal: Client, ledger: SqlLedger) -> None:
    house = a_house(temporal, ledger)
    async with house.worker():
        # The first poll may still be on its way.
        for _ in range(100):
            try:
                await ensure_worker(temporal, house.queue)
            except NoServer:
                await asyncio.sleep(0.1)
            else:
                return
    raise AssertionError("never seen")


async def test_what_no_worker_begins_is_said(temporal: Client, ledger: SqlLedger) -> None:
    house = a_house(temporal, ledger)
    started = await start_by_hand(temporal, Wanted(house.open_ticket(), house.tenant), post=False)
    said = asyncio.Event()
    following = asyncio.ensure_future(follow(started, lambda stage, _: said.set(), patience=0))
    await asyncio.wait_for(said.wait(), 30)
    await started.handle.terminate("no longer wanted")
    with pytest.raises(UsageProblem, match=r"was ended from outside \(TerminatedError\)"):
        await asyncio.wait_for(following, 30)


async def test_another_ledger_than_the_workers_is_named(temporal: Client, ledger: SqlLedger, tmp_path: Path) -> None:
    house = a_house(temporal, ledger)
    async with house.worker():
        ref = house.open_ticket()
        await house.investigate(ref)
        handle = temporal.get_workflow_handle(naming.workflow_id(ref))
    stranger = Started(ref, "by-hand-elsewhere", handle, joined=False)
    with pytest.raises(LedgerError, match="it is not the worker's"):
        await load_revision(RunReader(ledger), stranger)


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_the_command_shows_stages_and_note_and_lets_go_at_ctrl_c(
    temporal: Client, temporal_address: str, ledger: SqlLedger, tmp_path: Path
) -> None:
    house = a_house(temporal, ledger)
    terminal = Terminal(house, tmp_path, temporal_address)
    incidents = house.connectors.by_source[Source.STATUSPAGE]
    async with house.worker():
        ref = house.open_ticket()
        shown = await terminal.investigate(ref.ticket)
        out, err = (part.decode() for part in await asyncio.wait_for(shown.communicate(), 60))
        assert shown.returncode == 0, err
        assert f"ticket {ref.ticket} of acme/desk: nothing will be posted" in err
        assert "internal note, not posted" in out
        assert "40 requests failed" in " ".join(out.replace("│", " ").split())
        assert "diagnosed · own_incident" in out
        assert house.helpdesk.notes == {}

        incidents.hold, incidents.was_asked = asyncio.Event(), asyncio.Event()
        left = await terminal.investigate(ref.ticket, "--json", "--post")
        await asyncio.wait_for(incidents.was_asked.wait(), 60)
        left.send_signal(signal.SIGINT)
        out, err = (part.decode() for part in await asyncio.wait_for(left.communicate(), 60))
        assert (left.returncode, out) == (130, "")
        assert f"`whydesk show acme/desk/{ref.ticket}` prints it" in err
        assert "Traceback" not in err
        handle = temporal.get_workflow_handle(naming.workflow_id(ref))
        assert (await handle.describe()).status is WorkflowExecutionStatus.RUNNING
        incidents.hold.set()
        await asyncio.wait_for(handle.result(), 60)
        assert len(house.helpdesk.notes[ref.ticket]) == 1

        whole = await terminal.investigate(f"acme/desk/{ref.ticket}", "--json")
        out, err = (part.decode() for part in await asyncio.wait_for(whole.communicate(), 60))
        assert whole.returncode == 0, err
        assert json.loads(out)["summary"]["key"]["revision"] == 3
