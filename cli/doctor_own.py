"""Examines what an installation itself stands on: Temporal, the ledger and the models. Writes nothing and pays for nothing."""

import asyncio
import os
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from cli.connection import NoServer, connect, where
from connectors.base import Secrets
from ledger.base import LedgerError
from ledger.circuits import SqlCircuitBoard
from ledger.controls import SqlControls
from ledger.database import Database
from ledger.migrations import SchemaState, read_schema_state
from models.control import PAUSED
from models.finding import Finding, FindingStatus
from models.tenant import ModelConfig
from reasoning.providers.base import ModelMisconfigured, ModelUnavailable
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
        client = await connect(settings, within=0.0, payloads=False)
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
        state = await read_schema_state(url)
    except LedgerError as error:
        return [Finding("reach", _FAILURE, str(error), "check WHYDESK_LEDGER_URL")]
    if state is None:
        return [await asyncio.to_thread(_absent, Path(url.removeprefix("sqlite:///")))]
    migrated = _migrated(state)
    held = await _held_back(url) if migrated.status is _OK else []
    return [Finding("reach", _OK, f"{state.where} opens"), migrated, *held]


async def _held_back(url: str) -> list[Finding]:
    """Say what is not asked for now, although nothing may be wrong with it."""
    database = Database.connect(url)
    try:
        return [*await _pauses(database), *await _circuits(database)]
    except LedgerError as error:
        return [Finding("circuits", _UNKNOWN, str(error))]
    finally:
        await database.aclose()


async def _pauses(database: Database) -> list[Finding]:
    controls = await SqlControls(database).read_controls()
    return [
        Finding("pauses", _WARNING, f"{scope}: {one.said}", "resume it with `whydesk resume` when it may go on")
        for (scope, name), one in controls.rows.items()
        if name == PAUSED and one.value
    ]


async def _circuits(database: Database) -> list[Finding]:
    """Each worker decides for itself which sources it does not ask, and tells it here."""
    opened = await SqlCircuitBoard(database).open_circuits(datetime.now(UTC))
    return [
        Finding(
            "circuits",
            _WARNING,
            f"{one.source.title} of {one.tenant} is not asked by {one.worker} since {one.opened_at:%H:%M:%S} UTC: {one.reason}",
            "see what that source's own examination says; it is asked again by itself once it answers",
        )
        for one in opened
    ]


def _absent(path: Path) -> Finding:
    """A file that the first worker will make, if it can."""
    there = next(folder for folder in path.absolute().parents if folder.exists())
    if there.is_dir() and os.access(there, os.W_OK | os.X_OK):
        return Finding("reach", _WARNING, f"{str(path)!r} is not there yet", "nothing: the first worker makes it")
    return Finding("reach", _FAILURE, f"{str(path)!r} cannot be made", f"give this user write access to {str(there)!r}")


def _migrated(state: SchemaState) -> Finding:
    if state.current == state.newest:
        return Finding("migrations", _OK, f"at revision {state.newest}")
    if state.current is None:
        return Finding("migrations", _WARNING, "the ledger has no tables yet", "nothing: the first worker makes them")
    if state.known:
        remedy = "nothing: the next worker that starts migrates it"
        detail = f"at revision {state.current}, this version's is {state.newest}"
        return Finding("migrations", _WARNING, detail, remedy)
    remedy = "run the newer version of Whydesk that made it"
    return Finding("migrations", _FAILURE, f"at revision {state.current}, which this version does not know", remedy)


async def examine_model(link: ModelConfig, secret: Secrets) -> Sequence[Finding]:
    """Look whether the key is there, the model has a price, and the vendor knows both. Listing models is free of charge."""
    try:
        shipped_prices().price(link.model, datetime.now(UTC).date())
    except KeyError as error:
        remedy = "name a model that has a price; a worker would not start"
        return [Finding("price", _FAILURE, str(error.args[0]), remedy)]
    return [*await _known_at_vendor(link, secret), Finding("price", _OK, "known, so the budget holds")]


async def _known_at_vendor(link: ModelConfig, secret: Secrets) -> list[Finding]:
    if link.provider != "anthropic":
        return [Finding("key", _UNKNOWN, f"{link.provider} lists no models here; only a paid call would tell more")]
    # Loading the SDK takes longer than all other examinations; without a model nobody needs it.
    from reasoning.providers.factory import make_model

    model = make_model(link, secret)
    began = time.perf_counter()
    try:
        found = await model.look_up()
    except ModelMisconfigured as error:
        return [Finding("key", _FAILURE, str(error), "check `api_key`, and what the key may use")]
    except ModelUnavailable as error:
        return [
            Finding(
                "reach", _FAILURE, str(error), "check `base_url`, this machine's way there, and the vendor's status"
            )
        ]
    finally:
        await model.aclose()
    reach = Finding("reach", _OK, "the far end answers")
    latency = Finding("latency", _OK, f"{time.perf_counter() - began:.2f} s")
    return [reach, _known(link) if found else _not_listed(link), latency]


def _known(link: ModelConfig) -> Finding:
    return Finding("key", _OK, f"the key is taken, and {link.model!r} is known")


def _not_listed(link: ModelConfig) -> Finding:
    if link.base_url is None:
        return Finding(
            "key", _FAILURE, f"the vendor does not know {link.model!r}, or not for this key", "check `model`"
        )
    return Finding("key", _UNKNOWN, f"the gateway does not list {link.model!r}; only a paid call would tell more")
