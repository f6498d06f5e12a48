"""What every connector is and how it fails.

Errors that a connector raises, all of them `ConnectorError`:

    ConnectorError
    ├── Unavailable        may pass: connection refused, reset, 5xx, malformed or cut answer
    │   ├── CircuitOpen    it failed so often that it is not asked for a while
    │   ├── RateBudget     our own limit for that source is used up for now
    │   ├── RateLimited    429 and the vendors' own forms of it; carries the server's delay
    │   └── SlowAnswer     no answer within the time limit
    └── WriteRefused       a write was attempted and stopped before anything was sent: our bug

All else is an `Answer`: no rows (`empty`), 401 and 403 (`denied`), a 4xx that says our question is wrong (`failed`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from models.base import Strict
from models.evidence import Answer, SourceRequest
from models.finding import Finding as Finding
from models.finding import FindingStatus as FindingStatus
from models.vocabulary import Scope, Source


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


class CircuitOpen(Unavailable):
    """Not asked: it failed many times in a row just now."""


class RateBudget(Unavailable):
    """Not asked: what may be asked of it in a minute is used up."""


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


Secrets = Callable[[str], str]
"""From a secret's reference in the configuration to the secret."""


class Examinable(Protocol):
    """A far end that can be examined with a few cheap reads."""

    async def examine(self) -> Sequence[Finding]:
        """Look whether it can be reached, takes the key, allows no more than needed, and still has the expected shape.

        Raises nothing of `ConnectorError`: what fails is a finding with its remedy.
        """
        ...


class ConfiguredConnector(Connector, Examinable, Protocol):
    """What a plugin makes."""


@dataclass(frozen=True)
class Operation:
    """One question that a connector knows: the model of its parameters and the columns of its rows."""

    parameters: type[Strict]
    columns: frozenset[str]
    scopes: frozenset[Scope] = frozenset()
    """Those of the source that this question may have, where it cannot have them all; empty for all."""

    @property
    def names(self) -> frozenset[str]:
        """All parameters."""
        return frozenset(self.parameters.model_fields)

    @property
    def required(self) -> frozenset[str]:
        """The parameters that must be given."""
        return frozenset(name for name, one in self.parameters.model_fields.items() if one.is_required())


def operation(parameters: type[Strict], columns: str, *, scopes: frozenset[Scope] = frozenset()) -> Operation:
    """Build an operation; `columns` are words with blanks between."""
    return Operation(parameters, frozenset(columns.split()), scopes)


@dataclass(frozen=True)
class Plugin:
    """All that the rest knows of a source: its module's `PLUGIN`, found by the source's name (connectors.registry)."""

    config: type[Strict]
    """What stands under `connectors.<source>` of a tenant."""
    make: Callable[..., ConfiguredConnector]
    """Called with the validated configuration and a `Secrets`."""
    scopes: frozenset[Scope]
    """Which scopes its questions may have."""
    operations: Mapping[str, Operation] = field(default_factory=dict)
    """Empty where questions are free text, as SQL is."""


class Budget(Protocol):
    """How much may be asked of a source, by all workers together."""

    async def take(self, tenant: str, source: Source) -> int:
        """Take what a question probably costs, and return it.

        Raises:
            RateBudget: nothing is left; says when there will be.
        """
        ...

    async def settle(self, tenant: str, source: Source, taken: int, requests: int) -> None:
        """Say what a question did cost for which so much was taken."""
        ...


class ConnectorPool(Protocol):
    """Hands out the connectors of a tenant: made once, shared, evicted when idle."""

    async def get(self, tenant: str, source: Source) -> Connector | None:
        """Return the connector, or None where the tenant has not connected that source."""
        ...
