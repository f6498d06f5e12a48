"""One ticket over time, on a real server: who starts it, what it waits for, how it ends, and that it posts once."""

import asyncio
from datetime import timedelta

from temporalio.client import Client

from connectors.base import Unavailable
from helpdesks.base import HelpdeskDenied
from ledger.reading import RunReader
from ledger.store import SqlLedger
from models.evidence import Answer
from models.run import RunResult
from models.ticket import Role, TicketRef, TriggerKind
from models.vocabulary import CauseClass, EvidenceStatus, Mode, Outcome, Source
from tests.fakes import ScriptedConnector, found
from tests.histories import readable, unsealed
from tests.master_keys import KEYRING
from tests.workflows.house import (
    TENANT,
    House,
    an_incident,
    billing,
    failing_requests,
    healthy_requests,
    no_incident,
)
from workflows import naming


def the_note(house: House, ref: TicketRef) -> str:
    """Return the one note on a ticket as Markdown."""
    [(_, note)] = house.helpdesk.notes[ref.ticket]
    return note.markdown


async def test_failing_requests_with_an_incident_are_diagnosed(temporal: Client, ledger: SqlLedger) -> None:
    house = House(temporal, ledger, failing_requests(), an_incident(), billing())
    async with house.worker():
        ref = house.open_ticket()
        result = await house.investigate(ref)
    [revision] = result.revisions
    assert (revision.outcome, revision.cause) == (Outcome.DIAGNOSED, CauseClass.OWN_INCIDENT)
    assert revision.kept >= 2
    assert revision.dropped == 0
    assert "40 requests failed" in the_note(house, ref)
    record = await RunReader(ledger).load_run(revision.investigation)
    assert [item.ref.id for item in record.evidence][:1] == ["E1"]
    assert record.note is not None
    assert record.note.status == "posted"


async def test_time_in_the_queue_is_nobodys_silence(temporal: Client, ledger: SqlLedger) -> None:
    """In a flood, or after an hour without a worker, a source that was never asked must not be told as one that is silent."""
    house = House(temporal, ledger, failing_requests(), an_incident(), billing())
    async with house.worker():
        ref = house.open_ticket()
        await house.investigate(ref)
    history = await house.client.get_workflow_handle(naming.workflow_id(ref)).fetch_history()
    steps = [
        event.activity_task_scheduled_event_attributes
        for event in history.events
        if event.HasField("activity_task_scheduled_event_attributes")
    ]
    assert {"fetch_evidence", "identify_customer", "publish_note"} <= {step.activity_type.name for step in steps}
    for step in steps:
        waits = (step.schedule_to_start_timeout.ToTimedelta(), step.schedule_to_close_timeout.ToTimedelta())
        assert min(waits) >= timedelta(hours=1), step.activity_type.name


async def test_a_follow_up_is_asked_by_the_playbooks_rule(temporal: Client, ledger: SqlLedger) -> None:
    linear = ScriptedConnector(Source.LINEAR, {})
    house = House(temporal, ledger, failing_requests(), an_incident(), linear)
    async with house.worker():
        await house.investigate(house.open_ticket("Uploading invoices fails with 429."))
    assert len(linear.asked) == 1
    quiet = ScriptedConnector(Source.LINEAR, {})
    house = House(temporal, ledger, healthy_requests(), no_incident(), quiet)
    async with house.worker():
        # Under an id of its own: a delivery that was claimed before would ask nothing at all.
        await house.investigate(house.open_ticket("Uploading invoices fails with 429."), "d2")
    assert quiet.asked == []
    assert house.connectors.by_source[Source.CLICKHOUSE].asked


async def test_healthy_traffic_ends_as_nothing_wrong(temporal: Client, ledger: SqlLedger) -> None:
    house = House(temporal, ledger, healthy_requests(), no_incident(), billing())
    async with house.worker():
        [revision] = (await house.investigate(house.open_ticket())).revisions
    assert revision.outcome is Outcome.NOTHING_WRONG


async def test_a_source_that_stays_down_is_a_gap_and_the_note_names_it(temporal: Client, ledger: SqlLedger) -> None:
    down = ScriptedConnector(Source.STATUSPAGE, {"list_incidents": Unavailable("connection refused")})
    house = House(temporal, ledger, failing_requests(), down, billing())
    async with house.worker():
        ref = house.open_ticket()
        [revision] = (await house.investigate(ref)).revisions
    assert revision.outcome is Outcome.INCONCLUSIVE
    assert "statuspage" in revision.gaps
    assert "StatusPage" in the_note(house, ref)
    assert len(down.asked) == 4


async def test_a_denied_source_is_asked_once(temporal: Client, ledger: SqlLedger) -> None:
    no = Answer(status=EvidenceStatus.DENIED, asked="GET /", reason="the key was refused")
    denied = ScriptedConnector(Source.STATUSPAGE, {"list_incidents": no})
    house = House(temporal, ledger, failing_requests(), denied, billing())
    async with house.worker():
        await house.investigate(house.open_ticket())
    assert len(denied.asked) == 1


async def test_rows_of_another_shape_are_named_as_not_checked(temporal: Client, ledger: SqlLedger) -> None:
    reason = "schema drift: incidents[0].impact is a number, not text"
    drifted = Answer(status=EvidenceStatus.FAILED, asked="GET /", reason=reason)
    incidents = ScriptedConnector(Source.STATUSPAGE, {"list_incidents": drifted})
    house = House(temporal, ledger, failing_requests(), incidents, billing())
    async with house.worker():
        ref = house.open_ticket()
        [revision] = (await house.investigate(ref)).revisions
    assert revision.outcome is not Outcome.FAILED
    _, _, after = the_note(house, ref).partition("Not checked")
    assert "schema drift" in after
    assert len(incidents.asked) == 1, "asking again shows the same rows"


async def test_an_unknown_customer_needs_info_and_asks_nothing_unscoped(temporal: Client, ledger: SqlLedger) -> None:
    logs = ScriptedConnector(Source.CLICKHOUSE, {"prod.requests": found({"status": 500, "number": 9})})
    house = House(temporal, ledger, logs, no_incident())
    async with house.worker():
        ref = house.open_ticket("It does not work.", organization=None)
        [revision] = (await house.investigate(ref)).revisions
    assert revision.outcome is Outcome.NEEDS_INFO
    assert "Which account is this about?" in the_note(house, ref)
    assert not any("requests" in asked.text for asked in logs.asked)


async def test_twenty_deliveries_of_one_webhook_make_one_note(temporal: Client, ledger: SqlLedger) -> None:
    house = House(temporal, ledger, failing_requests(), an_incident(), billing())
    async with house.worker():
        ref = house.open_ticket()
        handles = await asyncio.gather(*(house.deliver(ref) for _ in range(20)))
        await asyncio.gather(*(handle.result() for handle in handles))
        assert len({handle.result_run_id for handle in handles}) == 1
        again: RunResult = await house.investigate(ref)
    assert again.revisions == ()
    assert len(house.helpdesk.notes[ref.ticket]) == 1
    assert house.helpdesk.reads == 2


async def test_a_thank_you_is_nothing_new_and_a_new_symptom_is(temporal: Client, ledger: SqlLedger) -> None:
    house = House(temporal, ledger, failing_requests(), an_incident(), billing())
    async with house.worker():
        ref = house.open_ticket()
        await house.investigate(ref)
        house.helpdesk.say(ref.ticket, "Thanks for looking into it!")
        handle = await house.deliver(ref, "d2", TriggerKind.MESSAGE)
        [second] = (await handle.result()).revisions
        house.helpdesk.say(ref.ticket, "Now we also get 401 unauthorized, request id req_8fK2mQ0aLz71.")
        handle = await house.deliver(ref, "d3", TriggerKind.MESSAGE)
        [third] = (await handle.result()).revisions
    assert (second.revision, second.outcome) == (2, Outcome.NOTHING_NEW)
    assert (third.revision, third.outcome) == (3, Outcome.DIAGNOSED)
    assert len(house.helpdesk.notes[ref.ticket]) == 2


async def test_a_message_during_the_run_leads_to_one_more_look(temporal: Client, ledger: SqlLedger) -> None:
    logs = failing_requests()
    house = House(temporal, ledger, logs, an_incident(), billing())
    incidents = house.connectors.by_source[Source.STATUSPAGE]
    incidents.hold = asyncio.Event()
    async with house.worker():
        ref = house.open_ticket()
        handle = await house.deliver(ref)
        await incidents.was_asked.wait()
        house.helpdesk.say(ref.ticket, "Also 500 on /v1/export, request req_77aa88bb99cc.")
        await house.deliver(ref, "d2", TriggerKind.MESSAGE)
        incidents.hold.set()
        result = await handle.result()
    assert [(one.revision, one.outcome) for one in result.revisions] == [
        (1, Outcome.DIAGNOSED),
        (2, Outcome.NOTHING_NEW),
    ]
    assert len(house.helpdesk.notes[ref.ticket]) == 1
    assert len(incidents.asked) == 2


async def test_a_refused_key_of_the_helpdesk_ends_as_failed(temporal: Client, ledger: SqlLedger) -> None:
    house = House(temporal, ledger, failing_requests(), an_incident())
    async with house.worker():
        ref = house.open_ticket()
        house.helpdesk.failures = [HelpdeskDenied("401")]
        handle = await house.deliver(ref)
        [revision] = (await handle.result()).revisions
    assert revision.outcome is Outcome.FAILED
    record = await RunReader(ledger).load_run(revision.investigation)
    assert "HelpdeskDenied" in record.summary.problem


async def test_an_agents_ticket_without_a_requesters_word_is_left_alone(temporal: Client, ledger: SqlLedger) -> None:
    house = House(temporal, ledger, failing_requests(), an_incident())
    async with house.worker():
        ref = house.open_ticket()
        old = house.helpdesk.tickets[ref.ticket]
        notes = tuple(message.model_copy(update={"role": Role.AGENT}) for message in old.messages)
        house.helpdesk.tickets[ref.ticket] = old.model_copy(update={"messages": notes})
        [revision] = (await house.investigate(ref)).revisions
    assert revision.outcome is Outcome.NOTHING_NEW
    assert ref.ticket not in house.helpdesk.notes


async def test_shadow_mode_keeps_the_note_and_posts_nothing(temporal: Client, ledger: SqlLedger) -> None:
    shadow = TENANT.model_copy(update={"mode": Mode.SHADOW})
    house = House(temporal, ledger, failing_requests(), an_incident(), tenant=shadow)
    async with house.worker():
        ref = house.open_ticket()
        [revision] = (await house.investigate(ref)).revisions
    assert revision.note_status == "shadow"
    assert house.helpdesk.notes == {}
    record = await RunReader(ledger).load_run(revision.investigation)
    assert record.note is not None
    assert record.note.body is not None


async def test_a_closed_ticket_is_recorded_and_not_written(temporal: Client, ledger: SqlLedger) -> None:
    house = House(temporal, ledger, failing_requests(), an_incident())
    async with house.worker():
        ref = house.open_ticket(status="closed")
        [revision] = (await house.investigate(ref)).revisions
    assert (revision.outcome, revision.note_status) == (Outcome.DIAGNOSED, "ticket-closed")
    assert house.helpdesk.notes == {}


async def test_a_conflict_is_looked_at_again_and_posted(temporal: Client, ledger: SqlLedger) -> None:
    house = House(temporal, ledger, failing_requests(), an_incident())
    house.helpdesk.conflicts = 2
    async with house.worker():
        ref = house.open_ticket()
        [revision] = (await house.investigate(ref)).revisions
    assert revision.note_status == "posted"
    assert len(house.helpdesk.notes[ref.ticket]) == 1


async def test_every_step_replays_without_a_cache(temporal: Client, ledger: SqlLedger) -> None:
    house = House(temporal, ledger, failing_requests(), an_incident(), billing())
    async with house.worker(cached=0):
        [revision] = (await house.investigate(house.open_ticket())).revisions
    assert revision.outcome is Outcome.DIAGNOSED


async def test_what_ops_see_holds_ids_and_nothing_personal(temporal: Client, ledger: SqlLedger) -> None:
    house = House(temporal, ledger, failing_requests(), an_incident(), billing())
    async with house.worker():
        ref = house.open_ticket()
        await house.investigate(ref)
        handle = temporal.get_workflow_handle(naming.workflow_id(ref))
        description = await handle.describe()
        attributes = {pair.key.name: pair.value for pair in description.typed_search_attributes}
        details = await handle.query("__temporal_workflow_metadata")
        history = readable(unsealed(await handle.fetch_history(), KEYRING))
    assert attributes["Outcome"] == "diagnosed"
    assert attributes["Cause"] == "own_incident"
    assert attributes["PlaybookVersion"] == "probe@1"
    assert attributes["Tenant"] == "acme"
    assert "evidence 3 of 3" in str(details)
    assert naming.investigation_id(ref) in history, "the payloads are not readable, so nothing is shown"
    for personal in ("ada@quill.example", "Ada Quill", "Warehouse search", "429 on"):
        assert personal not in history
