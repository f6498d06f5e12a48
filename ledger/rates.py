"""How many requests a minute go to each source of each tenant, whichever worker asks: one bucket in the ledger."""

from datetime import UTC, datetime

from sqlalchemy import Connection, select, update

from ledger.database import Database, insert_new
from ledger.tables_shared import RateRow

BURST = 10.0
"""Seconds' worth of requests that a bucket holds at most: what was not asked for a while may be asked at once."""


class SqlRates:
    """Implements `ledger.coordination.Rates`."""

    def __init__(self, database: Database) -> None:
        """Use the ledger's connections."""
        self._database = database

    async def reserve(self, tenant: str, source: str, per_minute: int, cost: int, at_most: float) -> float | None:
        """See `Rates`."""
        return await self._database.write(
            lambda connection: _reserve(connection, (tenant, source), per_minute, cost, at_most)
        )

    async def settle(self, tenant: str, source: str, per_minute: int, more: int) -> None:
        """See `Rates`."""
        if more:
            await self._database.write(
                lambda connection: _reserve(connection, (tenant, source), per_minute, more, float("inf"))
            )


def _reserve(
    connection: Connection, bucket: tuple[str, str], per_minute: int, cost: int, at_most: float
) -> float | None:
    names = {"tenant": bucket[0], "source": bucket[1]}
    now, rate = datetime.now(UTC), per_minute / 60
    full = max(1.0, BURST * rate)
    insert_new(connection, RateRow, names | {"tokens": full, "at": now})
    row = connection.execute(select(RateRow.tokens, RateRow.at).filter_by(**names).with_for_update()).one()
    # Workers' clocks differ a little; time that seems to run backwards fills nothing.
    tokens = min(full, row.tokens + max(0.0, (now - row.at).total_seconds()) * rate)
    wait: float = max(0.0, cost - tokens) / rate
    if wait > at_most:
        return None
    # In debt until its turn has come: whoever comes next waits behind it.
    connection.execute(update(RateRow).filter_by(**names).values(tokens=tokens - cost, at=now))
    return wait
