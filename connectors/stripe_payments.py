"""Attempts to collect money, those that failed, and those that the payer's bank took back."""

from datetime import timedelta

import stripe

from connectors.parameters import ask_both
from connectors.stripe_account import PAGE, Account, Found, created_in, page_size
from connectors.stripe_client import items
from connectors.stripe_fields import Fields
from connectors.stripe_parameters import ListCharges, ListDisputes, ListFailedPayments
from connectors.stripe_payment_rows import charge_row, dispute_row, failed_payment_row
from models.base import Row
from models.evidence import SourceRequest

_SCANNED_INVOICES = 300
_SCANNED_CHARGES = 500
_SCANNED_DISPUTES = 500
_RETRIED_FOR = timedelta(days=35)
"""An invoice's charges may come this long after the invoice: Stripe retries for weeks."""
_NO_INVOICES = "the key may not read invoices, so nothing is said about which one a charge was for"


async def list_charges(account: Account, request: SourceRequest, wanted: ListCharges) -> Found:
    """Return those created in the window, whether they succeeded or not."""
    charges, invoices = await ask_both(
        _charges_of(account, request, wanted.billing_id, request.row_limit + 1),
        _invoices_by_payment(account, request, wanted.billing_id),
    )
    rows = [charge_row(charge, invoices or {}) for charge in charges]
    return Found(rows, account.customer_url(wanted.billing_id), reason=_NO_INVOICES if invoices is None else "")


async def list_failed_payments(account: Account, request: SourceRequest, wanted: ListFailedPayments) -> Found:
    """Return the charges of the window that failed, with what the bank said."""
    charges, invoices = await ask_both(
        _charges_of(account, request, wanted.billing_id, _SCANNED_CHARGES + 1),
        _invoices_by_payment(account, request, wanted.billing_id),
    )
    truncated = len(charges) > _SCANNED_CHARGES
    failed = [charge for charge in charges[:_SCANNED_CHARGES] if charge.text("status", required=True) == "failed"]
    rows = [failed_payment_row(charge, invoices or {}) for charge in failed]
    reason = f"only the newest {_SCANNED_CHARGES} charges of the window were looked through" if truncated else ""
    reason = reason or (_NO_INVOICES if invoices is None else "")
    return Found(rows, account.customer_url(wanted.billing_id), truncated, reason)


async def list_disputes(account: Account, request: SourceRequest, wanted: ListDisputes) -> Found:
    """Return the disputes opened in the window. Stripe lists an account's, so they are sifted by their charge's customer."""
    page = await account.client.v1.disputes.list_async(
        {"limit": PAGE, "created": created_in(request), "expand": ["data.charge"]}
    )
    rows: list[Row] = []
    looked_at = 0
    async for dispute in items(page, _SCANNED_DISPUTES + 1, "disputes"):
        looked_at += 1
        # The page holds other customers' too: one that does not say whose it is would be told as nobody's.
        if dispute.part("charge", required=True).id("customer") == wanted.billing_id:
            rows.append(dispute_row(dispute))
        if len(rows) > request.row_limit:
            break
    truncated = looked_at > _SCANNED_DISPUTES
    reason = f"only the newest {_SCANNED_DISPUTES} disputes of the window were looked through" if truncated else ""
    return Found(rows, account.customer_url(wanted.billing_id), truncated, reason)


async def _charges_of(account: Account, request: SourceRequest, billing_id: str, limit: int) -> list[Fields]:
    size = min(PAGE, limit) if limit > request.row_limit + 1 else page_size(request)
    page = await account.client.v1.charges.list_async(
        {"customer": billing_id, "limit": size, "created": created_in(request)}
    )
    return [charge async for charge in items(page, limit, "charges")]


async def _invoices_by_payment(account: Account, request: SourceRequest, billing_id: str) -> dict[str, str] | None:
    # Since 2025 a charge no longer names its invoice; the invoice names its payments.
    named: dict[str, str] = {}
    try:
        page = await account.client.v1.invoices.list_async(
            {
                "customer": billing_id,
                "limit": PAGE,
                "expand": ["data.payments"],
                "created": created_in(request, earlier=_RETRIED_FOR),
            }
        )
    except stripe.PermissionError:
        # A key that may read charges alone still answers; only the column stays empty, and that is said.
        return None
    async for invoice in items(page, _SCANNED_INVOICES, "invoices"):
        for payment in invoice.parts("payments"):
            paid = payment.part("payment")
            # A payment made outside of Stripe has neither, nor has a charge of old an intent: those two do not belong together.
            if through := paid.id("payment_intent") or paid.id("charge"):
                named[through] = invoice.id()
    return named
