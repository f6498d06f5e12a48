"""A real ledger with one revision open, for activities that are called on their own."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest_asyncio

from ledger.store import SqlLedger
from models.run import ClaimRequest, RunKey
from models.ticket import TicketRef, Trigger, TriggerKind
from tests.master_keys import KEYRING
from workflows.naming import investigation_id

REF = TicketRef(tenant="acme", helpdesk="desk", ticket="4711")


@pytest_asyncio.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[SqlLedger]:
    """A ledger for one test."""
    async with await SqlLedger.open(f"sqlite:///{tmp_path}/ledger.db", KEYRING) as opened:
        yield opened


@pytest_asyncio.fixture
async def key(ledger: SqlLedger) -> RunKey:
    """The first revision of a ticket."""
    trigger = Trigger(delivery="d1", kind=TriggerKind.CREATED, received_at=datetime.now(UTC))
    claim = ClaimRequest(ref=REF, investigation=investigation_id(REF), trigger=trigger, owner="run-1")
    return (await ledger.claim_delivery(claim)).key
