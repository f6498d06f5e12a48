"""A run over kept evidence: nobody is asked, one note replaces the one before, whatever the run was when it was asked for."""

import asyncio
from datetime import UTC, datetime

import pytest_asyncio
from temporalio.client import Client

from ledger.reading import RunReader
from ledger.store import SqlLedger
from models.playbook import Playbook
from models.run import RevisionResult, RunResult
from models.ticket import Rerun, TicketRef, Trigger, TriggerKind
from models.vocabulary import CauseClass, Mode, Outcome, Source
from tests.fakes import ScriptedConnector
from tests.workflows.house import TENANT, House, an_incident, billing, failing_requests, probe_playbook
from workflows import naming


@pytest_asyncio.fixture
async def house(temporal: Client, ledger: SqlLedger) -> House:
    """Requests fail, an incident is open."""
    return House(temporal, ledger, failing_requests(), an_incident(), billing(), ScriptedConnector(Source.LINEAR, {}))


def calmer() -> Playbook:
    """Version 2, for which forty failures are no trouble of medium severity."""
    probe = probe_playbook()
    severity = [rule.model_copy(update={"when": ["failed > 1000"]}) for rule in probe.severity[:1]]
    return probe.model_copy(update={"version": 2, "severity": severity})


async def look_back(
    house: House, ref: TicketRef, playbook: Playbook, revision: int = 1, delivery: str = "again", post: bool = True
) -> RunResult:
    """Ask for it as the command does, and wait for the end."""
    digest = await house.ledger.put_body(ref.tenant, playbook)
    trigger = Trigger(
        delivery=delivery,
        kind=TriggerKind.REINVESTIGATE,
        received_at=datetime.now(UTC),
        post=post,
        rerun=Rerun(revision=revision, playbook=digest),
    )
    handle = await house.deliver(ref, trigger=trigger)
    return await asyncio.wait_for(handle.result(), 60)


def notes(house: House, ref: TicketRef) -> list[str]:
    return [note.markdown for _, note in house.helpdesk.notes.get(ref.ticket, [])]


def asked(house: House) -> int:
    return sum(len(connector.asked) for connector in house.connectors.by_source.values())


async def test_a_closed_run_is_looked_at_again_and_nobody_is_asked(house: House) -> None:
    async with house.worker():
        ref = house.open_ticket()
        [first] = (await house.investigate(ref)).revisions
        questions, reads = asked(house), house.helpdesk.reads
        [second] = (await look_back(house, ref, calmer())).revisions
    assert (first.severity, second.severity) == ("medium", "low")
    assert (second.revision, second.playbook, second.cause) == (2, "probe@2", CauseClass.OWN_INCIDENT)
    assert asked(house) == questions
    assert house.helpdesk.reads == reads + 1, "only for the guarded write of the note"
    old, new = notes(house, ref)
    record = await RunReader(house.ledger).load_run(naming.investigation_id(ref), 2)
    evidence = await RunReader(house.ledger).load_run(naming.investigation_id(ref), 1)
    assert [item.ref for item in record.evidence] == [item.ref for item in evidence.evidence]
    assert "Replaces" not in old
    posted = evidence.note and evidence.note.finished_at
    gathered = max(item.fetched_at for item in evidence.evidence)
    assert f"**Replaces:** the note of {posted:%Y-%m-%d %H:%M} UTC; evidence of {gathered:%Y-%m-%d %H:%M} UTC" in new
    assert new.splitlines()[2].startswith("**Replaces:**"), "an agent reads it first"


async def test_an_open_run_ends_first_and_is_then_looked_at_again(house: House) -> None:
    incidents = house.connectors.by_source[Source.STATUSPAGE]
    incidents.hold = asyncio.Event()
    async with house.worker():
        ref = house.open_ticket()
        handle = await house.deliver(ref)
        await incidents.was_asked.wait()
        waiting = asyncio.ensure_future(look_back(house, ref, calmer()))
        await asyncio.sleep(0.2)
        incidents.hold.set()
        result = await waiting
        assert handle.result_run_id is not None
    assert [(one.revision, one.playbook, one.note_status) for one in result.revisions] == [
        (1, "probe@1", "posted"),
        (2, "probe@2", "posted"),
    ]
    assert len(incidents.asked) == 1
    assert ["Replaces" in note for note in notes(house, ref)] == [False, True]


async def test_asked_for_twice_it_is_done_once(house: House) -> None:
    async with house.worker():
        ref = house.open_ticket()
        await house.investigate(ref)
        await look_back(house, ref, calmer())
        again = await look_back(house, ref, calmer())
    assert again.revisions == ()
    assert len(notes(house, ref)) == 2


async def test_what_has_no_evidence_fails_and_says_nothing_on_the_ticket(house: House) -> None:
    async with house.worker():
        ref = house.open_ticket()
        await house.investigate(ref)
        [second] = (await look_back(house, ref, calmer(), revision=7)).revisions
    assert (second.outcome, second.note_status) == (Outcome.FAILED, "shadow")
    record = await RunReader(house.ledger).load_run(naming.investigation_id(ref), 2)
    assert record.summary.problem == "restore_evidence: NothingKept"
    assert len(notes(house, ref)) == 1, "the diagnosis that stands must not be talked down"


async def test_a_look_back_is_itself_a_run_that_can_be_looked_back_at(house: House) -> None:
    async with house.worker():
        ref = house.open_ticket()
        await house.investigate(ref)
        await look_back(house, ref, calmer(), post=False)
        third: RevisionResult = (await look_back(house, ref, probe_playbook(), revision=2, delivery="third")).revisions[
            0
        ]
    assert (third.severity, third.note_status) == ("medium", "posted")
    assert ["Replaces" in note for note in notes(house, ref)] == [False, True]


async def test_a_thank_you_after_it_is_still_nothing_new(house: House) -> None:
    async with house.worker():
        ref = house.open_ticket()
        await house.investigate(ref)
        await look_back(house, ref, calmer())
        house.helpdesk.say(ref.ticket, "Thanks for looking into it!")
        handle = await house.deliver(ref, "d2", TriggerKind.MESSAGE)
        [third] = (await handle.result()).revisions
    assert (third.revision, third.outcome) == (3, Outcome.NOTHING_NEW)


async def test_a_tenant_in_shadow_stays_in_shadow(temporal: Client, ledger: SqlLedger) -> None:
    shadow = TENANT.model_copy(update={"mode": Mode.SHADOW})
    house = House(temporal, ledger, failing_requests(), an_incident(), billing(), tenant=shadow)
    async with house.worker():
        ref = house.open_ticket()
        await house.investigate(ref)
        [second] = (await look_back(house, ref, calmer())).revisions
    assert second.note_status == "shadow"
    assert notes(house, ref) == []
