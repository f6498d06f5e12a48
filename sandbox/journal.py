"""What the vendors were asked: every request, and every attempt to write."""

from collections import Counter, deque
from dataclasses import asdict, dataclass
from datetime import datetime

from pydantic import JsonValue

from sandbox.clock import stamp_millis

KEPT = 200_000
"""Requests that stay readable one by one; the counts go on."""
BODY_KEPT = 4_000
"""Characters of a write attempt's body that are kept."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request as the vendor saw it; credentials are never kept."""

    at: datetime
    vendor: str
    method: str
    path: str
    query: str
    operation: str
    """The name of a GraphQL operation; empty elsewhere."""
    status: int
    """0 where the connection was closed without an answer."""
    bytes: int
    """Of the answer's body."""
    milliseconds: float
    fault: str
    """The kind of the fault that met it, or empty."""


@dataclass(frozen=True, slots=True)
class Write:
    """An attempt to change something that is not our own note."""

    at: datetime
    vendor: str
    method: str
    path: str
    what: str
    """In words, such as `public comment` or `mutation issueCreate`."""
    accepted: bool
    body: str


class Journal:
    """The record of one run, in memory."""

    def __init__(self) -> None:
        """Start empty."""
        self._requests: deque[Request] = deque(maxlen=KEPT)
        self.writes: list[Write] = []
        self.counts: Counter[str] = Counter()

    def record(self, request: Request) -> None:
        """Add one request."""
        self._requests.append(request)
        self.counts[request.vendor] += 1

    def requests(self, vendor: str | None = None) -> list[Request]:
        """Return the requests in their order, of one vendor or of all."""
        return [request for request in self._requests if vendor in (None, request.vendor)]

    def clear(self) -> None:
        """Forget all, for the next test."""
        self._requests.clear()
        self.writes.clear()
        self.counts.clear()


def as_json(entry: Request | Write) -> dict[str, JsonValue]:
    """Return an entry as the control port shows it."""
    return {**asdict(entry), "at": stamp_millis(entry.at)}
