"""Charges, disputes, credit and metered usage as flat rows: money in minor units beside its currency, times in UTC."""

from collections.abc import Mapping

from connectors.stripe_fields import Fields
from models.base import Row


def charge_row(charge: Fields, invoices: Mapping[str, str]) -> Row:
    """Return a row of `list_charges`; `invoices` names the invoice of a payment intent or charge."""
    card = charge.part("payment_method_details").part("card")
    paid = invoices.get(charge.id("payment_intent")) or invoices.get(charge.id(required=True), "")
    return {
        "id": charge.id(),
        "status": charge.text("status", required=True),
        "amount": charge.whole("amount", required=True),
        "currency": charge.text("currency", required=True),
        "failure_code": charge.text("failure_code"),
        "decline_code": charge.part("outcome").text("reason"),
        "failure_message": charge.text("failure_message"),
        "card_brand": card.text("brand"),
        "card_last4": card.text("last4"),
        "card_exp_month": card.whole("exp_month"),
        "card_exp_year": card.whole("exp_year"),
        "invoice": charge.id("invoice") or paid,
        "created_at": charge.time("created", required=True),
    }


def failed_payment_row(charge: Fields, invoices: Mapping[str, str]) -> Row:
    """Return a row of `list_failed_payments`: a charge's, with what the bank advised."""
    outcome = charge.part("outcome")
    return {
        **charge_row(charge, invoices),
        "network_decline_code": outcome.text("network_decline_code"),
        "advice_code": outcome.text("advice_code"),
        "outcome_type": outcome.text("type"),
    }


def dispute_row(dispute: Fields) -> Row:
    """Return a row of `list_disputes`."""
    return {
        "id": dispute.id(required=True),
        "status": dispute.text("status", required=True),
        "reason": dispute.text("reason", required=True),
        "amount": dispute.whole("amount", required=True),
        "currency": dispute.text("currency", required=True),
        "charge": dispute.id("charge", required=True),
        "evidence_due_at": dispute.part("evidence_details").time("due_by"),
        "refundable": dispute.flag("is_charge_refundable"),
        "created_at": dispute.time("created", required=True),
    }


def balance_row(customer: Fields) -> Row:
    """Return the row of `get_credit` for the customer's balance, which Stripe writes as what is owed: turned round here."""
    return {
        "kind": "customer_balance",
        "id": customer.id(required=True),
        "number": "",
        "credit": -(customer.whole("balance", required=True) or 0),
        "currency": customer.text("currency"),
        "status": "",
        "reason": "",
        "invoice": "",
        "created_at": None,
    }


def grant_rows(summary: Fields) -> list[Row]:
    """Return the rows of `get_credit` for what is left of the credit grants, one per currency."""
    rows: list[Row] = []
    for balance in summary.parts("balances", required=True):
        left = balance.part("available_balance", required=True).part("monetary", required=True)
        rows.append(
            {
                "kind": "credit_grants",
                "id": "",
                "number": "",
                "credit": left.whole("value", required=True),
                "currency": left.text("currency", required=True),
                "status": "",
                "reason": "",
                "invoice": "",
                "created_at": None,
            }
        )
    return rows


def credit_note_row(note: Fields) -> Row:
    """Return the row of `get_credit` for a credit note."""
    return {
        "kind": "credit_note",
        "id": note.id(required=True),
        "number": note.text("number"),
        "credit": note.whole("total", required=True),
        "currency": note.text("currency", required=True),
        "status": note.text("status", required=True),
        "reason": note.text("reason"),
        "invoice": note.id("invoice"),
        "created_at": note.time("created", required=True),
    }


def usage_row(summary: Fields, meter: Fields) -> Row:
    """Return a row of `list_usage`: what one meter counted in one day."""
    start = summary.time("start_time", required=True)
    return {
        "meter": meter.text("event_name", required=True),
        "meter_id": meter.id(required=True),
        "title": meter.text("display_name"),
        "formula": meter.part("default_aggregation").text("formula"),
        "day": (start or "")[:10],
        "value": summary.number("aggregated_value", required=True),
        "start": start,
        "end": summary.time("end_time", required=True),
    }
