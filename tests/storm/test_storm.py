"""A small storm; `make storm` plays the whole one."""

from pathlib import Path

import pytest

from ledger.incidents import PAYING
from tests.storm.storm import play

TICKETS = 40


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_forty_tickets_of_one_outage(tmp_path: Path) -> None:
    storm = await play(tmp_path, TICKETS, within=5.0, rows=1_000_000, patience=300.0)
    assert (storm.noted, storm.twice) == (TICKETS, 0), str(storm)
    assert storm.ratio <= 0.15, str(storm)
    [incident] = storm.incidents
    # On a busy machine a source may not answer in time; what one ticket does not know cannot make it part of anything.
    alone = TICKETS + 1 - incident.tickets
    assert incident.paid == PAYING
    assert storm.paid <= PAYING + 3 * alone, str(storm)
