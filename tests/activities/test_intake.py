"""What reading a ticket leaves in the ledger: the feedback that it carries, and who it is about."""

import pytest
from temporalio.testing import ActivityEnvironment

from activities.bodies import Bodies
from activities.intake import IntakeActivities
from ledger.reading import RunReader
from ledger.store import SqlLedger
from models.feedback import FeedbackVerdict
from models.run import ClaimRequest, IdentifyRequest, OpenedTicket, OpenRequest, RunKey
from models.ticket import Trigger, TriggerKind
from models.vocabulary import Mode
from tests.activities.conftest import REF
from tests.fakes import WRITTEN_AT, OneHelpdesk, ScriptedConnectors, ScriptedHelpdesk, ticket_of
from tests.workflows.house import TENANT
from workflows.naming import note_marker


def intake(ledger: SqlLedger, *tags: str) -> IntakeActivities:
    desk = ScriptedHelpdesk()
    desk.tickets[REF.ticket] = ticket_of(REF, tags=tags)
    return IntakeActivities(ledger, Bodies(ledger), OneHelpdesk(desk), ScriptedConnectors(), {TENANT.id: TENANT})


async def read(ledger: SqlLedger, key: RunKey, *tags: str) -> OpenedTicket:
    trigger = Trigger(delivery="d", kind=TriggerKind.MESSAGE, received_at=WRITTEN_AT)
    activities = intake(ledger, *tags)
    opened: OpenedTicket = await ActivityEnvironment().run(
        activities.read_ticket, OpenRequest(key=key, trigger=trigger)
    )
    return opened


@pytest.mark.parametrize(("tag", "verdict"), [("whydesk-right", "right"), ("whydesk-wrong", "wrong")])
async def test_a_tag_is_read_as_feedback_on_the_note_before(
    ledger: SqlLedger, key: RunKey, tag: str, verdict: str
) -> None:
    await ledger.begin_note(key, note_marker(key.investigation, 1), Mode.NOTE, "digest")
    await ledger.finish_note(key, "posted", "n-1", WRITTEN_AT)
    trigger = Trigger(delivery="d2", kind=TriggerKind.MESSAGE, received_at=WRITTEN_AT)
    claim = ClaimRequest(ref=REF, investigation=key.investigation, trigger=trigger, owner="run-2")
    second = (await ledger.claim_delivery(claim)).key
    for _ in range(2):
        assert (await read(ledger, second, "vip", tag)).proceed
    [said] = (await RunReader(ledger).load_run(key.investigation, 1)).feedback
    assert said.verdict is FeedbackVerdict(verdict)


async def test_who_it_is_about_can_be_listed_by(ledger: SqlLedger, key: RunKey) -> None:
    opened = await read(ledger, key)
    await ActivityEnvironment().run(
        intake(ledger).identify_customer, IdentifyRequest(key=key, ticket=opened.ticket, look=0)
    )
    assert (await RunReader(ledger).load_run(key.investigation)).summary.customer == "org_31"
