"""Every write twice, in parallel, from two processes, cancelled, on a full disk: the first truth stays."""

import asyncio
import random
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Connection, select, update

from ledger.base import BodyMissing, LedgerError
from ledger.reading import RunReader
from ledger.store import SqlLedger
from ledger.tables import BodyRow
from models.evidence import Evidence
from models.note import RenderedNote
from models.run import Drafted, RunKey
from models.ticket import TicketRef
from models.vocabulary import Mode, Outcome
from tests.ledger.investigations import NOON, claim, diagnosis, evidence, investigate, outcome
from tests.master_keys import KEYRING


async def _python(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", script, *arguments]
    root = Path(__file__).parents[2]
    return await asyncio.to_thread(
        subprocess.run, command, cwd=root, timeout=60, check=False, capture_output=True, text=True
    )


@pytest.fixture
async def key(ledger: SqlLedger) -> RunKey:
    return (await ledger.claim_delivery(claim())).key


async def test_claim_again_by_the_same_owner_gives_the_same_revision(ledger: SqlLedger) -> None:
    first = await ledger.claim_delivery(claim())
    assert await ledger.claim_delivery(claim()) == first
    assert first.accepted
    assert first.key.revision == 1


async def test_claim_by_another_owner_is_refused_and_opens_nothing(ledger: SqlLedger) -> None:
    await ledger.claim_delivery(claim())
    refused = await ledger.claim_delivery(claim(owner="owner-2"))
    assert not refused.accepted
    assert refused.key.revision == 1
    assert len(await RunReader(ledger).list_runs()) == 1


async def test_claim_of_one_delivery_in_parallel_has_exactly_one_winner(ledger: SqlLedger) -> None:
    claims = await asyncio.gather(*(ledger.claim_delivery(claim(owner=f"owner-{n}")) for n in range(20)))
    assert sum(one.accepted for one in claims) == 1
    assert {one.key.revision for one in claims} == {1}


async def test_claim_of_many_deliveries_of_one_ticket_in_parallel_numbers_each_once(ledger: SqlLedger) -> None:
    claims = await asyncio.gather(*(ledger.claim_delivery(claim(delivery=f"d-{n}")) for n in range(20)))
    assert all(one.accepted for one in claims)
    assert sorted(one.key.revision for one in claims) == list(range(1, 21))


async def test_claim_of_a_delivery_that_came_for_another_ticket_names_the_first(ledger: SqlLedger) -> None:
    await ledger.claim_delivery(claim())
    other = await ledger.claim_delivery(claim(ticket="4712"))
    assert not other.accepted
    assert other.key.ref.ticket == "4711"


async def test_claims_of_tenants_do_not_meet(ledger: SqlLedger) -> None:
    assert (await ledger.claim_delivery(claim())).accepted
    assert (await ledger.claim_delivery(claim(tenant="globex", owner="owner-2"))).accepted


async def test_claim_of_a_ticket_under_another_id_is_an_error(ledger: SqlLedger) -> None:
    await ledger.claim_delivery(claim())
    with pytest.raises(LedgerError, match="another investigation"):
        await ledger.claim_delivery(claim(delivery="d-2").model_copy(update={"investigation": "inv-other"}))


async def test_body_comes_back_and_is_kept_once(ledger: SqlLedger) -> None:
    digest = await ledger.put_body("acme", evidence())
    assert await ledger.put_body("acme", evidence()) == digest
    assert await ledger.get_body("acme", digest, Evidence) == evidence()


async def test_body_of_another_tenant_is_missing(ledger: SqlLedger) -> None:
    digest = await ledger.put_body("acme", evidence())
    with pytest.raises(BodyMissing, match=digest):
        await ledger.get_body("globex", digest, Evidence)


async def test_body_of_another_shape_is_an_error_that_quotes_nothing(ledger: SqlLedger) -> None:
    digest = await ledger.put_body("acme", evidence(text="jane@example.com"))
    with pytest.raises(LedgerError, match="not a RenderedNote") as caught:
        await ledger.get_body("acme", digest, RenderedNote)
    assert "jane" not in repr(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


async def test_body_that_was_changed_on_disk_is_refused(ledger: SqlLedger) -> None:
    digest, other = await ledger.put_body("acme", evidence()), await ledger.put_body("acme", evidence(text="y"))

    def swap(connection: Connection) -> None:
        data = connection.scalar(select(BodyRow.data).filter_by(digest=other))
        connection.execute(update(BodyRow).filter_by(digest=digest).values(data=data))

    await ledger.database.write(swap)
    with pytest.raises(LedgerError, match="was altered or lies in another's place"):
        await ledger.get_body("acme", digest, Evidence)


async def test_evidence_stored_first_is_kept(ledger: SqlLedger, key: RunKey) -> None:
    first = await ledger.put_evidence(key, evidence())
    assert await ledger.put_evidence(key, evidence(text="later")) == first
    assert await ledger.find_evidence(key, "E1") == first
    assert (await ledger.get_body("acme", first.digest, Evidence)).rows[0]["text"] == "x"


async def test_evidence_of_another_look_stands_beside_it(ledger: SqlLedger, key: RunKey) -> None:
    first = await ledger.put_evidence(key, evidence())
    second = await ledger.put_evidence(key, evidence(text="later"), look=1)
    assert first.digest != second.digest
    assert await ledger.find_evidence(key, "E1", look=1) == second
    assert await ledger.find_evidence(key, "E2") is None


async def test_write_for_a_revision_that_was_never_opened_says_so(ledger: SqlLedger) -> None:
    ref = TicketRef(tenant="acme", helpdesk="zendesk", ticket="1")
    stranger = RunKey(ref=ref, investigation="inv-none", revision=1)
    for write in (
        ledger.put_evidence(stranger, evidence()),
        ledger.note_step(stranger, "read"),
        ledger.note_fingerprint(stranger, "f"),
        ledger.begin_note(stranger, "m", Mode.NOTE, ""),
        ledger.put_model_answer(stranger, "r", 0, Drafted(draft="d", reasoner="rules")),
        ledger.record_outcome(outcome(stranger)),
    ):
        with pytest.raises(LedgerError, match="never opened"):
            await write


async def test_model_answer_stored_first_is_kept_and_costs_once(ledger: SqlLedger, key: RunKey) -> None:
    first = Drafted(draft="a", reasoner="model", follow_ups=("deploys",), input_tokens=10, output_tokens=5, usd=0.02)
    assert await ledger.put_model_answer(key, "request", 0, first) == first
    assert await ledger.put_model_answer(key, "request", 0, first.model_copy(update={"draft": "b", "usd": 9})) == first
    assert await ledger.find_model_answer(key, "request", 0) == first
    assert await ledger.find_model_answer(key, "other", 0) is None
    assert await ledger.find_model_answer(key, "request", 0, purpose="playbook") is None
    await ledger.put_model_answer(key, "request", 1, first)
    await ledger.put_model_answer(key, "request", 0, first, sample=1)
    assert await ledger.spent(key) == pytest.approx(0.06)


async def test_spent_of_a_revision_without_answers_is_zero(ledger: SqlLedger, key: RunKey) -> None:
    assert await ledger.spent(key) == 0


async def test_fingerprint_is_compared_with_the_last_earlier_revision_that_has_one(
    ledger: SqlLedger, key: RunKey
) -> None:
    second = (await ledger.claim_delivery(claim(delivery="d-2"))).key
    third = (await ledger.claim_delivery(claim(delivery="d-3"))).key
    assert await ledger.note_fingerprint(third, "c") is None
    assert await ledger.note_fingerprint(key, "a") is None
    assert await ledger.note_fingerprint(third, "c") == "a"
    assert await ledger.note_fingerprint(key, "a again") is None
    assert await ledger.note_fingerprint(second, "b") == "a again"
    assert await ledger.note_fingerprint(third, "c") == "b"


async def test_note_is_found_again_once_its_id_is_known(ledger: SqlLedger, key: RunKey) -> None:
    assert await ledger.begin_note(key, "marker", Mode.NOTE, "digest") is None
    assert await ledger.begin_note(key, "marker", Mode.NOTE, "digest") is None
    await ledger.finish_note(key, "posted", "77", NOON)
    assert await ledger.begin_note(key, "marker", Mode.NOTE, "digest") == "77"
    await ledger.finish_note(key, "failed", "", NOON)
    await ledger.finish_note(key, "already-posted", "78", NOON)
    note = (await RunReader(ledger).load_run(key.investigation)).note
    assert note is not None
    assert (note.status, note.note, note.marker) == ("posted", "77", "marker")


async def test_note_that_failed_may_begin_anew(ledger: SqlLedger, key: RunKey) -> None:
    await ledger.begin_note(key, "marker", Mode.SHADOW, "first")
    await ledger.finish_note(key, "failed", "", NOON)
    assert await ledger.begin_note(key, "marker", Mode.NOTE, "second") is None
    note = (await RunReader(ledger).load_run(key.investigation)).note
    assert note is not None
    assert (note.status, note.mode, note.digest) == ("begun", "note", "second")


async def test_outcome_stays_but_failure_may_be_mended(ledger: SqlLedger, key: RunKey) -> None:
    digest = await ledger.put_body("acme", diagnosis())
    await ledger.record_outcome(outcome(key, Outcome.FAILED))
    await ledger.record_outcome(outcome(key, digest=digest))
    await ledger.record_outcome(outcome(key, Outcome.INCONCLUSIVE))
    (run,) = await RunReader(ledger).list_runs()
    assert run.outcome is Outcome.DIAGNOSED
    assert (run.cause, run.severity, run.confidence) == ("deploy_regression", "high", "medium")
    assert (run.usd, run.gaps, run.seconds, run.playbook) == (0.02, ("stripe",), 9, "api-errors@3")


async def test_outcome_of_an_erased_diagnosis_is_still_recorded(ledger: SqlLedger, key: RunKey) -> None:
    await ledger.record_outcome(outcome(key, digest="0" * 64))
    (run,) = await RunReader(ledger).list_runs()
    assert run.outcome is Outcome.DIAGNOSED
    assert run.cause is None


async def test_writes_that_are_cancelled_leave_the_ledger_usable(ledger: SqlLedger) -> None:
    chance = random.Random(7)
    tasks = [asyncio.create_task(investigate(ledger, claim(str(n), f"d-{n}"))) for n in range(30)]
    for task in tasks:
        await asyncio.sleep(chance.random() / 200)
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    keys = await asyncio.gather(*(investigate(ledger, claim(str(n), f"d-{n}")) for n in range(30)))
    assert {key.revision for key in keys} == {1}
    reader = RunReader(ledger)
    for key in keys:
        assert len((await reader.load_run(key.investigation)).evidence) == 8


async def test_two_processes_with_fifty_investigations_lose_nothing(ledger_url: str, tmp_path: Path) -> None:
    script = """
import asyncio, sys
from ledger.store import SqlLedger
from tests.ledger.investigations import claim, investigate
from tests.master_keys import KEYRING

async def main(url, first):
    async with await SqlLedger.open(url, KEYRING) as ledger:
        own = (claim(str(n), f"d-{n}", "owner") for n in range(first, first + 25))
        await asyncio.gather(*(investigate(ledger, one) for one in own))
        both = [claim("shared", f"s-{n}", sys.argv[2]) for n in range(20)]
        got = await asyncio.gather(*(ledger.claim_delivery(one) for one in both))
        print(sum(one.accepted for one in got))

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""
    # Started together, on a file that does not exist yet: the migration is raced too.
    workers = await asyncio.gather(*(_python(script, ledger_url, first) for first in ("0", "25")))
    assert [worker.returncode for worker in workers] == [0, 0], workers
    assert sum(int(worker.stdout) for worker in workers) == 20
    async with await SqlLedger.open(ledger_url, KEYRING) as ledger:
        runs = await RunReader(ledger).list_runs(1000)
        assert sum(run.outcome is Outcome.DIAGNOSED for run in runs) == 50
        shared = [run.key.revision for run in runs if run.key.ref.ticket == "shared"]
        assert sorted(shared) == list(range(1, 21))


async def test_kept_after_the_process_is_killed(ledger_url: str) -> None:
    script = """
import asyncio, os, signal, sys
from ledger.store import SqlLedger
from models.run import Drafted
from tests.ledger.investigations import claim
from tests.master_keys import KEYRING

async def main(url):
    ledger = await SqlLedger.open(url, KEYRING)
    key = (await ledger.claim_delivery(claim())).key
    await ledger.put_model_answer(key, "request", 0, Drafted(draft="paid", reasoner="model", usd=0.5))
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main(sys.argv[1]))
"""
    await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", script, ledger_url],
        cwd=Path(__file__).parents[2],
        timeout=60,
        check=False,
    )
    async with await SqlLedger.open(ledger_url, KEYRING) as ledger:
        again = await ledger.claim_delivery(claim())
        answer = await ledger.find_model_answer(again.key, "request", 0)
    assert again.accepted
    assert answer is not None
    assert answer.draft == "paid"


async def test_reading_connections_cannot_write(ledger: SqlLedger) -> None:
    with pytest.raises(LedgerError, match="cannot be written"):
        await ledger.database.read(lambda connection: connection.exec_driver_sql("DELETE FROM bodies").close())


async def test_error_holds_no_parameter_of_the_statement(ledger: SqlLedger) -> None:
    with pytest.raises(LedgerError) as caught:
        await ledger.database.write(
            lambda connection: connection.exec_driver_sql(
                "INSERT INTO nowhere VALUES (?)", ("jane@example.com",)
            ).close()
        )
    assert "jane" not in f"{caught.value!r} {caught.value.__cause__!s}"


async def test_ledger_that_is_closed_says_so(ledger_url: str) -> None:
    ledger = await SqlLedger.open(ledger_url, KEYRING)
    await ledger.aclose()
    with pytest.raises(LedgerError, match="closed"):
        await ledger.put_body("acme", evidence())
