"""Buckets of requests, kept to by processes that know nothing of each other, on both databases."""

import asyncio
import sys

from ledger.rates import BURST, SqlRates
from ledger.store import SqlLedger
from tests.cli.running import CHECKOUT

BUCKET = "model/anthropic//claude-haiku-5-5"
WORKER = f"""
import asyncio, sys, time
from ledger.database import Database
from ledger.rates import SqlRates
async def main():
    database = Database.connect(sys.argv[1])
    rates, taken, until = SqlRates(database), 0, time.monotonic() + 2
    while time.monotonic() < until:
        wait = await rates.reserve("acme", {BUCKET!r}, 60, 1, 0.5)
        taken += wait is not None
        await asyncio.sleep(wait or 0)
    await database.aclose()
    print(taken)
asyncio.run(main())
"""


async def test_two_processes_that_wait_their_turn_keep_to_it_together(ledger: SqlLedger, ledger_url: str) -> None:
    workers = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", WORKER, ledger_url, stdout=asyncio.subprocess.PIPE, cwd=CHECKOUT
        )
        for _ in range(2)
    ]
    taken = [int((await worker.communicate())[0]) for worker in workers]
    # A full bucket, and one for each second in which either ran; they may have begun some seconds apart.
    assert BURST <= sum(taken) <= BURST + 20


async def test_turns_are_given_one_after_the_other_up_to_the_patience(ledger: SqlLedger) -> None:
    one, two = SqlRates(ledger.database), SqlRates(ledger.database)
    waits = [await each.reserve("acme", BUCKET, 6, 1, 25.0) for _ in range(3) for each in (one, two)]
    given = [wait for wait in waits if wait is not None]
    assert len(given) == 3, "one at once, the next in ten seconds and in twenty; thirty is too late"
    assert given[0] == 0.0
    assert 5 < given[1] <= 10 < given[2] <= 20
    assert await one.reserve("acme", "model/anthropic//claude-opus-5", 6, 1, 0.0) == 0.0, "each model has its own"
    assert await one.reserve("zenith", BUCKET, 6, 1, 0.0) == 0.0, "and each tenant"
