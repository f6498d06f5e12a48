"""Loopback listeners: one vendor, one port, which can refuse connections and come back at the same address."""

import asyncio
import contextlib
import socket
from typing import cast

from starlette.types import ASGIApp
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

KEEP_ALIVE = 75
"""Seconds that an idle connection stays open: longer than any client's pool, as at the vendors."""


class Connection(H11Protocol):
    """uvicorn's connection that lets the application close it without an answer: `scope["state"]["transport"]`."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn narrows it
        """Hand the transport to the application and keep uvicorn's access log quiet."""
        super().connection_made(transport)
        self.access_log = False
        self.app_state = {**self.app_state, "transport": transport}

    def cut(self) -> None:
        """Drop the connection with whatever it is doing."""
        self.transport.abort()


class Listener:
    """Serves one ASGI application on a loopback port of its own."""

    def __init__(self, app: ASGIApp) -> None:
        """Reserve a free port; nothing is served before `start`."""
        self._config = Config(
            app,
            interface="asgi3",
            lifespan="off",
            ws="none",
            log_config=None,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE,
        )
        self._state = ServerState()
        self._server: asyncio.Server | None = None
        self._socket = _bound(0)
        self.port: int = self._socket.getsockname()[1]

    @property
    def address(self) -> str:
        """`http://127.0.0.1:PORT`."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def refusing(self) -> bool:
        """Whether connections are refused at this moment."""
        return self._server is None

    async def start(self) -> None:
        """Accept connections."""
        if self._server is None:
            self._server = await asyncio.get_running_loop().create_server(
                lambda: Connection(self._config, self._state, {}), sock=self._socket, backlog=1024
            )

    async def refuse(self) -> None:
        """Refuse connections from now on and drop the open ones; the port stays reserved for `start`."""
        if self._server is None:
            return
        await self.close()
        # A bound socket that does not listen makes the kernel answer with a reset, and nobody else can take the port.
        self._socket = _bound(self.port)

    async def close(self) -> None:
        """Stop for good and drop the open connections."""
        server, self._server = self._server, None
        if server is None:
            self._socket.close()
            return
        server.close()
        for connection in list(self._state.connections):
            cast(Connection, connection).cut()
        for task in list(self._state.tasks):
            task.cancel()
        await asyncio.gather(*self._state.tasks, return_exceptions=True)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(server.wait_closed(), 1.0)


def _bound(port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.setblocking(False)
    bound.bind(("127.0.0.1", port))
    return bound
