"""What Stripe's meters counted for a customer, by day."""

from datetime import UTC, datetime, timedelta

from connectors.http import Declined
from connectors.parameters import ask_together
from connectors.stripe_account import AT_ONCE, PAGE, Account, Found
from connectors.stripe_client import items
from connectors.stripe_fields import Fields
from connectors.stripe_parameters import ListUsage
from connectors.stripe_payment_rows import usage_row
from models.base import Row
from models.evidence import SourceRequest
from models.vocabulary import EvidenceStatus

_DAY = timedelta(days=1)
_METERS = 20
"""Meters that one question sums up at most, each by a request of its own."""
_LAG = timedelta(hours=1)
_LAGS = "Stripe counts usage with a delay: the last hour of the window may be incomplete"


async def list_usage(account: Account, request: SourceRequest, wanted: ListUsage) -> Found:
    """Return one row per meter and UTC day of the window with usage; the window is widened to whole days."""
    page = await account.client.v1.billing.meters.list_async({"limit": PAGE})
    every = [meter async for meter in items(page, PAGE + 1, "meters")]
    meters = [one for one in every if not wanted.meter or wanted.meter in (one.id(), one.text("event_name"))]
    if wanted.meter and not meters:
        names = ", ".join(sorted(one.text("event_name") for one in every)) or "none"
        raise Declined(EvidenceStatus.FAILED, f"Stripe has no meter of that name; the account has {names}")
    rows: list[Row] = []
    for start in range(0, min(len(meters), _METERS), AT_ONCE):
        batch = meters[start : min(start + AT_ONCE, _METERS)]
        for found in await ask_together(_days_of(account, request, wanted.billing_id, meter) for meter in batch):
            rows += found
    url = account.customer_url(wanted.billing_id)
    if len(meters) > _METERS:
        return Found(rows, url, True, f"only {_METERS} of the account's {len(meters)} meters were asked; name one")
    _, end = _window(request)
    return Found(rows, url, reason=_LAGS if end > datetime.now(UTC) - _LAG else "")


async def _days_of(account: Account, request: SourceRequest, billing_id: str, meter: Fields) -> list[Row]:
    start, end = _window(request)
    # Stripe sums up by day between midnights alone.
    first = start.replace(hour=0, minute=0, second=0, microsecond=0)
    last = end.replace(hour=0, minute=0, second=0, microsecond=0)
    page = await account.client.v1.billing.meters.event_summaries.list_async(
        meter.id(),
        {
            "customer": billing_id,
            "start_time": int(first.timestamp()),
            "end_time": int((last if last == end else last + _DAY).timestamp()),
            "value_grouping_window": "day",
            "limit": PAGE,
        },
    )
    summaries = items(page, request.row_limit + 1, "event_summaries")
    return [usage_row(summary, meter) async for summary in summaries]


def _window(request: SourceRequest) -> tuple[datetime, datetime]:
    if request.window is None:
        now = datetime.now(UTC)
        return now - 30 * _DAY, now
    return request.window.start.astimezone(UTC), request.window.end.astimezone(UTC)
