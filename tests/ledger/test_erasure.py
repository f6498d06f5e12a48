"""What is forgotten can be read by nobody, also not from a copy of the ledger; what was done stays on record."""

from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
import zstandard
from pydantic import BaseModel
from sqlalchemy import Connection, func, select, update

from keys.keyring import Keyring
from ledger.audit import verify_chain
from ledger.base import BodyMissing, LedgerError
from ledger.bodies import PLAIN
from ledger.data_keys import SHARED
from ledger.database import insert_new
from ledger.erasure import Scope, erase, measure, tenants_of
from ledger.reading import RunReader
from ledger.rotation import rotate, seal_unsealed
from ledger.store import SqlLedger
from ledger.tables import BodyRow, FeedbackRow, RevisionRow
from ledger.tables_keys import DataKeyRow
from models.base import digest_of, to_body
from models.evidence import Evidence
from models.feedback import Feedback, FeedbackVerdict
from models.run import RunKey
from tests.ledger.investigations import NOON, claim, evidence, investigate
from tests.master_keys import KEYRING

WORD = "quokka-quokka-quokka"
ANN = "cus_ann"
BOB = "cus_bob"


async def tell(ledger: SqlLedger, ticket: str, customer: str, tenant: str = "acme", delivery: str = "") -> RunKey:
    """Investigate a ticket whose customer is found after its text was stored, and comment on it."""
    request = claim(ticket, delivery or f"{tenant}-{ticket}", tenant=tenant)
    key = (await ledger.claim_delivery(request)).key
    await ledger.note_step(
        key, "read/0", await ledger.put_body(tenant, evidence("T", f"{WORD} of {ticket}{delivery}"), key)
    )
    await investigate(ledger, request)
    await ledger.note_step(key, "identify/0", "", customer)
    said = Feedback(revision=key.revision, verdict=FeedbackVerdict.WRONG, who="kim", comment=WORD, given_at=NOON)
    await ledger.give_feedback(key, said)
    return key


async def body_of(ledger: SqlLedger, key: RunKey) -> Evidence:
    run = await RunReader(ledger).load_run(key.investigation, key.revision, key.ref.tenant)
    digest = next(step.digest for step in run.steps if step.step == "read/0")
    return await ledger.get_body(key.ref.tenant, digest, Evidence)


def end(key: RunKey, at: datetime, connection: Connection) -> None:
    row = update(RevisionRow).filter_by(tenant=key.ref.tenant, investigation=key.investigation, revision=key.revision)
    connection.execute(row.values(finished_at=at))


async def count(ledger: SqlLedger, subject: str) -> int:
    query = select(func.count()).select_from(BodyRow).where(BodyRow.subject == subject)
    return await ledger.database.read(lambda connection: connection.scalar(query)) or 0


async def test_a_customer_is_forgotten_with_what_was_stored_before_it_was_known(ledger: SqlLedger) -> None:
    gone, again = await tell(ledger, "1", ANN), await tell(ledger, "1", "", delivery="later")
    other, elsewhere = await tell(ledger, "2", BOB), await tell(ledger, "1", ANN, "globex")
    playbook = await ledger.put_body("acme", evidence(text="a playbook"))
    assert again.revision == 2

    erased = await erase(ledger, Scope("acme", customer=ANN), "kim")

    assert (erased.tickets, erased.revisions, erased.keys, erased.readable) == (1, 2, 2, 0)
    assert erased.tried == 2 * (1 + 3 + 8 + 3 + 1), "text, steps, evidence, draft, diagnosis, note, comment"
    for key in (gone, again):
        with pytest.raises(BodyMissing):
            await body_of(ledger, key)
    assert (await body_of(ledger, other)).rows[0]["text"] == f"{WORD} of 2"
    assert (await body_of(ledger, elsewhere)).rows[0]["text"] == f"{WORD} of 1"
    await ledger.get_body("acme", playbook, Evidence)


async def test_what_was_done_stays_on_record(ledger: SqlLedger) -> None:
    key = await tell(ledger, "1", ANN)
    before = await RunReader(ledger).load_run(key.investigation)
    erased = await erase(ledger, Scope("acme", customer=ANN), "kim")
    run = await RunReader(ledger).load_run(key.investigation)
    assert run.erased_at is not None
    assert before.erased_at is None
    assert before.feedback[0].comment == WORD
    assert run.summary.model_copy(update={"feedback": ()}) == before.summary.model_copy(update={"feedback": ()})
    assert run.steps == before.steps
    assert [item.ref for item in run.evidence] == [item.ref for item in before.evidence]
    assert {item.body for item in run.evidence} == {None}
    assert (run.diagnosis, run.note and run.note.body) == (None, None)
    assert [(one.verdict, one.who, one.comment) for one in run.feedback] == [(FeedbackVerdict.WRONG, "kim", "")]
    chain = await verify_chain(ledger.database)
    assert (chain.broken, chain.entries, chain.seq) == ("", 1, erased.entry)


async def test_forgetting_twice_finds_nothing_left(ledger: SqlLedger) -> None:
    await tell(ledger, "1", ANN)
    await erase(ledger, Scope("acme", customer=ANN), "kim")
    again = await erase(ledger, Scope("acme", customer=ANN), "kim")
    assert (again.revisions, again.keys, again.tried, again.entry) == (0, 0, 0, 0)
    assert (await verify_chain(ledger.database)).entries == 1


async def test_a_tenant_is_forgotten_with_what_its_tickets_share(ledger: SqlLedger) -> None:
    gone, other = await tell(ledger, "1", ANN), await tell(ledger, "1", ANN, "globex")
    shared = await ledger.put_body("acme", evidence(text="shared"))
    erased = await erase(ledger, Scope("acme"), "kim")
    assert erased.readable == 0
    with pytest.raises(BodyMissing):
        await ledger.get_body("acme", shared, Evidence)
    with pytest.raises(BodyMissing):
        await body_of(ledger, gone)
    await body_of(ledger, other)
    assert await ledger.put_body("acme", evidence(text="shared")) == shared
    assert (await ledger.get_body("acme", shared, Evidence)).rows[0]["text"] == "shared", "the next playbook is stored"


async def test_a_ticket_without_a_customer_is_forgotten_by_its_name(ledger: SqlLedger) -> None:
    gone, other = await tell(ledger, "1", ""), await tell(ledger, "2", "")
    assert await tenants_of(ledger, ticket="1") == ("acme",)
    assert await tenants_of(ledger, customer=ANN) == ()
    await erase(ledger, Scope("acme", ticket="acme/zendesk/1"), "kim")
    with pytest.raises(BodyMissing):
        await body_of(ledger, gone)
    await body_of(ledger, other)


async def test_only_revisions_that_ended_before_are_erased(ledger: SqlLedger) -> None:
    old, new = await tell(ledger, "1", ANN), await tell(ledger, "1", ANN, delivery="later")
    now = datetime.now(UTC)
    for key, ended in ((old, now - timedelta(days=40)), (new, now - timedelta(days=20))):
        await ledger.database.write(partial(end, key, ended))
    erased = await erase(ledger, Scope("acme", before=now - timedelta(days=30)), "retention")
    assert (erased.revisions, erased.readable) == (1, 0)
    with pytest.raises(BodyMissing):
        await body_of(ledger, old)
    await body_of(ledger, new)


async def test_a_run_that_goes_on_is_counted(ledger: SqlLedger) -> None:
    await tell(ledger, "1", ANN)
    running = (await ledger.claim_delivery(claim("1", "d-2"))).key
    await ledger.put_body("acme", evidence(), running)
    assert (await measure(ledger, Scope("acme", customer=ANN))).running == 1


async def test_another_process_notices_within_seconds(ledger: SqlLedger, ledger_url: str) -> None:
    key = await tell(ledger, "1", ANN)
    async with await SqlLedger.open(ledger_url, KEYRING) as beside:
        now = [0.0]
        beside.vault._clock = lambda: now[0]
        await beside.put_body("acme", evidence("E9"), key)
        await erase(ledger, Scope("acme", customer=ANN), "kim")
        with pytest.raises(BodyMissing):
            await body_of(beside, key)
        late = await beside.put_body("acme", evidence("E9", "too late"), key)
        with pytest.raises(BodyMissing):
            await beside.get_body("acme", late, Evidence)
        now[0] += 3.1
        fresh = await beside.put_body("acme", evidence("E9", "another time"), key)
        await beside.get_body("acme", fresh, Evidence)


async def test_a_copy_with_the_master_key_but_without_the_data_keys_says_nothing(
    sqlite_url: str, tmp_path: Path
) -> None:
    async with await SqlLedger.open(sqlite_url, KEYRING) as ledger:
        key = await tell(ledger, "1", ANN)
        wrapped = select(DataKeyRow.wrapped).filter_by(subject=f"{key.investigation}/1")
        secret = await ledger.database.read(lambda connection: connection.scalar(wrapped))
        assert secret is not None
        await erase(ledger, Scope("acme", customer=ANN), "kim")
        # Also not in free pages or in the log, while the ledger is still open.
        files = [path.read_bytes() for path in (tmp_path / "state").iterdir()]
    assert not any(secret in content for content in files)
    assert not any(WORD.encode() in content for content in files)


async def store_unsealed(ledger: SqlLedger, body: BaseModel) -> str:
    """Store a body as versions before encryption did."""
    raw = to_body(body)
    data = zstandard.ZstdCompressor().compress(raw)
    row = {"tenant": "acme", "digest": digest_of(raw), "codec": PLAIN, "data": data, "stored_at": NOON}
    await ledger.database.write(lambda connection: insert_new(connection, BodyRow, row))
    return digest_of(raw)


async def written_before(ledger: SqlLedger) -> tuple[list[RunKey], str, str]:
    """Two customers' runs that hold the same text, a playbook, and a comment, all unsealed."""
    keys = [(await ledger.claim_delivery(claim(ticket, f"d-{ticket}"))).key for ticket in ("1", "2")]
    same = await store_unsealed(ledger, evidence(text=WORD))
    playbook = await store_unsealed(ledger, evidence(text="a playbook"))
    for key, customer in zip(keys, (ANN, BOB), strict=True):
        await ledger.note_step(key, "read/0", same)
        await ledger.note_step(key, "identify/0", "", customer)
        await ledger.note_step(key, "select", playbook)
        said = Feedback(revision=1, verdict=FeedbackVerdict.WRONG, who="kim", comment="-", given_at=NOON)
        await ledger.give_feedback(key, said)
    comments = update(FeedbackRow).values(comment=WORD)
    await ledger.database.write(lambda connection: connection.execute(comments).close())
    return keys, same, playbook


async def test_what_was_stored_before_encryption_stays_readable_and_is_sealed_for_whom_it_belongs_to(
    ledger: SqlLedger,
) -> None:
    (ann, bob), same, playbook = await written_before(ledger)
    assert (await ledger.get_body("acme", same, Evidence)).rows[0]["text"] == WORD
    assert await seal_unsealed(ledger) == 4
    assert await seal_unsealed(ledger) == 0
    for key in (ann, bob):
        assert await count(ledger, f"{key.investigation}/1") == 1
        assert (await RunReader(ledger).load_run(key.investigation)).feedback[0].comment == WORD
    assert (await count(ledger, SHARED), await count(ledger, "")) == (1, 0)
    assert (await ledger.get_body("acme", same, Evidence)).rows[0]["text"] == WORD
    await ledger.get_body("acme", playbook, Evidence)


async def test_what_was_stored_before_encryption_is_forgotten_too(ledger: SqlLedger) -> None:
    (ann, bob), same, playbook = await written_before(ledger)
    erased = await erase(ledger, Scope("acme", customer=ANN), "kim")
    assert (erased.tried, erased.readable) == (2, 0)
    assert await count(ledger, f"{ann.investigation}/1") == 0
    assert (await RunReader(ledger).load_run(ann.investigation)).feedback[0].comment == ""
    assert (await RunReader(ledger).load_run(bob.investigation)).feedback[0].comment == WORD
    assert (await ledger.get_body("acme", same, Evidence)).rows[0]["text"] == WORD, "it is Bob's as well"
    await ledger.get_body("acme", playbook, Evidence)


async def test_a_new_master_key_takes_over_and_the_old_one_can_go(ledger_url: str, ledger: SqlLedger) -> None:
    key = await tell(ledger, "1", ANN)
    await erase(ledger, Scope("acme", customer=ANN), "kim")
    key = await tell(ledger, "2", BOB)
    await ledger.put_body("acme", evidence())
    new = Keyring.generate("next")
    async with await SqlLedger.open(ledger_url, Keyring((*new.keys, *KEYRING.keys))) as both:
        rotated = await rotate(both)
        assert (rotated.rewrapped, rotated.sealed, rotated.master, rotated.unused) == (2, 0, "next", ("tests",))
        assert (await rotate(both)).rewrapped == 0
    async with await SqlLedger.open(ledger_url, new) as without:
        assert (await body_of(without, key)).rows[0]["text"] == f"{WORD} of 2"
    with pytest.raises(LedgerError, match="no key 'next'"):
        await SqlLedger.open(ledger_url, KEYRING)
