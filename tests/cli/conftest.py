"""A shell for the tests of commands: a state folder of its own, a wide terminal; a sandbox to be asked, and a house to work."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from temporalio.client import Client

from cli.demo import DEFAULT_WORLD
from ledger.store import SqlLedger
from models.run import RunKey
from sandbox.run import Sandbox
from tests.cli.command import Shell
from tests.cli.installation import Installation
from tests.cli.terminal import a_house
from tests.ledger.investigations import claim, investigate
from tests.master_keys import KEYRING
from tests.workflows.house import House


@pytest_asyncio.fixture(scope="session")
async def sandbox() -> AsyncIterator[Sandbox]:
    """Play the shipped world for the session, with few log lines."""
    async with Sandbox(DEFAULT_WORLD, rows=20_000) as sandbox:
        yield sandbox


@pytest.fixture
def installation(whydesk: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sandbox: Sandbox) -> Installation:
    """A tenant of its own whose far ends are the sandbox."""
    return Installation(whydesk, monkeypatch, tmp_path, sandbox)


@pytest.fixture
def whydesk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    """Run commands in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WHYDESK_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("TERM", "dumb")
    return Shell(monkeypatch, capsys)


@pytest.fixture
def runs(whydesk: Shell, tmp_path: Path) -> list[RunKey]:
    """Two investigations that ended and one that runs."""

    async def write() -> list[RunKey]:
        async with await SqlLedger.open(f"sqlite:///{tmp_path}/state/ledger.db", KEYRING) as ledger:
            ended = [await investigate(ledger, claim(ticket, f"d-{ticket}")) for ticket in ("4711", "4712")]
            running = await ledger.claim_delivery(claim("4713", "d-4713"))
            return [*ended, running.key]

    return asyncio.run(write())


@pytest_asyncio.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[SqlLedger]:
    """Where a worker of this state folder keeps it."""
    (tmp_path / "state").mkdir()
    async with await SqlLedger.open(f"sqlite:///{tmp_path}/state/ledger.db", KEYRING) as opened:
        yield opened


@pytest.fixture
def house(temporal: Client, ledger: SqlLedger) -> House:
    """A house whose queue is that of a region of its own."""
    return a_house(temporal, ledger)
