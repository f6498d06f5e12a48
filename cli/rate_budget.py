"""Holds workers to what each tenant allows them to ask of a source in a minute: the bucket is in the ledger."""

import random
from collections.abc import Mapping

from connectors.base import RateBudget
from ledger.coordination import Rates
from models.tenant import Reached, Tenant
from models.vocabulary import Source

_SPREAD = 5.0
"""Seconds over which those that were turned away come back, so that they do not come together."""


class LedgerBudget:
    """Implements `connectors.base.Budget`."""

    def __init__(self, rates: Rates, tenants: Mapping[str, Tenant]) -> None:
        """Take the buckets and the configurations that say how large they are."""
        self._rates = rates
        self._tenants = tenants
        self._costs: dict[tuple[str, Source], int] = {}
        """Requests of the last question: the best guess for the next one."""

    async def take(self, tenant: str, source: Source) -> int:
        """See `Budget`."""
        limit = self._limit(tenant, source)
        if not limit:
            return 0
        # A question that costs more than a full bucket could never be asked; it goes into debt instead.
        cost = min(self._costs.get((tenant, source), 1), max(1, limit // 6))
        if await self._rates.reserve(tenant, source.value, limit, cost, at_most=0.0) is None:
            raise RateBudget(
                f"rate budget: the {limit} requests a minute to {source.title} are used up",
                retry_after=60 * cost / limit + random.uniform(0, _SPREAD),  # noqa: S311  # spreads load, guards nothing
            )
        return cost

    async def settle(self, tenant: str, source: Source, taken: int, requests: int) -> None:
        """See `Budget`."""
        limit = self._limit(tenant, source)
        if not limit:
            return
        self._costs[tenant, source] = requests
        await self._rates.settle(tenant, source.value, limit, requests - taken)

    def _limit(self, tenant: str, source: Source) -> int:
        config = self._tenants[tenant].connectors.get(source)
        return config.requests_per_minute if isinstance(config, Reached) else 0
