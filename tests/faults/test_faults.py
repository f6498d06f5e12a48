"""The part of the matrix that fits into a minute, and deliveries as they come in storms. All of it: `make faults`."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from models.ticket import TicketRef
from models.vocabulary import Outcome
from tests.faults.frame import PLACES, QUICK, TICKETS, Fault, cells, reason_against
from tests.faults.judge import look, notes
from tests.faults.matrix import Matrix
from tests.faults.model_script import Script
from tests.faults.ours import NEWS
from tests.faults.stage import Side, open_ledger, raised
from tests.faults.stops import Stops

pytestmark = pytest.mark.timeout(900)


@dataclass(frozen=True)
class Town:
    """What these tests share."""

    matrix: Matrix

    async def said(self, ref: TicketRef) -> list[tuple[int, Outcome, str]]:
        """Wait for the end of all runs; return revision, outcome and note of each."""
        seen = await look(self.matrix.stage, self.matrix.ledger, ref)
        return [(one.revision, one.outcome, one.note_status) for one in seen.revisions]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    """Run an installation whose worker can be stopped anywhere."""
    async with raised(tmp_path_factory.mktemp("faults"), Script()) as stage, await open_ledger(stage) as ledger:
        matrix = Matrix(stage, ledger, lambda _: None)
        await stage.start_worker()
        yield Town(matrix)
        await stage.stop_workers()
        assert await matrix.afterwards() == []


async def test_killed_in_the_middle_another_worker_ends_it_and_a_lost_answer_makes_no_second_note(town: Town) -> None:
    places = [place for place in PLACES if place.label in QUICK]
    killing = asyncio.create_task(town.matrix.column(Fault.KILL, places))
    await town.matrix.acted.wait()
    # What the dead one had begun is waited for; meanwhile helpdesks take notes and lose their answers.
    lost = await town.matrix.column(Fault.LOST, fresh=False)
    killed = await killing
    assert {verdict.cell.side for verdict in lost} == set(Side)
    assert len(killed) == len(QUICK)
    assert [f"{one.cell.name}: {problem}" for one in (*killed, *lost) for problem in one.problems] == []


async def test_fifty_deliveries_at_once_and_fifty_more_later_make_one_run_and_one_note(town: Town) -> None:
    stage = town.matrix.stage
    ref = await stage.open("quota-used-up", Side.RULES, copies=50)
    await asyncio.gather(*(stage.deliver(ref) for _ in range(50)))
    assert await town.said(ref) == [(1, Outcome.DIAGNOSED, "posted")]
    await asyncio.gather(*(stage.deliver(ref) for _ in range(50)))
    assert await town.said(ref) == [(1, Outcome.DIAGNOSED, "posted")]
    assert len(await notes(stage, ref)) == 1


async def test_messages_during_a_run_after_it_and_at_its_very_end_are_each_looked_at_once(town: Town) -> None:
    stage = town.matrix.stage
    ref = await stage.open("billed-nearly-twice", Side.RULES, deliver=False)
    await stage.park([(ref, "record_outcome:end", "")])
    # The run has told everything and is not over: the message is the next revision of the same run.
    await stage.post(f"/tickets/{ref.ticket}/reply", {"text": NEWS, "copies": 5})
    stage.release([ref])
    first = await town.said(ref)
    assert [revision for revision, _, _ in sorted(first)] == [1, 2]
    await stage.post(f"/tickets/{ref.ticket}/reply", {"text": "Thanks a lot!", "copies": 5})
    await stage.post(f"/tickets/{ref.ticket}/reply", {"text": "And since today 429 on every export."})
    after = sorted(await town.said(ref))
    posted = [revision for revision, _, status in after if status == "posted"]
    assert len(await notes(stage, ref)) == len(posted)
    assert len(posted) == len(set(posted)) >= 2


def test_every_pair_of_place_and_fault_has_its_cell_or_says_why_not() -> None:
    for fault in Fault:
        met = {cell.place.label for cell in cells(fault)}
        assert met == {place.label for place in PLACES if not reason_against(place, fault)}
    everything = [cell for fault in Fault for cell in cells(fault)]
    for place in PLACES:
        here = [cell for cell in everything if cell.place is place]
        assert {cell.side for cell in here} == set(place.sides), place.label
        assert place.source or {cell.ticket for cell in here} == set(TICKETS), place.label


def test_the_quick_places_are_places() -> None:
    assert set(QUICK) <= {place.label for place in PLACES}


def test_a_ticket_that_was_not_planned_for_is_not_stopped(tmp_path: Path) -> None:
    stops = Stops(tmp_path)
    stops.plan("demo/zendesk/1", "weigh_evidence:start")
    stops.stand_still("demo/zendesk/2", "weigh_evidence:start")
    stops.stand_still("demo/zendesk/1", "weigh_evidence:end")
    assert stops.reached("demo/zendesk/1") is None
