"""What a source answered, kept whole, and the short reference that a history holds."""

from pydantic import JsonValue

from models.base import Frozen, Moment, Row
from models.customer import Window
from models.vocabulary import EvidenceStatus, Scope, Source

CUSTOMER_LOOKUP = "customer"
"""The query of evidence by which the customer was looked for; it is none of a playbook's."""


class SourceRequest(Frozen):
    """One question for a connector, with everything resolved."""

    source: Source
    operation: str
    """What to ask, from the connector's own list, such as `search_issues`; `sql` for ClickHouse."""
    scope: Scope
    customer: str | None = None
    """The customer id that the question is bound to; None unless scope is `customer`."""
    text: str = ""
    """The final SQL for ClickHouse, else empty."""
    parameters: dict[str, JsonValue] = {}
    window: Window | None = None
    row_limit: int = 200
    byte_limit: int = 262_144
    time_limit: float = 10.0
    """Seconds for the whole question, retries not counted."""
    label: str = ""
    """`investigation/revision/evidence id`, for query ids and log comments at the source."""


class Answer(Frozen):
    """What a connector returns. It raises for what may pass (see connectors/base), and answers all else."""

    status: EvidenceStatus
    rows: tuple[Row, ...] = ()
    total: int | None = None
    """How many rows the source has, where it tells; may exceed `len(rows)`."""
    truncated: bool = False
    stale: bool = False
    asked: str
    """The exact question as sent: the SQL, the GraphQL document's name, the method and path."""
    url: str | None = None
    """A link that a person can open to see the same."""
    reason: str = ""
    """Why there is no answer, for people, without personal data; empty for `found` and `empty`."""


class Evidence(Frozen):
    """An answer as the ledger keeps it: a numbered, addressable fact about the world at one moment."""

    id: str
    """`E1`, `E2` … in the order in which the run planned the queries."""
    query: str
    """The query's id in the playbook, or `ticket` or `customer` for what intake found."""
    source: Source
    title: str
    scope: Scope
    customer: str | None = None
    status: EvidenceStatus
    rows: tuple[Row, ...] = ()
    total: int | None = None
    truncated: bool = False
    stale: bool = False
    asked: str = ""
    parameters: dict[str, JsonValue] = {}
    window: Window | None = None
    fetched_at: Moment
    took: float = 0.0
    """Seconds."""
    url: str | None = None
    reason: str = ""

    @property
    def shows_absence(self) -> bool:
        """Whether "there was no …" may rest on this."""
        return self.status is EvidenceStatus.EMPTY and not self.truncated and not self.stale


class EvidenceRef(Frozen):
    """What a history holds of a piece of evidence: ids, digest and counts."""

    id: str
    query: str
    source: Source
    status: EvidenceStatus
    digest: str
    rows: int = 0
    truncated: bool = False
    stale: bool = False
    took: float = 0.0
