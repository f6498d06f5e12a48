"""Invoices and their lines."""

import stripe

from connectors.parameters import ask_together
from connectors.stripe_account import AT_ONCE, PAGE, Account, Found, created_in, page_size
from connectors.stripe_client import as_fields, items
from connectors.stripe_fields import Fields
from connectors.stripe_parameters import ListInvoiceLines, ListInvoices
from connectors.stripe_rows import invoice_row, line_price, line_row
from models.evidence import SourceRequest

_SCANNED_INVOICES = 300
_SCANNED_METERS = 300


async def list_invoices(account: Account, request: SourceRequest, wanted: ListInvoices) -> Found:
    """Return those created in the window."""
    page = await account.client.v1.invoices.list_async(
        {"customer": wanted.billing_id, "limit": page_size(request), "created": created_in(request)}
    )
    found = items(page, request.row_limit + 1, "invoices")
    rows = [invoice_row(invoice, account.dashboard) async for invoice in found]
    return Found(rows, account.customer_url(wanted.billing_id))


async def list_invoice_lines(account: Account, request: SourceRequest, wanted: ListInvoiceLines) -> Found:
    """Return the lines of one invoice, or of all in the window."""
    invoices, truncated = await _wanted_invoices(account, request, wanted)
    lines: list[tuple[Fields, Fields]] = []
    for start in range(0, len(invoices), AT_ONCE):
        batch = await ask_together(
            _lines_of(account, request, invoice) for invoice in invoices[start : start + AT_ONCE]
        )
        lines += [pair for pairs in batch for pair in pairs]
        if len(lines) > request.row_limit:
            break
    meters = await _meters_of(account, lines)
    unnamed = "" if meters is not None else "the key may not read meters, so they are told by their ids"
    url = account.customer_url(wanted.billing_id)
    if len(invoices) == 1:
        url = f"{account.dashboard}/invoices/{invoices[0].id()}"
    reason = f"only the newest {_SCANNED_INVOICES} invoices were looked through" if truncated else unnamed
    return Found([line_row(line, invoice, meters or account.meters) for invoice, line in lines], url, truncated, reason)


async def _lines_of(account: Account, request: SourceRequest, invoice: Fields) -> list[tuple[Fields, Fields]]:
    page = await account.client.v1.invoices.line_items.list_async(
        invoice.id(), {"limit": page_size(request), "expand": ["data.pricing.price_details.price"]}
    )
    return [(invoice, line) async for line in items(page, request.row_limit + 1, f"{invoice.where}.lines")]


async def _wanted_invoices(
    account: Account, request: SourceRequest, wanted: ListInvoiceLines
) -> tuple[list[Fields], bool]:
    if wanted.invoice.startswith("in_") and wanted.invoice.isascii() and wanted.invoice.replace("_", "").isalnum():
        invoice = as_fields(await account.client.v1.invoices.retrieve_async(wanted.invoice), "invoice")
        # A ticket may name anybody's invoice; only the customer's own may be read.
        return ([invoice] if invoice.id("customer") == wanted.billing_id else []), False
    # An invoice that is named may lie outside of the window.
    page = await account.client.v1.invoices.list_async(
        {"customer": wanted.billing_id, "limit": PAGE}
        if wanted.invoice
        else {"customer": wanted.billing_id, "limit": PAGE, "created": created_in(request)}
    )
    looked_at = 0
    invoices: list[Fields] = []
    async for invoice in items(page, _SCANNED_INVOICES + 1, "invoices"):
        looked_at += 1
        if not wanted.invoice or invoice.text("number").casefold() == wanted.invoice.casefold():
            invoices.append(invoice)
        if wanted.invoice and invoices:
            return invoices, False
    return invoices[:_SCANNED_INVOICES], looked_at > _SCANNED_INVOICES


async def _meters_of(account: Account, lines: list[tuple[Fields, Fields]]) -> dict[str, str] | None:
    """Return the names of meters by their ids; None where the key may not read them."""
    used = {line_price(line).part("recurring").id("meter") for _, line in lines} - {""}
    if not used <= set(account.meters):
        try:
            page = await account.client.v1.billing.meters.list_async({"limit": PAGE})
        except stripe.PermissionError:
            return None
        async for meter in items(page, _SCANNED_METERS, "meters"):
            account.meters[meter.id()] = meter.text("event_name", required=True)
    return account.meters
