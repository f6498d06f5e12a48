"""Stripe's objects as flat rows: money in minor units, times as ISO 8601 in UTC. Pure, and lenient about missing fields."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from pydantic import JsonValue

from connectors.answers import iso, read_moment
from models.base import Row

Thing = Mapping[str, object]
"""A Stripe object as the SDK's `to_dict` gives it."""

_TOLD_CHANGES = frozenset(
    {
        "amount_due",
        "amount_paid",
        "attempt_count",
        "cancel_at_period_end",
        "currency",
        "delinquent",
        "disabled",
        "exp_month",
        "exp_year",
        "paid",
        "quantity",
        "status",
    }
)
"""What an event's summary tells before and after; other changed fields may hold personal data, so only their names are told."""


def at(thing: object, *path: str) -> object:
    """Return what lies at the end of a path of keys; None where it breaks off."""
    for key in path:
        if not isinstance(thing, Mapping):
            return None
        thing = thing.get(key)
    return thing


def things_at(thing: object, *path: str) -> list[Thing]:
    """Return the objects of a list (or of a Stripe list's `data`) at the end of a path."""
    value = at(thing, *path)
    items = at(value, "data") if isinstance(value, Mapping) else value
    return [item for item in items if isinstance(item, Mapping)] if isinstance(items, list) else []


def id_at(thing: object, *path: str) -> str:
    """Return the id at the end of a path, whether Stripe gave the id or the expanded object; empty if there is none."""
    value = at(thing, *path)
    value = at(value, "id") if isinstance(value, Mapping) else value
    return value if isinstance(value, str) else ""


def customer_row(customer: Thing, metadata_key: str) -> Row:
    """Return a row of `find_customer`; `customer_id` is our own id from the metadata."""
    return {
        "id": id_at(customer),
        "name": _text(customer, "name"),
        "email": _text(customer, "email"),
        "customer_id": _text(customer, "metadata", metadata_key),
        "currency": _text(customer, "currency"),
        "delinquent": _flag(customer, "delinquent"),
        "created_at": _time(customer, "created"),
    }


def subscription_rows(subscription: Thing) -> list[Row]:
    """Return one row per item of a subscription; since 2025 the billing period is the item's."""
    rows: list[Row] = []
    for item in things_at(subscription, "items"):
        start = _time(item, "current_period_start") or _time(subscription, "current_period_start")
        end = _time(item, "current_period_end") or _time(subscription, "current_period_end")
        leaves = bool(at(subscription, "cancel_at_period_end"))
        rows.append(
            {
                "id": id_at(subscription),
                "status": _text(subscription, "status"),
                "product": _text(item, "price", "product", "name") or id_at(item, "price", "product"),
                "price_id": id_at(item, "price"),
                "nickname": _text(item, "price", "nickname"),
                "unit_amount": _number(item, "price", "unit_amount") or _number(item, "price", "unit_amount_decimal"),
                "currency": _text(item, "price", "currency"),
                "quantity": _number(item, "quantity"),
                "interval": _text(item, "price", "recurring", "interval"),
                "current_period_start": start,
                "current_period_end": end,
                "cancel_at": _time(subscription, "cancel_at") or (end if leaves else None),
                "created_at": _time(subscription, "created"),
            }
        )
    return rows


def invoice_row(invoice: Thing, dashboard: str) -> Row:
    """Return a row of `list_invoices`. The link is the dashboard's: the hosted page lets anyone who has it pay."""
    taxes = things_at(invoice, "total_taxes")
    tax = sum((_whole(tax, "amount") or 0) for tax in taxes) if taxes else _number(invoice, "tax")
    return {
        "id": id_at(invoice),
        "number": _text(invoice, "number"),
        "status": _text(invoice, "status"),
        "billing_reason": _text(invoice, "billing_reason"),
        "currency": _text(invoice, "currency"),
        "subtotal": _number(invoice, "subtotal"),
        "tax": 0 if tax is None and at(invoice, "total_taxes") == [] else tax,
        "total": _number(invoice, "total"),
        "amount_due": _number(invoice, "amount_due"),
        "amount_paid": _number(invoice, "amount_paid"),
        "attempt_count": _number(invoice, "attempt_count"),
        "period_start": _time(invoice, "period_start"),
        "period_end": _time(invoice, "period_end"),
        "created_at": _time(invoice, "created"),
        "due_at": _time(invoice, "due_date"),
        "url": f"{dashboard}/invoices/{id_at(invoice)}",
    }


def line_row(line: Thing, invoice: Thing, meters: Mapping[str, str]) -> Row:
    """Return a row of `list_invoice_lines`; `meters` names a meter id's event, and an id without a name stays an id."""
    price = at(line, "pricing", "price_details", "price") or at(line, "price")
    meter = id_at(price, "recurring", "meter")
    unit = _number(line, "pricing", "unit_amount_decimal")
    return {
        "invoice": id_at(invoice),
        "number": _text(invoice, "number"),
        "line_id": id_at(line),
        "description": _text(line, "description"),
        "quantity": _number(line, "quantity_decimal") or _number(line, "quantity"),
        "unit_amount": _number(price, "unit_amount") if unit is None else unit,
        "amount": _number(line, "amount"),
        "currency": _text(line, "currency"),
        "proration": bool(
            at(line, "parent", "subscription_item_details", "proration")
            or at(line, "parent", "invoice_item_details", "proration")
            or at(line, "proration")
        ),
        "price_id": id_at({"price": price}, "price"),
        "meter": meters.get(meter, meter),
        "period_start": _time(line, "period", "start"),
        "period_end": _time(line, "period", "end"),
    }


def charge_row(charge: Thing, invoices: Mapping[str, str]) -> Row:
    """Return a row of `list_charges`; `invoices` names the invoice of a payment intent or charge."""
    card = at(charge, "payment_method_details", "card")
    paid = invoices.get(id_at(charge, "payment_intent")) or invoices.get(id_at(charge), "")
    return {
        "id": id_at(charge),
        "status": _text(charge, "status"),
        "amount": _number(charge, "amount"),
        "currency": _text(charge, "currency"),
        "failure_code": _text(charge, "failure_code"),
        "decline_code": _text(charge, "outcome", "reason"),
        "failure_message": _text(charge, "failure_message"),
        "card_brand": _text(card, "brand"),
        "card_last4": _text(card, "last4"),
        "card_exp_month": _number(card, "exp_month"),
        "card_exp_year": _number(card, "exp_year"),
        "invoice": id_at(charge, "invoice") or paid,
        "created_at": _time(charge, "created"),
    }


def event_row(event: Thing) -> Row:
    """Return a row of `list_events`."""
    return {
        "id": id_at(event),
        "type": _text(event, "type"),
        "object_id": id_at(event, "data", "object"),
        "created_at": _time(event, "created"),
        "summary": _summary(event),
    }


def card_row(method: Thing, default: str, at_moment: datetime) -> Row:
    """Return a row of `list_cards`; a card is good until the end of its last month, everywhere on Earth taken as UTC."""
    year, month = _whole(method, "card", "exp_year"), _whole(method, "card", "exp_month")
    now = at_moment.astimezone(UTC)
    return {
        "id": id_at(method),
        "brand": _text(method, "card", "brand"),
        "last4": _text(method, "card", "last4"),
        "exp_month": month,
        "exp_year": year,
        "is_default": id_at(method) == default,
        "expired": None if year is None or month is None else (year, month) < (now.year, now.month),
    }


def _summary(event: Thing) -> str:
    obj = at(event, "data", "object")
    told = " ".join(part for part in (_text(obj, "object"), _text(obj, "number"), id_at(obj)) if part)
    if status := _text(obj, "status"):
        told += f" is {status}"
    before = at(event, "data", "previous_attributes")
    changes = (
        [_change(name, before[name], at(obj, name)) for name in sorted(before)] if isinstance(before, Mapping) else []
    )
    return f"{told}; changed: {', '.join(changes)}" if changes else told


def _change(name: str, old: object, new: object) -> str:
    if name not in _TOLD_CHANGES or isinstance(old, Mapping | list) or isinstance(new, Mapping | list):
        return name
    return f"{name} {_word(old)} → {_word(new)}"


def _word(value: object) -> str:
    if value is None:
        return "none"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _text(thing: object, *path: str) -> str:
    value = at(thing, *path)
    return value if isinstance(value, str) else ""


def _flag(thing: object, *path: str) -> bool | None:
    value = at(thing, *path)
    return value if isinstance(value, bool) else None


def _whole(thing: object, *path: str) -> int | None:
    value = at(thing, *path)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _number(thing: object, *path: str) -> int | float | None:
    # A price may be a fraction of a minor unit, which Stripe writes as decimal text; amounts of money are always whole.
    value = at(thing, *path)
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        return None
    try:
        exact = Decimal(value)
    except InvalidOperation:
        return None
    # Text like 1e999999 would become a number of a million digits.
    if not exact.is_finite() or exact.adjusted() > 18:
        return None
    return int(exact) if exact == exact.to_integral_value() else float(exact)


def _time(thing: object, *path: str) -> str | None:
    value: JsonValue = _whole(thing, *path)
    return iso(read_moment(value))
