"""Stripe's objects and lists as its far end sends them, and one question to the connector."""

from pydantic import JsonValue

from connectors.stripe import StripeConnector
from models.customer import Window
from models.evidence import Answer
from models.tenant import StripeConfig
from models.vocabulary import Source
from tests.connectors.far_end import DAY, NOW, FarEnd, Handler, Reply, Seen, ask

KEY = "rk_test_51SecretSecretSecret"
CUSTOMER = "cus_Acme1"
EPOCH = int(NOW.timestamp())


def listed(*items: JsonValue, more: bool = False, kind: str = "list") -> Reply:
    url = "/v1/customers/search" if kind == "search_result" else "/v1/invoices"
    next_page = "p2" if more else None
    return Reply({"object": kind, "data": list(items), "has_more": more, "url": url, "next_page": next_page})


def a_customer(number: str = "1", **fields: JsonValue) -> dict[str, JsonValue]:
    return {
        "id": f"cus_Acme{number}",
        "object": "customer",
        "name": "Acme",
        "email": "billing@acme.example.com",
        "metadata": {"customer_id": "acme"},
        "currency": "usd",
        "delinquent": True,
        "created": EPOCH - 86_400,
        **fields,
    }


def an_invoice(number: int = 1, **fields: JsonValue) -> dict[str, JsonValue]:
    return {
        "id": f"in_{number}",
        "object": "invoice",
        "number": f"ACME-000{number}",
        "customer": CUSTOMER,
        "status": "open",
        "billing_reason": "subscription_cycle",
        "currency": "usd",
        "subtotal": 10_000,
        "total_taxes": [{"amount": 1_500, "tax_behavior": "exclusive"}, {"amount": 400, "tax_behavior": "exclusive"}],
        "total": 11_900,
        "amount_due": 11_900,
        "amount_paid": 0,
        "attempt_count": 2,
        "period_start": EPOCH - 30 * 86_400,
        "period_end": EPOCH,
        "created": EPOCH - 3_600,
        "due_date": None,
        **fields,
    }


def a_line(number: int, **fields: JsonValue) -> dict[str, JsonValue]:
    return {
        "id": f"il_{number}",
        "object": "line_item",
        "description": "API requests",
        "quantity": 120_000,
        "amount": 6_000,
        "currency": "usd",
        "parent": {"type": "subscription_item_details", "subscription_item_details": {"proration": False}},
        "pricing": {
            "type": "price_details",
            "unit_amount_decimal": "0.05",
            "price_details": {
                "product": "prod_1",
                "price": {"id": "price_m", "object": "price", "recurring": {"interval": "month", "meter": "mtr_1"}},
            },
        },
        "period": {"start": EPOCH - 86_400, "end": EPOCH},
        **fields,
    }


def a_charge(number: int, **fields: JsonValue) -> dict[str, JsonValue]:
    return {
        "id": f"ch_{number}",
        "object": "charge",
        "status": "failed",
        "amount": 11_900,
        "currency": "usd",
        "customer": CUSTOMER,
        "failure_code": "card_declined",
        "failure_message": "Your card has insufficient funds.",
        "outcome": {"type": "issuer_declined", "reason": "insufficient_funds"},
        "payment_intent": f"pi_{number}",
        "payment_method_details": {
            "type": "card",
            "card": {"brand": "visa", "last4": "0341", "exp_month": 4, "exp_year": 2027},
        },
        "created": EPOCH - 60,
        **fields,
    }


def routes(**replies: Reply | Handler) -> Handler:
    """Answer by the last part of the path."""

    def handler(seen: Seen) -> Reply:
        found = replies.get(seen.path.rsplit("/", 1)[-1])
        if found is None:
            return Reply(
                {"error": {"type": "invalid_request_error", "message": f"unplanned {seen.target}"}}, status=400
            )
        return found if isinstance(found, Reply) else found(seen)

    return handler


def connect(end: FarEnd) -> StripeConnector:
    return StripeConnector(StripeConfig.model_validate({"url": end.url, "api_key": "env:STRIPE_KEY"}), KEY)


async def fetch(
    connector: StripeConnector, operation: str, window: Window | None = DAY, rows: int = 200, **parameters: JsonValue
) -> Answer:
    return await connector.fetch(ask(Source.STRIPE, operation, parameters, window=window, rows=rows))


def refused(status: int, code: str = "", parameter: str = "", message: str = "no", **headers: str) -> Reply:
    error: JsonValue = {
        "type": "invalid_request_error",
        "message": message,
        "code": code or None,
        "param": parameter or None,
    }
    return Reply(
        {"error": error}, status=status, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )


MISSING = refused(404, "resource_missing", "id", f"No such customer: '{CUSTOMER}'")
