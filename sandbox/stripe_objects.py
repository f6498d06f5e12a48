"""A world's billing as one Stripe account, shaped as API version 2026-10-28.endive."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from sandbox.stripe_catalog import (
    Books,
    Object,
    card_object,
    customer_object,
    meter_object,
    price_object,
    product_object,
    subscription_object,
)
from sandbox.stripe_changes import invoice_items, items_before
from sandbox.stripe_invoices import charge_object, invoice_line, invoice_object, invoice_payment
from sandbox.world_billing import BillingEvent, BillingFile, Charge
from sandbox.world_logs import Usage

API_VERSION = "2026-10-28.endive"


@dataclass(frozen=True, slots=True)
class MeteredSpan:
    """Units of one meter that the provider counted for one customer between two instants (epoch seconds)."""

    start: int
    end: int
    units: float


@dataclass(slots=True)
class Account:
    """All objects of the account: every list newest first, `by_id` across all of them."""

    customers: list[Object] = field(default_factory=list)
    subscriptions: list[Object] = field(default_factory=list)
    invoices: list[Object] = field(default_factory=list)
    lines: dict[str, list[Object]] = field(default_factory=dict)
    charges: list[Object] = field(default_factory=list)
    payment_methods: list[Object] = field(default_factory=list)
    invoice_payments: list[Object] = field(default_factory=list)
    events: list[Object] = field(default_factory=list)
    invoice_items: list[Object] = field(default_factory=list)
    disputes: list[Object] = field(default_factory=list)
    """Empty, as are the credit notes: no world holds any yet."""
    credit_notes: list[Object] = field(default_factory=list)
    prices: list[Object] = field(default_factory=list)
    products: list[Object] = field(default_factory=list)
    meters: list[Object] = field(default_factory=list)
    metered: dict[tuple[str, str], list[MeteredSpan]] = field(default_factory=dict)
    """(meter id, billing customer id) to what was counted."""
    by_id: dict[str, Object] = field(default_factory=dict)


def build_account(billing: BillingFile, usage: Iterable[Usage], now: datetime, metadata_key: str) -> Account:
    """Turn a billing file into objects, once per run.

    Args:
        billing: The file.
        usage: What customers really used; where nothing was billed for it yet, the meter shows this.
        now: What the file's times are relative to.
        metadata_key: Key under which a customer's metadata holds our customer id.
    """
    books = Books(
        billing=billing,
        now=now,
        metadata_key=metadata_key,
        prices={price.id: price for price in billing.prices},
        meters={meter.name: meter for meter in billing.meters},
        customers={customer.id: customer for customer in billing.customers},
    )
    account = Account(
        meters=_newest_first(meter_object(books, meter) for meter in billing.meters),
        products=_newest_first(product_object(books, p) for p in {p.product: p for p in billing.prices}.values()),
        prices=_newest_first(price_object(books, price) for price in billing.prices),
        payment_methods=_newest_first(card_object(books, card, c) for c in billing.customers for card in c.cards),
        customers=_newest_first(customer_object(books, customer) for customer in billing.customers),
        invoices=_newest_first(invoice_object(books, invoice) for invoice in billing.invoices),
        lines={
            invoice.id: [invoice_line(books, line, invoice) for line in invoice.lines] for invoice in billing.invoices
        },
        subscriptions=_newest_first(subscription_object(books, one) for one in billing.subscriptions),
        charges=_newest_first(charge_object(books, charge) for charge in billing.charges),
        invoice_payments=_newest_first(invoice_payment(books, charge) for charge in _last_attempts(billing.charges)),
        metered=_metered(books, usage),
        invoice_items=invoice_items(books),
    )
    for kind in (
        account.meters,
        account.products,
        account.prices,
        account.payment_methods,
        account.customers,
        account.invoices,
        account.subscriptions,
        account.charges,
        account.invoice_payments,
        account.invoice_items,
    ):
        account.by_id.update({str(one["id"]): one for one in kind})
    account.events = _newest_first(_event(books, event, account.by_id) for event in billing.events)
    account.by_id.update({str(one["id"]): one for one in account.events})
    return account


def _newest_first(objects: Iterable[Object]) -> list[Object]:
    return sorted(objects, key=lambda one: (int(str(one["created"])), str(one["id"])), reverse=True)


def _last_attempts(charges: Iterable[Charge]) -> Iterable[Charge]:
    """Return the last charge of each invoice: the attempts share one payment intent, so one invoice payment."""
    return {one.invoice: one for one in sorted(charges, key=lambda one: one.created) if one.invoice}.values()


def _event(books: Books, one: BillingEvent, by_id: dict[str, Object]) -> Object:
    thing = by_id.get(one.object, {"id": one.object, "customer": one.customer})
    data: Object = {"object": thing}
    before = items_before(books, one, thing) if one.type == "customer.subscription.updated" else None
    if before is not None:
        data["previous_attributes"] = {"items": before}
    return {
        "id": one.id,
        "object": "event",
        "api_version": API_VERSION,
        "created": books.at(one.created),
        "data": data,
        "livemode": False,
        "pending_webhooks": 0,
        "request": {"id": None, "idempotency_key": None},
        "type": one.type,
    }


def _metered(books: Books, usage: Iterable[Usage]) -> dict[tuple[str, str], list[MeteredSpan]]:
    """Return what the provider counted: the billed lines where there are any, the true usage elsewhere.

    An invoice that counts twice does so because its meter did.
    """
    spans: dict[tuple[str, str], list[MeteredSpan]] = defaultdict(list)
    for invoice in books.billing.invoices:
        for line in invoice.lines:
            meter = books.meters.get(books.prices[line.price].meter)
            if meter is not None and not line.proration:
                start, end = books.at(line.period_start), books.at(line.period_end)
                spans[meter.id, invoice.customer].append(MeteredSpan(start, end, float(line.quantity)))
    billing_ids = {customer.customer: customer.id for customer in books.billing.customers}
    for used in usage:
        meter = books.meters.get(used.meter)
        if meter is None or used.customer not in billing_ids:
            continue
        counted = spans[meter.id, billing_ids[used.customer]]
        start, end = books.at(used.start), books.at(used.end)
        if not any(span.start < end and start < span.end for span in counted):
            counted.append(MeteredSpan(start, end, float(used.total)))
    return dict(spans)
