"""The world while it is being made: lists that the causes plant into, and ids that nothing else uses."""

from dataclasses import dataclass, field
from datetime import timedelta

from pydantic import JsonValue

from evals.generate.company import Company
from evals.generate.draw import Draw
from evals.generate.names import company as company_name
from evals.generate.names import mailbox, person, slug
from evals.generate.truth import Row
from sandbox.world import ApiKey, Contact, Endpoint, Incident, IncidentUpdate, Issue, Organization
from sandbox.world_billing import (
    BillingCustomer,
    BillingEvent,
    Charge,
    Commit,
    Deployment,
    DeploymentStatus,
    Invoice,
    PullRequest,
    Subscription,
)
from sandbox.world_logs import Burst, Episode, Match, Response, Usage, Version, WebhookEpisode

DAYS = 7
LOGS = timedelta(days=-DAYS)
NOW = timedelta(0)
ROWS_PER_WEIGHT = 3_000


@dataclass
class Client:
    """A customer of the company, while parts of it may still change."""

    id: str
    name: str
    domain: str
    plan: str
    region: str
    created: timedelta
    weight: float
    language: str
    person: str
    keys: list[ApiKey]
    billing_id: str
    email: str
    routes: dict[str, float] = field(default_factory=dict)
    endpoints: list[Endpoint] = field(default_factory=list)
    organization: Organization | None = None
    writes: bool = False
    """Whether a ticket is about this customer: no other planted trouble may touch it."""
    billed: bool = False

    @property
    def contact(self) -> Contact:
        """The person who writes."""
        return Contact(name=self.person, email=self.email, role="developer")


@dataclass
class Stage:
    """Everything planted so far."""

    company: Company
    draw: Draw
    taken: set[str]
    clients: list[Client] = field(default_factory=list)
    versions: list[Version] = field(default_factory=list)
    episodes: list[Episode] = field(default_factory=list)
    bursts: list[Burst] = field(default_factory=list)
    hooks: list[WebhookEpisode] = field(default_factory=list)
    usage: list[Usage] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)
    incidents: list[Incident] = field(default_factory=list)
    provider_incidents: dict[str, list[Incident]] = field(default_factory=dict)
    provider_regions: dict[str, str] = field(default_factory=dict)
    """Provider to the region whose provider route it serves."""
    commits: list[Commit] = field(default_factory=list)
    pulls: list[PullRequest] = field(default_factory=list)
    deployments: list[Deployment] = field(default_factory=list)
    billing_customers: list[BillingCustomer] = field(default_factory=list)
    subscriptions: list[Subscription] = field(default_factory=list)
    invoices: list[Invoice] = field(default_factory=list)
    charges: list[Charge] = field(default_factory=list)
    events: list[BillingEvent] = field(default_factory=list)
    _count: int = 0

    def number(self) -> int:
        """Return a number that was not given before."""
        self._count += 1
        return self._count

    def id(self, prefix: str, length: int = 12) -> str:
        """Return an id as vendors write them."""
        return prefix + self.draw.sub(f"id{self.number()}").word(length)

    def client(self, draw: Draw, region: str, plan: str, weight: float, language: str = "en", name: str = "") -> Client:
        """Add an ordinary customer."""
        name = name or company_name(draw, self.taken)
        domain = f"{slug(name)}.example"
        writer = person(draw, language)
        share = round(draw.real(0.5, 0.9), 2)
        keys = [self.key("production", share), self.key("batch", round(1 - share, 2))]
        client = Client(
            id=self.company.account_prefix + draw.word(7, "0123456789abcdefghjkmnpqrstvwxyz"),
            name=name,
            domain=domain,
            plan=plan,
            region=region,
            created=timedelta(days=-draw.between(70, 1500)),
            weight=round(weight, 2),
            language=language,
            person=writer,
            keys=keys,
            billing_id=self.id("cus_"),
            email=f"{mailbox(writer, draw)}@{domain}",
        )
        if draw.chance(0.7):
            client.endpoints = [self.endpoint(client, "hooks", 4.0)]
        if draw.chance(0.5):
            number = 360_000_000_000 + self.number()
            client.organization = Organization(id=number, name=name, domains=[domain])
        self.clients.append(client)
        return client

    def key(self, label: str, share: float) -> ApiKey:
        """Return a new API key."""
        return ApiKey(id=self.id(self.company.key_prefix, 6), label=label, share=share)

    def endpoint(self, client: Client, host: str, per_hour: float) -> Endpoint:
        """Return a new webhook endpoint of a customer."""
        return Endpoint(
            id=self.id(self.company.hook_prefix, 8),
            host=f"{host}.{client.domain}",
            events=self.company.kind.events,
            per_hour=per_hour,
        )

    def episode(
        self, match: Match, start: timedelta, end: timedelta, answer: Response | None = None, factor: float = 1.0
    ) -> None:
        """Plant a span in which requests fare differently; its name says nothing."""
        self.episodes.append(
            Episode(
                name=f"span-{self.number()}",
                start=max(start, LOGS),
                end=end,
                match=match,
                responses=[answer] if answer else [],
                latency_factor=factor,
            )
        )

    def answer(self, status: int, code: str, share: float) -> Response:
        """Return an answer with the company's own error code."""
        return Response(status=status, error=self.company.codes[code], share=round(share, 4))

    def deploy(self, part: str, title: str, at: timedelta, files: list[str], note: str, skew: int = 0) -> Deployment:
        """Plant a merged change and its deployment; `skew` minutes is how late the code host's clock is."""
        draw = self.draw.sub(f"deploy{self.number()}")
        repository, sha, number = self.company.repositories[part], draw.sha(), 400 + self.number()
        author, merged = person(draw, "en"), at - timedelta(minutes=draw.between(35, 240))
        self.commits.append(
            Commit(
                repository=repository,
                sha=sha,
                message=f"{title} (#{number})",
                author=author,
                created=merged,
                files=files,
            )
        )
        self.pulls.append(
            PullRequest(
                repository=repository,
                number=number,
                title=title,
                author=author,
                created=merged - timedelta(hours=draw.between(3, 70)),
                merged=merged,
                merge_sha=sha,
                files=files,
            )
        )
        started = at + timedelta(minutes=skew)
        deployment = Deployment(
            id=700_000 + self.number(),
            repository=repository,
            sha=sha,
            description=note,
            creator=slug(author),
            created=started - timedelta(minutes=draw.between(4, 12)),
            statuses=[
                DeploymentStatus(state="in_progress", created=started - timedelta(minutes=3)),
                DeploymentStatus(state="success", created=started),
            ],
        )
        self.deployments.append(deployment)
        return deployment

    def incident(
        self, name: str, at: timedelta, component: str, posts: list[tuple[str, timedelta, str]], impact: str
    ) -> Incident:
        """Return an incident whose posts are (status, time, words), oldest first; the last one's status counts."""
        status, updated, _ = posts[-1]
        return Incident.model_validate(
            {
                "id": self.id("inc", 10).lower(),
                "name": name,
                "status": status,
                "impact": impact,
                "created": at,
                "updated": updated,
                "resolved": updated if status == "resolved" else None,
                "components": [component],
                "updates": [IncidentUpdate(status=state, created=when, body=body) for state, when, body in posts],
            }
        )


def requests_of(client: Client, start: timedelta, **where: JsonValue) -> Row:
    """Return as evidence the customer's own requests since then that have these columns."""
    return Row(source="clickhouse", table="requests", where={"customer": client.id, **where}, start=start, end=NOW)
