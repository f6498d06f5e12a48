"""The one write: once, whatever is lost or changed on the way, and only where the mode and the ticket allow it."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.bodies import Bodies
from activities.publish import PublishActivities, link_hosts
from connectors.registry import plugin
from helpdesks.base import HelpdeskUnavailable, TicketClosed
from ledger.base import LedgerError
from ledger.past_runs import SqlPastRuns
from ledger.store import SqlLedger
from models.base import Row
from models.customer import Customer
from models.diagnosis import Diagnosis
from models.evidence import Evidence
from models.note import PostedNote, RenderedNote
from models.run import Published, PublishRequest, RunKey
from models.tenant import Tenant
from models.vocabulary import Mode, Source
from tests.activities.conftest import REF
from tests.fakes import OneHelpdesk, ScriptedHelpdesk, ticket_of
from tests.ledger.investigations import claim
from tests.reasoning.case import ANCHORS, EVIDENCE, GOOD, PLAYBOOK, TICKET, diagnose
from tests.workflows.house import TENANT
from workflows.naming import note_marker

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


def a_desk(status: str = "open") -> ScriptedHelpdesk:
    desk = ScriptedHelpdesk()
    desk.tickets[REF.ticket] = ticket_of(REF, status=status)
    return desk


async def publish(ledger: SqlLedger, desk: ScriptedHelpdesk, key: RunKey, mode: Mode = Mode.NOTE) -> Published:
    activities = PublishActivities(ledger, Bodies(ledger), OneHelpdesk(desk), {TENANT.id: TENANT})
    request = PublishRequest(
        key=key,
        marker=note_marker(key.investigation, key.revision),
        mode=mode,
        started_at=NOW,
        playbook="chosen",
        problem="weigh_evidence: BodyMissing",
    )
    published: Published = await ActivityEnvironment().run(activities.publish_note, request)
    return published


async def test_a_note_is_posted_once_however_often_the_step_runs(ledger: SqlLedger, key: RunKey) -> None:
    desk = a_desk()
    first, second = await publish(ledger, desk, key), await publish(ledger, desk, key)
    assert first == second == Published(status="posted", note="0")
    [(stamp, note)] = desk.notes[REF.ticket]
    assert stamp == desk.tickets[REF.ticket].updated_stamp
    assert note.marker == f"whydesk:{key.investigation}/1"
    assert desk.reads == 1, "the second time, the ledger knew"


async def test_a_note_whose_answer_was_lost_is_found_by_its_marker(ledger: SqlLedger, key: RunKey) -> None:
    desk = a_desk()
    desk.lose_answers = 1
    with pytest.raises(ConnectionResetError):
        await publish(ledger, desk, key)
    assert await publish(ledger, desk, key) == Published(status="posted", note="0")
    assert len(desk.notes[REF.ticket]) == 1


async def test_a_full_ledger_does_not_keep_the_line_of_a_failed_run(ledger: SqlLedger, key: RunKey) -> None:
    await ledger.database.write(lambda connection: connection.exec_driver_sql("PRAGMA query_only = ON").close())
    desk = a_desk()
    desk.tickets[REF.ticket] = ticket_of(REF, tags=("whydesk-wrong",))
    for _ in range(2):
        assert await publish(ledger, desk, key) == Published(status="posted", note="0")
    [(_, note)] = desk.notes[REF.ticket]
    assert "could not be investigated" in note.markdown


async def test_a_full_ledger_does_keep_a_diagnosis_back(ledger: SqlLedger, key: RunKey) -> None:
    stored = [await ledger.put_body(REF.tenant, body) for body in (PLAYBOOK, ANCHORS, diagnose(GOOD))]
    await ledger.database.write(lambda connection: connection.exec_driver_sql("PRAGMA query_only = ON").close())
    desk = a_desk()
    activities = PublishActivities(ledger, Bodies(ledger), OneHelpdesk(desk), {TENANT.id: TENANT})
    request = PublishRequest(
        key=key,
        marker=note_marker(key.investigation, key.revision),
        mode=Mode.NOTE,
        started_at=NOW,
        playbook=stored[0],
        playbook_label="api-errors@3",
        anchors=stored[1],
        diagnosis=stored[2],
    )
    with pytest.raises(LedgerError, match="write access"):
        await ActivityEnvironment().run(activities.publish_note, request)
    assert desk.notes == {}


async def note_of(ledger: SqlLedger, key: RunKey, diagnosis: Diagnosis, evidence: Sequence[Evidence] = ()) -> str:
    """Publish a diagnosis as verified, whatever verification would have said of it, beside another customer's run."""
    other = (await ledger.claim_delivery(claim("4712", "other", tenant=REF.tenant))).key
    named = ANCHORS.model_copy(update={"customer": Customer(id="acct_99", name="Umbrella Labs", resolved_by="x")})
    await ledger.note_step(other, "identify/0", await ledger.put_body(REF.tenant, named, other), "acct_99")
    ticket, playbook, anchors, verified = [
        await ledger.put_body(REF.tenant, body, key) for body in (TICKET, PLAYBOOK, ANCHORS, diagnosis)
    ]
    await ledger.note_step(key, "identify/0", anchors, "acct_4711")
    desk = a_desk()
    helpdesks, tenants = OneHelpdesk(desk), {TENANT.id: TENANT}
    activities = PublishActivities(ledger, Bodies(ledger), helpdesks, tenants, past=SqlPastRuns(ledger))
    request = PublishRequest(
        key=key,
        marker=note_marker(key.investigation, key.revision),
        mode=Mode.NOTE,
        started_at=NOW,
        playbook=playbook,
        playbook_label="api-errors@3",
        ticket=ticket,
        anchors=anchors,
        diagnosis=verified,
        evidence=tuple([await ledger.put_evidence(key, one) for one in evidence]),
    )
    assert (await ActivityEnvironment().run(activities.publish_note, request)).status == "posted"
    [(_, note)] = desk.notes[REF.ticket]
    return note.markdown


LEAKS = [
    "eve@umbrella.example",
    "+44 20 7946 0123",
    "4242 4242 4242 4242",
    "DE89 3704 0044 0532 0130 00",
    "Umbrella Labs",
    "acct_99",
    "<EMAIL_7>",
]


@pytest.mark.parametrize("leak", LEAKS)
async def test_what_is_somebody_elses_reaches_no_note(ledger: SqlLedger, key: RunKey, leak: str) -> None:
    said = f"It concerns {leak} as well."
    every = {"title": said, "draft_reply": said, "next_step": said, "question": said, "ruled_out": (said,)}
    note = await note_of(ledger, key, diagnose(GOOD).model_copy(update=every))
    assert leak not in note.replace("\\", "")
    assert "**Withheld:** 5 × " in note


async def test_what_this_ticket_and_its_evidence_hold_is_no_secret_of_the_note(ledger: SqlLedger, key: RunKey) -> None:
    said = "Acme Robotics, jane.doe@acme-robotics.example, and Umbrella Labs' 203.0.113.7 were seen."
    row: Row = {"who": "Umbrella Labs", "from": "203.0.113.7", "mail": "jane.doe@acme-robotics.example"}
    seen = EVIDENCE[0].model_copy(update={"rows": (row,)})
    note = await note_of(ledger, key, diagnose(GOOD).model_copy(update={"draft_reply": said}), [seen])
    assert "ithheld" not in note
    assert said in note.replace("\\", "")


async def test_a_conflict_is_for_the_next_attempt_which_reads_again(ledger: SqlLedger, key: RunKey) -> None:
    desk = a_desk()
    desk.conflicts = 1
    with pytest.raises(ApplicationError) as caught:
        await publish(ledger, desk, key)
    assert (caught.value.type, caught.value.non_retryable) == ("NoteConflict", False)
    assert REF.ticket not in desk.notes
    desk.say(REF.ticket, "One more thing.")
    assert (await publish(ledger, desk, key)).status == "posted"
    [(stamp, _)] = desk.notes[REF.ticket]
    assert stamp == desk.tickets[REF.ticket].updated_stamp


async def test_an_outage_is_waited_out(ledger: SqlLedger, key: RunKey) -> None:
    desk = a_desk()
    desk.failures = [HelpdeskUnavailable("503", retry_after=30)]
    with pytest.raises(ApplicationError) as caught:
        await publish(ledger, desk, key)
    assert not caught.value.non_retryable
    assert caught.value.next_retry_delay is not None
    assert (await publish(ledger, desk, key)).status == "posted"


async def test_a_closed_ticket_is_left_alone(ledger: SqlLedger, key: RunKey) -> None:
    desk = a_desk("closed")
    assert await publish(ledger, desk, key) == Published(status="ticket-closed")
    assert desk.notes == {}


class ClosingDesk(ScriptedHelpdesk):
    """Closes the ticket between the look and the note."""

    async def post_note(self, ticket: str, note: RenderedNote, updated_stamp: str) -> PostedNote:
        raise TicketClosed("closed just now")


async def test_a_ticket_that_closes_meanwhile_is_no_failure(ledger: SqlLedger, key: RunKey) -> None:
    desk = ClosingDesk()
    desk.tickets[REF.ticket] = ticket_of(REF)
    assert await publish(ledger, desk, key) == Published(status="ticket-closed")


@pytest.mark.parametrize("mode", [Mode.SHADOW, Mode.OFF])
async def test_only_the_mode_note_reaches_the_helpdesk(ledger: SqlLedger, key: RunKey, mode: Mode) -> None:
    desk = a_desk()
    assert await publish(ledger, desk, key, mode) == Published(status="shadow")
    assert (desk.notes, desk.reads) == ({}, 0)


def test_a_note_may_link_to_the_tenants_systems_and_nowhere_else() -> None:
    tenant = Tenant.model_validate(
        {
            **TENANT.model_dump(mode="json"),
            "connectors": {
                Source(name): plugin(Source(name)).config.model_validate(part)
                for name, part in {
                    "stripe": {"api_key": "env:X", "dashboard": "https://pay.example.com/home"},
                    "linear": {"api_key": "env:X"},
                    "statuspage": {"pages": [{"name": "own", "url": "https://status.example.com:8443/"}]},
                    "docs": {"folder": "docs", "link": "https://docs.example.com/v1"},
                }.items()
            },
            "link_hosts": ["wiki.example.com"],
            "console_url": "https://whydesk.example.com/runs/{investigation}",
        }
    )
    hosts = link_hosts(tenant)
    wanted = {"pay.example.com", "status.example.com:8443", "docs.example.com", "wiki.example.com", "linear.app"}
    wanted.add("whydesk.example.com")
    assert wanted <= hosts
    assert "127.0.0.1:9" in hosts
    assert hosts <= {*wanted, "127.0.0.1:9", "api.stripe.com", "api.linear.app"}


def test_without_linear_its_web_pages_are_strangers() -> None:
    assert "linear.app" not in link_hosts(TENANT)
