"""The port in front of the engine, with a plain HTTP server where the engine would be."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from sandbox.clickhouse_front import ClickHouseFront
from sandbox.clock import Latency, wall_clock
from sandbox.faults import Fault, FaultBoard
from sandbox.journal import Journal
from sandbox.server import Listener
from sandbox.vendor import Stage
from sandbox.webhooks import NO_TLS


@dataclass
class Engine:
    """Answers as told, and remembers what came."""

    bodies: list[bytes] = field(default_factory=list)
    queries: list[bytes] = field(default_factory=list)
    hung_up: asyncio.Event = field(default_factory=asyncio.Event)
    code: str = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        self.bodies.append(await request.body())
        self.queries.append(scope["query_string"])
        if scope["path"] == "/wait":
            await receive()
            self.hung_up.set()
            return
        headers = {"x-clickhouse-summary": "{}"} | ({"x-clickhouse-exception-code": self.code} if self.code else {})
        await Response(b"\x00\x01native", 500 if self.code else 200, headers)(scope, receive, send)


@dataclass
class Front:
    """The front, its engine and what was recorded."""

    engine: Engine
    stage: Stage
    address: str
    http: httpx.AsyncClient


@pytest.fixture
async def front() -> AsyncIterator[Front]:
    engine = Engine()
    stage = Stage(Journal(), FaultBoard(), Latency(), wall_clock())
    vendor = ClickHouseFront(stage)
    behind, before = Listener(engine), Listener(vendor)
    await behind.start()
    await before.start()
    vendor.upstream = behind.address
    async with httpx.AsyncClient(verify=NO_TLS) as http:
        yield Front(engine, stage, before.address, http)
    await before.close()
    await vendor.aclose()
    await behind.close()


async def test_bytes_pass_unchanged_both_ways(front: Front) -> None:
    url = f"{front.address}/?param_a=x%27y&password=s3cret&query_id=q"
    answer = await front.http.post(url, content=b"SELECT {a:String}\n FORMAT Native")
    assert (answer.content, answer.headers["x-clickhouse-summary"]) == (b"\x00\x01native", "{}")
    assert front.engine.bodies == [b"SELECT {a:String}\n FORMAT Native"]
    assert front.engine.queries == [b"param_a=x%27y&password=s3cret&query_id=q"]
    recorded = front.stage.journal.requests("clickhouse")[0]
    assert recorded.query == "param_a=x%27y&password=…&query_id=q"


async def test_a_refused_statement_is_a_write(front: Front) -> None:
    front.engine.code = "164"
    await front.http.post(front.address, content=b"DROP TABLE x")
    assert [(one.what, one.body) for one in front.stage.journal.writes] == [
        ("statement refused as a write", "DROP TABLE x")
    ]
    front.engine.code = "62"
    await front.http.post(front.address, content=b"SELEC")
    assert len(front.stage.journal.writes) == 1


async def test_a_caller_that_hangs_up_takes_the_engines_connection_with_it(front: Front) -> None:
    with pytest.raises(httpx.ReadTimeout):
        await front.http.get(f"{front.address}/wait", timeout=0.2)
    await asyncio.wait_for(front.engine.hung_up.wait(), 10)


async def test_faults_and_a_dead_engine_speak_clickhouse(front: Front) -> None:
    front.stage.faults.add(Fault(vendor="clickhouse", kind="rate-limit", times=1))
    busy = await front.http.post(front.address, content=b"SELECT 1")
    assert busy.headers["x-clickhouse-exception-code"] == "202"
    assert front.engine.bodies == []
    front.stage.faults.add(Fault(vendor="clickhouse", kind="status", status=500, times=1))
    broken = await front.http.post(front.address, content=b"SELECT 1")
    assert broken.text.startswith("Code: 1002. DB::Exception")
