"""The embedded server: where its program comes from, what is said where it cannot start, and what a restart keeps."""

import os
import socket
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.common import SearchAttributeIndexedValueType
from temporalio.testing import WorkflowEnvironment

from cli.dev_server import (
    RETENTION,
    NoTemporal,
    ensure_namespace,
    find_program,
    free_port,
    is_free,
    prepare_namespace,
    start_dev_server,
)
from cli.processes import Household, ProcessEnded
from tests.cli.running import mentioning
from tests.master_keys import PLUGIN
from workflows import naming


def program(folder: Path, name: str = "temporal", mode: int = 0o755) -> Path:
    """Write a program that one can run."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text("#!/bin/sh\n")
    path.chmod(mode)
    return path


@pytest.fixture
def python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A virtual environment without the server."""
    path = tmp_path / "venv" / "bin" / "python"
    monkeypatch.setattr(sys, "executable", str(path))
    return path


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK finds no host to download from."""

    async def fail(**_: object) -> WorkflowEnvironment:
        raise RuntimeError("Failed starting test server: error sending request for url")

    monkeypatch.setattr(WorkflowEnvironment, "start_local", fail)


async def test_the_named_program_comes_first(python: Path, tmp_path: Path) -> None:
    named = program(tmp_path / "named", "temporal-1.9")
    program(python.parent)
    on_path = program(tmp_path / "path")
    found = await find_program({"TEMPORAL_CLI_PATH": str(named), "PATH": str(on_path.parent)}, tmp_path)
    assert (found.path, found.origin) == (str(named), "TEMPORAL_CLI_PATH")


async def test_the_environments_own_comes_before_the_path(python: Path, tmp_path: Path) -> None:
    own = program(python.parent)
    on_path = program(tmp_path / "path")
    found = await find_program({"PATH": str(on_path.parent)}, tmp_path)
    assert (found.path, found.origin) == (str(own), "the virtual environment")


async def test_the_path_comes_before_a_download(python: Path, tmp_path: Path) -> None:
    on_path = program(tmp_path / "path")
    found = await find_program({"PATH": f"/nowhere:{on_path.parent}"}, tmp_path)
    assert (found.path, found.origin) == (str(on_path), "the PATH")


@pytest.mark.parametrize("named", ["/nowhere/temporal", "not executable", "a folder"])
async def test_a_wrong_name_is_told_and_not_replaced_by_another(named: str, python: Path, tmp_path: Path) -> None:
    program(python.parent)
    paths = {"not executable": program(tmp_path / "plain", mode=0o644), "a folder": tmp_path}
    path = str(paths.get(named, named))
    with pytest.raises(NoTemporal, match=r"TEMPORAL_CLI_PATH is .* no executable file; correct or unset it") as told:
        await find_program({"TEMPORAL_CLI_PATH": path}, tmp_path)
    assert repr(path) in str(told.value)


async def test_nothing_found_lists_all_that_was_tried(python: Path, tmp_path: Path) -> None:
    with pytest.raises(NoTemporal) as told:
        await find_program({"PATH": "/nowhere"}, tmp_path / "downloads")
    said = str(told.value)
    tried = [
        "TEMPORAL_ADDRESS is not set",
        "TEMPORAL_CLI_PATH (not set)",
        f"the virtual environment ({python.parent / 'temporal'}",
        "the PATH (no `temporal` on it)",
        "the SDK's download (Failed starting test server",
    ]
    assert [said.find(each) for each in tried] == sorted(said.find(each) for each in tried)
    assert all(each in said for each in tried)
    assert "`embedded` requirements" in said


async def test_a_download_is_the_last_resort(python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Server:
        async def shutdown(self) -> None:
            """Was only started to be fetched."""

    async def fetch(*, download_dest_dir: str) -> Server:
        program(Path(download_dest_dir), "temporal-sdk-python-1.35.0")
        return Server()

    monkeypatch.setattr(WorkflowEnvironment, "start_local", fetch)
    found = await find_program({"PATH": "/nowhere"}, tmp_path / "bin")
    assert (found.path, found.origin) == (str(tmp_path / "bin" / "temporal-sdk-python-1.35.0"), "the SDK's download")


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which something listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


async def test_a_port_in_use_is_named_with_the_option_that_changes_it(taken: int, tmp_path: Path) -> None:
    assert not is_free("127.0.0.1", taken)
    async with Household(tmp_path) as household:
        with pytest.raises(NoTemporal, match=rf"^port {taken} is in use; .* with --port$"):
            await start_dev_server(household, {}, tmp_path / "t.db", taken, free_port())
        with pytest.raises(NoTemporal, match=rf"^port {taken} is in use; .* with --ui-port$"):
            await start_dev_server(household, {}, tmp_path / "t.db", free_port(), taken)
    assert not (tmp_path / "temporal.log").exists(), "nothing was started"


async def test_a_program_that_ends_at_once_is_told_with_its_words(tmp_path: Path) -> None:
    broken = program(tmp_path)
    broken.write_text("#!/bin/sh\necho the disk is full >&2\nexit 5\n")
    environ = {"TEMPORAL_CLI_PATH": str(broken)}
    async with Household(tmp_path) as household:
        with pytest.raises(ProcessEnded, match=r"(?s)temporal ended with code 5.*the disk is full"):
            await start_dev_server(household, environ, tmp_path / "t.db", free_port(), free_port())


async def attributes(client: Client) -> dict[str, IndexedValueType.ValueType]:
    request = ListSearchAttributesRequest(namespace=client.namespace)
    return dict((await client.operator_service.list_search_attributes(request)).custom_attributes)


async def test_the_namespace_has_what_naming_says_and_may_be_prepared_again(temporal: Client) -> None:
    before = await attributes(temporal)
    assert {key.name for key in naming.SEARCH_ATTRIBUTES} <= set(before)
    await prepare_namespace(temporal)
    await prepare_namespace(temporal)
    assert await attributes(temporal) == before


async def test_a_namespace_that_is_missing_is_made_once_and_then_prepared(temporal: Client) -> None:
    client = await Client.connect(temporal.service_client.config.target_host, namespace="of-a-new-cluster")
    assert await ensure_namespace(client)
    assert not await ensure_namespace(client)
    await prepare_namespace(client)
    assert {key.name for key in naming.SEARCH_ATTRIBUTES} <= set(await attributes(client))
    made = await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=client.namespace))
    assert made.config.workflow_execution_retention_ttl.ToTimedelta() == RETENTION
    assert not await ensure_namespace(temporal), "the one that is there is left alone"


def test_a_server_with_sql_visibility_has_room_for_all_keywords() -> None:
    types = [key.indexed_value_type for key in naming.SEARCH_ATTRIBUTES]
    assert types.count(SearchAttributeIndexedValueType.KEYWORD) <= 10
    assert len({key.name for key in naming.SEARCH_ATTRIBUTES}) == len(naming.SEARCH_ATTRIBUTES)


async def test_a_database_survives_its_server(tmp_path: Path) -> None:
    environ = {"PATH": os.environ.get("PATH", ""), "HOME": str(tmp_path)}
    database = tmp_path / "state" / "temporal.db"
    async with Household(tmp_path) as household:
        server = await start_dev_server(household, environ, database, free_port(), free_port())
        client = await Client.connect(server.address, plugins=[PLUGIN])
        await client.start_workflow("Anything", id="acme/zendesk/4711", task_queue="nobody")
    assert mentioning(str(database)) == {}
    async with Household(tmp_path) as household:
        server = await start_dev_server(household, environ, database, free_port(), free_port())
        client = await Client.connect(server.address, plugins=[PLUGIN])
        described = await client.get_workflow_handle("acme/zendesk/4711").describe()
        assert described.status is WorkflowExecutionStatus.RUNNING
        namespace = await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace="default"))
        retention = namespace.config.workflow_execution_retention_ttl.ToTimedelta()
        assert retention == RETENTION > timedelta(days=7)
