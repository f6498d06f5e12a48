"""Stripe, as its API answers (the shapes of tests/connectors/test_stripe.py)."""

from datetime import UTC, datetime, timedelta

from pydantic import JsonValue

from connectors.base import Connector
from connectors.stripe import StripeConnector
from models.customer import Window
from models.tenant import StripeConfig
from models.vocabulary import Scope, Source
from tests.conformance.frame import MISSING, Case, Condition, Drift, Place, Subject
from tests.connectors.far_end import Handler, Reply, Seen
from tests.connectors.stripe_far_end import CUSTOMER, EPOCH, KEY, a_charge, a_customer, a_line, an_invoice

RECENT = Window(start=datetime.now(UTC) - timedelta(days=2), end=datetime.now(UTC) - timedelta(days=1))
"""Stripe lists events of the last days alone, so the window cannot be a fixed one."""
BILLING: dict[str, JsonValue] = {"billing_id": CUSTOMER}


def connect(place: Place) -> Connector:
    return StripeConnector(StripeConfig.model_validate({"url": place.url, "api_key": "env:STRIPE_KEY"}), KEY)


def refusal(status: int, quoted: str) -> Reply:
    return Reply({"error": {"type": "invalid_request_error", "message": quoted}}, status=status)


def listed(*things: JsonValue, more: JsonValue = None) -> Handler:
    """Answer with one page, or with `more` on a second one, as lists and searches do."""

    def handler(seen: Seen) -> Reply:
        search = seen.path.endswith("/search")
        second = bool(seen.one("starting_after") or seen.one("page"))
        page: dict[str, JsonValue] = {
            "object": "search_result" if search else "list",
            "url": seen.path,
            "data": [more] if second else list(things),
            "has_more": more is not None and not second,
        }
        if search:
            page["next_page"] = "p2" if page["has_more"] else None
        return Reply(page)

    return handler


def by_path(**handlers: Handler) -> Handler:
    """Answer by the last part of the path, `who` for the customer itself; what is not named is an empty list."""

    def handler(seen: Seen) -> Reply:
        part = seen.path.rsplit("/", 1)[-1]
        return handlers.get("who" if part == CUSTOMER else part, listed())(seen)

    return handler


def plain(body: JsonValue) -> Handler:
    """Answer with one object."""
    return lambda _: Reply(body)


def a_subscription(number: int) -> dict[str, JsonValue]:
    price: JsonValue = {
        "id": "price_1",
        "object": "price",
        "product": "prod_1",
        "nickname": "Scale",
        "unit_amount": 49_900,
        "currency": "usd",
        "recurring": {"interval": "month"},
    }
    item: JsonValue = {
        "id": f"si_{number}",
        "object": "subscription_item",
        "quantity": 1,
        "current_period_start": EPOCH - 86_400,
        "current_period_end": EPOCH,
        "price": price,
    }
    return {
        "id": f"sub_{number}",
        "object": "subscription",
        "customer": CUSTOMER,
        "status": "active",
        "currency": "usd",
        "items": {"object": "list", "data": [item], "has_more": False, "url": "/v1/subscription_items"},
        "cancel_at_period_end": False,
        "cancel_at": None,
        "created": EPOCH - 86_400,
    }


def an_event(number: int, kind: str, thing: JsonValue, before: JsonValue = None) -> JsonValue:
    data: dict[str, JsonValue] = {"object": thing}
    if before is not None:
        data["previous_attributes"] = before
    return {"id": f"evt_{number}", "object": "event", "type": kind, "created": EPOCH - number, "data": data}


def a_change(number: int) -> JsonValue:
    thing = a_subscription(number)
    items = thing["items"]
    assert isinstance(items, dict)
    (item,) = items["data"] if isinstance(items["data"], list) else []
    assert isinstance(item, dict)
    return an_event(
        number, "customer.subscription.updated", thing, {"items": {"object": "list", "data": [{**item, "quantity": 4}]}}
    )


def an_invoice_item(number: int) -> JsonValue:
    return {
        "id": f"ii_{number}",
        "object": "invoiceitem",
        "customer": CUSTOMER,
        "amount": -700,
        "currency": "usd",
        "proration": True,
        "date": EPOCH - 1,
        "parent": {"type": "subscription_details", "subscription_details": {"subscription": "sub_1"}},
    }


def a_dispute(number: int) -> JsonValue:
    return {
        "id": f"dp_{number}",
        "object": "dispute",
        "status": "needs_response",
        "reason": "fraudulent",
        "amount": 11_900,
        "currency": "usd",
        "charge": a_charge(number),
        "evidence_details": {"due_by": EPOCH + 86_400},
        "is_charge_refundable": True,
        "created": EPOCH - 60,
    }


def a_note(number: int) -> JsonValue:
    return {
        "id": f"cn_{number}",
        "object": "credit_note",
        "number": f"ACME-CN-{number}",
        "customer": CUSTOMER,
        "invoice": "in_1",
        "total": 500,
        "currency": "usd",
        "status": "issued",
        "reason": "duplicate",
        "created": EPOCH - 60,
    }


def a_card(number: int) -> JsonValue:
    card: JsonValue = {"brand": "visa", "last4": "0341", "exp_month": 4, "exp_year": 2027}
    return {"id": f"pm_{number}", "object": "payment_method", "type": "card", "customer": CUSTOMER, "card": card}


def a_summary(day: int) -> JsonValue:
    start = EPOCH - EPOCH % 86_400 - day * 86_400
    return {
        "id": f"mtrusg_{day}",
        "object": "billing.meter_event_summary",
        "meter": "mtr_1",
        "aggregated_value": 1_200.0,
        "start_time": start,
        "end_time": start + 86_400,
        "livemode": False,
    }


METER: JsonValue = {
    "id": "mtr_1",
    "object": "billing.meter",
    "event_name": "api_requests",
    "display_name": "API requests",
    "status": "active",
    "default_aggregation": {"formula": "sum"},
}
GRANTS: JsonValue = {
    "object": "billing.credit_balance_summary",
    "customer": CUSTOMER,
    "balances": [
        {
            "available_balance": {"type": "monetary", "monetary": {"currency": "usd", "value": 2_000}},
            "ledger_balance": {"type": "monetary", "monetary": {"currency": "usd", "value": 2_000}},
        }
    ],
    "livemode": False,
}
PAID = an_invoice(
    payments={"object": "list", "data": [{"payment": {"type": "payment_intent", "payment_intent": "pi_1"}}]}
)
WHO = a_customer(balance=-1_500, invoice_settings={"default_payment_method": "pm_1"})
FIRST = ("data", 0)


def case(operation: str, ok: Handler, rows: int, both: Handler | None, *drifts: Drift, **more: object) -> Case:
    """Build a case of one customer's list: empty when all lists are."""
    given: dict[str, object] = {
        "empty": listed(),
        "parameters": BILLING,
        "next_page": both,
        "rows_of_both": rows + 1,
        "scope": Scope.CUSTOMER,
        "customer": "acme",
        "window": RECENT,
        **more,
    }
    return Case(operation, ok=ok, rows=rows, drifts=drifts, **given)  # type: ignore[arg-type]  # names checked by Case


SUBJECT = Subject(
    source=Source.STRIPE,
    connect=connect,
    secrets=[KEY],
    refusal=refusal,
    cases=[
        case(
            "find_customer",
            listed(a_customer()),
            1,
            listed(a_customer(), more=a_customer("2")),
            Drift(("data",), "none"),
            Drift((*FIRST, "id"), MISSING),
            Drift((*FIRST, "created"), "yesterday"),
            Drift((*FIRST, "email"), 5),
            parameters={"customer_id": "acme"},
        ),
        case(
            "list_subscriptions",
            listed(a_subscription(1)),
            1,
            listed(a_subscription(1), more=a_subscription(2)),
            Drift(("data",), MISSING),
            Drift((*FIRST, "status"), 1),
            Drift((*FIRST, "items"), "two"),
            Drift((*FIRST, "items", "data", 0, "quantity"), "many"),
        ),
        case(
            "list_invoices",
            listed(an_invoice(1), an_invoice(2)),
            2,
            listed(an_invoice(1), an_invoice(2), more=an_invoice(3)),
            Drift((*FIRST, "total"), "119.00"),
            Drift((*FIRST, "currency"), MISSING),
            Drift(("data", 1, "created"), MISSING),
            Drift((*FIRST, "total_taxes"), "none"),
        ),
        case(
            "list_invoice_lines",
            by_path(invoices=listed(an_invoice(1)), lines=listed(a_line(1), a_line(2)), meters=listed(METER)),
            2,
            by_path(
                invoices=listed(an_invoice(1)), lines=listed(a_line(1), a_line(2), more=a_line(3)), meters=listed(METER)
            ),
            Drift((*FIRST, "amount"), "6000", at="/lines"),
            Drift((*FIRST, "period"), 7, at="/lines"),
            Drift((*FIRST, "id"), MISSING, at="/lines"),
            Drift((*FIRST, "id"), 1, at="/invoices?"),
        ),
        case(
            "list_charges",
            by_path(charges=listed(a_charge(1)), invoices=listed(PAID)),
            1,
            by_path(charges=listed(a_charge(1), more=a_charge(2)), invoices=listed(PAID)),
            Drift((*FIRST, "amount"), "11900", at="/charges"),
            Drift((*FIRST, "status"), MISSING, at="/charges"),
            Drift((*FIRST, "outcome"), "declined", at="/charges"),
        ),
        case(
            "list_failed_payments",
            by_path(charges=listed(a_charge(1)), invoices=listed(PAID)),
            1,
            by_path(charges=listed(a_charge(1), more=a_charge(2)), invoices=listed(PAID)),
            Drift((*FIRST, "status"), ["failed"], at="/charges"),
            Drift((*FIRST, "currency"), None, at="/charges"),
        ),
        case(
            "list_disputes",
            by_path(disputes=listed(a_dispute(1))),
            1,
            by_path(disputes=listed(a_dispute(1), more=a_dispute(2))),
            Drift((*FIRST, "charge"), MISSING),
            Drift((*FIRST, "amount"), "11900"),
            Drift((*FIRST, "evidence_details"), "soon"),
        ),
        case(
            "list_plan_changes",
            by_path(events=listed(a_change(1)), invoiceitems=listed(an_invoice_item(1))),
            1,
            by_path(events=listed(a_change(1), more=a_change(2)), invoiceitems=listed(an_invoice_item(1))),
            Drift((*FIRST, "data"), MISSING, at="/events"),
            Drift((*FIRST, "created"), "now", at="/events"),
            Drift((*FIRST, "data", "object", "items", "data", 0, "quantity"), "one", at="/events"),
            Drift((*FIRST, "amount"), "seven", at="/invoiceitems"),
        ),
        case(
            "get_credit",
            by_path(who=plain(WHO), credit_balance_summary=plain(GRANTS), credit_notes=listed(a_note(1))),
            3,
            by_path(
                who=plain(WHO),
                credit_balance_summary=plain(GRANTS),
                credit_notes=listed(a_note(1), more=a_note(2)),
            ),
            Drift(("balance",), "owed", at=f"/customers/{CUSTOMER}"),
            Drift(("balances", 0, "available_balance", "monetary", "value"), "20.00"),
            Drift((*FIRST, "total"), MISSING, at="/credit_notes"),
            not_applicable={Condition.EMPTY: "every customer has a balance, and zero is told as a row"},
        ),
        case(
            "list_usage",
            by_path(meters=listed(METER), event_summaries=listed(a_summary(2))),
            1,
            by_path(meters=listed(METER), event_summaries=listed(a_summary(2), more=a_summary(1))),
            Drift((*FIRST, "aggregated_value"), "many", at="/event_summaries"),
            Drift((*FIRST, "start_time"), MISSING, at="/event_summaries"),
            Drift((*FIRST, "event_name"), 3, at="/meters?"),
            empty=by_path(meters=listed(METER)),
        ),
        case(
            "list_events",
            listed(an_event(1, "invoice.payment_failed", an_invoice())),
            1,
            listed(
                an_event(1, "invoice.payment_failed", an_invoice()),
                more=an_event(2, "invoice.payment_failed", an_invoice()),
            ),
            Drift((*FIRST, "data"), "gone"),
            Drift((*FIRST, "data", "object"), MISSING),
            Drift((*FIRST, "type"), 4),
            parameters={**BILLING, "types": ["invoice.payment_failed"]},
        ),
        case(
            "list_cards",
            by_path(who=plain(WHO), payment_methods=listed(a_card(1))),
            1,
            by_path(who=plain(WHO), payment_methods=listed(a_card(1), more=a_card(2))),
            Drift((*FIRST, "card"), "visa"),
            Drift((*FIRST, "card", "exp_year"), "2027"),
            Drift(("invoice_settings",), "pm_1"),
            empty=by_path(who=plain(WHO)),
        ),
    ],
)
