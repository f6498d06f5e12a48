"""ClickHouse for tests of its connector: a question, an opened connector, and a server of raw bytes that misbehaves."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from pydantic import JsonValue

from connectors.clickhouse import ClickHouseConnector
from models.customer import Window
from models.evidence import SourceRequest
from models.tenant import ClickHouseConfig
from models.vocabulary import Scope, Source
from tests.clickhouse_server import PASSWORD, USER
from tests.connectors.web_server import listening

Respond = Callable[[str, bytes], Awaitable[bytes] | bytes]


@asynccontextmanager
async def opened(url: str, password: str = PASSWORD, **config: object) -> AsyncIterator[ClickHouseConnector]:
    settings = {"url": url, "user": USER, **config}
    connector = ClickHouseConnector(ClickHouseConfig.model_validate(settings), password)
    try:
        yield connector
    finally:
        await connector.aclose()


def ask(
    sql: str,
    parameters: dict[str, JsonValue] | None = None,
    *,
    scope: Scope = Scope.FLEET,
    customer: str | None = None,
    row_limit: int = 200,
    byte_limit: int = 262_144,
    time_limit: float = 20.0,
    window: Window | None = None,
) -> SourceRequest:
    return SourceRequest(
        source=Source.CLICKHOUSE,
        operation="sql",
        scope=scope,
        customer=customer,
        text=sql,
        parameters=parameters or {},
        window=window,
        row_limit=row_limit,
        byte_limit=byte_limit,
        time_limit=time_limit,
        label="inv-abc/1/E3",
    )


@asynccontextmanager
async def far_end(respond: Respond) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A server of raw bytes that answers the client's opening questions as `respond` says, and keeps all that it hears."""
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                heard.append(head)
                lines = head.decode().lower().split("\r\n")
                length = next((int(line.split(":")[1]) for line in lines if line.startswith("content-length:")), 0)
                body = await reader.readexactly(length)
                heard.append(body)
                made = respond(head.decode(), body)
                reply = made if isinstance(made, bytes) else await made
                writer.write(reply)
                await writer.drain()
                # What is cut off, or not HTTP at all, ends with the connection.
                if b"Content-Length" not in reply or b"short" in reply:
                    return

    async with listening(serve) as url:
        yield url, heard


def ok(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


def failure(status: int, code: int = 0, text: bytes = b"") -> bytes:
    header = b"X-ClickHouse-Exception-Code: %d\r\n" % code if code else b""
    return b"HTTP/1.1 %d X\r\n%sContent-Length: %d\r\n\r\n%s" % (status, header, len(text), text)
