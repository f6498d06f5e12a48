"""What Stripe recorded of a customer: its events, and the changes of plan that some of them tell."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from connectors.parameters import ask_both
from connectors.stripe_account import PAGE, Account, Found, belongs_to, created_in, unless_denied
from connectors.stripe_client import items
from connectors.stripe_event_rows import event_row, plan_change_rows
from connectors.stripe_fields import Fields
from connectors.stripe_parameters import ListEvents, ListPlanChanges
from models.evidence import SourceRequest

_SCANNED = 1_000
"""Events cannot be listed by customer, so the account's are read and sifted; this many at most."""
_SCANNED_ITEMS = 300
_KEPT = timedelta(days=30)
"""How far back Stripe lists events."""


async def list_events(account: Account, request: SourceRequest, wanted: ListEvents) -> Found:
    """Return those of the window that are about the customer or something of theirs."""
    events, reason = await _events_of(account, request, wanted.billing_id, wanted.types)
    rows = [event_row(event) for event in events]
    return Found(rows, account.customer_url(wanted.billing_id), bool(reason), reason)


async def list_plan_changes(account: Account, request: SourceRequest, wanted: ListPlanChanges) -> Found:
    """Return one row per item of a subscription whose price or quantity changed in the window."""
    (events, reason), prorations = await ask_both(
        _events_of(account, request, wanted.billing_id, ["customer.subscription.updated"]),
        unless_denied(_invoice_items(account, request, wanted.billing_id)),
    )
    rows = [row for event in events for row in plan_change_rows(event, prorations)]
    if prorations is None and not reason:
        reason = "the key may not read invoice items, so nothing is said about prorations"
        return Found(rows, account.customer_url(wanted.billing_id), reason=reason)
    return Found(rows, account.customer_url(wanted.billing_id), bool(reason), reason)


async def _events_of(
    account: Account, request: SourceRequest, billing_id: str, types: Sequence[str]
) -> tuple[list[Fields], str]:
    """Return the customer's events, and what may be missing."""
    page = await account.client.v1.events.list_async(
        {"types": list(types), "limit": PAGE, "created": created_in(request)}
    )
    events: list[Fields] = []
    looked_at = 0
    async for event in items(page, _SCANNED + 1, "events"):
        looked_at += 1
        if belongs_to(event.part("data", required=True).part("object", required=True), billing_id):
            events.append(event)
        if len(events) > request.row_limit:
            break
    if looked_at > _SCANNED:
        return events, f"the window holds more than {_SCANNED} events of the account; the newest were looked through"
    if request.window and request.window.start < datetime.now(UTC) - _KEPT:
        return events, f"Stripe lists the events of the last {_KEPT.days} days only, and the window begins earlier"
    return events, ""


async def _invoice_items(account: Account, request: SourceRequest, billing_id: str) -> list[Fields]:
    page = await account.client.v1.invoice_items.list_async(
        {"customer": billing_id, "limit": PAGE, "created": created_in(request)}
    )
    return [item async for item in items(page, _SCANNED_ITEMS, "invoiceitems")]
