"""The installation that all tests of the whole path share, and its tickets, asked once."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack

import httpx
import pytest
import pytest_asyncio
from pydantic import JsonValue

from cli.connection import connect
from cli.demo import DEFAULT_WORLD
from cli.dev_server import free_port
from cli.processes import Household
from cli.stack import Play, Ports, start_stack
from ledger.store import SqlLedger
from sandbox.world_files import load_world
from tests.whole_path.town import Ended, Town

ROWS = 1_500_000
ALONE: dict[str, JsonValue] = {"share_evidence": False, "sweep_minutes": 0}
"""What one test's ticket learnt must not hide that a source is down in another's."""


@pytest_asyncio.fixture(scope="session")
async def fresh_town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    """Run everything that `whydesk demo` runs, with fewer log lines and vendors that answer at once."""
    state = tmp_path_factory.mktemp("town")
    environ = {"PATH": os.environ.get("PATH", ""), "HOME": str(state), "WHYDESK_METRICS_PORT": str(free_port())}
    async with AsyncExitStack() as stack:
        household = await stack.enter_async_context(Household(state / "logs"))
        running = await start_stack(
            household, environ, state, Ports(), play=Play(DEFAULT_WORLD, rows=ROWS, tenant=ALONE)
        )
        assert running.sandbox is not None
        control = httpx.AsyncClient(base_url=running.sandbox.control, timeout=30, trust_env=False)
        built = Town(
            household=household,
            stack=running,
            sandbox=running.sandbox,
            client=await connect(running.settings),
            control=await stack.enter_async_context(control),
            ledger=await stack.enter_async_context(
                await SqlLedger.open(f"sqlite:///{state}/ledger.db", running.settings.keyring())
            ),
            world=load_world(DEFAULT_WORLD),
            state=state,
        )
        yield built
        household.ensure()
        assert await built.writes() == [], "something of this session wrote to a vendor"


@pytest_asyncio.fixture(scope="session")
async def without_docs(fresh_town: Town) -> Ended:
    """A ticket from before the documentation was first read: later on, the index answers while the site is down."""
    async with fresh_town.without("docs"):
        return await fresh_town.investigate("render-answers-400")


@pytest.fixture(scope="session")
def town(fresh_town: Town, without_docs: Ended) -> Town:
    """The installation, once that ticket is over."""
    return fresh_town


@pytest_asyncio.fixture(scope="session")
async def tickets(town: Town) -> Mapping[str, Ended]:
    """Every ticket of the world, opened at the same moment, by its key."""
    keys = [ticket.key for ticket in town.world.tickets.tickets]
    ended = await asyncio.gather(*(town.investigate(key) for key in keys))
    return dict(zip(keys, ended, strict=True))
