"""The ClickHouse connector against servers that misbehave, say no, or are not there."""

import asyncio
import logging

import pytest
from pydantic import HttpUrl

from connectors.base import ConnectorError, RateLimited, SlowAnswer, Unavailable
from models.vocabulary import EvidenceStatus
from tests.clickhouse_server import ClickHouseServer
from tests.connectors.clickhouse_far_end import ask, failure, far_end, opened


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (failure(503, 0, b"<html>no upstream</html>"), Unavailable),
        (failure(502), Unavailable),
        (failure(429), RateLimited),
        (failure(500, 202, b"Code: 202. DB::Exception: Too many simultaneous queries"), RateLimited),
        (failure(500, 745, b"Code: 745. DB::Exception: overloaded"), RateLimited),
        (failure(500, 210, b"Code: 210. DB::NetException"), Unavailable),
        (failure(500, 241, b"Code: 241. DB::Exception: Memory limit (total) exceeded: would use 9 GiB"), Unavailable),
        (failure(408, 159, b"Code: 159. DB::Exception: Timeout exceeded"), SlowAnswer),
        (b"", Unavailable),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", Unavailable),
        (b"this is not HTTP\r\n\r\n", Unavailable),
    ],
)
async def test_trouble_that_may_pass_is_raised(reply: bytes, kind: type[ConnectorError]) -> None:
    async with far_end(lambda head, body: reply) as (url, heard), opened(url) as connector:
        with pytest.raises(Unavailable) as raised:
            await connector.fetch(ask("SELECT 1 AS x", time_limit=3))
        assert type(raised.value) is kind or (reply[9:12] == b"200" and isinstance(raised.value, Unavailable))
        # One question, however it failed: the client does not try again by itself.
        assert len([part for part in heard if part.startswith(b"POST")]) == 1


@pytest.mark.parametrize("status", [401, 403])
async def test_a_proxy_that_says_no_is_denied(status: int) -> None:
    async with far_end(lambda head, body: failure(status, 0, b"no")) as (url, _), opened(url) as connector:
        assert (await connector.fetch(ask("SELECT 1 AS x"))).status is EvidenceStatus.DENIED


async def test_no_server_prints_nothing_where_no_logging_is_set_up(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    async with opened("http://127.0.0.1:9") as connector:
        with pytest.raises(Unavailable):
            await connector.fetch(ask("SELECT 1 AS x"))
    assert capsys.readouterr().err == ""


async def test_no_server_is_unavailable_and_a_later_one_is_found(server: ClickHouseServer) -> None:
    async with opened("http://127.0.0.1:9") as connector:
        with pytest.raises(Unavailable):
            await connector.fetch(ask("SELECT 1 AS x"))
        connector._config = connector._config.model_copy(update={"url": HttpUrl(server.url)})
        assert (await connector.fetch(ask("SELECT 1 AS x"))).status is EvidenceStatus.FOUND


async def test_a_server_that_never_answers_is_slow() -> None:
    never = asyncio.Event()

    async def hang(head: str, body: bytes) -> bytes:
        await never.wait()
        return b""

    async with far_end(hang) as (url, _), opened(url) as connector:
        with pytest.raises(SlowAnswer):
            await connector.fetch(ask("SELECT 1 AS x", time_limit=0.3))
        never.set()
