"""Tags on a ticket over time: one fresh look for each adding of `whydesk-rerun`, and feedback met on the way."""

import asyncio

from temporalio.client import Client

from ledger.reading import RunReader
from ledger.store import SqlLedger
from models.ticket import TicketRef, TriggerKind
from models.vocabulary import Outcome
from tests.workflows.house import House, billing, failing_requests, no_incident
from workflows.naming import investigation_id


async def asked_again(house: House, ref: TicketRef, event: str) -> list[int]:
    """Deliver the adding of the tag; return the revisions that came of it."""
    handle = await house.deliver(ref, event, TriggerKind.REINVESTIGATE)
    result = await asyncio.wait_for(handle.result(), 60)
    assert {revision.outcome for revision in result.revisions} <= {Outcome.DIAGNOSED, Outcome.INCONCLUSIVE}
    return [revision.revision for revision in result.revisions]


async def test_each_adding_is_one_fresh_look_and_feedback_is_met_on_the_way(
    temporal: Client, ledger: SqlLedger
) -> None:
    house = House(temporal, ledger, failing_requests(), no_incident(), billing())
    async with house.worker():
        ref = house.open_ticket()
        await house.investigate(ref)
        tagged = house.helpdesk.tickets[ref.ticket].model_copy(update={"tags": ("whydesk-wrong", "whydesk-rerun")})
        house.helpdesk.tickets[ref.ticket] = tagged
        assert await asked_again(house, ref, "added-1") == [2]
        assert await asked_again(house, ref, "added-1") == [], "delivered again, it is the same adding"
        assert await asked_again(house, ref, "added-2") == [3]
    assert len(house.helpdesk.notes[ref.ticket]) == 3
    reader = RunReader(ledger)
    runs = [await reader.load_run(investigation_id(ref), number) for number in (1, 2, 3)]
    # The tag was not taken off: it still speaks of the first note, not of those that came after it.
    assert [[one.verdict.value for one in run.feedback] for run in runs] == [["wrong"], [], []]
