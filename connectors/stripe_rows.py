"""Customers, subscriptions, invoices and cards as flat rows: money in minor units beside its currency, times in UTC."""

from collections.abc import Mapping
from datetime import UTC, datetime

from connectors.stripe_fields import Fields
from models.base import Row


def customer_row(customer: Fields, metadata_key: str, matched_by: str, *, ambiguous: bool = False) -> Row:
    """Return a row of `find_customer`; `customer_id` is our own id from the metadata.

    Args:
        matched_by: `metadata` or `email`.
        ambiguous: Others match as well, so this row alone says nothing about who is meant.
    """
    return {
        "id": customer.id(required=True),
        "name": customer.text("name"),
        "email": customer.text("email"),
        "customer_id": customer.part("metadata").text(metadata_key),
        "currency": customer.text("currency"),
        "delinquent": customer.flag("delinquent"),
        "created_at": customer.time("created", required=True),
        "matched_by": matched_by,
        "ambiguous": ambiguous,
    }


def subscription_rows(subscription: Fields) -> list[Row]:
    """Return one row per item of a subscription; since 2025 the billing period is the item's."""
    rows: list[Row] = []
    for item in subscription.parts("items", required=True):
        price = item.part("price", required=True)
        end = item.time("current_period_end") or subscription.time("current_period_end")
        leaves = subscription.flag("cancel_at_period_end")
        rows.append(
            {
                "id": subscription.id(required=True),
                "status": subscription.text("status", required=True),
                "product": _product(price),
                "price_id": price.id(required=True),
                "nickname": price.text("nickname"),
                "unit_amount": price.number("unit_amount") or price.number("unit_amount_decimal"),
                "currency": price.text("currency", required=True),
                "quantity": item.whole("quantity"),
                "interval": price.part("recurring").text("interval"),
                "current_period_start": item.time("current_period_start") or subscription.time("current_period_start"),
                "current_period_end": end,
                "cancel_at": subscription.time("cancel_at") or (end if leaves else None),
                "created_at": subscription.time("created", required=True),
            }
        )
    return rows


def _product(price: Fields) -> str:
    named = price.at("product")
    return (price.part("product").text("name") if isinstance(named, Mapping) else "") or price.id("product")


def invoice_row(invoice: Fields, dashboard: str) -> Row:
    """Return a row of `list_invoices`. The link is the dashboard's: the hosted page lets anyone who has it pay."""
    taxes = invoice.parts("total_taxes")
    tax = sum(one.whole("amount", required=True) or 0 for one in taxes) if taxes else invoice.whole("tax")
    return {
        "id": invoice.id(required=True),
        "number": invoice.text("number"),
        "status": invoice.text("status"),
        "billing_reason": invoice.text("billing_reason"),
        "currency": invoice.text("currency", required=True),
        "subtotal": invoice.whole("subtotal", required=True),
        "tax": 0 if tax is None and invoice.at("total_taxes") == [] else tax,
        "total": invoice.whole("total", required=True),
        "amount_due": invoice.whole("amount_due", required=True),
        "amount_paid": invoice.whole("amount_paid", required=True),
        "attempt_count": invoice.whole("attempt_count"),
        "period_start": invoice.time("period_start"),
        "period_end": invoice.time("period_end"),
        "created_at": invoice.time("created", required=True),
        "due_at": invoice.time("due_date"),
        "url": f"{dashboard}/invoices/{invoice.id()}",
    }


def line_row(line: Fields, invoice: Fields, meters: Mapping[str, str]) -> Row:
    """Return a row of `list_invoice_lines`; `meters` names a meter id's event, and an id without a name stays an id."""
    price = line_price(line)
    meter = price.part("recurring").id("meter")
    unit = line.part("pricing").number("unit_amount_decimal")
    parent = line.part("parent")
    return {
        "invoice": invoice.id(required=True),
        "number": invoice.text("number"),
        "line_id": line.id(required=True),
        "description": line.text("description"),
        "quantity": line.number("quantity_decimal") or line.number("quantity"),
        "unit_amount": price.number("unit_amount") if unit is None else unit,
        "amount": line.whole("amount", required=True),
        "currency": line.text("currency", required=True),
        "proration": bool(
            parent.part("subscription_item_details").flag("proration")
            or parent.part("invoice_item_details").flag("proration")
            or line.flag("proration")
        ),
        "price_id": price.id(),
        "meter": meters.get(meter, meter),
        "period_start": line.part("period", required=True).time("start", required=True),
        "period_end": line.part("period", required=True).time("end", required=True),
    }


def line_price(line: Fields) -> Fields:
    """Return a line's price, whether Stripe gave its id or the expanded object; since 2025 it lies in `pricing`."""
    details = line.part("pricing").part("price_details")
    holder = details if details.at("price") is not None else line
    price = holder.at("price")
    return Fields({"id": price}, f"{holder.where}.price") if isinstance(price, str) else holder.part("price")


def card_row(method: Fields, default: str, at_moment: datetime) -> Row:
    """Return a row of `list_cards`; a card is good until the end of its last month, everywhere on Earth taken as UTC."""
    card = method.part("card", required=True)
    year, month = card.whole("exp_year", required=True), card.whole("exp_month", required=True)
    now = at_moment.astimezone(UTC)
    return {
        "id": method.id(required=True),
        "brand": card.text("brand"),
        "last4": card.text("last4", required=True),
        "exp_month": month,
        "exp_year": year,
        "is_default": method.id() == default,
        "expired": (year or 0, month or 0) < (now.year, now.month),
    }
