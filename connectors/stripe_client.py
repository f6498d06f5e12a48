"""The Stripe SDK as this product uses it: GET alone and of known paths, bounded answers, and what its error classes mean."""

import re
from collections.abc import AsyncIterator, Mapping
from contextvars import ContextVar
from typing import NoReturn

import httpx
import stripe

from connectors.base import RateLimited, Unavailable, WriteRefused
from connectors.http import OPEN_NETWORK, Network, Observed, ReadOnlyHttp, SchemaDrift, retry_after
from connectors.stripe_fields import Fields, at
from connectors.stripe_permissions import permission_named
from models.vocabulary import EvidenceStatus

_CLIENT_ERRORS = frozenset(range(400, 500)) - {408, 425, 429}
"""Left to the SDK, which knows what Stripe means by them."""

_PATHS = re.compile(
    r"/v1/(?:"
    r"customers(?:/search|/\w+(?:/payment_methods)?)?"
    r"|invoices(?:/in_\w+(?:/lines)?)?"
    r"|subscriptions|invoiceitems|charges|disputes|events|credit_notes|prices"
    r"|billing/credit_balance_summary|billing/meters(?:/\w+/event_summaries)?"
    r")",
    re.ASCII,
)
"""All that is ever read. What is not in here is refused, be it a read or not."""

sent_requests: ContextVar[list[str] | None] = ContextVar("stripe_sent_requests", default=None)
"""Where the requests of the question at hand are written down, as sent."""


class ReadOnlyStripeHttp(stripe.HTTPClient):
    """The SDK's HTTP client, reduced to bounded GETs over our own. A write raises `WriteRefused` before a byte is sent."""

    name = "whydesk"

    def __init__(
        self, base_url: str, transport: httpx.AsyncBaseTransport | None = None, network: Network = OPEN_NETWORK
    ) -> None:
        """Open nothing yet; `transport` replaces the network in tests."""
        super().__init__()
        self._prefix = httpx.URL(base_url).path.rstrip("/")
        self.answered_version = ""
        """The API version that the last answer was written in; empty before the first."""
        # A second wall: this one refuses writes too, should a later SDK get past the methods below.
        self._pool = ReadOnlyHttp(base_url, timeout=60, transport=transport, network=network)

    def request(  # type: ignore[override]  # the SDK's own asynchronous client narrows it the same way
        self, method: str, url: str, headers: Mapping[str, str], post_data: object = None
    ) -> NoReturn:
        """Refuse: the connector is asynchronous."""
        self._refuse_unless_known(method, url)
        raise RuntimeError("Stripe is asked asynchronously here; call the method whose name ends in _async")

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: object = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        """Send a GET of a known path and read its bounded answer.

        Raises:
            WriteRefused: any other method or path.
            ConnectorError, Declined: as connectors.http; other 4xx answers go up to the SDK.
        """
        self._refuse_unless_known(method, url)
        if (sent := sent_requests.get()) is not None:
            sent.append(f"GET {httpx.URL(url).raw_path.decode()}")
        reply = await self._pool.get(url, headers=headers, accept=_CLIENT_ERRORS)
        self.answered_version = reply.headers.get("stripe-version", self.answered_version)
        return reply.content, reply.status, reply.headers

    def request_stream(  # type: ignore[override]  # as above
        self, method: str, url: str, headers: Mapping[str, str], post_data: object = None
    ) -> NoReturn:
        """Refuse: nothing that the connector asks is streamed."""
        self._refuse_unless_known(method, url)
        raise RuntimeError("Stripe's streamed answers are files, which this connector does not read")

    async def request_stream_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: object = None
    ) -> NoReturn:
        """Refuse: nothing that the connector asks is streamed."""
        self.request_stream(method, url, headers, post_data)

    @property
    def observed(self) -> Observed:
        """What the last answer told beside its content."""
        return self._pool.observed

    async def close_async(self) -> None:
        """Close all connections."""
        await self._pool.aclose()

    def _refuse_unless_known(self, method: str, url: str) -> None:
        target = httpx.URL(url)
        # The path as it goes over the wire: a percent sign in it matches nothing.
        path = target.raw_path.decode("ascii").partition("?")[0]
        if method.lower() != "get":
            raise WriteRefused(f"{method.upper()} {target.path!r} is not a read; this connector sends GET alone")
        if not path.startswith(self._prefix) or not _PATHS.fullmatch(path.removeprefix(self._prefix)):
            raise WriteRefused(
                f"GET {target.path!r} is not among the paths that this connector reads; add it to _PATHS"
            )


async def items(page: object, limit: int, name: str) -> AsyncIterator[Fields]:
    """Yield the objects of a list over its pages, `limit` at most; an error names them `name[0]` and on.

    Raises:
        SchemaDrift: a 200 that is no list; it would iterate as an empty one and pass for the proof that there is nothing.
    """
    if not isinstance(page, stripe.ListObject | stripe.SearchResultObject) or not isinstance(
        getattr(page, "data", None), list
    ):
        raise SchemaDrift(f"{name} is not a list")
    taken = 0
    async for item in page.auto_paging_iter():
        yield as_fields(item, f"{name}[{taken}]")
        taken += 1
        if taken >= limit:
            return


def as_fields(item: object, name: str, *, with_id: bool = True) -> Fields:
    """Return one of the SDK's objects as plain data.

    Raises:
        SchemaDrift: it is none, or has no id.
    """
    if not isinstance(item, stripe.StripeObject):
        raise SchemaDrift(f"{name} is not an object")
    fields = Fields(item.to_dict(), name)
    if with_id:
        fields.id(required=True)
    return fields


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
        return EvidenceStatus.DENIED, f"the restricted key may not read this (403); {missing_permission(error)}"
    # A 404 without that code is an address that Stripe, or what stands before it, does not know: no word about the customer.
    if code == "resource_missing":
        return _missing(operation, parameter)
    if 400 <= status < 500 and status != 409:
        about = ", ".join(part for part in (code, parameter) if part)
        return EvidenceStatus.FAILED, f"Stripe does not take the question ({status}{': ' + about if about else ''})"
    raise Unavailable(f"Stripe gave no usable answer ({status or 'no status'}, {type(error).__name__})") from None


def missing_permission(error: stripe.StripeError) -> str:
    """Say what a refused key lacks, as far as Stripe tells."""
    missing = re.search(r"rak_\w{1,60}", str(error.user_message or ""))
    return f"it lacks {permission_named(missing[0])}" if missing else "give it Read on what docs/stripe.md lists"


def _name(value: object) -> str:
    return value if isinstance(value, str) and re.fullmatch(r"[\w.\[\]-]{1,60}", value) else ""


def _missing(operation: str, parameter: str) -> tuple[EvidenceStatus, str]:
    if operation == "find_customer" or (operation == "list_invoice_lines" and parameter != "customer"):
        return EvidenceStatus.EMPTY, ""
    return EvidenceStatus.FAILED, "Stripe has no such customer for this key; check the billing id and the key's account"
