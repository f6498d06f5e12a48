"""What `whydesk init` knows of each helpdesk and source: its keys, where to find each value, and what a key may read."""

import base64
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Kind = Literal["url", "text", "list", "pages"]


@dataclass(frozen=True)
class Key:
    """A key of whydesk.yaml that is no secret."""

    name: str
    says: str
    """What it is and where to find the value."""
    value: str
    """What is written where nothing was answered."""
    kind: Kind = "text"
    needed: bool = False
    """Whether `value` only holds the place: it must be replaced before the far end can be asked."""


@dataclass(frozen=True)
class Secret:
    """A key of whydesk.yaml that refers to a variable."""

    name: str
    variable: str
    says: str
    """Where to get it, and the rights that are enough."""
    is_list: bool = False
    make: Callable[[], str] | None = None
    """Makes the value, where it is ours to choose."""


@dataclass(frozen=True)
class Part:
    """A helpdesk or a source."""

    name: str
    says: str
    keys: tuple[Key, ...] = ()
    secrets: tuple[Secret, ...] = ()


def make_standard_secret() -> str:
    """Return a new secret of Standard Webhooks: `whsec_` and 32 random bytes in Base64."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


_CUSTOMER_FIELD = Key(
    "customer_field",
    "Title or id of the ticket field that holds your customer id; empty if tickets have none.",
    "",
)

HELPDESKS = {
    part.name: part
    for part in (
        Part(
            "zendesk",
            "Zendesk Support",
            (
                Key(
                    "base_url",
                    "Your account's address, as the browser shows it.",
                    "https://your-account.zendesk.example",
                    "url",
                    needed=True,
                ),
                Key(
                    "email",
                    "The agent that Whydesk reads and writes as: Admin Center, People, Team members.",
                    "whydesk@your-company.example",
                    needed=True,
                ),
                Key("actor_id", "That agent's user id: the number in its profile's address.", "USER-ID", needed=True),
                _CUSTOMER_FIELD,
            ),
            (
                Secret(
                    "token",
                    "ZENDESK_TOKEN",
                    "Admin Center, Apps and integrations, APIs, Zendesk API, add an API token. "
                    "The agent may read tickets and add private comments, nothing more.",
                ),
                Secret(
                    "webhook_secrets",
                    "ZENDESK_WEBHOOK_SECRET",
                    "Zendesk makes it: Admin Center, Apps and integrations, Webhooks, your webhook, reveal the signing secret.",
                    is_list=True,
                ),
            ),
        ),
        Part(
            "standard",
            "any system that speaks Standard Webhooks",
            (
                Key(
                    "ticket_url",
                    "Where a ticket is read, with {ticket} in it.",
                    "https://helpdesk.your-company.example/tickets/{ticket}",
                    "url",
                    needed=True,
                ),
                Key(
                    "note_url",
                    "Where the signed note is posted.",
                    "https://helpdesk.your-company.example/notes",
                    "url",
                    needed=True,
                ),
                Key("actor_id", "The author id of our own notes.", "whydesk"),
                _CUSTOMER_FIELD,
            ),
            (
                Secret(
                    "token",
                    "STANDARD_TOKEN",
                    "Your system's bearer token that may read tickets; if reading wants none, delete `token` in whydesk.yaml.",
                ),
                Secret(
                    "webhook_secrets",
                    "STANDARD_WEBHOOK_SECRET",
                    "Made here; give the same to your system, which signs its webhooks with it and checks our notes.",
                    is_list=True,
                    make=make_standard_secret,
                ),
            ),
        ),
    )
}

CONNECTORS = {
    part.name: part
    for part in (
        Part(
            "clickhouse",
            "your request logs",
            (
                Key(
                    "url",
                    "The HTTP interface, with its port (8443 with TLS, 8123 without).",
                    "https://clickhouse.your-company.example:8443",
                    "url",
                    needed=True,
                ),
                Key("user", "A read-only user; docs/clickhouse-user.sql makes it.", "whydesk"),
                Key("database", "The database that names without one are looked up in.", "default"),
            ),
            (
                Secret(
                    "password",
                    "CLICKHOUSE_PASSWORD",
                    "The password that you gave that user. SELECT on the mapped tables alone: docs/clickhouse-user.sql.",
                ),
            ),
        ),
        Part(
            "linear",
            "known bugs",
            (Key("team", "Key of the team whose issues count, such as ENG; all teams if empty.", ""),),
            (
                Secret(
                    "api_key",
                    "LINEAR_KEY",
                    "Linear, Settings, Security & access, API keys. Permission Read alone, access to the teams in question.",
                ),
            ),
        ),
        Part(
            "stripe",
            "subscriptions, invoices, payments",
            (Key("metadata_key", "Key of a Stripe customer's metadata that holds your customer id.", "customer_id"),),
            (
                Secret(
                    "api_key",
                    "STRIPE_KEY",
                    "Stripe dashboard, Developers, API keys, Create restricted key. Read on the rows that docs/stripe.md lists, "
                    "None on every other.",
                ),
            ),
        ),
        Part(
            "github",
            "deployments and what they brought",
            (
                Key(
                    "repositories",
                    "The repositories whose deployments count, owner/name each.",
                    "your-company/your-repository",
                    "list",
                    needed=True,
                ),
                Key("environment", "The deployments' environment that counts.", "production"),
            ),
            (
                Secret(
                    "token",
                    "GITHUB_TOKEN",
                    "GitHub, Settings, Developer settings, Fine-grained tokens. These repositories alone; Read-only on "
                    "Metadata, Deployments, Contents, Pull requests, Issues, Actions.",
                ),
            ),
        ),
        Part(
            "docs",
            "your documentation",
            (
                Key(
                    "site",
                    "The site, whose sitemap is read; or write `folder: PATH` instead, for Markdown or HTML on disk.",
                    "https://docs.your-company.example",
                    "url",
                    needed=True,
                ),
            ),
        ),
        Part(
            "statuspage",
            "status pages, yours and your providers'",
            (
                Key(
                    "pages",
                    "Pages that answer /api/v2/summary.json; add `upstream: true` to a provider's.",
                    "Our status=https://status.your-company.example",
                    "pages",
                    needed=True,
                ),
            ),
        ),
        Part(
            "sentry",
            "errors and releases",
            (
                Key("organization", "The organization's slug, as in its address.", "your-organization", needed=True),
                Key("environment", "The environment whose events count; all if empty.", "production"),
                Key("customer_tag", "The tag of events that holds your customer id; empty if there is none.", ""),
            ),
            (
                Secret(
                    "token",
                    "SENTRY_TOKEN",
                    "Sentry, Settings, Auth tokens or an internal integration. event:read, org:read and project:read alone.",
                ),
            ),
        ),
    )
}
