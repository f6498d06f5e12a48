"""What Stripe knows of a customer: who it is, what it subscribes to, the cards and the credit on file."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import stripe

from connectors.http import Declined
from connectors.parameters import ask_both
from connectors.stripe_account import PAGE, Account, Found, created_in, page_size, unless_denied
from connectors.stripe_client import as_fields, items
from connectors.stripe_fields import Fields
from connectors.stripe_parameters import FindCustomer, GetCredit, ListCards, ListSubscriptions
from connectors.stripe_payment_rows import balance_row, credit_note_row, grant_rows
from connectors.stripe_rows import card_row, customer_row, subscription_rows
from models.base import Row
from models.evidence import SourceRequest
from models.vocabulary import EvidenceStatus

_SEARCH_LAG = timedelta(hours=1)
"""How far Stripe's search may run behind: a minute as a rule, up to an hour in an outage."""
_LISTED_LATELY = 300
_LAGS = (
    "Stripe's search runs about a minute behind, up to an hour in an outage; {} made in the last hour were listed as "
    "well, but an older customer that was given its id just now may be missing"
)


async def find_customer(account: Account, request: SourceRequest, wanted: FindCustomer) -> Found:
    """Find by our id in the metadata; by e-mail where that finds nothing. Several matches are all told, none is chosen."""
    limit = request.row_limit + 1
    by, found, refusal, lag = "metadata", dict[str, Fields](), None, ""
    if wanted.customer_id:
        try:
            found = _by_id([one async for one in _search_by_our_id(account, wanted.customer_id, limit)])
        except stripe.PermissionError as error:
            # Search is not sold everywhere; lists may still answer.
            refusal = error
        if not found:
            lately, which = await _made_lately(account, wanted.customer_id)
            found, lag = _by_id(lately), _LAGS.format(which)
    foreign = 0
    if not found and wanted.email:
        by = "email"
        matches = await _by_email(account, wanted.email, limit)
        found = {name: one for name, one in matches.items() if not _is_another(account, one, wanted.customer_id)}
        foreign = len(matches) - len(found)
    if not found and refusal is not None:
        raise refusal
    rows = [
        customer_row(one, account.metadata_key, by, ambiguous=len(found) > 1) for one in list(found.values())[:limit]
    ]
    url = account.customer_url(next(iter(found)) if len(found) == 1 else "")
    return Found(rows, url, reason=_told(len(found), by, foreign, lag))


def _told(count: int, by: str, foreign: int, lag: str) -> str:
    if count > 1:
        return f"{count} customers match by {by}; none of them is chosen"
    if count:
        return ""
    said = [f"{foreign} with this e-mail hold the id of another customer and are left out"] if foreign else []
    return "; ".join([*said, lag] if lag else said)


def _by_id(found: list[Fields]) -> dict[str, Fields]:
    return {one.id(required=True): one for one in found}


def _is_another(account: Account, customer: Fields, wanted: str) -> bool:
    linked = customer.part("metadata").text(account.metadata_key)
    return bool(wanted and linked and linked != wanted)


async def _search_by_our_id(account: Account, customer_id: str, limit: int) -> AsyncIterator[Fields]:
    query = f"metadata['{_quoted(account.metadata_key)}']:'{_quoted(customer_id)}'"
    page = await account.client.v1.customers.search_async({"query": query, "limit": min(PAGE, limit)})
    async for customer in items(page, limit, "customers"):
        # Search matches without regard to case, and an id is exact.
        if customer.at("metadata", account.metadata_key) == customer_id:
            yield customer


async def _made_lately(account: Account, customer_id: str) -> tuple[list[Fields], str]:
    """Return those of that id whom search may not know yet, and which of the last hour's were looked through."""
    since = int((datetime.now(UTC) - _SEARCH_LAG).timestamp())
    page = await account.client.v1.customers.list_async({"created": {"gte": since}, "limit": PAGE})
    lately = [one async for one in items(page, _LISTED_LATELY + 1, "customers")]
    found = [one for one in lately if one.at("metadata", account.metadata_key) == customer_id]
    return found, f"the newest {_LISTED_LATELY}" if len(lately) > _LISTED_LATELY else "those"


async def _by_email(account: Account, email: str, limit: int) -> dict[str, Fields]:
    # Lists are never behind, but compare by case as people do not; search is the other way round.
    for spelled in dict.fromkeys((email, email.lower())):
        page = await account.client.v1.customers.list_async({"email": spelled, "limit": min(PAGE, limit)})
        if found := _by_id([one async for one in items(page, limit, "customers")]):
            return found
    query = f"email:'{_quoted(email)}'"
    result = await unless_denied(account.client.v1.customers.search_async({"query": query, "limit": min(PAGE, limit)}))
    if result is None:
        return {}
    matches = [one async for one in items(result, limit, "customers")]
    return _by_id([one for one in matches if one.text("email").casefold() == email.casefold()])


async def list_subscriptions(account: Account, request: SourceRequest, wanted: ListSubscriptions) -> Found:
    """Return one row per item, canceled ones too."""
    page = await account.client.v1.subscriptions.list_async(
        {"customer": wanted.billing_id, "status": "all", "limit": page_size(request)}
    )
    rows: list[Row] = []
    truncated = False
    async for subscription in items(page, request.row_limit + 1, "subscriptions"):
        rows += subscription_rows(subscription)
        truncated = truncated or subscription.at("items", "has_more") is True
    reason = "a subscription has more items than Stripe shows with it" if truncated else ""
    return Found(rows, account.customer_url(wanted.billing_id), truncated, reason)


async def list_cards(account: Account, request: SourceRequest, wanted: ListCards) -> Found:
    """Return the cards on file, and which of them is charged."""
    customer, cards = await ask_both(_customer(account, wanted.billing_id), _cards_of(account, request, wanted))
    default = customer.part("invoice_settings").id("default_payment_method") or customer.id("default_source")
    moment = request.window.end if request.window else datetime.now(UTC)
    return Found([card_row(card, default, moment) for card in cards], account.customer_url(wanted.billing_id))


async def _customer(account: Account, billing_id: str) -> Fields:
    customer = as_fields(await account.client.v1.customers.retrieve_async(billing_id), "customer")
    if customer.at("deleted") is True:
        raise Declined(EvidenceStatus.FAILED, "the customer was deleted at Stripe")
    return customer


async def _cards_of(account: Account, request: SourceRequest, wanted: ListCards) -> list[Fields]:
    page = await account.client.v1.customers.payment_methods.list_async(
        wanted.billing_id, {"type": "card", "limit": page_size(request)}
    )
    return [card async for card in items(page, request.row_limit + 1, "payment_methods")]


async def get_credit(account: Account, request: SourceRequest, wanted: GetCredit) -> Found:
    """Return the customer's balance, what is left of its credit grants, and the window's credit notes."""
    # The balance must be readable; what beside it may not be read is said.
    rows = [balance_row(await _customer(account, wanted.billing_id))]
    grants, notes = await ask_both(
        unless_denied(_grants(account, wanted.billing_id)), unless_denied(_credit_notes(account, request, wanted))
    )
    denied = [name for name, found in (("credit grants", grants), ("credit notes", notes)) if found is None]
    rows += [*(grants or []), *(notes or [])]
    reason = f"the key may not read {' and '.join(denied)}" if denied else ""
    return Found(rows, account.customer_url(wanted.billing_id), bool(denied), reason)


async def credit_summary(account: Account, billing_id: str) -> Fields:
    """Return what is left of a customer's credit grants."""
    summary = await account.client.v1.billing.credit_balance_summary.retrieve_async(
        {
            "customer": billing_id,
            "filter": {"type": "applicability_scope", "applicability_scope": {"price_type": "metered"}},
        }
    )
    return as_fields(summary, "credit_balance_summary", with_id=False)


async def _grants(account: Account, billing_id: str) -> list[Row]:
    return grant_rows(await credit_summary(account, billing_id))


async def _credit_notes(account: Account, request: SourceRequest, wanted: GetCredit) -> list[Row]:
    page = await account.client.v1.credit_notes.list_async(
        {"customer": wanted.billing_id, "limit": page_size(request), "created": created_in(request)}
    )
    return [credit_note_row(note) async for note in items(page, request.row_limit + 1, "credit_notes")]


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "\\'")
