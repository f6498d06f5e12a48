"""What may be asked of a source in a minute, held to by workers that know nothing of each other."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from cli.rate_budget import LedgerBudget
from connectors.base import RateBudget, Unavailable
from connectors.circuit import FAILURES
from connectors.http import SENT
from connectors.pool import PooledConnectors
from ledger.migrations import upgrade
from ledger.rates import BURST, SqlRates
from ledger.store import SqlLedger
from models.evidence import Answer, SourceRequest
from models.tenant import LinearConfig, Tenant
from models.vocabulary import Scope, Source
from tests.cli.running import CHECKOUT
from tests.fakes import ScriptedConnector, found
from tests.master_keys import KEYRING
from tests.workflows.house import TENANT

REQUEST = SourceRequest(source=Source.LINEAR, operation="search_issues", scope=Scope.SHARED)
WORKER = """
import asyncio, sys, time
from ledger.database import Database
from ledger.rates import SqlRates
async def main():
    database = Database.connect(sys.argv[1])
    rates, taken, until = SqlRates(database), 0, time.monotonic() + 3
    while time.monotonic() < until:
        taken += await rates.reserve("acme", "linear", 60, 1, 0.0) is not None
    await database.aclose()
    print(taken)
asyncio.run(main())
"""


@pytest_asyncio.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[SqlLedger]:
    async with await SqlLedger.open(f"sqlite:///{tmp_path}/ledger.db", KEYRING) as opened:
        yield opened


def tenant(per_minute: int) -> Tenant:
    config = LinearConfig(api_key="env:NONE", requests_per_minute=per_minute)
    return TENANT.model_copy(update={"connectors": {Source.LINEAR: config}})


def pool(ledger: SqlLedger, connector: ScriptedConnector, per_minute: int) -> PooledConnectors:
    """What one worker has."""
    budget = LedgerBudget(SqlRates(ledger.database), {"acme": tenant(per_minute)})
    return PooledConnectors({Source.LINEAR: lambda _: connector}, budget=budget)


async def asked(pool: PooledConnectors) -> str:
    connector = await pool.get("acme", Source.LINEAR)
    assert connector is not None
    try:
        await connector.fetch(REQUEST)
    except RateBudget as error:
        return f"{error}, come again: {bool(error.retry_after)}"
    return ""


async def test_two_processes_together_keep_to_it(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"
    await upgrade(url)
    workers = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", WORKER, url, stdout=asyncio.subprocess.PIPE, cwd=CHECKOUT
        )
        for _ in range(2)
    ]
    taken = [int((await worker.communicate())[0]) for worker in workers]
    # A full bucket, and one for each second in which either ran; they may have begun some seconds apart.
    assert BURST <= sum(taken) <= BURST + 20


async def test_what_is_used_up_is_said_and_comes_back(ledger: SqlLedger) -> None:
    connector = ScriptedConnector(Source.LINEAR, {"search_issues": found({"n": 1})})
    one, two = pool(ledger, connector, 12), pool(ledger, connector, 12)
    said = [await asked(each) for _ in range(4) for each in (one, two)]
    assert len(connector.asked) == 2, "ten seconds' worth of twelve a minute"
    assert said[-1] == "rate budget: the 12 requests a minute to Linear are used up, come again: True"


async def test_what_a_question_really_cost_is_taken(ledger: SqlLedger) -> None:
    class Costly(ScriptedConnector):
        async def fetch(self, request: SourceRequest) -> Answer:
            counted = SENT.get()
            assert counted is not None
            counted.extend([None] * 9)
            return await super().fetch(request)

    connector = Costly(Source.LINEAR, {"search_issues": found({"n": 1})})
    worker = pool(ledger, connector, 60)
    for _ in range(6):
        await asked(worker)
    assert len(connector.asked) == 1, "one of ten is left, and the next question probably costs nine"


async def test_of_two_at_once_each_costs_what_it_did(ledger: SqlLedger) -> None:
    budget = LedgerBudget(SqlRates(ledger.database), {"acme": tenant(60)})
    taken = [await budget.take("acme", Source.LINEAR) for _ in range(2)]
    for each in taken:
        await budget.settle("acme", Source.LINEAR, each, 9)
    wait = await SqlRates(ledger.database).reserve("acme", "linear", 60, 1, at_most=60)
    assert wait is not None
    assert wait > 1, "ten were there, and eighteen were asked"


async def test_without_a_limit_nothing_is_counted(ledger: SqlLedger) -> None:
    connector = ScriptedConnector(Source.LINEAR, {"search_issues": found({"n": 1})})
    worker = pool(ledger, connector, 0)
    assert [await asked(worker) for _ in range(50)] == [""] * 50


async def test_a_used_up_budget_opens_no_circuit_and_an_open_circuit_costs_none(ledger: SqlLedger) -> None:
    down = ScriptedConnector(Source.LINEAR, {"search_issues": Unavailable("refused")})
    worker = pool(ledger, down, 60_000)
    connector = await worker.get("acme", Source.LINEAR)
    assert connector is not None
    for _ in range(FAILURES + 5):
        with pytest.raises(Unavailable):
            await connector.fetch(REQUEST)
    assert len(down.asked) == FAILURES
    tight = pool(ledger, ScriptedConnector(Source.LINEAR, {"search_issues": found({"n": 1})}), 6)
    for _ in range(3 * FAILURES):
        await asked(tight)
    assert not tight.circuits.is_open("acme", Source.LINEAR)
