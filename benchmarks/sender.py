"""Posts over kept connections, with as little work as HTTP/1.1 allows: it shares the processors with what it measures.

An HTTP library took twice the processor time of the gateway that it asked, and was what came late.
"""

import asyncio
import contextlib
from collections.abc import Mapping
from types import TracebackType
from urllib.parse import urlsplit

PATIENCE = 30.0
BROKEN = 0
"""Stands for the status of an answer that did not come."""

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Sender:
    """Posts to one URL. Use as an async context manager; a request takes an idle connection or opens one."""

    def __init__(self, url: str) -> None:
        """Prepare; nothing is opened yet."""
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._head = f"POST {parts.path} HTTP/1.1\r\nhost: {parts.netloc}\r\n"
        self._idle: list[Connection] = []

    async def __aenter__(self) -> "Sender":
        """Open nothing yet."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close what is idle, which is all once every answer has come."""
        for _, writer in self._idle:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def post(self, body: bytes, headers: Mapping[str, str]) -> int:
        """Return the status of the answer; BROKEN where none came within PATIENCE seconds."""
        try:
            async with asyncio.timeout(PATIENCE):
                connection = self._idle.pop() if self._idle else await asyncio.open_connection(self._host, self._port)
                return await self._ask(connection, body, headers)
        except (OSError, asyncio.IncompleteReadError, TimeoutError):
            return BROKEN

    async def _ask(self, connection: Connection, body: bytes, headers: Mapping[str, str]) -> int:
        reader, writer = connection
        try:
            lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            writer.write(f"{self._head}{lines}content-length: {len(body)}\r\n\r\n".encode() + body)
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            await reader.readexactly(int(head.partition("content-length:")[2].split("\r\n")[0]))
        except BaseException:
            # Also when cancelled: nobody knows how much of the answer is still to come on this connection.
            writer.close()
            raise
        if "connection: close" in head:
            writer.close()
        else:
            self._idle.append(connection)
        return int(head.split(" ", 2)[1])
