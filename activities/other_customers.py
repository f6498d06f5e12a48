"""Which other customers a tenant has, as far as investigations have met them: a note must not name them."""

import asyncio
from collections.abc import Sequence

from ledger.base import BodyMissing, Ledger
from ledger.past import PastRuns
from models.customer import Anchors, Customer

MOST = 100
"""Customers that are known: those that were looked into last."""
KEPT_SECONDS = 5.0
"""How long they are remembered; what was erased meanwhile is forgotten by then."""


class OtherCustomers:
    """Reads them from the ledger, for a storm of notes once."""

    def __init__(self, ledger: Ledger, past: PastRuns | None) -> None:
        """Take what worker.py made; without `past` no customer is known."""
        self._ledger = ledger
        self._past = past
        self._kept: dict[str, Sequence[Customer]] = {}

    async def names(self, tenant: str, own: Customer | None) -> set[str]:
        """Return names and ids of the tenant's customers but this one.

        Raises:
            LedgerError: they cannot be read.
        """
        found: set[str] = set()
        for other in await self._customers(tenant):
            if own is None or other.id != own.id:
                found |= {other.name, other.id, other.billing_id}
        mine = {own.name, own.id, own.billing_id} if own is not None else set()
        return found - mine - {""}

    async def _customers(self, tenant: str) -> Sequence[Customer]:
        known = self._kept.get(tenant)
        if known is None and self._past is not None:
            digests = await self._past.newest_customers(tenant, MOST)
            read = await asyncio.gather(*(self._customer(tenant, digest) for digest in digests))
            known = self._kept[tenant] = [customer for customer in read if customer is not None]
            asyncio.get_running_loop().call_later(KEPT_SECONDS, self._kept.pop, tenant, None)
        return known or ()

    async def _customer(self, tenant: str, digest: str) -> Customer | None:
        try:
            return (await self._ledger.get_body(tenant, digest, Anchors)).customer
        except BodyMissing:
            return None
