"""A small HTTP server on loopback that plays whatever a test tells it to, and remembers what reached it."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import parse_qs, urlsplit

from pydantic import JsonValue

from models.customer import Window
from models.evidence import SourceRequest
from models.vocabulary import Scope, Source

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
DAY = Window(start=NOW - timedelta(days=1), end=NOW)


@dataclass(frozen=True)
class Seen:
    """A request as it arrived."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.target).query)

    def one(self, name: str) -> str:
        return self.query.get(name, [""])[0]


@dataclass(frozen=True)
class Reply:
    """What to answer. `reset` closes the connection instead; `cut` closes it after half of the body."""

    body: JsonValue | bytes = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    reset: bool = False
    cut: bool = False


Handler = Callable[[Seen], Reply]


class FarEnd:
    """Answers with `handler`; `requests` and `connections` tell what came."""

    def __init__(self) -> None:
        self.handler: Handler = lambda seen: Reply({"error": {"message": f"unplanned {seen.target}"}}, status=418)
        self.requests: list[Seen] = []
        self.connections = 0
        self.bytes_received = 0
        self.url = ""
        self._tasks: set[asyncio.Task[None]] = set()

    def always(self, reply: Reply) -> None:
        self.handler = lambda _: reply

    @property
    def targets(self) -> list[str]:
        return [seen.target for seen in self.requests]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            while await self._exchange(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        except asyncio.CancelledError:
            # The server is going away; the streams' own callback would log a cancelled handler as an error.
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ")
        headers = {
            name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:] if line)
        }
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.bytes_received += len(head) + len(body)
        seen = Seen(method, target, headers, body)
        self.requests.append(seen)
        reply = self.handler(seen)
        if reply.delay:
            await asyncio.sleep(reply.delay)
        if reply.reset:
            writer.transport.abort()
            return False
        content = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        fields = {"content-type": "application/json", "content-length": str(len(content)), **reply.headers}
        writer.write(f"HTTP/1.1 {reply.status} Reply\r\n".encode())
        writer.write("".join(f"{name}: {value}\r\n" for name, value in fields.items()).encode() + b"\r\n")
        writer.write(content[: len(content) // 2] if reply.cut else content)
        await writer.drain()
        return not reply.cut

    async def stop(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def far_end() -> AsyncIterator[FarEnd]:
    """Run a far end on a free port."""
    end = FarEnd()
    server = await asyncio.start_server(end.serve, "127.0.0.1", 0)
    end.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield end
    finally:
        server.close()
        await end.stop()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(server.wait_closed(), 2)


def http_date(seconds: float) -> str:
    """Write the moment that many seconds from now as HTTP does."""
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


def ask(
    source: Source,
    operation: str,
    parameters: dict[str, JsonValue],
    *,
    window: Window | None = DAY,
    rows: int = 200,
    byte_limit: int = 262_144,
    time_limit: float = 10.0,
) -> SourceRequest:
    """Build a request as the activity does."""
    return SourceRequest(
        source=source,
        operation=operation,
        scope=Scope.SHARED,
        parameters=parameters,
        window=window,
        row_limit=rows,
        byte_limit=byte_limit,
        time_limit=time_limit,
    )
