"""Keeps the gauges of a worker true: how old the oldest open run is, what is paused, what was spent today."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Protocol

import structlog

from activities.control_board import ControlBoard
from ledger.base import LedgerError
from metrics import record_standing
from models.standing import Standing
from models.tenant import Tenant

EVERY_SECONDS = 15.0
"""As often as Prometheus usually asks."""

log = structlog.get_logger("whydesk.worker")


class Standings(Protocol):
    """Where it is read from."""

    async def standing(self, now: datetime) -> Mapping[str, Standing]:
        """Return those tenants that have anything to tell."""
        ...


@asynccontextmanager
async def watching(standings: Standings, board: ControlBoard, tenants: Mapping[str, Tenant]) -> AsyncIterator[None]:
    """Look again and again until the block ends."""
    task = asyncio.create_task(_watch(standings, board, tenants))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _watch(standings: Standings, board: ControlBoard, tenants: Mapping[str, Tenant]) -> None:
    """A ledger that is away leaves the gauges as they were."""
    while True:
        try:
            await look(standings, board, tenants)
        except LedgerError as error:
            log.warning("how tenants stand could not be read", problem=type(error).__name__)
        await asyncio.sleep(EVERY_SECONDS)


async def look(standings: Standings, board: ControlBoard, tenants: Mapping[str, Tenant]) -> None:
    """Set the gauges of every tenant once.

    Raises:
        LedgerError: it cannot be read now.
    """
    now = datetime.now(UTC)
    controls, found = await board.now(), await standings.standing(now)
    for name, tenant in tenants.items():
        standing = found.get(name, Standing())
        record_standing(
            name,
            oldest_open=(now - standing.oldest_open).total_seconds() if standing.oldest_open else 0.0,
            paused=controls.paused(name) is not None,
            usd_today=standing.usd_today,
            usd_budget=tenant.budget.usd_per_day,
        )
