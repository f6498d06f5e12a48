"""A web server on loopback for tests: answers by path, and keeps what it was asked."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


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
        try:
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
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    web.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    try:
        yield web
    finally:
        if web.hanging is not None:
            web.hanging.set()
        listener.close()
