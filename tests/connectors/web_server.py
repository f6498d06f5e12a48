"""Servers on loopback for tests: one that answers by path and keeps what it was asked, and one for any other talk."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ssl import SSLContext


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class WebServer:
    """What to answer: a path's reply, or a function of the request; a path without one gets 404."""

    url: str = ""
    pages: dict[str, "bytes | Callable[[Asked], bytes]"] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    hanging: asyncio.Event | None = None
    """While set to an event, every answer waits for it."""

    def paths(self) -> list[str]:
        """Return the paths asked for, in order."""
        return [asked.path for asked in self.asked]


def reply(body: bytes | str = b"", status: int = 200, **headers: str) -> bytes:
    """Build an HTTP answer; underscores in header names become hyphens."""
    content = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(content)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + content


@asynccontextmanager
async def web_server(pages: Mapping[str, bytes | Callable[[Asked], bytes]] | None = None) -> AsyncIterator[WebServer]:
    """Serve until the block ends."""
    web = WebServer(pages=dict(pages or {}))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                first, *lines = head.strip().split("\r\n")
                method, target, _ = first.split(" ")
                headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                asked = Asked(method, target, headers, body)
                web.asked.append(asked)
                if web.hanging is not None:
                    await web.hanging.wait()
                made = web.pages.get(target.partition("?")[0], reply(status=404))
                writer.write(made if isinstance(made, bytes) else made(asked))
                await writer.drain()
                if b"X-Cut" in (made if isinstance(made, bytes) else b""):
                    break

    async with listening(serve) as web.url:
        yield web


@asynccontextmanager
async def listening(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
    tls: SSLContext | None = None,
) -> AsyncIterator[str]:
    """Serve each connection by that function until the block ends; yields the URL. Nothing of it is left behind."""
    running: set[asyncio.Task[None]] = set()

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        running.add(task)
        try:
            await serve(reader, writer)
        except asyncio.CancelledError:
            # The end of the block, not a failure that the loop should report.
            pass
        finally:
            running.discard(task)
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    listener = await asyncio.start_server(one, "127.0.0.1", 0, ssl=tls)
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    finally:
        listener.close()
        tasks = list(running)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
