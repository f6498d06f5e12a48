"""Loads and stores bodies for activities and remembers the ones that every step of a run asks for again."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import TypeVar

from pydantic import BaseModel

from ledger.base import Ledger
from models.base import digest_of, to_body
from models.evidence import Evidence, EvidenceRef
from models.run import RunKey

M = TypeVar("M", bound=BaseModel)

FRESH_SECONDS = 2.0
"""How long what is remembered is handed out before the ledger is asked whether anything was erased meanwhile."""
IDLE_SECONDS = 5.0
"""After so long without a question nothing is remembered any more."""
KEPT_SECONDS = 60.0
"""Nothing is remembered for longer, whatever the audit chain says; the steps of a run follow each other faster."""


class Bodies:
    """A bounded memory in front of the ledger: a digest names the same body for ever, and what was erased is soon forgotten."""

    def __init__(self, ledger: Ledger, capacity: int = 512, clock: Callable[[], float] = time.monotonic) -> None:
        """Keep at most `capacity` parsed bodies."""
        self._ledger = ledger
        self._capacity = capacity
        self._clock = clock
        self._kept: OrderedDict[tuple[str, str], tuple[float, BaseModel]] = OrderedDict()
        self._entry = -1
        self._looked_at = self._used_at = float("-inf")
        self._timer: asyncio.TimerHandle | None = None

    async def get(self, tenant: str, digest: str, shape: type[M]) -> M:
        """Return a body, parsed.

        Raises:
            BodyMissing: erased, or never stored.
        """
        entry = await self._newest_entry()
        loaded, known = self._kept.get((tenant, digest), (0.0, None))
        if isinstance(known, shape) and self._clock() - loaded < KEPT_SECONDS:
            self._kept.move_to_end((tenant, digest))
            return known
        self._kept.pop((tenant, digest), None)
        body = await self._ledger.get_body(tenant, digest, shape)
        self._keep(tenant, digest, body, entry)
        return body

    async def evidence(self, tenant: str, refs: Sequence[EvidenceRef]) -> tuple[Evidence, ...]:
        """Return all evidence of a run in its order."""
        return tuple(await asyncio.gather(*(self.get(tenant, ref.digest, Evidence) for ref in refs)))

    async def put(self, tenant: str, body: BaseModel, key: RunKey | None = None) -> str:
        """Store a body as the ledger does, and remember what belongs to a revision as a reader would get it.

        What belongs to no customer, such as the playbook that every run pins, is not stored again once somebody has read it.
        """
        entry = await self._newest_entry()
        raw = to_body(body)
        digest = digest_of(raw)
        if key is None:
            return digest if (tenant, digest) in self._kept else await self._ledger.put_body(tenant, body)
        await self._ledger.put_body(tenant, body, key)
        self._keep(tenant, digest, type(body).model_validate_json(raw), entry)
        return digest

    async def put_evidence(self, key: RunKey, evidence: Evidence, look: int = 0) -> EvidenceRef:
        """Store evidence as the ledger does, and remember it unless another attempt was first."""
        entry = await self._newest_entry()
        ref = await self._ledger.put_evidence(key, evidence, look)
        raw = to_body(evidence)
        if digest_of(raw) == ref.digest:
            self._keep(key.ref.tenant, ref.digest, Evidence.model_validate_json(raw), entry)
        return ref

    async def _newest_entry(self) -> int:
        """Forget everything after any entry in the audit chain, because an erasure makes one. Return the entry."""
        now = self._used_at = self._clock()
        if now - self._looked_at >= FRESH_SECONDS:
            self._looked_at = now
            newest = await self._ledger.newest_entry()
            if newest != self._entry:
                self._entry = newest
                self._kept.clear()
        return self._entry

    def _keep(self, tenant: str, digest: str, body: BaseModel, entry: int) -> None:
        if entry != self._entry:
            # It was read before an erasure and comes after it.
            return
        self._kept[tenant, digest] = self._clock(), body
        self._kept.move_to_end((tenant, digest))
        if len(self._kept) > self._capacity:
            self._kept.popitem(last=False)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(IDLE_SECONDS, self._rest)

    def _rest(self) -> None:
        self._timer = None
        left = self._used_at + IDLE_SECONDS - self._clock()
        if left <= 0:
            self._kept.clear()
        else:
            self._timer = asyncio.get_running_loop().call_later(left, self._rest)
