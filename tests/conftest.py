"""What all tests share: a clean environment, and one real Temporal server for those that ask for it."""

import gc
import os
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from temporalio.client import Client
from temporalio.worker._workflow import _WorkflowWorker
from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]  # xdist says no types

from cli.dev_server import free_port, start_dev_server
from cli.processes import Household
from tests import master_keys

# Every worker compiles all tests, with their asserts rewritten, and they take longer to compile than to collect: kept also
# where PYTHONDONTWRITEBYTECODE is set, in the __pycache__ folders that git does not see.
sys.dont_write_bytecode = False
# While thousands of tests are collected, the garbage collector would go again and again through what stays.
gc.disable()

PROBE_PLAYBOOKS = Path(__file__).parent / "data" / "playbooks"
ONE_INSTALLATION = "tests/whole_path"
"""A folder whose files share an installation: on one worker it starts once."""
LONG = (
    ONE_INSTALLATION,
    "tests/faults/test_faults.py",
    "tests/cli/test_up.py",
    "tests/storm/test_storm.py",
    "tests/evals/run/test_whole_run.py",
)
"""Few tests that take long; begun last, as few tests are, one worker would still run them when the others are done."""


DEADLOCK_SECONDS = 30
"""To the SDK a deadlock is two seconds, which a crowded machine takes from a thread that does nothing wrong. The product's
worker gets its task again; a test's question fails."""


class Scheduling(LoadFileScheduling):  # type: ignore[misc]  # xdist says no types
    """A file, or the folder of an installation, is one worker's; what takes long goes first."""

    def _split_scope(self, nodeid: str) -> str:
        return ONE_INSTALLATION if nodeid.startswith(f"{ONE_INSTALLATION}/") else str(super()._split_scope(nodeid))

    def _assign_work_unit(self, node: object) -> None:
        if scope := next((scope for scope in LONG if scope in self.workqueue), None):
            self.workqueue.move_to_end(scope, last=False)
        super()._assign_work_unit(node)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Let the garbage collector look at what tests make, and at nothing else."""
    gc.collect()
    gc.freeze()
    # As worker.py does: its default looks after every seven hundred new objects.
    gc.set_threshold(10_000, 20, 20)
    gc.enable()


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One more than there are processors for `-n auto`: many tests wait for processes of their own."""
    return len(os.sched_getaffinity(0)) + 1 if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1) + 1


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Scheduling | None:
    """Replace `--dist loadfile`."""
    return Scheduling(config, log) if config.getoption("dist") == "loadfile" else None


@pytest.fixture(autouse=True)
def clean_environ(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no setting of this machine reach a test, besides the keys under which all tests write and read."""
    for name in list(os.environ):
        if name.startswith(("WHYDESK_", "TEMPORAL_", "ANTHROPIC_", "STRIPE_")) or name == "BUILD_ID":
            monkeypatch.delenv(name)
    for name, value in master_keys.VARIABLES.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="session", autouse=True)
def patient_workers() -> Iterator[None]:
    """Tell a deadlock from a crowded machine; debug mode, which the SDK offers, would not look for deadlocks at all."""
    made = _WorkflowWorker.__init__

    def patient(self: _WorkflowWorker, **given: Any) -> None:
        made(self, **given)
        self._deadlock_timeout_seconds = DEADLOCK_SECONDS

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_WorkflowWorker, "__init__", patient)
        yield


@pytest_asyncio.fixture(scope="session")
async def temporal_address(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """Run one dev server for the session, as `whydesk up` starts it."""
    folder = tmp_path_factory.mktemp("temporal")
    environ = {"PATH": os.environ.get("PATH", ""), "HOME": str(folder)}
    async with Household(folder) as household:
        assert Path(sys.executable).with_name("temporal").exists(), "no `temporal` beside python: run `make test`"
        server = await start_dev_server(household, environ, folder / "temporal.db", free_port(), free_port())
        yield server.address


@pytest_asyncio.fixture(scope="session")
async def temporal(temporal_address: str) -> Client:
    """Connect as every process does."""
    return await Client.connect(temporal_address, plugins=[master_keys.PLUGIN])
