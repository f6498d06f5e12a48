"""What a change of plan leaves at Stripe: the invoice items that prorate it, and what its event tells of before."""

from collections.abc import Iterator

from pydantic import JsonValue

from sandbox.stripe_catalog import Books, Object, list_of, price_object, subscription_item, token
from sandbox.world_billing import BillingEvent, Invoice, InvoiceLine


def invoice_items(books: Books) -> list[Object]:
    """Return one invoice item for every prorated line, newest first."""
    found = [_invoice_item(books, line, invoice) for line, invoice in _prorated(books)]
    return sorted(found, key=lambda one: (int(str(one["date"])), str(one["id"])), reverse=True)


def items_before(books: Books, event: BillingEvent, subscription: Object) -> Object | None:
    """Return the subscription's items as they were before a change of plan; None where the event changed none.

    The world tells the change by its prorations, credit for the old price and a charge for the new one from the event on,
    or, where nothing was prorated, by the event's `previous_items`.
    """
    if event.previous_items:
        return _items_named(books, event)
    lines = [
        line
        for line, invoice in _prorated(books)
        if invoice.subscription == event.object and line.period_start == event.created
    ]
    old = next((line.price for line in lines if line.amount < 0), None)
    new = next((line.price for line in lines if line.amount >= 0), None)
    items = subscription.get("items")
    now = items.get("data") if isinstance(items, dict) else None
    if old is None or new is None or not isinstance(now, list):
        return None
    return list_of(
        [_with_price(books, item, new, old) for item in now], f"/v1/subscription_items?subscription={event.object}"
    )


def _items_named(books: Books, event: BillingEvent) -> Object | None:
    one = next((each for each in books.billing.subscriptions if each.id == event.object), None)
    if one is None:
        return None
    # The old items' last period ended with the change and was as long as the one that follows.
    period = books.at(event.created - (one.period_end - one.period_start)), books.at(event.created)
    items: list[JsonValue] = [subscription_item(books, one, item, period) for item in event.previous_items]
    return list_of(items, f"/v1/subscription_items?subscription={event.object}")


def _with_price(books: Books, item: JsonValue, new: str, old: str) -> JsonValue:
    price = item.get("price") if isinstance(item, dict) else None
    if not isinstance(item, dict) or not isinstance(price, dict) or price["id"] != new:
        return item
    return {**item, "price": price_object(books, books.prices[old])}


def _prorated(books: Books) -> Iterator[tuple[InvoiceLine, Invoice]]:
    return ((line, invoice) for invoice in books.billing.invoices for line in invoice.lines if line.proration)


def _invoice_item(books: Books, line: InvoiceLine, invoice: Invoice) -> Object:
    price = books.prices[line.price]
    parent: JsonValue = None
    if invoice.subscription:
        details: Object = {"subscription": invoice.subscription}
        parent = {"subscription_details": details, "type": "subscription_details"}
    return {
        "id": token("ii_", line.id),
        "object": "invoiceitem",
        "amount": line.amount,
        "currency": invoice.currency,
        "customer": invoice.customer,
        "customer_account": None,
        "date": books.at(line.period_start),
        "description": line.description,
        "discountable": False,
        "discounts": [],
        "invoice": invoice.id,
        "livemode": False,
        "metadata": {},
        "net_amount": line.amount,
        "parent": parent,
        "period": {"end": books.at(line.period_end), "start": books.at(line.period_start)},
        "pricing": {
            "price_details": {"price": price.id, "product": price.product},
            "type": "price_details",
            "unit_amount_decimal": str(price.unit_amount),
        },
        "proration": True,
        "proration_details": {"discount_amounts": []},
        "quantity": line.quantity,
        "quantity_decimal": str(line.quantity),
        "tax_rates": [],
        "test_clock": None,
    }
