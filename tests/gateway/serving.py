"""The gateway in process, with real receivers and a start that is written down."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx
from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from pydantic import HttpUrl

from gateway.app import create_app
from helpdesks.base import Receiver
from helpdesks.standard_inbound import StandardReceiver
from helpdesks.zendesk_inbound import ZendeskReceiver
from models.tenant import StandardConfig, ZendeskConfig
from models.ticket import TicketRef, Trigger
from tests.helpdesks.signers import STANDARD_SECRET, ZENDESK_SECRET

NOW = datetime(2026, 11, 21, 10, 0, 30, tzinfo=UTC)

RECEIVERS: dict[tuple[str, str], Receiver] = {
    ("acme", "zendesk"): ZendeskReceiver(
        ZendeskConfig(
            kind="zendesk",
            base_url=HttpUrl("https://acme.zendesk.example"),
            email="bot@vendor.example",
            token="env:T",
            webhook_secrets=["env:A"],
            actor_id="777",
        ),
        [ZENDESK_SECRET],
    ),
    ("acme", "desk"): StandardReceiver(
        StandardConfig(
            kind="standard",
            note_url=HttpUrl("https://desk.example/n"),
            ticket_url=HttpUrl("https://desk.example/t/{ticket}"),
            webhook_secrets=["env:A"],
        ),
        [STANDARD_SECRET],
    ),
}


async def reachable() -> bool:
    return True


@dataclass
class Started:
    """Stands where Temporal is called, and fails on demand."""

    calls: list[tuple[TicketRef, Trigger]] = field(default_factory=list)
    failure: Exception | None = None

    async def __call__(self, ref: TicketRef, trigger: Trigger) -> None:
        if self.failure:
            raise self.failure
        self.calls.append((ref, trigger))


def gateway(
    start: Callable[[TicketRef, Trigger], Awaitable[None]],
    *,
    check: Callable[[], Awaitable[bool]] = reachable,
    registry: CollectorRegistry | None = None,
    docs: bool = False,
    clock: Callable[[], datetime] | None = lambda: NOW,
) -> FastAPI:
    """The gateway with the two helpdesks of tenant acme, at a fixed time."""
    return create_app(
        lambda tenant, helpdesk: RECEIVERS.get((tenant, helpdesk)),
        start,
        check,
        registry=registry,
        docs=docs,
        clock=clock,
    )


@asynccontextmanager
async def calling(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway.example") as client:
        yield client
