"""Loads bodies for activities and remembers the ones that every step of a run asks for again."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from time import monotonic
from typing import TypeVar

from pydantic import BaseModel

from ledger.base import Ledger
from models.evidence import Evidence, EvidenceRef

M = TypeVar("M", bound=BaseModel)
KEPT_SECONDS = 60.0
"""What was erased from the ledger is gone from here as well after this; the steps of a run follow each other faster."""


class Bodies:
    """A bounded memory in front of the ledger: a digest names the same body for ever, until it is erased."""

    def __init__(self, ledger: Ledger, capacity: int = 256, clock: Callable[[], float] = monotonic) -> None:
        """Keep at most `capacity` parsed bodies, each for a minute."""
        self._ledger = ledger
        self._capacity = capacity
        self._clock = clock
        self._kept: OrderedDict[tuple[str, str], tuple[float, BaseModel]] = OrderedDict()

    async def get(self, tenant: str, digest: str, shape: type[M]) -> M:
        """Return a body, parsed.

        Raises:
            BodyMissing: erased, or never stored.
        """
        loaded, known = self._kept.get((tenant, digest), (0.0, None))
        if isinstance(known, shape) and self._clock() - loaded < KEPT_SECONDS:
            self._kept.move_to_end((tenant, digest))
            return known
        self._kept.pop((tenant, digest), None)
        body = await self._ledger.get_body(tenant, digest, shape)
        self._kept[tenant, digest] = self._clock(), body
        if len(self._kept) > self._capacity:
            self._kept.popitem(last=False)
        return body

    async def evidence(self, tenant: str, refs: Sequence[EvidenceRef]) -> tuple[Evidence, ...]:
        """Return all evidence of a run in its order."""
        return tuple(await asyncio.gather(*(self.get(tenant, ref.digest, Evidence) for ref in refs)))
