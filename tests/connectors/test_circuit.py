"""A source that keeps failing is not asked for a while; it comes back by itself; one wrong question opens nothing."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connectors.base import CircuitOpen, RateLimited, SlowAnswer, Unavailable
from connectors.circuit import FAILURES, FIRST_WAIT, LONGEST_WAIT, WITHIN, Circuits
from connectors.pool import PooledConnectors
from ledger.circuits import SqlCircuitBoard
from ledger.store import SqlLedger
from models.coordination import Circuit
from models.evidence import Answer, SourceRequest
from models.vocabulary import EvidenceStatus, Scope, Source
from tests.fakes import ScriptedConnector, found
from tests.master_keys import KEYRING

ROWS = found({"n": 1})
PAGE = Source.STATUSPAGE


class Far:
    """A source that can be down, on a clock of its own."""

    def __init__(self) -> None:
        self.now = 100.0
        self.error: Exception | None = Unavailable("refused")
        self.asked = 0
        self.free = asyncio.Event()
        self.free.set()
        self.seen: list[tuple[str, Source, bool]] = []
        self.circuits = Circuits(self.watch, worker="w1", clock=lambda: self.now)

    def watch(self, tenant: str, source: Source, circuit: Circuit | None) -> None:
        self.seen.append((tenant, source, circuit is not None))

    async def fetch(self) -> Answer:
        self.asked += 1
        await self.free.wait()
        if self.error:
            raise self.error
        return ROWS

    async def ask(self, tenant: str = "acme") -> Answer:
        return await self.circuits.ask(tenant, PAGE, self.fetch)

    async def fail(self, times: int = FAILURES) -> None:
        for _ in range(times):
            with pytest.raises(Unavailable):
                await self.ask()


@pytest.mark.parametrize("error", [Unavailable("refused"), SlowAnswer("no answer")], ids=["down", "slow"])
async def test_after_many_failures_it_is_not_asked(error: Exception) -> None:
    far = Far()
    far.error = error
    await far.fail()
    with pytest.raises(CircuitOpen, match=f"StatusPage was not asked: it failed {FAILURES} times in a row"):
        await far.ask()
    assert far.asked == FAILURES
    assert far.seen == [("acme", PAGE, True)]
    with pytest.raises(type(error)):
        await far.ask("globex")
    assert far.asked == FAILURES + 1, "another tenant's source is another source"


async def test_it_closes_by_itself_once_the_source_answers() -> None:
    far = Far()
    await far.fail()
    far.now += FIRST_WAIT + 0.1
    far.error = None
    assert await far.ask() == ROWS
    assert await far.ask() == ROWS
    assert far.seen == [("acme", PAGE, True), ("acme", PAGE, False)]


async def test_one_question_tries_and_the_others_wait_for_what_comes_of_it() -> None:
    far = Far()
    await far.fail()
    far.now += FIRST_WAIT + 0.1
    far.error = None
    far.free.clear()
    asking = [asyncio.ensure_future(far.ask()) for _ in range(20)]
    await asyncio.sleep(0.05)
    assert far.asked == FAILURES + 1
    far.free.set()
    assert await asyncio.gather(*asking) == [ROWS] * 20


async def test_a_failed_try_keeps_it_open_for_twice_as_long() -> None:
    far = Far()
    await far.fail()
    far.now += FIRST_WAIT + 0.1
    far.free.clear()
    asking = [asyncio.ensure_future(far.ask()) for _ in range(5)]
    await asyncio.sleep(0.05)
    far.free.set()
    failures = await asyncio.gather(*asking, return_exceptions=True)
    assert sorted(type(failure).__name__ for failure in failures) == ["CircuitOpen"] * 4 + ["Unavailable"]
    far.now += FIRST_WAIT + 0.1
    with pytest.raises(CircuitOpen):
        await far.ask()
    for _ in range(10):
        far.now += LONGEST_WAIT + 0.1
        with pytest.raises(Unavailable, match="refused"):
            await far.ask()
    far.now += LONGEST_WAIT + 0.1
    far.error = None
    assert await far.ask() == ROWS


async def test_a_try_that_is_given_up_lets_another_one_try() -> None:
    far = Far()
    await far.fail()
    far.now += FIRST_WAIT + 0.1
    far.error = None
    far.free.clear()
    first = asyncio.ensure_future(far.ask())
    await asyncio.sleep(0.02)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    far.free.set()
    assert await far.ask() == ROWS


@pytest.mark.parametrize("error", [RateLimited("slow down"), ValueError("no such operation")], ids=["429", "our-bug"])
async def test_what_answers_or_was_never_asked_opens_nothing(error: Exception) -> None:
    far = Far()
    far.error = error
    for _ in range(3 * FAILURES):
        with pytest.raises(type(error)):
            await far.ask()
    assert far.seen == []


async def test_failures_far_apart_and_one_answer_between_begin_a_new_row() -> None:
    far = Far()
    await far.fail(FAILURES - 1)
    far.now += WITHIN + 1
    await far.fail(FAILURES - 1)
    far.error = None
    await far.ask()
    far.error = Unavailable("refused")
    await far.fail(FAILURES - 1)
    assert far.seen == []


async def test_the_pool_stops_asking_and_its_circuit_is_per_source() -> None:
    down = ScriptedConnector(PAGE, {"list_incidents": Unavailable("refused")})
    up = ScriptedConnector(Source.DOCS, {})
    pool = PooledConnectors({PAGE: lambda _: down, Source.DOCS: lambda _: up})
    request = SourceRequest(source=PAGE, operation="list_incidents", scope=Scope.SHARED)
    page, docs = await pool.get("acme", PAGE), await pool.get("acme", Source.DOCS)
    assert page is not None
    assert docs is not None
    for _ in range(FAILURES):
        with pytest.raises(Unavailable, match="refused"):
            await page.fetch(request)
    with pytest.raises(CircuitOpen):
        await page.fetch(request)
    assert len(down.asked) == FAILURES
    assert (await docs.fetch(request)).status is EvidenceStatus.EMPTY
    await pool.aclose()


async def test_what_is_open_stands_in_the_ledger_until_it_closes(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    one = Circuit(tenant="acme", source=PAGE, worker="w1", reason="10 failures", opened_at=now, until=now)
    dead = one.model_copy(update={"worker": "w0", "until": now - timedelta(hours=1)})
    async with await SqlLedger.open(f"sqlite:///{tmp_path}/ledger.db", KEYRING) as ledger:
        board = SqlCircuitBoard(ledger.database)
        for circuit in (one, dead, one.model_copy(update={"until": now + timedelta(seconds=9)})):
            await board.keep_circuit(circuit)
        [shown] = await board.open_circuits(now)
        assert (shown.worker, shown.until) == ("w1", now + timedelta(seconds=9))
        await board.clear_circuit("acme", PAGE.value, "w1")
        assert await board.open_circuits(now) == []
