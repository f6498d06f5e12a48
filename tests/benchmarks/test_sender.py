"""Tests of the load generator against a server of sockets."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from benchmarks.sender import BROKEN, Sender

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(handle: Handler) -> AsyncIterator[str]:
    """Serve with a function of each connection."""
    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hooks/a/b"


async def read(reader: asyncio.StreamReader) -> tuple[str, bytes]:
    """Read one request."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    return head, await reader.readexactly(int(head.partition("content-length: ")[2].split("\r\n")[0]))


async def test_a_kept_connection_carries_one_request_after_the_other() -> None:
    connections, asked = [], []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        for status in (b"202 Accepted", b"503 Service Unavailable"):
            asked.append(await read(reader))
            writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 2\r\n\r\n{}")
        writer.close()

    async with serving(handle) as url, Sender(url) as sender:
        assert [await sender.post(b"one", {"webhook-id": "1"}), await sender.post(b"two", {})] == [202, 503]
    assert len(connections) == 1
    assert asked[0][0].startswith("POST /hooks/a/b HTTP/1.1\r\nhost: 127.0.0.1:")
    assert "webhook-id: 1\r\n" in asked[0][0]
    assert [body for _, body in asked] == [b"one", b"two"]


async def test_an_answer_that_does_not_come_counts_as_broken_and_its_connection_is_not_used_again() -> None:
    connections = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        await read(reader)
        if len(connections) > 1:
            writer.write(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        writer.close()

    async with serving(handle) as url, Sender(url) as sender:
        assert [await sender.post(b"{}", {}) for _ in range(3)] == [BROKEN, 202, 202]
    assert len(connections) == 3


async def test_requests_at_the_same_time_take_a_connection_each() -> None:
    both = asyncio.Barrier(2)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read(reader)
        await both.wait()
        writer.write(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n")
        await reader.read()
        writer.close()

    async with serving(handle) as url, Sender(url) as sender:
        async with asyncio.timeout(30):
            statuses = await asyncio.gather(sender.post(b"{}", {}), sender.post(b"{}", {}))
            assert list(statuses) == [202, 202]


async def test_nobody_there_is_broken_too() -> None:
    async with serving(lambda reader, writer: asyncio.sleep(0)) as url:
        pass
    async with Sender(url) as sender:
        assert await sender.post(b"{}", {}) == BROKEN
