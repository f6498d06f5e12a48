"""A tenant's part of whydesk.yaml. Secrets are references (`env:NAME`, `file:PATH`), resolved by settings.py alone."""

import re
from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, HttpUrl, SerializeAsAny, model_validator

from models.base import Strict
from models.tables import TableMapping
from models.vocabulary import Mode, Source

SecretRef = Annotated[str, Field(pattern=r"^(env|file):.+$")]
"""Where a secret is, never the secret."""
TenantId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")]


class ZendeskConfig(Strict):
    """A Zendesk account: an agent's e-mail with an API token, and the webhook's signing secrets."""

    kind: Literal["zendesk"]
    """Which kind of helpdesk this is."""
    base_url: HttpUrl
    """The account's address, such as https://acme.zendesk.com."""
    email: str
    """The agent that Whydesk reads and writes as."""
    token: SecretRef
    """An API token of the account; it is used with `email`."""
    webhook_secrets: Annotated[list[SecretRef], Field(min_length=1)]
    """All that are valid now; two during a rotation."""
    actor_id: str
    """The id of the agent that Whydesk writes as: its events never trigger."""
    customer_field: str = ""
    """Title or id of the custom ticket field that holds our customer id."""

    @property
    def swept(self) -> str:
        """The address that a sweep reads."""
        return str(self.base_url)


class StandardConfig(Strict):
    """Any system that signs what it sends and checks what it gets by Standard Webhooks."""

    kind: Literal["standard"]
    """Which kind of helpdesk this is."""
    note_url: HttpUrl
    """Where the signed note is posted."""
    ticket_url: HttpUrl
    """Where a ticket is read, with `{ticket}` in it."""
    changed_url: HttpUrl | None = None
    """Where tickets are listed that changed since a time, with `{since}` in it: finds those whose webhook was lost."""
    token: SecretRef | None = None
    """Bearer token for reading, if it wants one."""
    webhook_secrets: Annotated[list[SecretRef], Field(min_length=1)]
    """`whsec_…`; the first signs what we send."""
    actor_id: str = "whydesk"
    """The author's id of our own notes: its events never trigger."""
    customer_field: str = ""
    """Name of the ticket's field that holds our customer id."""

    @property
    def swept(self) -> str:
        """The address that a sweep reads; empty where nothing can be swept."""
        return str(self.changed_url or "")


HelpdeskConfig = Annotated[ZendeskConfig | StandardConfig, Field(discriminator="kind")]


RequestsPerMinute = Annotated[int, Field(ge=0, le=1_000_000)]


class Reached(Strict):
    """How a far end is reached over HTTP."""

    ca_file: str = ""
    """PEM file of a CA of your own, trusted beside the public ones."""
    proxy: HttpUrl | None = None
    """Through which to ask."""
    requests_per_minute: RequestsPerMinute = 0
    """The most that all workers together ask of it in a minute; 0: no limit of ours."""


class ClickHouseConfig(Reached):
    """A ClickHouse HTTP interface and a read-only user of it."""

    url: HttpUrl
    """With its port: without one, 443 or 80 is meant."""
    user: str = "default"
    """A user that may read the mapped tables and nothing more."""
    password: SecretRef | None = None
    """That user's, if it has one."""
    database: str = "default"
    """Where a table without its database is."""
    max_memory_bytes: int = 500_000_000
    """The most that the server may use for one query."""
    link: str = ""
    """A page for people, with `{query}` for the URL-encoded SQL, if there is one."""


class LinearConfig(Reached):
    """A Linear workspace."""

    requests_per_minute: RequestsPerMinute = 30
    """The most that all workers together ask in a minute; Linear searches as often. 0: no limit of ours."""

    url: HttpUrl = HttpUrl("https://api.linear.app/graphql")
    """Linear's GraphQL endpoint."""
    api_key: SecretRef
    """A personal API key that may read."""
    team: str = ""
    """Key of the team whose issues count; all teams if empty."""


class StripeConfig(Reached):
    """A Stripe account by a restricted, read-only key."""

    requests_per_minute: RequestsPerMinute = 1500
    """The most that all workers together ask in a minute; Stripe takes 25 a second. 0: no limit of ours."""

    url: HttpUrl = HttpUrl("https://api.stripe.com")
    """Stripe's API."""
    api_key: SecretRef
    """A restricted key that may read."""
    metadata_key: str = "customer_id"
    """The metadata key on Stripe customers that holds our customer id."""
    dashboard: HttpUrl = HttpUrl("https://dashboard.stripe.com")
    """Where a note's links to Stripe's objects lead."""


RepositoryName = Annotated[str, Field(pattern=r"^[^/]+/[^/]+$")]


class GitHubApp(Strict):
    """A GitHub App and where it is installed; its private key makes tokens that live an hour and only read."""

    id: Annotated[int, Field(ge=1)]
    """The App's id."""
    installation: Annotated[int, Field(ge=1)]
    """The id of its installation in your organisation."""
    private_key: SecretRef
    """The PEM file that GitHub gave out."""


class GitHubConfig(Reached):
    """GitHub repositories whose deployments count, by a fine-grained token or a GitHub App."""

    requests_per_minute: RequestsPerMinute = 80
    """The most that all workers together ask in a minute; a token has 5,000 an hour. 0: no limit of ours."""

    url: HttpUrl = HttpUrl("https://api.github.com")
    """GitHub's API, or that of a server of your own."""
    token: SecretRef | None = None
    """A fine-grained token; either this or `app`."""
    app: GitHubApp | None = None
    """A GitHub App; either this or `token`."""
    repositories: list[RepositoryName] = []
    """`owner/name` each; at least one here or under `services`."""
    services: dict[str, Annotated[list[RepositoryName], Field(min_length=1)]] = {}
    """Service to the repositories that it is built from; they are read beside `repositories`."""
    environment: str = "production"
    """The deployments' environment that counts."""
    web: HttpUrl = HttpUrl("https://github.com")
    """Where a note's links to commits and deployments lead."""

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if (self.token is None) == (self.app is None):
            raise ValueError("give one of token and app, not both")
        if not self.all_repositories:
            raise ValueError("give at least one repository, under repositories or services")
        return self

    @property
    def all_repositories(self) -> list[str]:
        """Every repository once, in the order in which they are written."""
        named = [*self.repositories, *(name for names in self.services.values() for name in names)]
        return list({name.casefold(): name for name in reversed(named)}.values())[::-1]

    @property
    def credential(self) -> SecretRef:
        """Where the secret is: the token, or the App's private key."""
        found = self.app.private_key if self.app is not None else self.token
        assert found is not None
        return found


class DocsConfig(Reached):
    """Product documentation: a folder of Markdown or HTML, or a site with a sitemap."""

    folder: str = ""
    """Markdown or HTML on disk, meant from where whydesk.yaml lies."""
    site: HttpUrl | None = None
    """A site whose sitemap is read; `folder` counts where both are given."""
    link: str = ""
    """The public address that a path in `folder` is appended to."""
    allow_private: bool = False
    """Whether `site` may be at a private address, such as 10.0.0.7 or this machine."""


class StatusPageConfig(Reached):
    """Status pages, our own and those of providers that we depend on."""

    pages: Annotated[list["StatusPage"], Field(min_length=1)]
    """Each with a name of its own."""


class StatusPage(Strict):
    """One page that answers /api/v2/summary.json."""

    name: str
    """What a note calls it."""
    url: HttpUrl
    """The page's address, without /api/v2."""
    upstream: bool = False
    """Whether it is that of a provider that you depend on."""
    allow_private: bool = False
    """Whether the page may be at a private address, such as 10.0.0.7 or this machine."""
    regions: dict[str, list[str]] = {}
    """Name or id of a component, or id of its group, to the regions that it serves; what is left out may serve all."""


class ModelConfig(Strict):
    """One link of the model chain: Claude at Anthropic's own address, on Amazon Bedrock or on Google Vertex."""

    provider: Literal["anthropic", "bedrock", "vertex"] = "anthropic"
    """Where the model runs."""
    model: str
    """A model id as the provider writes it; Anthropic's must be one that the installed SDK knows, unless `base_url` is set."""
    api_key: SecretRef | None = None
    """The provider's key. Bedrock may do without, by the AWS credentials of the machine; Vertex has none, but Google's own."""
    region: str = ""
    """Bedrock and Vertex: where it runs, such as `eu-central-1`, `europe-west1` or Vertex's `global`."""
    project: str = ""
    """Vertex: the Google Cloud project."""
    base_url: HttpUrl | None = None
    """A gateway in the provider's place."""
    timeout: float = 120.0
    """Seconds for one answer."""
    max_tokens: int = 8_000
    """The most that one answer may have."""
    requests_per_minute: RequestsPerMinute = 0
    """The most that all workers together ask of it in a minute, for this tenant; 0: no limit of ours."""

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        needed = {"anthropic": ("api_key",), "bedrock": ("region",), "vertex": ("region", "project")}[self.provider]
        allowed = {"anthropic": ("api_key",), "bedrock": ("api_key", "region"), "vertex": ("region", "project")}
        for name in ("api_key", "region", "project"):
            if name in needed and not getattr(self, name):
                raise ValueError(f"{self.provider} needs {name}")
            if name not in allowed[self.provider] and getattr(self, name):
                raise ValueError(f"{self.provider} takes no {name}")
        return self


Share = Annotated[float, Field(gt=0, le=1)]


class Budget(Strict):
    """The most that may be spent on models, in US dollars."""

    usd_per_ticket: float = 0.25
    """No new model call is made for a revision that has spent this."""
    usd_per_day: Annotated[float, Field(ge=0)] | None = None
    """For all tickets of a day, midnight to midnight UTC: then rules write the notes. None: no such limit."""
    warn_from: Share = 0.8
    """From this share of the day's budget on the worker's log warns."""
    cheapest_from: Share = 0.9
    """From this share on only the cheapest model of the chain is asked."""


def _page_of_an_investigation(template: str) -> str:
    if template and not _PAGE.fullmatch(template):
        raise ValueError("not an http(s) address with {investigation} in its path, such as " + _PAGE_EXAMPLE)
    return template


_PAGE = re.compile(
    r"https?://[A-Za-z0-9.\-]+(:\d{1,5})?/[A-Za-z0-9._~/?#&=%+\-]*\{investigation\}[A-Za-z0-9._~/?#&=%+\-]*"
)
_PAGE_EXAMPLE = "https://whydesk.example.com/runs/{investigation}"
PageTemplate = Annotated[str, AfterValidator(_page_of_an_investigation)]
"""A web address with `{investigation}` in its path, or empty."""


def _finds_something(expression: str) -> str:
    try:
        found = re.compile(expression)
    except re.error as error:
        raise ValueError(f"no regular expression: {error}") from None
    if found.match(""):
        raise ValueError("matches the empty text, which is everywhere")
    return expression


Expression = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_finds_something)]
"""A regular expression of Python's `re`."""
PseudonymKind = Annotated[str, Field(pattern=r"^[A-Z]{2,12}$")]

Resolver = Literal["helpdesk-field", "organization", "billing-email", "accounts-domain"]


class Tenant(Strict):
    """One company that is served."""

    id: TenantId
    mode: Mode = Mode.NOTE
    """`off` reads nothing, `shadow` investigates and posts nothing, `note` posts the note."""
    helpdesks: Annotated[dict[str, HelpdeskConfig], Field(min_length=1)]
    """The name is part of the webhook's address and of the workflow's id."""
    connectors: dict[Source, SerializeAsAny[Strict]] = {}
    """Source to the configuration that its plugin declares; what is left out is `skipped`, and the note says so."""
    tables: dict[str, TableMapping] = {}
    """Logical table (docs/tables.md) to the tenant's own."""
    resolvers: list[Resolver] = ["helpdesk-field", "organization", "billing-email", "accounts-domain"]
    """How a requester becomes a customer, in this order."""
    playbooks: dict[str, Mode] = {}
    """Modes that differ from the tenant's, by playbook id."""
    playbook_dirs: list[str] = []
    """Folders of the tenant's own playbooks."""
    models: list[ModelConfig] = []
    """The chain, first choice first. Empty: the rules reasoner alone."""
    classifier: ModelConfig | None = None
    """A fast model that only chooses between playbooks for which a ticket speaks equally; none: code's own order decides."""
    budget: Budget = Budget()
    """The most that a model may cost."""
    share_evidence: bool = True
    """Whether a ticket is told what another one just learnt, where no customer is asked about: incidents, deployments, bugs."""
    sweep_minutes: Annotated[int, Field(ge=0, le=1440)] = 5
    """How often helpdesks are asked for tickets whose webhook was lost; 0: never."""
    retention_days: Annotated[int, Field(ge=1, le=36500)] | None = None
    """How long after its end a run's texts, evidence, diagnoses and notes are kept; none: until they are forgotten by hand."""
    region: str = ""
    """A task queue of its own for data that must stay somewhere; empty for the default."""
    link_hosts: list[str] = []
    """Further hosts that a note may link to; those of the configured systems always may."""
    redact: dict[PseudonymKind, Expression] = {}
    """What else a model must not see: a word in capitals, such as `CONTRACT`, to a regular expression for its form."""
    console_url: PageTemplate = ""
    """Where a person finds an investigation, `https://whydesk.example.com/runs/{investigation}`; empty: the note shows its id."""

    def chain(self) -> dict[str, ModelConfig]:
        """Return the links by the names that runs know them by: the model's id, with `#2` after it for its second place."""
        named: dict[str, ModelConfig] = {}
        for link in self.models:
            place = 1 + sum(other.model == link.model for other in named.values())
            named[link.model if place == 1 else f"{link.model}#{place}"] = link
        return named

    def all_models(self) -> Iterator[tuple[tuple[str | int, ...], ModelConfig]]:
        """Yield every model that is asked for this tenant, with its place in the configuration."""
        for index, link in enumerate(self.models):
            yield ("models", index), link
        if self.classifier is not None:
            yield ("classifier",), self.classifier

    def mode_for(self, playbook: str) -> Mode:
        """Return the mode that counts for a playbook."""
        return self.playbooks.get(playbook, self.mode)
