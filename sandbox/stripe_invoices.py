"""Stripe's objects of collecting money: invoices, their lines and payments, charges."""

from pydantic import JsonValue

from sandbox.stripe_catalog import Books, Object, billing_details, charged_card, list_of, token
from sandbox.world_billing import Charge, Invoice, InvoiceLine

INLINE_LINES = 10
"""Lines that an invoice carries itself; the rest is behind its `lines.url`, as at Stripe."""


def invoice_object(books: Books, one: Invoice) -> Object:
    """An invoice with its first lines."""
    customer = books.customers[one.customer]
    lines: list[JsonValue] = [invoice_line(books, line, one) for line in one.lines]
    created = books.at(one.created)
    finalized = None if one.status == "draft" else created
    due = 0 if one.status == "void" else one.total
    page = f"https://invoice.example.com/i/{token('', one.id)}"
    return {
        "id": one.id,
        "object": "invoice",
        "account_country": "US",
        "account_name": "Sandbox",
        "account_tax_ids": None,
        "amount_due": due,
        "amount_overpaid": 0,
        "amount_paid": one.amount_paid,
        "amount_remaining": due - one.amount_paid,
        "amount_shipping": 0,
        "application": None,
        "attempt_count": one.attempt_count,
        "attempted": one.attempt_count > 0,
        "auto_advance": one.status in ("draft", "open"),
        "automatic_tax": {
            "disabled_reason": None,
            "enabled": False,
            "liability": None,
            "provider": None,
            "status": None,
        },
        "automatically_finalizes_at": None,
        "billing_reason": one.billing_reason,
        "collection_method": "send_invoice" if one.due is not None else "charge_automatically",
        "created": created,
        "currency": one.currency,
        "custom_fields": None,
        "customer": one.customer,
        "customer_account": None,
        "customer_address": None,
        "customer_email": customer.email,
        "customer_name": customer.name,
        "customer_phone": None,
        "customer_shipping": None,
        "customer_tax_exempt": "none",
        "customer_tax_ids": [],
        "default_payment_method": None,
        "default_source": None,
        "default_tax_rates": [],
        "description": None,
        "discounts": [],
        "due_date": books.maybe(one.due),
        "effective_at": finalized,
        "ending_balance": 0 if finalized else None,
        "footer": None,
        "from_invoice": None,
        "hosted_invoice_url": page if finalized else None,
        "invoice_pdf": f"{page}/pdf" if finalized else None,
        "issuer": {"type": "self"},
        "last_finalization_error": None,
        "latest_revision": None,
        "lines": list_of(lines[:INLINE_LINES], f"/v1/invoices/{one.id}/lines", more=len(lines) > INLINE_LINES),
        "livemode": False,
        "metadata": {},
        "next_payment_attempt": books.maybe(one.next_attempt),
        "number": one.number,
        "on_behalf_of": None,
        "parent": _invoice_parent(one),
        "payment_settings": {
            "default_mandate": None,
            "payment_method_options": None,
            "payment_method_types": None,
        },
        "period_end": books.at(one.period_end),
        "period_start": books.at(one.period_start),
        "post_payment_credit_notes_amount": 0,
        "pre_payment_credit_notes_amount": 0,
        "receipt_number": None,
        "rendering": None,
        "shipping_cost": None,
        "shipping_details": None,
        "starting_balance": 0,
        "statement_descriptor": None,
        "status": one.status,
        "status_transitions": {
            "finalized_at": finalized,
            "marked_uncollectible_at": created if one.status == "uncollectible" else None,
            "paid_at": _paid_at(books, one),
            "voided_at": created if one.status == "void" else None,
        },
        "subtotal": one.subtotal,
        "subtotal_excluding_tax": one.subtotal,
        "test_clock": None,
        "total": one.total,
        "total_discount_amounts": [],
        "total_excluding_tax": one.subtotal,
        "total_pretax_credit_amounts": [],
        "total_taxes": _taxes(one.tax, one.subtotal),
        "webhooks_delivered_at": created,
    }


def _invoice_parent(one: Invoice) -> JsonValue:
    if not one.subscription:
        return None
    details: Object = {"metadata": {}, "subscription": one.subscription}
    return {"quote_details": None, "subscription_details": details, "type": "subscription_details"}


def _paid_at(books: Books, one: Invoice) -> int | None:
    if one.status != "paid":
        return None
    charges = [c.created for c in books.billing.charges if c.invoice == one.id and c.status == "succeeded"]
    return books.at(max(charges, default=one.created))


def invoice_line(books: Books, line: InvoiceLine, invoice: Invoice) -> Object:
    """A line; the price is in `pricing`, the proration flag in `parent`."""
    price = books.prices[line.price]
    item = _item_of(books, line.price, invoice.subscription)
    share = round(invoice.tax * line.amount / invoice.subtotal) if invoice.subtotal else 0
    parent: Object = {"invoice_item_details": None, "subscription_item_details": None, "type": ""}
    if item:
        parent["type"] = "subscription_item_details"
        parent["subscription_item_details"] = {
            "invoice_item": None,
            "proration": line.proration,
            "proration_details": {"credited_items": None} if line.proration else None,
            "subscription": invoice.subscription,
            "subscription_item": item,
        }
    else:
        parent["type"] = "invoice_item_details"
        parent["invoice_item_details"] = {
            "invoice_item": token("ii_", line.id),
            "proration": line.proration,
            "proration_details": {"credited_items": None},
            "subscription": invoice.subscription or None,
        }
    return {
        "id": line.id,
        "object": "line_item",
        "amount": line.amount,
        "currency": invoice.currency,
        "description": line.description,
        "discount_amounts": [],
        "discountable": not line.proration,
        "discounts": [],
        "invoice": invoice.id,
        "livemode": False,
        "metadata": {},
        "parent": parent,
        "period": {"end": books.at(line.period_end), "start": books.at(line.period_start)},
        "pretax_credit_amounts": [],
        "pricing": {
            "price_details": {"price": price.id, "product": price.product},
            "type": "price_details",
            "unit_amount_decimal": str(price.unit_amount),
        },
        "quantity": line.quantity,
        "quantity_decimal": str(line.quantity),
        "subscription": invoice.subscription or None,
        "subtotal": line.amount,
        "taxes": _taxes(share, line.amount),
    }


def _item_of(books: Books, price: str, subscription: str) -> str:
    for one in books.billing.subscriptions:
        if one.id == subscription:
            return next((item.id for item in one.items if item.price == price), "")
    return ""


def charge_object(books: Books, one: Charge) -> Object:
    """A charge; which invoice it pays is known by its payment intent only."""
    customer = books.customers[one.customer]
    card = next((card for card in customer.cards if card.id == one.card), None)
    succeeded, failed = one.status == "succeeded", one.status == "failed"
    face = charged_card(books, card) if card else None
    return {
        "id": one.id,
        "object": "charge",
        "amount": one.amount,
        "amount_captured": one.amount if succeeded else 0,
        "amount_refunded": 0,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": token("txn_", one.id) if succeeded else None,
        "billing_details": billing_details(customer),
        "calculated_statement_descriptor": "SANDBOX",
        "captured": succeeded,
        "created": books.at(one.created),
        "currency": one.currency,
        "customer": one.customer,
        "description": "Subscription update" if one.invoice else None,
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": one.failure_code or None,
        "failure_message": one.failure_message or None,
        "fraud_details": {},
        "livemode": False,
        "metadata": {},
        "on_behalf_of": None,
        "outcome": _outcome(one) if succeeded or failed else None,
        "paid": succeeded,
        "payment_intent": token("pi_", one.invoice or one.id),
        "payment_method": one.card or None,
        "payment_method_details": {"card": face, "type": "card"} if face else None,
        "receipt_email": None,
        "receipt_number": None,
        "receipt_url": None,
        "refunded": False,
        "review": None,
        "shipping": None,
        "source": None,
        "source_transfer": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": one.status,
        "transfer": None,
        "transfer_data": None,
        "transfer_group": None,
    }


def invoice_payment(books: Books, one: Charge) -> Object:
    """The link from an invoice to the payment intent that pays it."""
    created = books.at(one.created)
    paid = one.status == "succeeded"
    return {
        "id": token("inpay_", one.invoice),
        "object": "invoice_payment",
        "amount_paid": one.amount if paid else None,
        "amount_requested": one.amount,
        "created": created,
        "currency": one.currency,
        "invoice": one.invoice,
        "is_default": True,
        "livemode": False,
        "payment": {"payment_intent": token("pi_", one.invoice), "type": "payment_intent"},
        "status": "paid" if paid else "open",
        "status_transitions": {"canceled_at": None, "paid_at": created if paid else None},
    }


def _outcome(one: Charge) -> Object:
    if one.status == "succeeded":
        return {
            "advice_code": None,
            "network_advice_code": None,
            "network_decline_code": None,
            "network_status": "approved_by_network",
            "reason": None,
            "risk_level": "normal",
            "rule": None,
            "seller_message": "Payment complete.",
            "type": "authorized",
        }
    return {
        "advice_code": "try_again_later" if one.decline_code == "insufficient_funds" else None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": "declined_by_network",
        "reason": one.decline_code or one.failure_code or "generic_decline",
        "risk_level": "normal",
        "rule": None,
        "seller_message": one.failure_message or "The bank did not return any further details with this decline.",
        "type": "issuer_declined",
    }


def _taxes(amount: int, taxable: int) -> JsonValue:
    if not amount:
        return []
    return [
        {
            "amount": amount,
            "tax_behavior": "exclusive",
            "tax_rate_details": {"tax_rate": "txr_sandbox"},
            "taxability_reason": "standard_rated",
            "taxable_amount": taxable,
            "type": "tax_rate_details",
        }
    ]
