"""What a tenant does not want to keep any longer goes by itself, once, and never keeps a worker from working."""

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from ledger.audit import read_entries
from ledger.base import BodyMissing, LedgerError
from ledger.erasure import Erased
from ledger.retention import WHO, expire, expiring
from ledger.store import SqlLedger
from tests.ledger.test_erasure import body_of, end, tell


def _unwanted(error: LedgerError) -> None:
    pytest.fail(str(error))


async def test_each_tenant_keeps_as_long_as_it_says(ledger: SqlLedger) -> None:
    now = datetime.now(UTC)
    short, long, open_end = [await tell(ledger, "1", "", tenant) for tenant in ("acme", "globex", "initech")]
    for key in (short, long, open_end):
        await ledger.database.write(partial(end, key, now - timedelta(days=31)))
    days = {"acme": 30, "globex": 32}
    done = await expire(ledger, days, now)
    assert {tenant: (erased.revisions, erased.readable) for tenant, erased in done.items()} == {"acme": (1, 0)}
    with pytest.raises(BodyMissing):
        await body_of(ledger, short)
    for key in (long, open_end):
        await body_of(ledger, key)
    assert await expire(ledger, days, now) == {}
    assert [(entry.who, entry.action) async for entry in read_entries(ledger.database)] == [(WHO, "forget")]


async def test_workers_that_expire_together_tell_it_once(ledger: SqlLedger) -> None:
    now = datetime.now(UTC)
    key = await tell(ledger, "1", "")
    await ledger.database.write(partial(end, key, now - timedelta(days=9)))
    done = await asyncio.gather(*(expire(ledger, {"acme": 7}, now) for _ in range(4)))
    assert sum(len(one) for one in done) == 1
    assert len([entry async for entry in read_entries(ledger.database)]) == 1


async def test_it_starts_at_once_and_ends_with_the_worker(file_ledger: SqlLedger) -> None:
    key = await tell(file_ledger, "1", "")
    await file_ledger.database.write(partial(end, key, datetime.now(UTC) - timedelta(days=9)))
    told: asyncio.Queue[tuple[str, Erased]] = asyncio.Queue()
    before = asyncio.all_tasks()
    async with expiring(file_ledger, {"acme": 7}, lambda *what: told.put_nowait(what), _unwanted):
        tenant, erased = await asyncio.wait_for(told.get(), 60)
    assert (tenant, erased.revisions) == ("acme", 1)
    assert asyncio.all_tasks() == before


async def test_a_ledger_that_is_down_is_told_and_tried_again(
    file_ledger: SqlLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.retention._EVERY", 0.01)
    await file_ledger.database.write(lambda connection: connection.exec_driver_sql("DROP TABLE data_keys").close())
    failed: asyncio.Queue[LedgerError] = asyncio.Queue()
    async with expiring(file_ledger, {"acme": 7}, lambda *_: None, failed.put_nowait):
        for _ in range(2):
            assert "lacks a table" in str(await asyncio.wait_for(failed.get(), 60))


async def test_without_a_limit_nothing_runs(file_ledger: SqlLedger) -> None:
    before = asyncio.all_tasks()
    async with expiring(file_ledger, {}, lambda *_: None, _unwanted):
        assert asyncio.all_tasks() == before
