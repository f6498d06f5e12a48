"""What stands where the product's gateway would: takes webhooks, remembers them, answers as it is told."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from sandbox.server import Listener


@dataclass(frozen=True)
class Hook:
    """One webhook as it came."""

    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Receiver:
    """`async with Receiver() as receiver: receiver.url("zendesk")`."""

    answers: list[int] = field(default_factory=list)
    """Statuses of the next answers; 202 after them."""
    hooks: list[Hook] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        self._arrived = asyncio.Condition()
        self._listener = Listener(self._app)
        await self._listener.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._listener.close()

    def url(self, helpdesk: str) -> str:
        """Return the webhook address of a helpdesk."""
        return f"{self._listener.address}/hooks/t/{helpdesk}"

    async def refuse(self) -> None:
        """Go down; the address stays."""
        await self._listener.refuse()

    async def come_back(self) -> None:
        """Listen again."""
        await self._listener.start()

    async def wait_for(self, count: int) -> list[Hook]:
        """Return the hooks as soon as there are so many."""
        async with self._arrived:
            await asyncio.wait_for(self._arrived.wait_for(lambda: len(self.hooks) >= count), 10)
        return self.hooks

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = b""
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        async with self._arrived:
            self.hooks.append(Hook(scope["path"], dict(Headers(scope=scope)), body))
            self._arrived.notify_all()
        status = self.answers.pop(0) if self.answers else 202
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})
