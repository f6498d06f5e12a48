"""Examines what an installation itself stands on: Temporal, the ledger and the models. Writes nothing and pays for nothing."""

import asyncio
import os
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from cli.connection import NoServer, connect, where
from connectors.base import Secrets
from ledger.base import LedgerError
from ledger.database import Database, is_sqlite, parse_url, shown
from ledger.migrations import alembic_config
from models.finding import Finding, FindingStatus
from models.tenant import ModelConfig
from reasoning.providers.prices import shipped_prices
from settings import Settings
from workflows import naming

_OK, _WARNING, _FAILURE, _UNKNOWN = (
    FindingStatus.OK,
    FindingStatus.WARNING,
    FindingStatus.FAILURE,
    FindingStatus.UNKNOWN,
)
_REFUSALS = (RPCStatusCode.UNAUTHENTICATED, RPCStatusCode.PERMISSION_DENIED)


async def examine_temporal(settings: Settings) -> Sequence[Finding]:
    """Look for the server, the namespace and the search attributes."""
    address, _ = where(settings)
    began = time.perf_counter()
    try:
        client = await connect(settings, within=0.0)
    except NoServer as error:
        return [_no_server(settings, address, error)]
    reach = Finding("reach", _OK, f"a server answers at {address}")
    latency = Finding("latency", _OK, f"{time.perf_counter() - began:.2f} s to connect")
    return [reach, *await _namespace(client), latency]


def _no_server(settings: Settings, address: str, error: NoServer) -> Finding:
    cause = error.__cause__
    if isinstance(cause, RPCError) and cause.status in _REFUSALS:
        detail = f"the server at {address} refuses us ({cause.status.name})"
        return Finding("key", _FAILURE, detail, "check TEMPORAL_API_KEY, or the client certificate")
    if not settings.temporal_address:
        detail = f"no server runs at {address}, where `whydesk up` starts one"
        return Finding("reach", _WARNING, detail, "run `whydesk up`, or set TEMPORAL_ADDRESS")
    detail = f"no server answers at {address}"
    return Finding("reach", _FAILURE, detail, "check TEMPORAL_ADDRESS and the TLS settings, or start the server")


async def _namespace(client: Client) -> list[Finding]:
    try:
        await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=client.namespace))
    except RPCError as error:
        remedy = "check TEMPORAL_NAMESPACE, and what the key may read"
        if error.status is RPCStatusCode.NOT_FOUND:
            return [Finding("namespace", _FAILURE, f"the server has no namespace {client.namespace!r}", remedy)]
        detail = f"the namespace {client.namespace!r} cannot be read ({error.status.name})"
        return [Finding("namespace", _FAILURE, detail, remedy)]
    return [Finding("namespace", _OK, repr(client.namespace)), await _search_attributes(client)]


async def _search_attributes(client: Client) -> Finding:
    check = "search attributes"
    try:
        known = await client.operator_service.list_search_attributes(
            ListSearchAttributesRequest(namespace=client.namespace)
        )
    except RPCError as error:
        detail = f"the server does not tell them ({error.status.name})"
        return Finding(check, _UNKNOWN, detail, "compare them with docs/operations.md by the server's own tools")
    missing = [key.name for key in naming.SEARCH_ATTRIBUTES if key.name not in known.custom_attributes]
    if missing:
        return Finding(check, _FAILURE, f"missing: {', '.join(missing)}", "run `whydesk namespace`")
    return Finding(check, _OK, f"all {len(naming.SEARCH_ATTRIBUTES)} are there")


async def examine_ledger(url: str) -> Sequence[Finding]:
    """Look whether the ledger opens and is migrated. A ledger that is not there yet is not made."""
    try:
        parsed = parse_url(url)
        if is_sqlite(parsed) and not await asyncio.to_thread(Path(parsed.database or "").exists):
            return [_absent(Path(parsed.database or ""))]
        database = Database.connect(url)
        try:
            revision = await database.read(_revision)
        finally:
            await database.aclose()
    except LedgerError as error:
        return [Finding("reach", _FAILURE, str(error), "check WHYDESK_LEDGER_URL")]
    return [Finding("reach", _OK, f"{shown(parsed)} opens"), _migrated(revision)]


def _absent(path: Path) -> Finding:
    """A file that the first worker will make, if it can."""
    there = next(folder for folder in path.absolute().parents if folder.exists())
    if there.is_dir() and os.access(there, os.W_OK | os.X_OK):
        return Finding("reach", _WARNING, f"{str(path)!r} is not there yet", "nothing: the first worker makes it")
    return Finding("reach", _FAILURE, f"{str(path)!r} cannot be made", f"give this user write access to {str(there)!r}")


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _migrated(revision: str | None) -> Finding:
    scripts = ScriptDirectory.from_config(alembic_config())
    head = scripts.get_current_head()
    if revision == head:
        return Finding("migrations", _OK, f"at revision {head}")
    if revision is None:
        return Finding("migrations", _WARNING, "the ledger has no tables yet", "nothing: the first worker makes them")
    if revision in {script.revision for script in scripts.walk_revisions()}:
        remedy = "nothing: the next worker that starts migrates it"
        return Finding("migrations", _WARNING, f"at revision {revision}, this version's is {head}", remedy)
    remedy = "run the newer version of Whydesk that made it"
    return Finding("migrations", _FAILURE, f"at revision {revision}, which this version does not know", remedy)


async def examine_model(link: ModelConfig, secret: Secrets) -> Sequence[Finding]:
    """Look whether the key is there, the model has a price, and the vendor knows both. Listing models is free of charge."""
    key = secret(link.api_key)
    try:
        shipped_prices().price(link.model, datetime.now(UTC).date())
        price = Finding("price", _OK, "known, so the budget holds")
    except KeyError as error:
        price = Finding(
            "price", _FAILURE, str(error.args[0]), "name a model that has a price; a worker would not start"
        )
    return [*await _known_at_vendor(link, key), price]


async def _known_at_vendor(link: ModelConfig, key: str) -> list[Finding]:
    # Loading the SDK takes longer than all other examinations; without a model nobody needs it.
    from anthropic import APIConnectionError, APIStatusError, AsyncAnthropic

    from reasoning.providers.anthropic import DEFAULT_URL

    base_url = str(link.base_url) if link.base_url else DEFAULT_URL
    async with AsyncAnthropic(api_key=key, base_url=base_url, timeout=10.0, max_retries=0) as client:
        began = time.perf_counter()
        try:
            await client.models.retrieve(link.model)
        except APIConnectionError as error:
            detail = f"{client.base_url.host} could not be reached ({type(error).__name__})"
            return [Finding("reach", _FAILURE, detail, "check `base_url`, and that this machine gets there")]
        except APIStatusError as error:
            return [_model_status(error.status_code, client.base_url.host, link)]
        took = time.perf_counter() - began
    return [
        Finding("reach", _OK, f"{client.base_url.host} answers"),
        Finding("key", _OK, f"the key is taken, and {link.model!r} is known"),
        Finding("latency", _OK, f"{took:.2f} s"),
    ]


def _model_status(status: int, host: str, link: ModelConfig) -> Finding:
    said = f"{host} answered {status}"
    if status in (401, 403):
        return Finding("key", _FAILURE, f"{said}: it does not take the key", "check `api_key`")
    if status == 404 and link.base_url is None:
        return Finding("model", _FAILURE, f"{said}: it does not know {link.model!r}", "check `model`")
    if status == 404:
        return Finding("key", _UNKNOWN, f"{said}: the gateway lists no models, so only a paid call would tell")
    if status == 429:
        return Finding("rate limit", _WARNING, f"{said}: too many requests", "examine again later")
    return Finding("reach", _FAILURE, said, "check the vendor's status page, or the gateway's log")
