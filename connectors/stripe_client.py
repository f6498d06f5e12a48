"""The Stripe SDK as this product uses it: GET alone, bounded answers, and what its error classes mean."""

import re
from collections.abc import AsyncIterator, Mapping
from contextvars import ContextVar
from typing import NoReturn

import httpx
import stripe

from connectors.base import RateLimited, Unavailable, WriteRefused
from connectors.http import ReadOnlyHttp, retry_after
from connectors.stripe_rows import Thing, at
from models.vocabulary import EvidenceStatus

_CLIENT_ERRORS = frozenset(range(400, 500)) - {408, 425, 429}
"""Left to the SDK, which knows what Stripe means by them."""

sent_requests: ContextVar[list[str] | None] = ContextVar("stripe_sent_requests", default=None)
"""Where the requests of the question at hand are written down, as sent."""


class ReadOnlyStripeHttp(stripe.HTTPClient):
    """The SDK's HTTP client, reduced to bounded GETs over our own. A write raises `WriteRefused` before a byte is sent."""

    name = "whydesk"

    def __init__(self, base_url: str, transport: httpx.AsyncBaseTransport | None = None) -> None:
        """Open nothing yet; `transport` replaces the network in tests."""
        super().__init__()
        # A second wall: this one refuses writes too, should a later SDK get past the methods below.
        self._pool = ReadOnlyHttp(base_url, timeout=60, transport=transport)

    def request(  # type: ignore[override]  # the SDK's own asynchronous client narrows it the same way
        self, method: str, url: str, headers: Mapping[str, str], post_data: object = None
    ) -> NoReturn:
        """Refuse: the connector is asynchronous."""
        _refuse_unless_get(method, url)
        raise RuntimeError("Stripe is asked asynchronously here; call the method whose name ends in _async")

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: object = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        """Send a GET and read its bounded answer.

        Raises:
            WriteRefused: any other method.
            ConnectorError, Declined: as connectors.http; other 4xx answers go up to the SDK.
        """
        _refuse_unless_get(method, url)
        if (sent := sent_requests.get()) is not None:
            sent.append(f"GET {httpx.URL(url).raw_path.decode()}")
        reply = await self._pool.get(url, headers=headers, accept=_CLIENT_ERRORS)
        return reply.content, reply.status, reply.headers

    def request_stream(  # type: ignore[override]  # as above
        self, method: str, url: str, headers: Mapping[str, str], post_data: object = None
    ) -> NoReturn:
        """Refuse: nothing that the connector asks is streamed."""
        _refuse_unless_get(method, url)
        raise RuntimeError("Stripe's streamed answers are files, which this connector does not read")

    async def request_stream_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: object = None
    ) -> NoReturn:
        """Refuse: nothing that the connector asks is streamed."""
        self.request_stream(method, url, headers, post_data)

    async def close_async(self) -> None:
        """Close all connections."""
        await self._pool.aclose()


async def items(page: stripe.StripeObject, limit: int) -> AsyncIterator[Thing]:
    """Yield the objects of a list over its pages, `limit` at most.

    Raises:
        Unavailable: a 200 that is no list; it would iterate as an empty one and pass for the proof that there is nothing.
    """
    if not isinstance(page, stripe.ListObject | stripe.SearchResultObject) or not isinstance(
        getattr(page, "data", None), list
    ):
        raise Unavailable("Stripe answered with something that is not a list")
    taken = 0
    async for item in page.auto_paging_iter():
        yield as_thing(item)
        taken += 1
        if taken >= limit:
            return


def as_thing(item: object) -> Thing:
    """Return one of the SDK's objects as plain data.

    Raises:
        Unavailable: it is none, or has no id.
    """
    if not isinstance(item, stripe.StripeObject) or not isinstance(getattr(item, "id", None), str):
        raise Unavailable("Stripe answered with something that is not one of its objects")
    return item.to_dict()


def read_error(error: stripe.StripeError, operation: str) -> tuple[EvidenceStatus, str]:
    """Return what an answer of the SDK's error classes means.

    The vendor's message is left out: it may quote the key or the customer. Its code, parameter and the name of the missing
    permission may not.

    Raises:
        Unavailable: it may pass.
    """
    status = error.http_status or 0
    code = _name(error.code or at(error.json_body, "error", "code"))
    parameter = _name(getattr(error, "param", None))
    if isinstance(error, stripe.RateLimitError):
        raise RateLimited("Stripe asks to slow down", retry_after=retry_after(httpx.Headers(error.headers))) from None
    if status == 401:
        return EvidenceStatus.DENIED, "Stripe does not take the key (401); check that it is not revoked or expired"
    if status == 403:
        missing = re.search(r"rak_\w+", str(error.user_message or ""))
        needed = f"; it lacks {missing[0]}" if missing else "; give it Read on what the playbooks ask"
        return EvidenceStatus.DENIED, f"the restricted key may not read this (403){needed}"
    if code == "resource_missing" or status == 404:
        return _missing(operation, parameter)
    if 400 <= status < 500 and status != 409:
        about = ", ".join(part for part in (code, parameter) if part)
        return EvidenceStatus.FAILED, f"Stripe does not take the question ({status}{': ' + about if about else ''})"
    raise Unavailable(f"Stripe gave no usable answer ({status or 'no status'}, {type(error).__name__})") from None


def _name(value: object) -> str:
    return value if isinstance(value, str) and re.fullmatch(r"[\w.\[\]-]{1,60}", value) else ""


def _missing(operation: str, parameter: str) -> tuple[EvidenceStatus, str]:
    if operation == "find_customer" or (operation == "list_invoice_lines" and parameter != "customer"):
        return EvidenceStatus.EMPTY, ""
    return EvidenceStatus.FAILED, "Stripe has no such customer for this key; check the billing id and the key's account"


def _refuse_unless_get(method: str, url: str) -> None:
    if method.lower() != "get":
        raise WriteRefused(f"{method.upper()} {httpx.URL(url).path!r} is not a read; this connector sends GET alone")
