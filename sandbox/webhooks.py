"""Deliveries of the helpdesks' webhooks: signed at each attempt, tried again as the vendors do, remembered."""

import asyncio
import base64
import hashlib
import hmac
import json
import ssl
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

import httpx
from pydantic import JsonValue
from standardwebhooks import Webhook

from sandbox.clock import stamp, wall_clock

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Trusts nobody: all addresses are on loopback, and loading the machine's certificates takes longer than starting a vendor."""
TIMEOUT = 10.0
"""Seconds that a webhook's receiver has."""
WAITS = (0.5, 2.0, 5.0)
"""Seconds before the second attempt and the next ones; the vendors wait longer, people who watch a demo do not."""


class Signer(Protocol):
    """Signs one delivery at the moment that it is sent."""

    def headers(self, delivery: str, body: bytes, at: datetime) -> Mapping[str, str]:
        """Return the headers that identify and sign the body."""
        ...


class ZendeskSigner:
    """base64(HMAC-SHA256(secret, timestamp + body)); the secret is used as the text that it is."""

    def __init__(self, secret: str, webhook_id: str) -> None:
        """Take the webhook's signing secret and id."""
        self._secret = secret.encode()
        self._webhook_id = webhook_id

    def headers(self, delivery: str, body: bytes, at: datetime) -> Mapping[str, str]:
        """Return Zendesk's headers; the invocation id is of the delivery, so a redelivery has the same."""
        signed_at = stamp(at)
        digest = hmac.new(self._secret, signed_at.encode() + body, hashlib.sha256).digest()
        return {
            "x-zendesk-webhook-id": self._webhook_id,
            "x-zendesk-webhook-invocation-id": delivery,
            "x-zendesk-webhook-signature-timestamp": signed_at,
            "x-zendesk-webhook-signature": base64.b64encode(digest).decode(),
            "user-agent": "Zendesk Webhook",
        }


class StandardSigner:
    """Standard Webhooks, by the reference library."""

    def __init__(self, secret: str) -> None:
        """Take a `whsec_…` secret."""
        self._webhook = Webhook(secret)

    def headers(self, delivery: str, body: bytes, at: datetime) -> Mapping[str, str]:
        """Return the three headers."""
        return {
            "webhook-id": delivery,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": self._webhook.sign(delivery, at.astimezone(UTC), body.decode()),
            "user-agent": "Sandbox Helpdesk",
        }


@dataclass(slots=True)
class Delivery:
    """One event on its way to the product."""

    id: str
    helpdesk: str
    ticket: int
    kind: str
    body: bytes
    signer: Signer
    statuses: list[int] = field(default_factory=list)
    """What each attempt got; 0 where nobody answered."""

    def as_json(self) -> dict[str, JsonValue]:
        """Return the delivery without its body."""
        return {
            "id": self.id,
            "helpdesk": self.helpdesk,
            "ticket": str(self.ticket),
            "kind": self.kind,
            "statuses": list(self.statuses),
        }


def _may_pass(status: int) -> bool:
    """Whether the vendors try again after such an answer."""
    return status in (0, 409, 429) or status >= 500


def event_body(event: Mapping[str, object]) -> bytes:
    """Write an event as it goes over the wire; these bytes are what is signed."""
    return json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode()


class Courier:
    """Sends deliveries to the product's webhook addresses."""

    def __init__(
        self,
        urls: Mapping[str, str],
        clock: Callable[[], datetime] = wall_clock,
        waits: Sequence[float] = WAITS,
    ) -> None:
        """Take the address of each helpdesk; one without an address keeps its deliveries and sends none.

        Args:
            urls: Helpdesk to webhook address.
            clock: The time that is signed.
            waits: Seconds before each further attempt.
        """
        self.urls = dict(urls)
        self._clock = clock
        self._waits = waits
        self.deliveries: list[Delivery] = []
        self._tasks: set[asyncio.Task[object]] = set()
        limits = httpx.Limits(max_connections=200, max_keepalive_connections=100)
        # What is sent here goes to loopback: a proxy of the environment has no part in it.
        self._client = httpx.AsyncClient(timeout=TIMEOUT, limits=limits, verify=NO_TLS, trust_env=False)

    def last(self, ticket: int) -> Delivery | None:
        """Return the latest delivery about a ticket that could start something, else the latest of all."""
        about = [one for one in self.deliveries if one.ticket == ticket]
        return next((one for one in reversed(about) if one.kind != "note"), about[-1] if about else None)

    async def deliver(self, delivery: Delivery, copies: int = 1) -> list[int]:
        """Send a delivery now, with later attempts in the background if nobody takes it.

        Args:
            delivery: The event.
            copies: How often the same signed request goes out at the same moment.

        Returns:
            The HTTP status of each copy; 0 where nobody answered or no address is known.
        """
        if delivery not in self.deliveries:
            self.deliveries.append(delivery)
        signed = delivery.signer.headers(delivery.id, delivery.body, self._clock())
        statuses = list(await asyncio.gather(*(self._attempt(delivery, signed) for _ in range(copies))))
        if self.urls.get(delivery.helpdesk) and all(_may_pass(status) for status in statuses):
            self._start(self._again(delivery))
        return statuses

    def post(self, delivery: Delivery) -> None:
        """Deliver in the background."""
        self.deliveries.append(delivery)
        self._start(self.deliver(delivery))

    def keep(self, delivery: Delivery) -> None:
        """Remember a delivery without sending it."""
        self.deliveries.append(delivery)

    def _start(self, work: Coroutine[None, None, object]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _again(self, delivery: Delivery) -> None:
        for wait in self._waits:
            await asyncio.sleep(wait)
            signed = delivery.signer.headers(delivery.id, delivery.body, self._clock())
            if not _may_pass(await self._attempt(delivery, signed)):
                return

    async def _attempt(self, delivery: Delivery, signed: Mapping[str, str]) -> int:
        url = self.urls.get(delivery.helpdesk, "")
        if not url:
            return 0
        try:
            response = await self._client.post(
                url, content=delivery.body, headers={"content-type": "application/json", **signed}
            )
            status = response.status_code
        except httpx.HTTPError:
            status = 0
        delivery.statuses.append(status)
        return status

    async def settle(self) -> None:
        """Wait until nothing is on its way."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def aclose(self) -> None:
        """Stop all deliveries."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._client.aclose()
