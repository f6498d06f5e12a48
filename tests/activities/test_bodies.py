"""The memory in front of the ledger: asked once, bounded, and never another tenant's."""

import asyncio
from datetime import UTC, datetime

import pytest

import activities.bodies
from activities.bodies import FRESH_SECONDS, Bodies
from ledger.base import BodyMissing, LedgerError
from ledger.erasure import Scope, erase
from ledger.store import SqlLedger
from models.evidence import Evidence
from models.run import ClaimRequest, RunKey, Selection, Weighed
from models.ticket import TicketRef, Trigger, TriggerKind
from models.vocabulary import EvidenceStatus, Source
from models.vocabulary import Scope as Reach


def body(number: int) -> Weighed:
    return Weighed(weighing=str(number), evidence=())


class Counting:
    """Counts what reaches the ledger."""

    def __init__(self, ledger: SqlLedger, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked = 0
        self._get = ledger.get_body
        monkeypatch.setattr(ledger, "get_body", self.get_body)

    async def get_body(self, tenant: str, digest: str, shape: type[Weighed]) -> Weighed:
        self.asked += 1
        return await self._get(tenant, digest, shape)


async def test_a_body_is_read_once(ledger: SqlLedger, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = await ledger.put_body("acme", body(1))
    counting, bodies = Counting(ledger, monkeypatch), Bodies(ledger)
    first = await bodies.get("acme", digest, Weighed)
    assert await bodies.get("acme", digest, Weighed) is first
    assert counting.asked == 1


async def test_the_least_used_is_forgotten(ledger: SqlLedger, monkeypatch: pytest.MonkeyPatch) -> None:
    digests = [await ledger.put_body("acme", body(number)) for number in range(3)]
    counting, bodies = Counting(ledger, monkeypatch), Bodies(ledger, capacity=2)
    for digest in (digests[0], digests[1], digests[0], digests[2], digests[0]):
        await bodies.get("acme", digest, Weighed)
    assert counting.asked == 3
    await bodies.get("acme", digests[1], Weighed)
    assert counting.asked == 4


async def test_what_was_erased_is_forgotten_within_a_minute(ledger: SqlLedger) -> None:
    digest = await ledger.put_body("acme", body(1))
    now = [5.0]
    bodies = Bodies(ledger, clock=lambda: now[0])
    await bodies.get("acme", digest, Weighed)
    await ledger.database.write(lambda connection: connection.exec_driver_sql("DELETE FROM bodies").close())
    await bodies.get("acme", digest, Weighed)
    now[0] += 61
    with pytest.raises(BodyMissing):
        await bodies.get("acme", digest, Weighed)
    assert not bodies._kept


async def test_another_tenant_gets_nothing_from_the_memory(ledger: SqlLedger) -> None:
    digest = await ledger.put_body("acme", body(1))
    bodies = Bodies(ledger)
    await bodies.get("acme", digest, Weighed)
    with pytest.raises(BodyMissing):
        await bodies.get("other", digest, Weighed)


async def test_a_body_of_another_shape_is_not_handed_out(ledger: SqlLedger) -> None:
    digest = await ledger.put_body("acme", body(1))
    bodies = Bodies(ledger)
    await bodies.get("acme", digest, Weighed)
    with pytest.raises(LedgerError, match="Selection"):
        await bodies.get("acme", digest, Selection)


class Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


async def opened(ledger: SqlLedger) -> RunKey:
    """Open the first revision of a ticket."""
    ref = TicketRef(tenant="acme", helpdesk="desk", ticket="7")
    trigger = Trigger(delivery="d-7", kind=TriggerKind.CREATED, received_at=datetime.now(UTC))
    claim = await ledger.claim_delivery(ClaimRequest(ref=ref, investigation="inv-7", trigger=trigger, owner="run-7"))
    return claim.key


def counted() -> Evidence:
    """Evidence with every kind of cell."""
    return Evidence(
        id="E1",
        query="requests",
        source=Source.CLICKHOUSE,
        title="Requests",
        scope=Reach.CUSTOMER,
        status=EvidenceStatus.FOUND,
        rows=({"status": 429, "share": 0.25, "route": "/v1/search", "final": True, "note": None},),
        fetched_at=datetime.now(UTC),
    )


async def test_what_is_stored_is_remembered_as_a_reader_gets_it(
    ledger: SqlLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, evidence = await opened(ledger), counted()
    counting, bodies = Counting(ledger, monkeypatch), Bodies(ledger)
    ref = await bodies.put_evidence(key, evidence)
    digest = await bodies.put("acme", body(1), key)
    remembered = await bodies.get("acme", ref.digest, Evidence), await bodies.get("acme", digest, Weighed)
    assert counting.asked == 0
    assert remembered == (evidence, body(1))
    assert remembered == (
        await ledger.get_body("acme", ref.digest, Evidence),
        await ledger.get_body("acme", digest, Weighed),
    )


async def test_of_two_attempts_the_first_ones_evidence_is_remembered(ledger: SqlLedger) -> None:
    key, first = await opened(ledger), counted()
    await ledger.put_evidence(key, first)
    bodies = Bodies(ledger)
    ref = await bodies.put_evidence(key, first.model_copy(update={"rows": ()}))
    assert await bodies.get("acme", ref.digest, Evidence) == first


async def test_what_belongs_to_nobody_is_not_stored_again_once_it_was_read(
    ledger: SqlLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    bodies = Bodies(ledger)
    digest = await bodies.put("acme", body(1))
    await bodies.get("acme", digest, Weighed)
    monkeypatch.setattr(ledger, "put_body", None)
    assert await bodies.put("acme", body(1)) == digest


async def test_what_another_process_erased_is_forgotten_within_seconds(ledger: SqlLedger) -> None:
    key, clock = await opened(ledger), Clock()
    bodies = Bodies(ledger, clock=clock)
    digest = await bodies.put("acme", body(1), key)
    assert (await erase(ledger, Scope("acme", ticket="7"), "ops")).readable == 0
    clock.now += FRESH_SECONDS
    with pytest.raises(BodyMissing):
        await bodies.get("acme", digest, Weighed)


async def test_what_was_read_before_an_erasure_and_comes_after_it_is_not_kept(
    ledger: SqlLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, clock = await opened(ledger), Clock()
    digest = await ledger.put_body("acme", body(1), key)
    bodies, get, read, go_on = Bodies(ledger, clock=clock), ledger.get_body, asyncio.Event(), asyncio.Event()

    async def slow(tenant: str, digest: str, shape: type[Weighed]) -> Weighed:
        found = await get(tenant, digest, shape)
        read.set()
        await go_on.wait()
        return found

    monkeypatch.setattr(ledger, "get_body", slow)
    late = asyncio.create_task(bodies.get("acme", digest, Weighed))
    await read.wait()
    await erase(ledger, Scope("acme", ticket="7"), "ops")
    clock.now += FRESH_SECONDS
    monkeypatch.setattr(ledger, "get_body", get)
    with pytest.raises(BodyMissing):
        await bodies.get("acme", digest, Weighed)
    go_on.set()
    await late
    with pytest.raises(BodyMissing):
        await bodies.get("acme", digest, Weighed)


async def test_nothing_is_remembered_that_nobody_asks_for(ledger: SqlLedger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(activities.bodies, "IDLE_SECONDS", 0.05)
    counting, bodies = Counting(ledger, monkeypatch), Bodies(ledger)
    digest = await bodies.put("acme", body(1), await opened(ledger))
    await asyncio.sleep(0.3)
    await bodies.get("acme", digest, Weighed)
    assert counting.asked == 1
