"""Writes the configuration that connects Whydesk to a sandbox: the same whydesk.yaml that a team would write for its systems."""

import json
from collections.abc import Collection, Mapping
from pathlib import Path

import yaml
from pydantic import BaseModel, JsonValue

from sandbox.world_tickets import TenantFile

TENANT = "demo"
"""The one tenant of a sandbox."""
SECRETS = {
    "ZENDESK_TOKEN": ("zendesk", "token"),
    "ZENDESK_WEBHOOK_SECRET": ("zendesk", "webhook_secret"),
    "STANDARD_TOKEN": ("standard", "token"),
    "STANDARD_WEBHOOK_SECRET": ("standard", "webhook_secret"),
    "LINEAR_KEY": ("linear", "api_key"),
    "STRIPE_KEY": ("stripe", "api_key"),
    "GITHUB_TOKEN": ("github", "token"),
    "CLICKHOUSE_PASSWORD": ("clickhouse", "password"),
}
"""Variable to what the sandbox calls it: the vendor and the name."""


class SandboxState(BaseModel):
    """The sandbox's state file, as far as it is needed here."""

    folder: str
    control: str
    addresses: dict[str, str]
    credentials: dict[str, dict[str, str | list[str]]]
    status_pages: list[dict[str, JsonValue]]
    ticket_keys: list[str]

    @classmethod
    def read(cls, path: Path) -> "SandboxState":
        """Read the file that the sandbox writes when it is ready."""
        return cls.model_validate(json.loads(path.read_text()))

    def secrets(self) -> dict[str, str]:
        """Return the sandbox's keys as variables of the environment, by the names that the configuration refers to."""
        return {name: str(self.credentials[vendor][key]) for name, (vendor, key) in SECRETS.items()}


def write_tenant(
    state: SandboxState,
    company: TenantFile,
    models: list[dict[str, JsonValue]],
    path: Path,
    changes: Mapping[str, JsonValue] | None = None,
    without: Mapping[str, Collection[str]] | None = None,
    nowhere: str = "",
) -> None:
    """Write whydesk.yaml for a sandbox.

    Args:
        state: Where the sandbox's vendors are.
        company: How the world's company would configure the product: its tables, its field, its repositories.
        models: The model chain; empty for the rules reasoner alone.
        path: Where to write.
        changes: Keys of the tenant that take these ones' place.
        without: Further tenants that are as this one is but for the sources named, which are at `nowhere`.
        nowhere: An address at which nobody listens.
    """
    at = state.addresses
    zendesk, standard = state.credentials["zendesk"], state.credentials["standard"]
    tenant: dict[str, JsonValue] = {
        "mode": "note",
        "helpdesks": {
            "zendesk": {
                "kind": "zendesk",
                "base_url": at["zendesk"],
                "email": str(zendesk["email"]),
                "token": "env:ZENDESK_TOKEN",
                "webhook_secrets": ["env:ZENDESK_WEBHOOK_SECRET"],
                "actor_id": str(zendesk["actor_id"]),
                "customer_field": company.customer_field,
            },
            "standard": {
                "kind": "standard",
                "ticket_url": str(standard["ticket_url"]),
                "note_url": str(standard["note_url"]),
                "changed_url": str(standard["ticket_url"]).replace("/{ticket}", "?updated_since={since}"),
                "token": "env:STANDARD_TOKEN",
                "webhook_secrets": ["env:STANDARD_WEBHOOK_SECRET"],
                "actor_id": str(standard["actor_id"]),
                "customer_field": company.customer_field,
            },
        },
        "connectors": {
            "clickhouse": {
                "url": at["clickhouse"],
                "user": str(state.credentials["clickhouse"]["user"]),
                "password": "env:CLICKHOUSE_PASSWORD",
            },
            "linear": {
                "url": at["linear"],
                "api_key": "env:LINEAR_KEY",
                "team": company.team,
                # The sandbox takes what it is asked.
                "requests_per_minute": 0,
            },
            "stripe": {
                "url": at["stripe"],
                "api_key": "env:STRIPE_KEY",
                "metadata_key": company.metadata_key,
                "dashboard": at["stripe"],
                "requests_per_minute": 0,
            },
            "github": {
                "url": at["github"],
                "token": "env:GITHUB_TOKEN",
                "repositories": list(company.repositories),
                "environment": company.environment,
                "web": str(state.credentials["github"]["web"]),
                "requests_per_minute": 0,
            },
            # Whoever names a page of the web must not lead us to a machine inside; a sandbox is such a machine.
            "docs": {"site": at["docs"], "allow_private": True},
            "statuspage": {"pages": [{**page, "allow_private": True} for page in state.status_pages]},
        },
        "tables": {name: table.model_dump() for name, table in company.tables.items()},
        "models": list(models),
        # Where the sandbox's issues say that they can be read.
        "link_hosts": ["linear.example.com"],
    }
    tenant |= changes or {}
    tenants = {TENANT: tenant} | {name: _without(tenant, gone, nowhere) for name, gone in (without or {}).items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    head = "# Written for the sandbox; a team's own file looks the same with its own addresses and keys.\n"
    path.write_text(head + yaml.safe_dump({"tenants": tenants}, sort_keys=False, allow_unicode=True))


def _without(tenant: Mapping[str, JsonValue], sources: Collection[str], nowhere: str) -> dict[str, JsonValue]:
    """Return the tenant with these sources at an address at which nobody listens."""
    connectors = tenant["connectors"]
    assert isinstance(connectors, dict)
    gone = {name: _moved(found, nowhere) for name, found in connectors.items() if name in sources}
    return {**tenant, "connectors": {**connectors, **gone}}


def _moved(connector: JsonValue, nowhere: str) -> JsonValue:
    assert isinstance(connector, dict)
    pages = connector.get("pages")
    if isinstance(pages, list):
        return {**connector, "pages": [_moved(page, nowhere) for page in pages]}
    return {**connector, "site" if "site" in connector else "url": nowhere}
