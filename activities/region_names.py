"""The names of a company's regions, for telling which region an incident or a ticket speaks of."""

import asyncio
from datetime import datetime, timedelta

from connectors.base import ConnectorError, ConnectorPool
from models.evidence import Answer, SourceRequest
from models.tenant import Tenant
from models.vocabulary import Scope, Source
from reasoning.identity import MOST_REGIONS, regions_sql

KEPT = timedelta(hours=1)
"""Regions are opened a few times a year."""
LONGEST_SECONDS = 5.0
"""They help to read; nobody waits longer for them."""


class RegionNames:
    """Asks a tenant's accounts for the regions that at least five customers live in, and keeps the answer for an hour."""

    def __init__(self, connectors: ConnectorPool) -> None:
        """Take the worker's connectors."""
        self._connectors = connectors
        self._known: dict[str, tuple[datetime, tuple[str, ...]]] = {}

    async def of(self, tenant: Tenant, now: datetime) -> tuple[str, ...]:
        """Return the names, in the order of the alphabet; none where they cannot be had, which is never an error."""
        asked_at, names = self._known.get(tenant.id, (None, ()))
        if asked_at is not None and now - asked_at < KEPT:
            return names
        answer = await self._ask(tenant)
        if answer is None or not answer.status.answered:
            return names
        named = {str(row["region"]).strip() for row in answer.rows if row.get("region")}
        names = tuple(sorted(named))[:MOST_REGIONS]
        self._known[tenant.id] = (now, names)
        return names

    async def _ask(self, tenant: Tenant) -> Answer | None:
        connector = await self._connectors.get(tenant.id, Source.CLICKHOUSE) if "accounts" in tenant.tables else None
        if connector is None:
            return None
        request = SourceRequest(
            source=Source.CLICKHOUSE,
            operation="sql",
            scope=Scope.FLEET,
            text=regions_sql(tenant.tables),
            row_limit=MOST_REGIONS,
            label=f"{tenant.id}/regions",
        )
        try:
            async with asyncio.timeout(LONGEST_SECONDS):
                return await connector.fetch(request)
        except (ConnectorError, TimeoutError):
            return None
