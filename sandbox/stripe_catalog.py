"""Stripe's objects that last: meters, products, prices, customers, their cards and subscriptions."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import JsonValue

from sandbox.world_billing import BillingCustomer, BillingFile, Card, Meter, Price, Subscription, SubscriptionItem

Object = dict[str, JsonValue]
OPENED = timedelta(days=-400)
"""When the account set up its catalogue."""


@dataclass(frozen=True, slots=True)
class Books:
    """A world's billing with its "now": what the objects are made of."""

    billing: BillingFile
    now: datetime
    metadata_key: str
    """Key under which a customer's metadata holds our customer id."""
    prices: Mapping[str, Price]
    meters: Mapping[str, Meter]
    """By the meter's name in the usage table."""
    customers: Mapping[str, BillingCustomer]

    def at(self, offset: timedelta) -> int:
        """Return a moment in epoch seconds."""
        return int((self.now + offset).timestamp())

    def maybe(self, offset: timedelta | None) -> int | None:
        """Return a moment in epoch seconds, or None."""
        return None if offset is None else self.at(offset)


def meter_object(books: Books, meter: Meter) -> Object:
    """A meter."""
    born = books.at(timedelta(days=-400))
    return {
        "id": meter.id,
        "object": "billing.meter",
        "created": born,
        "customer_mapping": {"event_payload_key": "stripe_customer_id", "type": "by_id"},
        "default_aggregation": {"formula": "sum"},
        "display_name": meter.title or meter.name,
        "event_name": meter.event_name,
        "event_time_window": None,
        "livemode": False,
        "status": "active",
        "status_transitions": {"deactivated_at": None},
        "updated": born,
        "value_settings": {"event_payload_key": "value"},
    }


def product_object(books: Books, price: Price) -> Object:
    """The product of a price."""
    born = books.at(timedelta(days=-400))
    return {
        "id": price.product,
        "object": "product",
        "active": True,
        "created": born,
        "default_price": None,
        "description": None,
        "images": [],
        "livemode": False,
        "marketing_features": [],
        "metadata": {},
        "name": price.product_name,
        "package_dimensions": None,
        "shippable": None,
        "statement_descriptor": None,
        "tax_code": None,
        "type": "service",
        "unit_label": None,
        "updated": born,
        "url": None,
    }


def price_object(books: Books, price: Price) -> Object:
    """A price."""
    meter = books.meters.get(price.meter)
    return {
        "id": price.id,
        "object": "price",
        "active": True,
        "billing_scheme": "per_unit",
        "created": books.at(timedelta(days=-400)),
        "currency": price.currency,
        "custom_unit_amount": None,
        "livemode": False,
        "lookup_key": None,
        "metadata": {},
        "nickname": price.nickname,
        "product": price.product,
        "recurring": {
            "interval": price.interval,
            "interval_count": 1,
            "meter": meter.id if meter else None,
            "trial_period_days": None,
            "usage_type": "metered" if meter else "licensed",
        },
        "tax_behavior": "exclusive",
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "recurring",
        "unit_amount": price.unit_amount,
        "unit_amount_decimal": str(price.unit_amount),
    }


def plan(books: Books, price: Price) -> Object:
    """The same as the older `plan`, which subscription items still carry."""
    meter = books.meters.get(price.meter)
    return {
        "id": price.id,
        "object": "plan",
        "active": True,
        "amount": price.unit_amount,
        "amount_decimal": str(price.unit_amount),
        "billing_scheme": "per_unit",
        "created": books.at(timedelta(days=-400)),
        "currency": price.currency,
        "interval": price.interval,
        "interval_count": 1,
        "livemode": False,
        "metadata": {},
        "meter": meter.id if meter else None,
        "nickname": price.nickname,
        "product": price.product,
        "tiers_mode": None,
        "transform_usage": None,
        "trial_period_days": None,
        "usage_type": "metered" if meter else "licensed",
    }


def card_object(books: Books, card: Card, customer: BillingCustomer) -> Object:
    """A card, as a payment method."""
    return {
        "id": card.id,
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": billing_details(customer),
        "card": card_face(books, card),
        "created": books.at(customer.created),
        "customer": customer.id,
        "customer_account": None,
        "livemode": False,
        "metadata": {},
        "type": "card",
    }


def card_face(books: Books, card: Card) -> Object:
    """A card's face, as a payment method shows it."""
    return charged_card(books, card) | {
        "display_brand": card.brand,
        "generated_from": None,
        "networks": {"available": [card.brand], "preferred": None},
        "three_d_secure_usage": {"supported": True},
    }


def charged_card(books: Books, card: Card) -> Object:
    """The part of a card's face that a charge shows too."""
    expires = books.now + card.expires
    return {
        "brand": card.brand,
        "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
        "country": "US",
        "exp_month": expires.month,
        "exp_year": expires.year,
        "fingerprint": token("", card.id),
        "funding": "credit",
        "last4": card.last4,
        "regulated_status": "unregulated",
        "wallet": None,
    }


def customer_object(books: Books, customer: BillingCustomer) -> Object:
    """A customer; the default card is in `invoice_settings`."""
    default = next((card.id for card in customer.cards if card.default), None)
    metadata: Object = {books.metadata_key: customer.customer} if customer.linked else {}
    return {
        "id": customer.id,
        "object": "customer",
        "address": None,
        "balance": 0,
        "business_name": None,
        "created": books.at(customer.created),
        "currency": customer.currency,
        "customer_account": None,
        "default_source": None,
        "delinquent": customer.delinquent,
        "description": None,
        "discount": None,
        "email": customer.email,
        "individual_name": None,
        "invoice_prefix": token("", customer.id)[:8].upper(),
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": default,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": False,
        "metadata": metadata,
        "name": customer.name,
        "next_invoice_sequence": 1 + sum(one.customer == customer.id for one in books.billing.invoices),
        "phone": None,
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": None,
    }


def subscription_item(books: Books, one: Subscription, item: SubscriptionItem, period: tuple[int, int]) -> Object:
    """An item of a subscription in a period, given in epoch seconds; a metered one has no quantity."""
    body: Object = {
        "id": item.id,
        "object": "subscription_item",
        "billing_thresholds": None,
        "created": books.at(one.created),
        "current_period_end": period[1],
        "current_period_start": period[0],
        "discounts": [],
        "metadata": {},
        "plan": plan(books, books.prices[item.price]),
        "price": price_object(books, books.prices[item.price]),
        "subscription": one.id,
        "tax_rates": [],
    }
    if item.quantity is not None:
        body["quantity"] = item.quantity
    return body


def subscription_object(books: Books, one: Subscription) -> Object:
    """A subscription; the period is on its items."""
    period = books.at(one.period_start), books.at(one.period_end)
    invoices = [i for i in books.billing.invoices if i.subscription == one.id]
    latest = max(invoices, key=lambda invoice: invoice.created, default=None)
    price = books.prices[one.items[0].price]
    items: list[JsonValue] = [subscription_item(books, one, item, period) for item in one.items]
    return {
        "id": one.id,
        "object": "subscription",
        "application": None,
        "application_fee_percent": None,
        "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
        "billing_cycle_anchor": period[0],
        "billing_cycle_anchor_config": None,
        "billing_mode": {"flexible": None, "type": "classic"},
        "billing_schedules": [],
        "billing_thresholds": None,
        "cancel_at": books.maybe(one.cancel_at),
        "cancel_at_period_end": one.cancel_at is not None and one.cancel_at == one.period_end,
        "canceled_at": books.maybe(one.canceled_at),
        "cancellation_details": {"comment": None, "feedback": None, "reason": None},
        "collection_method": "charge_automatically",
        "created": books.at(one.created),
        "currency": price.currency,
        "customer": one.customer,
        "customer_account": None,
        "days_until_due": None,
        "default_payment_method": None,
        "default_source": None,
        "default_tax_rates": [],
        "description": None,
        "discounts": [],
        "ended_at": books.maybe(one.canceled_at) if one.status == "canceled" else None,
        "invoice_settings": {"account_tax_ids": None, "issuer": {"type": "self"}},
        "items": list_of(items, f"/v1/subscription_items?subscription={one.id}"),
        "latest_invoice": latest.id if latest else None,
        "livemode": False,
        "metadata": {},
        "next_pending_invoice_item_invoice": None,
        "on_behalf_of": None,
        "pause_collection": None,
        "payment_settings": {"payment_method_options": None, "payment_method_types": None},
        "pending_invoice_item_interval": None,
        "pending_setup_intent": None,
        "pending_update": None,
        "schedule": None,
        "start_date": books.at(one.created),
        "status": one.status,
        "test_clock": None,
        "transfer_data": None,
        "trial_end": None,
        "trial_settings": {"end_behavior": {"missing_payment_method": "create_invoice"}},
        "trial_start": None,
    }


def billing_details(customer: BillingCustomer) -> Object:
    """The holder's name and address."""
    address: Object = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))
    return {"address": address, "email": customer.email, "name": customer.name, "phone": None, "tax_id": None}


def list_of(data: list[JsonValue], url: str, *, more: bool = False) -> Object:
    """A list inside an object."""
    return {"object": "list", "data": data, "has_more": more, "url": url}


def token(prefix: str, seed: str) -> str:
    """An id made up from another, the same in every run."""
    return prefix + hashlib.sha256(seed.encode()).hexdigest()[:24]
