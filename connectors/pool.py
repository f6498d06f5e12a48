"""The connectors of all tenants: each made on its first use, shared, closed when idle and at the end.

Knows no vendor: what makes a connector comes from outside, so that a process loads only the SDKs that it uses.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from inspect import isawaitable

from connectors.base import Budget, Connector
from connectors.circuit import Circuits
from connectors.http import SENT
from models.evidence import Answer, SourceRequest
from models.vocabulary import Source

ConnectorFactory = Callable[[str], Connector | Awaitable[Connector | None] | None]
"""Makes a tenant's connector of one source; None where the tenant has not connected it."""


@dataclass
class _Entry:
    connector: Connector
    used_at: float
    running: int = 0


class PooledConnectors:
    """A `ConnectorPool`. Use it on one event loop.

    What `get` returns may be kept as long as one likes: it makes its connector again if that was evicted meanwhile, and a
    connector that has a question running is never evicted.
    """

    def __init__(
        self,
        factories: Mapping[Source, ConnectorFactory],
        *,
        idle_seconds: float = 900.0,
        circuits: Circuits | None = None,
        budget: Budget | None = None,
    ) -> None:
        """Make nothing yet. A factory that raises is asked again the next time."""
        self.circuits = circuits or Circuits()
        self._budget = budget
        self._factories = dict(factories)
        self._idle = idle_seconds
        self._entries: dict[tuple[str, Source], _Entry] = {}
        self._making: dict[tuple[str, Source], asyncio.Lock] = {}
        self._closed = False

    async def get(self, tenant: str, source: Source) -> Connector | None:
        """Return the connector, or None where the tenant has not connected that source.

        Raises:
            RuntimeError: the pool is closed.
        """
        entry = await self.entry(tenant, source)
        return None if entry is None else _Shared(self, tenant, source)

    async def within_budget(self, tenant: str, source: Source, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        """Ask, if the tenant's budget for the source allows it. Internal to this module.

        Raises:
            RateBudget: not asked.
        """
        if self._budget is None:
            return await ask()
        taken = await self._budget.take(tenant, source)
        sent: list[None] = []
        counting = SENT.set(sent)
        try:
            return await ask()
        finally:
            SENT.reset(counting)
            await self._budget.settle(tenant, source, taken, max(1, len(sent)))

    async def aclose(self) -> None:
        """Close all connectors; questions that are running fail."""
        self._closed = True
        entries, self._entries = list(self._entries.values()), {}
        await _close(entries)

    async def entry(self, tenant: str, source: Source) -> _Entry | None:
        """Return the live entry, made now if there is none. Internal to this module."""
        self._check_open()
        await self._evict()
        key = (tenant, source)
        async with self._making.setdefault(key, asyncio.Lock()):
            entry = self._entries.get(key)
            if entry is None:
                connector = await self._make(tenant, source)
                if connector is None:
                    return None
                entry = _Entry(connector, time.monotonic())
                self._entries[key] = entry
                # The pool may have closed while this was being made.
                if self._is_closed():
                    await self.aclose()
                self._check_open()
        entry.used_at = time.monotonic()
        return entry

    def _is_closed(self) -> bool:
        return self._closed

    def _check_open(self) -> None:
        if self._closed:
            raise RuntimeError("the connectors are closed; the process is ending")

    async def _make(self, tenant: str, source: Source) -> Connector | None:
        factory = self._factories.get(source)
        made = factory(tenant) if factory is not None else None
        return await made if isawaitable(made) else made

    async def _evict(self) -> None:
        before = time.monotonic() - self._idle
        idle = [key for key, entry in self._entries.items() if not entry.running and entry.used_at < before]
        entries = [self._entries.pop(key) for key in idle]
        for key in idle:
            if not self._making[key].locked():
                del self._making[key]
        await _close(entries)


class _Shared:
    """One tenant's connector of one source, as the pool hands it out."""

    def __init__(self, pool: PooledConnectors, tenant: str, source: Source) -> None:
        self.source = source
        self._pool = pool
        self._tenant = tenant

    async def fetch(self, request: SourceRequest) -> Answer:
        """Ask the connector, made again if it was evicted."""
        entry = await self._pool.entry(self._tenant, self.source)
        if entry is None:
            raise RuntimeError(f"{self.source.title} of the tenant {self._tenant!r} was disconnected meanwhile")
        entry.running += 1
        try:
            ask = partial(entry.connector.fetch, request)
            # An open circuit costs no budget, and a budget that is used up is no failure of the source.
            if self._pool.circuits.is_open(self._tenant, self.source):
                return await self._pool.circuits.ask(self._tenant, self.source, ask)
            return await self._pool.within_budget(
                self._tenant, self.source, partial(self._pool.circuits.ask, self._tenant, self.source, ask)
            )
        finally:
            entry.running -= 1
            entry.used_at = time.monotonic()

    async def aclose(self) -> None:
        """Leave the shared connector open: the pool closes it."""


async def _close(entries: list[_Entry]) -> None:
    # One that cannot be closed must not keep the others open.
    await asyncio.gather(*(entry.connector.aclose() for entry in entries), return_exceptions=True)
