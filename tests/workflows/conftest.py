"""What the workflows' tests share: a ledger for each."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from ledger.store import SqlLedger
from tests.workflows.house import open_ledger


@pytest_asyncio.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[SqlLedger]:
    """A ledger for one test."""
    async with await open_ledger(tmp_path) as opened:
        yield opened
