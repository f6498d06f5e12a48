"""The audit chain: nothing forks it, and whatever is done to it behind its back is found and named."""

import asyncio
import json
import sys
from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy import Connection

from ledger.audit import append_entry, read_entries, verify_chain
from ledger.base import LedgerError
from ledger.store import SqlLedger
from models.audit import FIRST, AuditEntry, as_line


async def _fill(ledger: SqlLedger, entries: int = 5) -> list[AuditEntry]:
    return [
        await ledger.append_audit("ada", "pause", f"tenant/t{n}", {"reason": f"drill «{n}»", "n": n, "of": ("a", "b")})
        for n in range(1, entries + 1)
    ]


async def _sql(ledger: SqlLedger, *statements: str) -> None:
    def work(connection: Connection) -> None:
        for statement in statements:
            connection.exec_driver_sql(statement)

    await ledger.database.write(work)


async def test_entries_are_chained_and_read_back_as_they_were(ledger: SqlLedger) -> None:
    written = await _fill(ledger)
    assert [entry async for entry in read_entries(ledger.database)] == written
    assert written[0].previous == FIRST
    assert [entry.previous for entry in written[1:]] == [entry.hash for entry in written[:-1]]
    state = await verify_chain(ledger.database)
    assert (state.entries, state.seq, state.head, state.broken) == (5, 5, written[-1].hash, "")


async def test_the_hash_can_be_computed_by_anyone_from_a_line_of_the_export(ledger: SqlLedger) -> None:
    for written in await _fill(ledger, 2):
        line = json.loads(as_line(written))
        own = line.pop("hash")
        body = json.dumps(line, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert sha256(body.encode()).hexdigest() == own


async def test_an_empty_chain_holds(ledger: SqlLedger) -> None:
    assert await verify_chain(ledger.database) == await verify_chain(ledger.database, {})
    assert (await verify_chain(ledger.database)).broken == ""


async def test_more_entries_than_one_transaction_reads_are_all_read(ledger: SqlLedger) -> None:
    await ledger.database.write(lambda one: [append_entry(one, "ada", "pause", "all") for _ in range(1201)])
    assert (await verify_chain(ledger.database)).entries == 1201


@pytest.mark.parametrize(
    ("tampering", "said"),
    [
        (["UPDATE audit SET who = 'bo' WHERE seq = 3"], "entry 3 was altered"),
        (["UPDATE audit SET at = '2020-01-01T00:00:00.000000Z' WHERE seq = 2"], "entry 2 was altered"),
        (["UPDATE audit SET at = 'once' WHERE seq = 2"], "entry 2 was altered"),
        (["UPDATE audit SET detail = '{}' WHERE seq = 1"], "entry 1 was altered"),
        (["UPDATE audit SET detail = 'nonsense' WHERE seq = 4"], "entry 4 was altered"),
        (["UPDATE audit SET hash = 'f' || substr(hash, 2) || 'f' WHERE seq = 2"], "entry 2 was altered"),
        (["DELETE FROM audit WHERE seq = 3"], "entry 3 is missing"),
        (["DELETE FROM audit WHERE seq = 1"], "entry 1 is missing"),
        (
            ["INSERT INTO audit SELECT 0, at, who, action, subject, detail, 'x', 'y' FROM audit WHERE seq = 1"],
            "comes entry 0",
        ),
        (
            [f"UPDATE audit SET seq = {to} WHERE seq = {of}" for of, to in ((2, 99), (3, 2), (99, 3))],
            "entry 2 does not follow entry 1",
        ),
        (
            ["DELETE FROM audit WHERE seq = 3", "UPDATE audit SET seq = seq - 1 WHERE seq > 3"],
            "entry 3 does not follow",
        ),
    ],
)
async def test_what_was_done_to_it_is_found_and_the_first_broken_entry_named(
    ledger: SqlLedger, tampering: list[str], said: str
) -> None:
    await _fill(ledger)
    await _sql(ledger, *tampering)
    assert said in (await verify_chain(ledger.database)).broken


async def test_an_entry_altered_with_a_fitting_hash_breaks_at_the_next(ledger: SqlLedger) -> None:
    written = await _fill(ledger)
    forged = written[1].model_copy(update={"who": "bo"})
    await _sql(ledger, f"UPDATE audit SET who = 'bo', hash = '{forged.computed()}' WHERE seq = 2")
    assert "entry 3 does not follow entry 2" in (await verify_chain(ledger.database)).broken


async def test_an_end_that_was_cut_off_is_found_against_a_head_that_was_kept(ledger: SqlLedger) -> None:
    written = await _fill(ledger)
    await _sql(ledger, "DELETE FROM audit WHERE seq > 3")
    assert (await verify_chain(ledger.database)).broken == ""
    assert "entry 5 is missing" in (await verify_chain(ledger.database, {5: written[-1].hash})).broken


async def test_a_chain_written_anew_is_found_against_a_head_that_was_kept(ledger: SqlLedger) -> None:
    written = await _fill(ledger)
    await _sql(ledger, "DELETE FROM audit WHERE seq > 3")
    await _fill(ledger, 2)
    assert (await verify_chain(ledger.database)).broken == ""
    assert "entry 5 was replaced" in (await verify_chain(ledger.database, {5: written[-1].hash})).broken


async def test_what_is_rolled_back_leaves_no_entry(ledger: SqlLedger) -> None:
    def work(connection: Connection) -> None:
        append_entry(connection, "ada", "pause", "all")
        raise LedgerError("and then the disk was full")

    with pytest.raises(LedgerError, match="disk was full"):
        await ledger.database.write(work)
    assert (await verify_chain(ledger.database)).entries == 0


@pytest.mark.parametrize("value", [1.5, {"nested": "no"}, b"bytes"])
async def test_values_that_two_programs_may_write_differently_are_refused(ledger: SqlLedger, value: object) -> None:
    with pytest.raises(ValueError, match="value"):
        await ledger.append_audit("ada", "pause", "all", {"value": value})  # type: ignore[dict-item]  # on purpose
    assert (await verify_chain(ledger.database)).entries == 0


async def test_processes_that_append_together_do_not_fork_the_chain(ledger: SqlLedger, ledger_url: str) -> None:
    script = (
        "import asyncio, sys\n"
        "from ledger.store import SqlLedger\n"
        "from tests.master_keys import KEYRING\n"
        "async def main() -> None:\n"
        "    async with await SqlLedger.open(sys.argv[1], KEYRING) as ledger:\n"
        "        await asyncio.gather(*(ledger.append_audit(sys.argv[2], 'pause', str(n)) for n in range(20)))\n"
        "asyncio.run(main())\n"
    )
    root = Path(__file__).parents[2]
    others = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", script, ledger_url, f"process-{n}", cwd=root)
        for n in range(2)
    ]
    await asyncio.gather(*(ledger.append_audit("here", "pause", str(n)) for n in range(20)))
    assert [await other.wait() for other in others] == [0, 0]
    state = await verify_chain(ledger.database)
    assert (state.entries, state.broken) == (60, "")
