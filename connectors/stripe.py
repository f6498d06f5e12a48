"""Stripe, read-only: customers, subscriptions, invoices, charges, events and cards, through the vendor's own SDK.

`ReadOnlyStripeHttp` sits below the whole SDK and sends GET alone, whatever method of whatever service is called. Give it a
restricted key with Read on customers, subscriptions, invoices, charges, events, payment methods, prices and billing meters.
"""

import math
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, NotRequired, TypedDict

import httpx
import stripe

from connectors.answers import answer, no_answer, time_limit
from connectors.base import Plugin, Secrets, Unavailable
from connectors.http import Declined
from connectors.parameters import ask_both, ask_together, read_parameters
from connectors.stripe_client import ReadOnlyStripeHttp, as_thing, items, read_error, sent_requests
from connectors.stripe_parameters import (
    OPERATIONS,
    FindCustomer,
    ListCards,
    ListCharges,
    ListEvents,
    ListInvoiceLines,
    ListInvoices,
    ListSubscriptions,
)
from connectors.stripe_rows import (
    Thing,
    at,
    card_row,
    charge_row,
    customer_row,
    event_row,
    id_at,
    invoice_row,
    line_row,
    subscription_rows,
    things_at,
)
from models.base import Row, Strict
from models.evidence import Answer, SourceRequest
from models.tenant import StripeConfig
from models.vocabulary import EvidenceStatus, Scope, Source

_PAGE = 100
_SCANNED_EVENTS = 1_000
"""Events cannot be listed by customer, so the account's are read and sifted; this many at most."""
_SCANNED_INVOICES = 300
_SCANNED_METERS = 300
_EVENTS_KEPT = timedelta(days=30)
"""How far back Stripe lists events."""
_RETRIED_FOR = timedelta(days=35)
"""An invoice's charges may come this long after the invoice: Stripe retries for weeks."""

_AT_ONCE = 4
"""Requests in flight for one question: a sandbox account takes 25 a second."""


class _Found(NamedTuple):
    rows: list[Row]
    url: str
    truncated: bool = False
    reason: str = ""


class StripeConnector:
    """One Stripe account by a restricted key, over one pooled client."""

    source = Source.STRIPE

    def __init__(
        self, config: StripeConfig, api_key: str, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        """Open nothing yet; `transport` replaces the network in tests."""
        url = str(config.url).rstrip("/")
        self._http = ReadOnlyStripeHttp(url, transport)
        self._client = stripe.StripeClient(
            api_key,
            base_addresses={"api": url, "connect": url, "files": url, "meter_events": url},
            http_client=self._http,
            max_network_retries=0,
        )
        self._meters: dict[str, str] = {}
        """Meter id to the event that it counts, which never changes once made."""
        self._metadata_key = config.metadata_key
        self._dashboard = str(config.dashboard).rstrip("/") + ("/test" if "_test_" in api_key[:12] else "")

    async def fetch(self, request: SourceRequest) -> Answer:
        """Ask Stripe; the operations and their parameters are in connectors/stripe_parameters.py, the rows in stripe_rows.py.

        A customer that Stripe does not know is an empty `find_customer` and a failed list: a list for a wrong customer says
        nothing about the right one.

        Raises:
            ConnectorError: see connectors.base.
            ValueError: an unknown operation or parameter.
        """
        parameters = read_parameters(request, OPERATIONS)
        sent: list[str] = []
        token = sent_requests.set(sent)
        url = f"{self._dashboard}/customers"
        try:
            async with time_limit(request):
                found = await self._ask(request, parameters)
        except Declined as no:
            return no_answer(no.status, no.reason, asked="\n".join(sent), url=url)
        except stripe.StripeError as error:
            status, reason = read_error(error, request.operation)
            return no_answer(status, reason, asked="\n".join(sent), url=url)
        except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as error:
            # The SDK builds its objects from whatever came, and fails in as many ways as an answer can be wrong.
            raise Unavailable(f"Stripe's answer has a shape that is not known ({type(error).__name__})") from None
        finally:
            sent_requests.reset(token)
        return answer(
            request,
            found.rows,
            asked="\n".join(sent),
            url=found.url,
            truncated=found.truncated,
            reason=found.reason,
        )

    async def aclose(self) -> None:
        """Close all connections."""
        await self._http.close_async()

    async def _ask(self, request: SourceRequest, parameters: Strict) -> _Found:
        match parameters:
            case FindCustomer():
                return await self._find_customer(request, parameters)
            case ListSubscriptions():
                return await self._subscriptions(request, parameters)
            case ListInvoices():
                return await self._invoices(request, parameters)
            case ListInvoiceLines():
                return await self._invoice_lines(request, parameters)
            case ListCharges():
                return await self._charges(request, parameters)
            case ListEvents():
                return await self._events(request, parameters)
            case ListCards():
                return await self._cards(request, parameters)
        raise AssertionError(f"{request.operation!r} is listed but not implemented")

    async def _find_customer(self, request: SourceRequest, wanted: FindCustomer) -> _Found:
        found: dict[str, Thing] = {}
        if wanted.customer_id:
            try:
                async for customer in self._search_customers(wanted.customer_id, request.row_limit + 1):
                    found[id_at(customer)] = customer
            except stripe.PermissionError:
                # Search needs its own permission and is not sold everywhere; a list by e-mail may still answer.
                if not wanted.email:
                    raise
        # Stripe compares e-mail addresses by case; people do not.
        for email in dict.fromkeys((wanted.email, wanted.email.lower())):
            if found or not email:
                break
            page = await self._client.v1.customers.list_async({"email": email, "limit": _page(request)})
            async for customer in items(page, request.row_limit + 1):
                found[id_at(customer)] = customer
        rows = [customer_row(customer, self._metadata_key) for customer in found.values()]
        return _Found(rows, self._customer_url(next(iter(found)) if len(found) == 1 else ""))

    async def _search_customers(self, customer_id: str, limit: int) -> AsyncIterator[Thing]:
        query = f"metadata['{_quoted(self._metadata_key)}']:'{_quoted(customer_id)}'"
        page = await self._client.v1.customers.search_async({"query": query, "limit": min(_PAGE, limit)})
        async for customer in items(page, limit):
            # Search matches without regard to case, and an id is exact.
            if at(customer, "metadata", self._metadata_key) == customer_id:
                yield customer

    async def _subscriptions(self, request: SourceRequest, wanted: ListSubscriptions) -> _Found:
        page = await self._client.v1.subscriptions.list_async(
            {"customer": wanted.billing_id, "status": "all", "limit": _page(request)}
        )
        rows: list[Row] = []
        truncated = False
        async for subscription in items(page, request.row_limit + 1):
            rows += subscription_rows(subscription)
            truncated = truncated or at(subscription, "items", "has_more") is True
        return _Found(rows, self._customer_url(wanted.billing_id), truncated)

    async def _invoices(self, request: SourceRequest, wanted: ListInvoices) -> _Found:
        page = await self._client.v1.invoices.list_async(
            {"customer": wanted.billing_id, "limit": _page(request), "created": _created_in(request)}
        )
        rows = [invoice_row(invoice, self._dashboard) async for invoice in items(page, request.row_limit + 1)]
        return _Found(rows, self._customer_url(wanted.billing_id))

    async def _invoice_lines(self, request: SourceRequest, wanted: ListInvoiceLines) -> _Found:
        invoices, truncated = await self._wanted_invoices(request, wanted)
        lines: list[tuple[Thing, Thing]] = []
        for start in range(0, len(invoices), _AT_ONCE):
            batch = await ask_together(
                self._lines_of(request, invoice) for invoice in invoices[start : start + _AT_ONCE]
            )
            lines += [pair for pairs in batch for pair in pairs]
            if len(lines) > request.row_limit:
                break
        meters = await self._meters_of(lines)
        url = self._customer_url(wanted.billing_id)
        if len(invoices) == 1:
            url = f"{self._dashboard}/invoices/{id_at(invoices[0])}"
        reason = f"only the newest {_SCANNED_INVOICES} invoices were looked through" if truncated else ""
        return _Found([line_row(line, invoice, meters) for invoice, line in lines], url, truncated, reason)

    async def _lines_of(self, request: SourceRequest, invoice: Thing) -> list[tuple[Thing, Thing]]:
        page = await self._client.v1.invoices.line_items.list_async(
            id_at(invoice), {"limit": _page(request), "expand": ["data.pricing.price_details.price"]}
        )
        return [(invoice, line) async for line in items(page, request.row_limit + 1)]

    async def _wanted_invoices(self, request: SourceRequest, wanted: ListInvoiceLines) -> tuple[list[Thing], bool]:
        if wanted.invoice.startswith("in_") and wanted.invoice.replace("_", "").isalnum():
            invoice = as_thing(await self._client.v1.invoices.retrieve_async(wanted.invoice))
            # A ticket may name anybody's invoice; only the customer's own may be read.
            return ([invoice] if id_at(invoice, "customer") == wanted.billing_id else []), False
        # An invoice that is named may lie outside of the window.
        page = await self._client.v1.invoices.list_async(
            {"customer": wanted.billing_id, "limit": _PAGE}
            if wanted.invoice
            else {"customer": wanted.billing_id, "limit": _PAGE, "created": _created_in(request)}
        )
        looked_at = 0
        invoices: list[Thing] = []
        async for invoice in items(page, _SCANNED_INVOICES + 1):
            looked_at += 1
            if not wanted.invoice or str(at(invoice, "number")).casefold() == wanted.invoice.casefold():
                invoices.append(invoice)
            if wanted.invoice and invoices:
                return invoices, False
        return invoices[:_SCANNED_INVOICES], looked_at > _SCANNED_INVOICES

    async def _meters_of(self, lines: list[tuple[Thing, Thing]]) -> dict[str, str]:
        used = {id_at(line, "pricing", "price_details", "price", "recurring", "meter") for _, line in lines} - {""}
        if not used <= set(self._meters):
            try:
                page = await self._client.v1.billing.meters.list_async({"limit": _PAGE})
            except stripe.PermissionError:
                return self._meters
            async for meter in items(page, _SCANNED_METERS):
                self._meters[id_at(meter)] = str(at(meter, "event_name"))
        return self._meters

    async def _charges(self, request: SourceRequest, wanted: ListCharges) -> _Found:
        charges, invoices = await ask_both(
            self._charges_of(request, wanted.billing_id), self._invoices_by_payment(request, wanted.billing_id)
        )
        return _Found([charge_row(charge, invoices) for charge in charges], self._customer_url(wanted.billing_id))

    async def _charges_of(self, request: SourceRequest, billing_id: str) -> list[Thing]:
        page = await self._client.v1.charges.list_async(
            {"customer": billing_id, "limit": _page(request), "created": _created_in(request)}
        )
        return [charge async for charge in items(page, request.row_limit + 1)]

    async def _invoices_by_payment(self, request: SourceRequest, billing_id: str) -> dict[str, str]:
        # Since 2025 a charge no longer names its invoice; the invoice names its payments.
        named: dict[str, str] = {}
        try:
            page = await self._client.v1.invoices.list_async(
                {
                    "customer": billing_id,
                    "limit": _PAGE,
                    "expand": ["data.payments"],
                    "created": _created_in(request, earlier=_RETRIED_FOR),
                }
            )
        except stripe.PermissionError:
            # A key that may read charges alone still answers; only the column stays empty.
            return named
        async for invoice in items(page, _SCANNED_INVOICES):
            for payment in things_at(invoice, "payments"):
                paid_by = id_at(payment, "payment", "payment_intent") or id_at(payment, "payment", "charge")
                named[paid_by] = id_at(invoice)
        return named

    async def _events(self, request: SourceRequest, wanted: ListEvents) -> _Found:
        page = await self._client.v1.events.list_async(
            {"types": wanted.types, "limit": _PAGE, "created": _created_in(request)}
        )
        rows: list[Row] = []
        looked_at = 0
        async for event in items(page, _SCANNED_EVENTS + 1):
            looked_at += 1
            if wanted.billing_id in (id_at(event, "data", "object", "customer"), id_at(event, "data", "object")):
                rows.append(event_row(event))
            if len(rows) > request.row_limit:
                break
        reason = ""
        if looked_at > _SCANNED_EVENTS:
            reason = (
                f"the window holds more than {_SCANNED_EVENTS} events of the account; the newest were looked through"
            )
        elif request.window and request.window.start < datetime.now(UTC) - _EVENTS_KEPT:
            reason = f"Stripe lists the events of the last {_EVENTS_KEPT.days} days only, and the window begins earlier"
        return _Found(rows, self._customer_url(wanted.billing_id), bool(reason), reason)

    async def _cards(self, request: SourceRequest, wanted: ListCards) -> _Found:
        default, cards = await ask_both(
            self._default_card(wanted.billing_id), self._cards_of(request, wanted.billing_id)
        )
        moment = request.window.end if request.window else datetime.now(UTC)
        return _Found([card_row(card, default, moment) for card in cards], self._customer_url(wanted.billing_id))

    async def _default_card(self, billing_id: str) -> str:
        customer = as_thing(await self._client.v1.customers.retrieve_async(billing_id))
        if at(customer, "deleted") is True:
            raise Declined(EvidenceStatus.FAILED, "the customer was deleted at Stripe")
        return id_at(customer, "invoice_settings", "default_payment_method") or id_at(customer, "default_source")

    async def _cards_of(self, request: SourceRequest, billing_id: str) -> list[Thing]:
        page = await self._client.v1.customers.payment_methods.list_async(
            billing_id, {"type": "card", "limit": _page(request)}
        )
        return [card async for card in items(page, request.row_limit + 1)]

    def _customer_url(self, billing_id: str) -> str:
        return f"{self._dashboard}/customers/{billing_id}" if billing_id else f"{self._dashboard}/customers"


class _Span(TypedDict):
    gt: NotRequired[int]
    gte: NotRequired[int]
    lt: NotRequired[int]
    lte: NotRequired[int]


def _created_in(request: SourceRequest, earlier: timedelta = timedelta(0)) -> _Span:
    if request.window is None:
        return {"gte": 0}
    start, end = request.window.start - earlier, request.window.end
    return {"gte": math.ceil(start.timestamp()), "lt": math.ceil(end.timestamp())}


def _page(request: SourceRequest) -> int:
    # One more than may be kept tells whether there is more.
    return min(_PAGE, request.row_limit + 1)


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "\\'")


def _make(config: StripeConfig, secret: Secrets) -> StripeConnector:
    return StripeConnector(config, secret(config.api_key))


PLUGIN = Plugin(
    config=StripeConfig,
    make=_make,
    scopes=frozenset({Scope.CUSTOMER}),
    operations=OPERATIONS,
)
