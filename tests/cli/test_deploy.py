"""`whydesk deploy` with real workers as processes: a promote and a rollback of code, and where the runs go."""

import asyncio
import os
import re
import sys
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from temporalio.client import Client

from cli.dev_server import free_port, start_dev_server
from cli.processes import Household
from cli.world_tenant import TENANT, write_tenant
from models.run import InvestigateInput
from models.ticket import TicketRef
from tests.cli.command import Said, Shell
from tests.master_keys import PLUGIN, VARIABLES
from tests.test_worker import COMPANY, STATE
from workflows import naming

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.timeout(300)
"""Four workers start from nothing here, each with every vendor's SDK."""


class Site:
    """A Temporal server, and a folder with the configuration of workers whose far ends are all away: what begins stays open."""

    def __init__(self, client: Client, environ: Mapping[str, str], shell: Shell) -> None:
        self.client = client
        self._environ = environ
        self._shell = shell
        self._number = 0

    @asynccontextmanager
    async def worker(self, build: str) -> AsyncIterator[Process]:
        """Run a worker of a build as a process of its own."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "cli", "worker", cwd=ROOT, env={**self._environ, "BUILD_ID": build}
        )
        try:
            yield process
        finally:
            process.kill()
            await process.wait()

    async def whydesk(self, *arguments: str) -> Said:
        """Run a command beside the loop of the test."""
        return await asyncio.to_thread(self._shell, *arguments)

    def tell(self, figure: str) -> None:
        """Show a figure to who runs the test with -s."""
        with self._shell.capsys.disabled():
            sys.stderr.write(f"\n{figure}\n")

    async def once_there_is_a_ledger(self, *arguments: str) -> Said:
        """Run a command; the first worker makes the ledger, and until then there is nothing to write an entry into."""
        for _ in range(300):
            said = await self.whydesk(*arguments)
            if "no ledger" not in said.err and "is empty" not in said.err:
                return said
            await asyncio.sleep(0.2)
        raise AssertionError("no worker made the ledger")

    async def begin(self) -> str:
        """Start a run and wait until it is pinned; return its build."""
        self._number += 1
        ref = TicketRef(tenant=TENANT, helpdesk="zendesk", ticket=f"{self._number}")
        handle = await self.client.start_workflow(
            "InvestigateTicketWorkflow",
            InvestigateInput(ref=ref),
            id=naming.workflow_id(ref),
            task_queue=naming.task_queue(),
        )
        return await self.build_of(handle.id)

    async def doing(self, workflow: str, activity: str) -> float:
        """Wait until a run does an activity; return how many seconds that took."""
        began = time.monotonic()
        for _ in range(1200):
            described = await self.client.get_workflow_handle(workflow).describe()
            if activity in [one.activity_type.name for one in described.raw_description.pending_activities]:
                return time.monotonic() - began
            await asyncio.sleep(0.05)
        raise AssertionError(f"{workflow} never came to {activity}")

    async def build_of(self, workflow: str) -> str:
        """Return the build that a run is pinned to, once it is."""
        for _ in range(600):
            described = await self.client.get_workflow_handle(workflow).describe()
            info = described.raw_description.workflow_execution_info.versioning_info
            if info.deployment_version.build_id:
                return str(info.deployment_version.build_id)
            await asyncio.sleep(0.05)
        raise AssertionError(f"no worker took {workflow}")


@pytest.fixture
async def site(tmp_path: Path, whydesk: Shell, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Site]:
    write_tenant(STATE, COMPANY, [], tmp_path / "whydesk.yaml")
    async with Household(tmp_path) as household:
        environ = {"PATH": os.environ.get("PATH", ""), "HOME": str(tmp_path)}
        server = await start_dev_server(household, environ, tmp_path / "temporal.db", free_port(), free_port())
        given = {
            **STATE.secrets(),
            **VARIABLES,
            "TEMPORAL_ADDRESS": server.address,
            "WHYDESK_CONFIG": str(tmp_path / "whydesk.yaml"),
            "WHYDESK_STATE": str(tmp_path / "state"),
            "WHYDESK_LOG_LEVEL": "error",
        }
        for name, value in given.items():
            monkeypatch.setenv(name, value)
        client = await Client.connect(server.address, plugins=[PLUGIN])
        yield Site(client, {**environ, **given}, whydesk)


def seconds(said: Said) -> float:
    found = re.search(r"took ([0-9.]+) s", said.out)
    assert found, said
    return float(found[1])


@pytest.mark.slow
async def test_code_is_promoted_and_rolled_back_and_open_runs_stay(site: Site) -> None:
    async with site.worker("v1"):
        first = await site.once_there_is_a_ledger("deploy", "promote", "v1", "--wait", "200")
        assert (first.code, first.out.startswith("new runs go to v1")) == (0, True), first
        assert await site.begin() == "v1"
        began = time.monotonic()
        async with site.worker("v2"):
            second = await site.whydesk("deploy", "promote", "v2", "--wait", "200")
            took_up = time.monotonic() - began
            assert "before it was v1, keep its workers" in second.out
            assert await site.begin() == "v2"
            back = await site.whydesk("deploy", "rollback")
            assert "new runs go to v1 again" in back.out, back
            assert await site.begin() == "v1"
            assert await site.build_of(f"{TENANT}/zendesk/2") == "v2", "what began on v2 stays there"
            shown = await site.whydesk("deploy", "status")
            assert re.search(r"v1\s+current\s+", shown.out), shown.out
            assert re.search(r"v2\s+draining\s+", shown.out), shown.out
            site.tell(f"promote with a fresh worker {took_up:.1f} s, rollback {seconds(back):.1f} s")
            assert seconds(back) < 60
            forward = await site.whydesk("deploy", "rollback")
            assert "new runs go to v2 again" in forward.out
    audit = await site.whydesk("audit", "export")
    assert [re.findall(r'"(?:action|subject)":"([^"]+)"', line) for line in audit.out.splitlines()] == [
        ["worker.promote", "worker/v1"],
        ["worker.promote", "worker/v2"],
        ["worker.rollback", "worker/v1"],
        ["worker.rollback", "worker/v2"],
    ]


async def test_what_cannot_be_promoted_is_said(site: Site) -> None:
    async with site.worker("v1"):
        assert (await site.once_there_is_a_ledger("deploy", "rollback")).code == 2
        unseen = await site.whydesk("deploy", "promote", "v9", "--wait", "0")
        assert (unseen.code, "no worker with BUILD_ID=v9 has asked for work" in unseen.err) == (2, True), unseen
        assert (await site.whydesk("deploy", "promote", "v1")).code == 0
        assert "is current already" in (await site.whydesk("deploy", "promote", "v1")).out
        nothing = await site.whydesk("deploy", "rollback")
        assert (nothing.code, "nobody knows what was current before" in nothing.err) == (2, True)


@pytest.mark.slow
async def test_a_pause_reaches_a_worker_process_and_a_resume_too(site: Site) -> None:
    async with site.worker("v1"):
        await site.once_there_is_a_ledger("deploy", "promote", "v1", "--wait", "200")
        await site.begin()
        await site.doing(f"{TENANT}/zendesk/1", "read_ticket")
        said = await site.whydesk("pause", "tenant", TENANT, "--reason", "a drill")
        assert said.code == 0, said
        await site.begin()
        took = await site.doing(f"{TENANT}/zendesk/2", "wait_until_resumed")
        await site.whydesk("resume", "tenant", TENANT)
        back = await site.doing(f"{TENANT}/zendesk/2", "read_ticket")
        site.tell(f"a new run waits after {took:.1f} s, and goes on {back:.1f} s after the resume")
