"""`make storm`: 500 tickets of one outage in a minute, a helpdesk that takes a hundred notes a minute, and the figures."""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from ledger.incidents import PAYING
from tests.storm.storm import Storm, play

MOST_CALLS = 0.15
MOST_ALONE = 0.02
"""Of all tickets: what one does not know, for a source that did not answer in time, cannot make it part of anything."""


def failures(storm: Storm) -> list[str]:
    """Return what did not hold."""
    wrong = []
    if storm.noted < storm.tickets:
        wrong.append(f"{storm.tickets - storm.noted} tickets have no note")
    if storm.twice:
        wrong.append(f"{storm.twice} tickets have more than one note")
    if storm.ratio > MOST_CALLS:
        wrong.append(f"customer-independent calls are {storm.ratio:.3f} of naive, more than {MOST_CALLS}")
    if len(storm.incidents) != 1:
        wrong.append(f"{len(storm.incidents)} incidents instead of one")
    alone = storm.tickets + 1 - sum(one.tickets for one in storm.incidents)
    if alone > storm.tickets * MOST_ALONE:
        wrong.append(f"{alone} tickets were no part of the incident")
    if storm.paid > 4 * PAYING + 3 * alone:
        wrong.append(f"the model was asked {storm.paid} times")
    return wrong


def main() -> int:
    """Play it, print it, and tell by the exit code whether all held."""
    parser = argparse.ArgumentParser(prog="python -m tests.storm", description=__doc__)
    parser.add_argument("--tickets", type=int, default=500)
    parser.add_argument("--within", type=float, default=60.0, help="seconds over which they come in")
    parser.add_argument("--notes-per-minute", type=int, default=100, help="what the helpdesk takes; 0 for all")
    parser.add_argument("--rows", type=int, default=1_000_000, help="log lines")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="whydesk-storm-") as folder:
        storm = asyncio.run(
            play(
                Path(folder),
                options.tickets,
                options.within,
                rows=options.rows,
                notes_per_minute=options.notes_per_minute,
                patience=1800.0,
            )
        )
    print(storm)  # noqa: T201  # what the command is for
    wrong = failures(storm)
    for line in wrong:
        print(f"did not hold: {line}")  # noqa: T201  # as above
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
