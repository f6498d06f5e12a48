"""The switches of ops as this process sees them: read again when they are two seconds old."""

import asyncio
import time
from typing import Protocol

import structlog

from ledger.base import LedgerError
from models.control import Controls

FRESH_SECONDS = 2.0
"""How old what a process believes may be. A change counts everywhere once this has passed."""

log = structlog.get_logger("whydesk.controls")


class ControlSource(Protocol):
    """Where the switches are kept."""

    async def read_controls(self) -> Controls:
        """Return all of them as they are now."""
        ...


class ControlBoard:
    """One for a process. Without a source nothing is ever switched."""

    def __init__(self, source: ControlSource | None = None, fresh: float = FRESH_SECONDS) -> None:
        """Read nothing yet. `fresh` is in seconds."""
        self._fresh = fresh
        self._source = source
        self._read_at = float("-inf")
        self._reading = asyncio.Lock()
        self._known: Controls | None = None if source else Controls()

    @property
    def known(self) -> Controls:
        """What was read last, for code that cannot wait; every activity has it read before it begins."""
        return self._known or Controls()

    async def now(self) -> Controls:
        """Return the switches, at most two seconds old.

        A ledger that is away for a moment changes nothing: what was switched last stays switched.

        Raises:
            LedgerError: they were never read. Nobody knows whether work is allowed, so it is not.
        """
        if self._source is None or time.monotonic() - self._read_at < self._fresh:
            return self.known
        async with self._reading:
            if time.monotonic() - self._read_at < self._fresh:
                return self.known
            try:
                self._known = await self._source.read_controls()
            except LedgerError as error:
                if self._known is None:
                    raise
                log.warning("the switches could not be read; the last known ones count", problem=type(error).__name__)
            self._read_at = time.monotonic()
            return self.known
