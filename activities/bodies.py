"""Loads bodies for activities and remembers the ones that every step of a run asks for again."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from typing import TypeVar

from pydantic import BaseModel

from ledger.base import Ledger
from models.evidence import Evidence, EvidenceRef

M = TypeVar("M", bound=BaseModel)


class Bodies:
    """A bounded memory in front of the ledger: a digest names the same body for ever, so nothing goes stale."""

    def __init__(self, ledger: Ledger, capacity: int = 256) -> None:
        """Keep at most `capacity` parsed bodies."""
        self._ledger = ledger
        self._capacity = capacity
        self._kept: OrderedDict[tuple[str, str], BaseModel] = OrderedDict()

    async def get(self, tenant: str, digest: str, shape: type[M]) -> M:
        """Return a body, parsed.

        Raises:
            BodyMissing: erased, or never stored.
        """
        known = self._kept.get((tenant, digest))
        if known is not None and isinstance(known, shape):
            self._kept.move_to_end((tenant, digest))
            return known
        body = await self._ledger.get_body(tenant, digest, shape)
        self._kept[tenant, digest] = body
        if len(self._kept) > self._capacity:
            self._kept.popitem(last=False)
        return body

    async def evidence(self, tenant: str, refs: Sequence[EvidenceRef]) -> tuple[Evidence, ...]:
        """Return all evidence of a run in its order."""
        return tuple(await asyncio.gather(*(self.get(tenant, ref.digest, Evidence) for ref in refs)))
