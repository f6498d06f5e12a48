"""A ledger of its own for each test, on both databases: a file, and a database of a real PostgreSQL."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import cast

import pytest

from ledger.store import SqlLedger
from tests.master_keys import KEYRING
from tests.postgres_server import PostgresServer, postgres_server


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        yield server


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/state/ledger.db"


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> Iterator[str]:
    with postgres.database() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger_url(request: pytest.FixtureRequest) -> str:
    """An empty database of each kind."""
    return cast(str, request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url"))


@pytest.fixture
async def ledger(ledger_url: str) -> AsyncIterator[SqlLedger]:
    async with await SqlLedger.open(ledger_url, KEYRING) as opened:
        yield opened


@pytest.fixture
async def file_ledger(sqlite_url: str) -> AsyncIterator[SqlLedger]:
    """For what only a file can do."""
    async with await SqlLedger.open(sqlite_url, KEYRING) as opened:
        yield opened


@pytest.fixture
async def server_ledger(postgres_url: str) -> AsyncIterator[SqlLedger]:
    """For what only a server can do."""
    async with await SqlLedger.open(postgres_url, KEYRING) as opened:
        yield opened
