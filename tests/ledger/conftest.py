"""A ledger on a file of its own for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ledger.store import SqlLedger


@pytest.fixture
def ledger_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/state/ledger.db"


@pytest.fixture
async def ledger(ledger_url: str) -> AsyncIterator[SqlLedger]:
    async with await SqlLedger.open(ledger_url) as opened:
        yield opened
