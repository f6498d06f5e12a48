"""Stripe's collections: what each lists, filters by and can be searched by."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from pydantic import JsonValue

from sandbox.stripe_catalog import Object
from sandbox.stripe_objects import Account

Condition = Callable[[Object, str], bool]


def _same(name: str) -> Condition:
    return lambda one, wanted: str(one.get(name) or "") == wanted


def _subscription_of(one: Object, wanted: str) -> bool:
    parent = one["parent"]
    details = parent.get("subscription_details") if isinstance(parent, dict) else None
    return isinstance(details, dict) and details.get("subscription") == wanted


def _subscription_status(one: Object, wanted: str) -> bool:
    return wanted == "all" or (wanted == "ended" and one["status"] == "canceled") or one["status"] == wanted


def _price_of(one: Object, wanted: str) -> bool:
    items = cast(Object, one["items"])["data"]
    return any(cast(Object, cast(Object, item)["price"])["id"] == wanted for item in cast(list[JsonValue], items))


def _event_type(one: Object, wanted: str) -> bool:
    prefix, star, _ = wanted.partition("*")
    return str(one["type"]).startswith(prefix) if star else one["type"] == wanted


def _pays(one: Object, wanted: str) -> bool:
    return cast(Object, one["payment"])["payment_intent"] == wanted


@dataclass(frozen=True, slots=True)
class Collection:
    """A resource that is listed: its objects, the parameters that filter it, the times that take ranges, whether it searches."""

    kind: str
    objects: Sequence[Object]
    filters: Mapping[str, Condition]
    ranges: frozenset[str] = frozenset({"created"})
    searchable: frozenset[str] = frozenset()
    moment: str = "created"
    """The field that a range of `created` goes by."""
    default: Mapping[str, Condition] | None = None
    """Conditions in force where the parameter of that name is not given."""


def collections_of(account: Account) -> dict[str, Collection]:
    """Return path below /v1/ to collection."""
    alive: dict[str, Condition] = {"status": lambda one, _: one["status"] != "canceled"}
    named = {"customer": _same("customer"), "status": _same("status")}
    money = frozenset({"created", "currency", "customer", "metadata", "status"})
    return {
        "customers": Collection(
            "customer",
            account.customers,
            {"email": _same("email")},
            searchable=frozenset({"created", "email", "metadata", "name", "phone"}),
        ),
        "subscriptions": Collection(
            "subscription",
            account.subscriptions,
            {"customer": _same("customer"), "status": _subscription_status, "price": _price_of},
            searchable=frozenset({"created", "metadata", "status"}),
            default=alive,
        ),
        "invoices": Collection(
            "invoice",
            account.invoices,
            {**named, "subscription": _subscription_of, "collection_method": _same("collection_method")},
            frozenset({"created", "due_date"}),
            searchable=money | {"number", "receipt_number", "subscription", "total"},
        ),
        "charges": Collection(
            "charge",
            account.charges,
            {"customer": _same("customer"), "payment_intent": _same("payment_intent")},
            searchable=money | {"amount", "disputed", "refunded"},
        ),
        "payment_methods": Collection(
            "payment_method",
            account.payment_methods,
            {"customer": _same("customer"), "type": _same("type")},
            frozenset(),
        ),
        "invoice_payments": Collection(
            "invoice_payment",
            account.invoice_payments,
            {
                "invoice": _same("invoice"),
                "status": _same("status"),
                "payment[type]": lambda one, wanted: wanted == "payment_intent",
                "payment[payment_intent]": _pays,
            },
        ),
        "invoiceitems": Collection(
            "invoiceitem",
            account.invoice_items,
            {
                "customer": _same("customer"),
                "invoice": _same("invoice"),
                "pending": lambda one, wanted: (one["invoice"] is None) == (wanted == "true"),
            },
            moment="date",
        ),
        "disputes": Collection(
            "dispute", account.disputes, {"charge": _same("charge"), "payment_intent": _same("payment_intent")}
        ),
        "credit_notes": Collection(
            "credit_note", account.credit_notes, {"customer": _same("customer"), "invoice": _same("invoice")}
        ),
        "events": Collection("event", account.events, {"type": _event_type, "types": _event_type}),
        "prices": Collection(
            "price", account.prices, {"product": _same("product"), "active": lambda one, w: w == "true"}
        ),
        "products": Collection("product", account.products, {"active": lambda one, wanted: wanted == "true"}),
        "billing/meters": Collection("billing.meter", account.meters, {"status": _same("status")}, frozenset()),
    }
