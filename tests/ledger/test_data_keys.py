"""Bodies are sealed with a key of their revision, which the master keys wrap; what is missing or altered is said."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, select, update

from keys.keyring import Keyring
from ledger.base import BodyMissing, LedgerError
from ledger.bodies import SEALED
from ledger.data_keys import SHARED, Vault
from ledger.store import SqlLedger
from ledger.tables import BodyRow
from ledger.tables_keys import DataKeyRow
from models.evidence import Evidence
from models.run import RunKey
from tests.ledger.investigations import claim, evidence, investigate
from tests.master_keys import KEYRING

OTHER = Keyring((("other", bytes(range(1, 33))),))


@pytest.fixture
async def key(ledger: SqlLedger) -> RunKey:
    return (await ledger.claim_delivery(claim())).key


async def _keys(ledger: SqlLedger) -> dict[str, int]:
    query = select(DataKeyRow.subject, func.count()).group_by(DataKeyRow.subject)
    rows = await ledger.database.read(lambda connection: connection.execute(query).all())
    return {row[0]: row[1] for row in rows}


async def test_every_revision_has_a_key_of_its_own_and_playbooks_the_tenants(ledger: SqlLedger) -> None:
    first = await investigate(ledger, claim())
    second = await investigate(ledger, claim(delivery="d-2"))
    await ledger.put_body("acme", evidence())
    assert await _keys(ledger) == {f"{first.investigation}/1": 1, f"{second.investigation}/2": 1, SHARED: 1}
    codecs = select(BodyRow.codec).distinct()
    assert await ledger.database.read(lambda connection: connection.scalars(codecs).all()) == [SEALED]


async def test_the_same_body_of_two_revisions_is_sealed_for_each(ledger: SqlLedger, key: RunKey) -> None:
    other = (await ledger.claim_delivery(claim("4712", "d-2"))).key
    digests = {await ledger.put_body("acme", evidence(), one) for one in (key, other, key)}
    assert len(digests) == 1
    rows = await ledger.database.read(lambda connection: connection.scalar(select(func.count()).select_from(BodyRow)))
    assert rows == 2


async def test_keys_that_are_made_together_are_one(ledger_url: str, ledger: SqlLedger, key: RunKey) -> None:
    async with await SqlLedger.open(ledger_url, KEYRING) as beside:
        notes = [evidence(text=str(number)) for number in range(12)]
        both = [one.put_body("acme", note, key) for note in notes for one in (ledger, beside)]
        digests = await asyncio.gather(*both)
        assert await _keys(ledger) == {f"{key.investigation}/1": 1}
        for number, digest in enumerate(digests):
            assert (await beside.get_body("acme", digest, Evidence)).rows[0]["text"] == str(number // 2)


async def test_nothing_of_a_body_lies_readable_in_the_file(sqlite_url: str, tmp_path: Path) -> None:
    word = "quokka-quokka-quokka"
    async with await SqlLedger.open(sqlite_url, KEYRING) as ledger:
        key = (await ledger.claim_delivery(claim())).key
        await ledger.put_body("acme", evidence(text=word), key)
        await ledger.put_evidence(key, evidence(text=word))
        during = [path.read_bytes() for path in (tmp_path / "state").iterdir()]
    files = [*during, *(path.read_bytes() for path in (tmp_path / "state").iterdir())]
    assert len(files) >= 4, "the log beside the file too"
    # Compressed text can still be read in part: a word that is told twenty times stays whole once.
    assert not any(word.encode() in content for content in files)


async def test_other_master_keys_are_refused_before_anything_is_written(ledger_url: str, ledger: SqlLedger) -> None:
    digest = await ledger.put_body("acme", evidence())
    with pytest.raises(LedgerError, match=r"no key 'tests' in the keyring, which holds other.*restored from a backup"):
        await SqlLedger.open(ledger_url, OTHER)
    impostor = Keyring((("tests", bytes(32)),))
    with pytest.raises(LedgerError, match=r"key 'tests' does not open this"):
        await SqlLedger.open(ledger_url, impostor)
    async with await SqlLedger.open(ledger_url, Keyring((*OTHER.keys, *KEYRING.keys))) as both:
        assert await both.get_body("acme", digest, Evidence) == evidence()
        assert (await both.vault.key("acme", "inv-new/1")).subject == "inv-new/1"


async def test_a_key_that_was_altered_is_said(ledger: SqlLedger, key: RunKey) -> None:
    digest = await ledger.put_body("acme", evidence(), key)
    await ledger.database.write(lambda connection: connection.execute(update(DataKeyRow).values(wrapped=bytes(60))))
    with pytest.raises(LedgerError, match=r"data key of 'inv-.*was altered: restore"):
        await ledger.get_body("acme", digest, Evidence)


async def test_a_body_moved_to_another_tenant_stays_shut(ledger: SqlLedger) -> None:
    digest = await ledger.put_body("acme", evidence())
    await ledger.put_body("globex", evidence("E2"))

    def move(connection: Connection) -> None:
        data = connection.scalar(select(BodyRow.data).filter_by(tenant="acme"))
        row = connection.execute(select(BodyRow.digest).filter_by(tenant="globex")).scalar_one()
        connection.execute(update(BodyRow).filter_by(tenant="globex", digest=row).values(data=data, digest=digest))

    await ledger.database.write(move)
    with pytest.raises(LedgerError, match="lies in another's place"):
        await ledger.get_body("globex", digest, Evidence)


async def test_a_key_is_asked_for_again_after_seconds_and_one_erased_meanwhile_is_replaced(ledger: SqlLedger) -> None:
    now = [100.0]
    vault = Vault(ledger.database, KEYRING, clock=lambda: now[0])
    first = await vault.key("acme", "inv-x/1")
    erase = update(DataKeyRow).values(wrapped=None, master="")
    await ledger.database.write(lambda connection: connection.execute(erase).close())
    assert await vault.key("acme", "inv-x/1") is first, "no statement for each write"
    now[0] += 3.1
    second = await vault.key("acme", "inv-x/1")
    assert second.generation == 2


async def test_keys_kept_in_memory_are_bounded(ledger: SqlLedger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.data_keys._MOST_KEPT", 3)
    for number in range(6):
        await ledger.vault.key("acme", f"inv-x/{number}")
    assert len(ledger.vault._kept) == 3


async def test_a_body_whose_key_is_gone_is_missing(ledger: SqlLedger, key: RunKey) -> None:
    digest = await ledger.put_body("acme", evidence(), key)
    await ledger.database.write(lambda connection: connection.execute(update(DataKeyRow).values(wrapped=None)).close())
    with pytest.raises(BodyMissing, match=digest):
        await ledger.get_body("acme", digest, Evidence)


async def test_keys_are_shown_by_nothing(ledger: SqlLedger) -> None:
    key = await ledger.vault.key("acme", "inv-x/1")
    assert key.key.keys[0][1].hex() not in repr(key) + repr(ledger.vault)
