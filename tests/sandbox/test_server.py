"""A listener: one port that can refuse and come back."""

import asyncio
import socket

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from sandbox.server import Listener
from sandbox.webhooks import NO_TLS

arrived = asyncio.Event()


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["path"] == "/wait":
        arrived.set()
        await asyncio.sleep(60)
    await PlainTextResponse("hello")(scope, receive, send)


async def test_it_refuses_before_it_starts_and_keeps_its_port_meanwhile() -> None:
    listener = Listener(hello)
    async with httpx.AsyncClient(verify=NO_TLS) as http:
        with pytest.raises(httpx.ConnectError):
            await http.get(listener.address)
        with pytest.raises(OSError, match="in use"), socket.socket() as other:
            other.bind(("127.0.0.1", listener.port))
        await listener.start()
        assert (await http.get(listener.address)).text == "hello"
        await listener.refuse()
        await listener.refuse()
        assert listener.refusing
        with pytest.raises(httpx.ConnectError):
            await http.get(listener.address)
        await listener.start()
        await listener.start()
        assert (await http.get(listener.address)).text == "hello"
        await listener.close()
        await listener.close()
        with pytest.raises(httpx.ConnectError):
            await http.get(listener.address)


async def test_closing_drops_requests_that_are_being_answered() -> None:
    listener = Listener(hello)
    await listener.start()
    async with httpx.AsyncClient(verify=NO_TLS, timeout=30) as http:
        waiting = asyncio.ensure_future(http.get(f"{listener.address}/wait"))
        await asyncio.wait_for(arrived.wait(), 10)
        await asyncio.wait_for(listener.close(), 10)
        with pytest.raises(httpx.TransportError):
            await waiting


async def test_a_listener_that_was_never_started_can_be_closed() -> None:
    listener = Listener(hello)
    await listener.close()
