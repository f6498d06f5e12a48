"""Processes that die while others depend on them: the holder of a lease, and the database itself."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from activities.sharing import Shareable, SharedFetch
from ledger.base import LedgerError
from ledger.coordinator import coordinate
from ledger.shared_evidence import LEASE
from ledger.store import SqlLedger
from models.coordination import SharedAnswer, SharedQuestion
from models.vocabulary import Source
from tests.fakes import found
from tests.ledger.investigations import claim, evidence
from tests.master_keys import KEYRING
from tests.postgres_server import own_postgres_server

QUESTION = SharedQuestion(scope="acme", digest="f" * 64, source=Source.STATUSPAGE, fresh_seconds=60)


@asynccontextmanager
async def holder(url: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a process that asks the question and gets no answer; it has the lease when this yields."""
    command = (sys.executable, "-m", "tests.ledger.lease_holder", url, QUESTION.scope, QUESTION.digest)
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[2], env=dict(os.environ)
    )
    try:
        assert process.stdout
        assert await asyncio.wait_for(process.stdout.readline(), 60), "the holder ended before it asked"
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_who_waits_for_a_killed_process_asks_itself_once_its_lease_has_ended(
    ledger: SqlLedger, ledger_url: str
) -> None:
    asked = 0

    async def fetch() -> SharedAnswer:
        nonlocal asked
        asked += 1
        return SharedAnswer(
            answer=found({"name": "elevated errors"}), window=None, fetched_at=datetime.now(UTC), took=0.1
        )

    of = Shareable(QUESTION, stored=True)
    async with holder(ledger_url) as process:
        waiting = [asyncio.ensure_future(SharedFetch(coordinate(ledger).answers).get(of, fetch)) for _ in range(5)]
        if ledger_url.startswith("sqlite"):
            await asyncio.sleep(LEASE.total_seconds() + 0.5)
        assert asked == 0, "who is alive and renews keeps its lease"
        process.send_signal(signal.SIGKILL)
        answers = await asyncio.wait_for(asyncio.gather(*waiting), 60)
    assert asked == 1
    assert {answer.answer.rows[0]["name"] for answer in answers} == {"elevated errors"}


async def test_a_postgresql_that_dies_and_comes_back_is_an_error_that_passes_and_nothing_stored_is_lost() -> None:
    with own_postgres_server(durable=True) as server, server.database() as url:
        async with await SqlLedger.open(url, KEYRING) as ledger:
            key = (await ledger.claim_delivery(claim())).key
            kept = await ledger.put_evidence(key, evidence("E1"))
            server.kill()
            with pytest.raises(LedgerError) as died:
                await ledger.put_evidence(key, evidence("E2"))
            assert "try again" in str(died.value) or "nothing listens there" in str(died.value)
            server.start()
            assert await ledger.find_evidence(key, "E1") == kept
            assert (await ledger.put_evidence(key, evidence("E2"))).id == "E2"
