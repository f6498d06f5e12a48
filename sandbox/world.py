"""A world: one invented company as data. Every time is an offset from the run's "now", so a world is fresh at each run."""

from typing import Annotated, Literal

from pydantic import Field

from sandbox.world_base import Offset, Part, Slug
from sandbox.world_billing import BillingFile, DeploymentsFile
from sandbox.world_logs import LogsFile
from sandbox.world_tickets import TenantFile, TicketsFile, TruthFile


class Plan(Part):
    """What is sold. `rate_limit` is requests per minute, `monthly_quota` units per billing period; 0 means none."""

    name: Slug
    title: str = ""
    rate_limit: int = Field(ge=0)
    monthly_quota: int = Field(ge=0)


class Region(Part):
    """A place that serves requests; `peak_hour` is the busiest hour of its customers' day, in UTC."""

    name: Slug
    title: str = ""
    peak_hour: int = Field(default=14, ge=0, le=23)


class WorldFile(Part):
    """world.yaml: the company itself."""

    name: Slug
    company: str
    domain: str
    """The company's own domain, such as `something.example`."""
    summary: str
    """What the company sells, in a sentence or two."""
    seed: int = 1
    rows: int = Field(default=2_000_000, ge=1_000)
    """Rows of baseline traffic; a run may ask for fewer."""
    days: int = Field(default=7, ge=1, le=60)
    """How far back the logs go."""
    repositories: list[Annotated[str, Field(pattern=r"^[^/\s]+/[^/\s]+$")]]
    status_page: str
    """Name of the company's own status page in status.yaml."""
    upstream_pages: list[str] = []
    plans: list[Plan]
    regions: list[Region]


class Contact(Part):
    """A person at a customer."""

    name: str
    email: str
    role: str = ""


class ApiKey(Part):
    """A public key id, as customers quote it, and the share of the customer's traffic that uses it."""

    id: str
    label: str = ""
    share: float = Field(default=1.0, ge=0, le=1)


class Endpoint(Part):
    """Where a customer receives webhooks; `per_hour` attempts on average, whatever the scale of the logs."""

    id: str
    host: str
    events: list[str]
    per_hour: float = Field(default=4.0, gt=0)


class Organization(Part):
    """The customer's record in the helpdesk. `external_id` holds the customer id only where the team keeps it there."""

    id: int
    name: str
    domains: list[str] = []
    external_id: str = ""


class Customer(Part):
    """One customer: `weight` is its part of the baseline traffic against the others'."""

    id: str
    name: str
    domain: str
    plan: Slug
    region: Slug
    created: Offset
    weight: float = Field(default=1.0, gt=0)
    routes: dict[str, float] = {}
    """Route to its part of this customer's traffic, where it differs from logs.yaml."""
    keys: Annotated[list[ApiKey], Field(min_length=1)]
    endpoints: list[Endpoint] = []
    contacts: list[Contact] = []
    organization: Organization | None = None


class CustomersFile(Part):
    """customers.yaml"""

    customers: Annotated[list[Customer], Field(min_length=1)]


class Team(Part):
    """A team of the issue tracker."""

    key: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9]*$")]
    name: str


class Attachment(Part):
    """A link on an issue; a pull request is `source_type: github`."""

    title: str
    url: str
    source_type: str = "github"


class Comment(Part):
    """A comment on an issue."""

    author: str
    body: str
    created: Offset


class Relation(Part):
    """A link to another issue, by identifier."""

    type: Literal["blocks", "duplicate", "related", "similar"]
    issue: str


class Issue(Part):
    """An issue of the tracker. `priority`: 0 none, 1 urgent, 2 high, 3 medium, 4 low."""

    id: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9]*-[0-9]+$")]
    title: str
    description: str
    state: str
    state_type: Literal["triage", "backlog", "unstarted", "started", "completed", "canceled", "duplicate"]
    priority: int = Field(ge=0, le=4)
    labels: list[str] = []
    assignee: str = ""
    created: Offset
    updated: Offset
    completed: Offset | None = None
    canceled: Offset | None = None
    due: Offset | None = None
    cycle_ends: Offset | None = None
    """When the team's cycle ends that the issue is planned for."""
    project: str = ""
    project_target: Offset | None = None
    attachments: list[Attachment] = []
    comments: list[Comment] = []
    relations: list[Relation] = []

    @property
    def team(self) -> str:
        """The key of the team: the part of the identifier before the hyphen."""
        return self.id.rpartition("-")[0]


class BugsFile(Part):
    """bugs.yaml"""

    teams: Annotated[list[Team], Field(min_length=1)]
    issues: list[Issue] = []


class Component(Part):
    """A line of a status page."""

    id: str
    name: str
    group: str = ""
    description: str = ""
    status: Literal["operational", "degraded_performance", "partial_outage", "major_outage", "under_maintenance"]
    updated: Offset


class IncidentUpdate(Part):
    """A post on an incident or a maintenance."""

    status: str
    body: str
    created: Offset


class Incident(Part):
    """An incident; `components` are component ids. Updates are written oldest first."""

    id: str
    name: str
    status: Literal["investigating", "identified", "monitoring", "resolved", "postmortem"]
    impact: Literal["none", "minor", "major", "critical"]
    created: Offset
    updated: Offset
    monitoring: Offset | None = None
    resolved: Offset | None = None
    components: list[str] = []
    updates: list[IncidentUpdate] = []


class Maintenance(Part):
    """Planned work."""

    id: str
    name: str
    status: Literal["scheduled", "in_progress", "verifying", "completed"]
    impact: Literal["none", "minor", "major", "critical", "maintenance"] = "maintenance"
    created: Offset
    scheduled_for: Offset
    scheduled_until: Offset
    components: list[str] = []
    updates: list[IncidentUpdate] = []


class StatusPage(Part):
    """One status page, ours or a provider's."""

    id: Slug
    name: str
    components: Annotated[list[Component], Field(min_length=1)]
    incidents: list[Incident] = []
    maintenances: list[Maintenance] = []


class StatusFile(Part):
    """status.yaml"""

    own: StatusPage
    upstream: list[StatusPage] = []


class Page(Part):
    """A page of the documentation, from docs/*.md: front matter `title` and `updated`, then Markdown."""

    path: str
    """Relative to docs/, such as `rate-limits.md`."""
    title: str
    updated: Offset
    body: str


class World(Part):
    """A whole world, loaded and valid one file at a time; `validate_world` checks what joins the files."""

    about: WorldFile
    customers: list[Customer]
    logs: LogsFile
    bugs: BugsFile
    billing: BillingFile
    deployments: DeploymentsFile
    status: StatusFile
    docs: list[Page]
    tickets: TicketsFile
    tenant: TenantFile
    truth: TruthFile

    def customer(self, id: str) -> Customer:
        """Return a customer by our own id; a KeyError names it."""
        for customer in self.customers:
            if customer.id == id:
                return customer
        raise KeyError(id)

    def plan(self, name: str) -> Plan:
        """Return a plan by name; a KeyError names it."""
        for plan in self.about.plans:
            if plan.name == name:
                return plan
        raise KeyError(name)
