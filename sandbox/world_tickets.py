"""tickets.yaml, and apart from it truth.yaml and tenant.yaml: what arrives, what is right, how the product is set up."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from sandbox.world_base import Offset, Part, Slug


class Reply(Part):
    """A later message. `at` before now is part of the conversation from the start; after now it waits to be played."""

    at: Offset
    author: Literal["requester", "agent"] = "requester"
    public: bool = True
    body: str


class Requester(Part):
    """Who writes."""

    name: str
    email: str


class Ticket(Part):
    """A ticket as the helpdesk holds it. `id` is the helpdesk's number, `key` the name that truth.yaml uses."""

    key: Slug
    id: int = Field(ge=1)
    requester: Requester
    organization: str = ""
    """Customer id whose helpdesk organisation the requester belongs to, if the helpdesk knows."""
    subject: str
    body: str
    created: Offset
    status: Literal["new", "open", "pending", "hold", "solved", "closed"] = "new"
    priority: Literal["", "low", "normal", "high", "urgent"] = ""
    tags: list[str] = []
    fields: dict[str, str] = {}
    """Custom fields by title, such as `Account reference`."""
    replies: list[Reply] = []


class TicketsFile(Part):
    """tickets.yaml; `fields` are the titles of the helpdesk's custom ticket fields."""

    fields: list[str] = []
    tickets: Annotated[list[Ticket], Field(min_length=1)]


class Outcome(StrEnum):
    """How an investigation of the ticket should end."""

    DIAGNOSED = "diagnosed"
    INCONCLUSIVE = "inconclusive"
    NEEDS_INFO = "needs-info"
    NOTHING_WRONG = "nothing-wrong"


class Severity(StrEnum):
    """How bad it is for the customer."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


SourceName = Literal["clickhouse", "linear", "stripe", "github", "docs", "statuspage"]


class Truth(Part):
    """The right answer for one ticket."""

    outcome: Outcome
    cause: str
    """A cause class of docs/cause-classes.md."""
    also: list[str] = []
    """Further cause classes that are right as well."""
    severity: Severity
    customer: str = ""
    """Customer id that the requester belongs to; empty where none can be found."""
    not_causes: list[str] = []
    """Cause classes that must not be named."""
    sources: list[SourceName] = []
    """Sources that must have been used."""
    why: str
    """The reason, for people who read a failed score."""


class TruthFile(Part):
    """truth.yaml"""

    tickets: dict[str, Truth]


class TenantTable(Part):
    """Where a logical table of the product lives, and which column or expression stands for each logical column."""

    table: str
    columns: dict[str, str] = {}


class TenantFile(Part):
    """tenant.yaml: how the company would configure the product. The sandbox itself only checks it."""

    tables: dict[str, TenantTable] = {}
    repositories: list[str] = []
    environment: str = "production"
    customer_field: str = ""
    """Title of the helpdesk field that holds the customer id."""
    metadata_key: str = "customer_id"
    """Key of the billing provider's metadata that holds the customer id."""
    team: str = ""
    """Key of the issue tracker's team."""
