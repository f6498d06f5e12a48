"""The pool of connectors: made once, shared, evicted when idle, closed at the end."""

import asyncio

import pytest

from connectors.base import Connector, Unavailable
from connectors.pool import PooledConnectors
from models.evidence import Answer, SourceRequest
from models.vocabulary import EvidenceStatus, Scope, Source

REQUEST = SourceRequest(source=Source.DOCS, operation="search", scope=Scope.SHARED)


class Recorder:
    """A connector that remembers what was done to it."""

    source = Source.DOCS

    def __init__(self, tenant: str) -> None:
        self.tenant = tenant
        self.closed = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.started = asyncio.Event()
        self.asked = 0

    async def fetch(self, request: SourceRequest) -> Answer:
        self.asked += 1
        self.started.set()
        await self.gate.wait()
        assert not self.closed
        return Answer(status=EvidenceStatus.EMPTY, asked=self.tenant)

    async def aclose(self) -> None:
        self.closed += 1


class Factory:
    """Makes recorders, slowly, and remembers them."""

    def __init__(self) -> None:
        self.made: list[Recorder] = []
        self.failures = 0
        self.gated = False

    async def next_one(self, after: int) -> Recorder:
        async with asyncio.timeout(10):
            while len(self.made) <= after:  # noqa: ASYNC110  # a list tells nobody that it grew
                await asyncio.sleep(0.005)
        return self.made[after]

    async def __call__(self, tenant: str) -> Connector | None:
        await asyncio.sleep(0.01)
        if self.failures:
            self.failures -= 1
            raise Unavailable("not yet")
        if tenant == "bare":
            return None
        self.made.append(Recorder(tenant))
        if self.gated:
            self.made[-1].gate.clear()
        return self.made[-1]


async def held(pool: PooledConnectors, tenant: str = "acme") -> Connector:
    connector = await pool.get(tenant, Source.DOCS)
    assert connector is not None
    return connector


async def test_many_that_ask_at_once_share_one() -> None:
    factory = Factory()
    pool = PooledConnectors({Source.DOCS: factory})
    connectors = await asyncio.gather(*(held(pool) for _ in range(30)))
    answers = await asyncio.gather(*(connector.fetch(REQUEST) for connector in connectors))
    assert len(factory.made) == 1
    assert factory.made[0].asked == 30
    assert {answer.asked for answer in answers} == {"acme"}
    assert connectors[0].source is Source.DOCS
    await pool.aclose()


async def test_tenants_never_share() -> None:
    factory = Factory()
    pool = PooledConnectors({Source.DOCS: factory})
    first, second = await asyncio.gather(held(pool, "acme"), held(pool, "globex"))
    assert (await first.fetch(REQUEST)).asked == "acme"
    assert (await second.fetch(REQUEST)).asked == "globex"
    await pool.aclose()
    assert [recorder.closed for recorder in factory.made] == [1, 1]


async def test_what_is_not_connected_is_none() -> None:
    pool = PooledConnectors({Source.DOCS: Factory()})
    assert await pool.get("bare", Source.DOCS) is None
    assert await pool.get("acme", Source.STRIPE) is None
    await pool.aclose()


async def test_a_factory_that_fails_is_asked_again() -> None:
    factory = Factory()
    factory.failures = 1
    pool = PooledConnectors({Source.DOCS: factory})
    with pytest.raises(Unavailable):
        await held(pool)
    assert (await (await held(pool)).fetch(REQUEST)).asked == "acme"
    await pool.aclose()


async def test_a_plain_function_makes_connectors_too() -> None:
    made = Recorder("acme")
    pool = PooledConnectors({Source.DOCS: lambda tenant: made})
    await (await held(pool)).fetch(REQUEST)
    assert made.asked == 1
    await pool.aclose()


async def test_idle_connectors_are_closed_and_made_again() -> None:
    factory = Factory()
    pool = PooledConnectors({Source.DOCS: factory}, idle_seconds=0.0)
    kept = await held(pool, "acme")
    await asyncio.sleep(0.01)
    await held(pool, "globex")
    assert [(recorder.tenant, recorder.closed) for recorder in factory.made] == [("acme", 1), ("globex", 0)]
    # What was handed out before still works, over a new client.
    assert (await kept.fetch(REQUEST)).asked == "acme"
    assert [recorder.tenant for recorder in factory.made] == ["acme", "globex", "acme"]
    await pool.aclose()


async def test_a_running_question_keeps_its_connector() -> None:
    factory = Factory()
    pool = PooledConnectors({Source.DOCS: factory}, idle_seconds=0.0)
    connector = await held(pool)
    factory.gated = True
    running = asyncio.create_task(connector.fetch(REQUEST))
    used = await factory.next_one(after=1)
    await used.started.wait()
    await held(pool, "globex")
    assert used.closed == 0
    used.gate.set()
    assert (await running).status is EvidenceStatus.EMPTY
    await pool.aclose()


async def test_one_user_cannot_close_it_for_the_others() -> None:
    factory = Factory()
    pool = PooledConnectors({Source.DOCS: factory})
    connector = await held(pool)
    await connector.aclose()
    assert (await connector.fetch(REQUEST)).asked == "acme"
    await pool.aclose()
    await pool.aclose()
    assert factory.made[0].closed == 1


async def test_a_closed_pool_makes_nothing_more() -> None:
    factory = Factory()
    pool = PooledConnectors({Source.DOCS: factory})
    making = asyncio.create_task(held(pool))
    await asyncio.sleep(0)
    await pool.aclose()
    with pytest.raises(RuntimeError, match="closed"):
        await making
    with pytest.raises(RuntimeError, match="closed"):
        await held(pool)
    assert all(recorder.closed == 1 for recorder in factory.made)


async def test_one_that_cannot_be_closed_does_not_keep_the_others_open() -> None:
    class Stuck(Recorder):
        async def aclose(self) -> None:
            raise OSError("stuck")

    factory = Factory()
    pool = PooledConnectors({Source.DOCS: factory, Source.LINEAR: Stuck})
    assert await pool.get("acme", Source.LINEAR) is not None
    await held(pool)
    await pool.aclose()
    assert factory.made[0].closed == 1
