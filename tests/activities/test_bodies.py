"""The memory in front of the ledger: asked once, bounded, and never another tenant's."""

import pytest

from activities.bodies import Bodies
from ledger.base import BodyMissing, LedgerError
from ledger.store import SqlLedger
from models.run import Selection, Weighed


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
