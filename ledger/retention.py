"""Retention: revisions that ended longer ago than their tenant wants to keep lose their keys, hour by hour."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime, timedelta

from ledger.base import LedgerError
from ledger.erasure import Erased, Scope, erase
from ledger.store import SqlLedger

WHO = "retention"
"""Who erased, in the audit chain."""
_EVERY = 3600.0
"""Seconds."""


async def expire(ledger: SqlLedger, days: Mapping[str, int], now: datetime) -> dict[str, Erased]:
    """Erase what each tenant does not want to keep any longer. Safe to repeat, and in several processes at once.

    Args:
        days: Tenant to how many days are kept after a revision ended; tenants that keep everything are left out.
        now: With a zone.

    Returns:
        Tenant to what was erased, where something was.
    """
    done = {}
    for tenant, kept in days.items():
        erased = await erase(ledger, Scope(tenant, before=now - timedelta(days=kept)), WHO)
        if erased.keys:
            done[tenant] = erased
    return done


@contextlib.asynccontextmanager
async def expiring(
    ledger: SqlLedger,
    days: Mapping[str, int],
    told: Callable[[str, Erased], None],
    failed: Callable[[LedgerError], None],
) -> AsyncIterator[None]:
    """Expire at once and every hour while the block runs; a ledger that is down is tried again the next hour.

    Args:
        told: Called with a tenant and what was erased of it.
        failed: Called with what kept it from erasing.
    """
    task = asyncio.create_task(_keep_expiring(ledger, days, told, failed)) if days else None
    try:
        yield
    finally:
        if task is not None:
            task.cancel()
            await asyncio.wait([task])


async def _keep_expiring(
    ledger: SqlLedger,
    days: Mapping[str, int],
    told: Callable[[str, Erased], None],
    failed: Callable[[LedgerError], None],
) -> None:
    while True:
        try:
            for tenant, erased in (await expire(ledger, days, datetime.now(UTC))).items():
                told(tenant, erased)
        except LedgerError as error:
            failed(error)
        await asyncio.sleep(_EVERY)
