"""What every connector is and how it fails.

Errors that a connector raises, all of them `ConnectorError`:

    ConnectorError
    ├── Unavailable        may pass: connection refused, reset, 5xx, malformed or cut answer
    │   ├── RateLimited    429 and the vendors' own forms of it; carries the server's delay
    │   └── SlowAnswer     no answer within the time limit
    └── WriteRefused       a write was attempted and stopped before anything was sent: our bug

All else is an `Answer`: no rows (`empty`), 401 and 403 (`denied`), a 4xx that says our question is wrong (`failed`).
"""

from typing import Protocol

from models.evidence import Answer, SourceRequest
from models.vocabulary import Source


class ConnectorError(Exception):
    """Base of all; the message never holds a secret or a customer's data."""

    retry_after: float | None = None
    """Seconds that the server asked us to wait."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        """Keep the server's delay, if there was one."""
        super().__init__(message)
        self.retry_after = retry_after


class Unavailable(ConnectorError):
    """It may work later: raise, so that Temporal tries again."""


class RateLimited(Unavailable):
    """The vendor asks us to slow down."""


class SlowAnswer(Unavailable):
    """No whole answer within the time limit."""


class WriteRefused(ConnectorError):
    """Stopped at the transport before a byte was sent. Never retried."""


class Connector(Protocol):
    """One source of one tenant, over one pooled client."""

    source: Source

    async def fetch(self, request: SourceRequest) -> Answer:
        """Ask one question.

        Raises:
            ConnectorError: see the module's tree. An unknown operation or parameter is a ValueError that names those known.
        """
        ...

    async def aclose(self) -> None:
        """Close the pooled client."""
        ...


class ConnectorPool(Protocol):
    """Hands out the connectors of a tenant: made once, shared, evicted when idle."""

    async def get(self, tenant: str, source: Source) -> Connector | None:
        """Return the connector, or None where the tenant has not connected that source."""
        ...
