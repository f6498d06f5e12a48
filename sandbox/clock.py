"""Time in the sandbox: the wall clock, and the vendors' answers that come late."""

import asyncio
import random
from datetime import UTC, datetime


def wall_clock() -> datetime:
    """Return the time now, in UTC."""
    return datetime.now(UTC)


def stamp(moment: datetime) -> str:
    """Write a time as the vendors do: `2026-01-31T09:05:00Z`, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def stamp_millis(moment: datetime) -> str:
    """Write a time with milliseconds: `2026-01-31T09:05:00.000Z`."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def read_stamp(text: str) -> datetime:
    """Read an ISO 8601 time; one without a zone is UTC.

    Raises:
        ValueError: it is none.
    """
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class Latency:
    """How long a vendor thinks before it answers: evenly spread between two bounds."""

    def __init__(self, low: float = 0.0, high: float = 0.0, seed: int = 0) -> None:
        """Take the bounds in seconds; the same seed gives the same waits in the same order."""
        if not 0 <= low <= high:
            raise ValueError(f"latency {low!r},{high!r}: give two bounds in seconds, the lower first, such as 0.2,2.5")
        self.low = low
        self.high = high
        self._random = random.Random(seed)

    async def pause(self) -> None:
        """Wait for one answer's time."""
        if self.high:
            await asyncio.sleep(self._random.uniform(self.low, self.high))
