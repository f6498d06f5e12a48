"""What happens to our own processes while tickets stand at their places: deaths, outages, a ledger that cannot be written."""

import asyncio
import contextlib
import sqlite3
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path

from models.ticket import TicketRef
from tests.faults.frame import Fault
from tests.faults.stage import Stage, Worker

OUTAGE = 20.0
LOCKED = 25.0
"""Longer than a step's own 20 seconds, shorter than the 30 that a writer waits."""
FULL = 12.0
NEWS = "Now every call answers 403 forbidden as well."
"""A new symptom."""

Problems = list[str]
Act = Callable[[Stage, Worker, Sequence[TicketRef]], Awaitable[Problems]]


async def kill(stage: Stage, worker: Worker, refs: Sequence[TicketRef]) -> Problems:
    """Kill -9 of the only worker; another one comes."""
    await stage.kill(worker)
    stage.release(refs)
    await stage.start_worker()
    return []


async def terminate(stage: Stage, worker: Worker, refs: Sequence[TicketRef]) -> Problems:
    """SIGTERM; what has begun is finished before the process goes, and another one comes."""
    await stage.terminate(worker)
    await asyncio.sleep(1)
    early = worker.ended
    stage.release(refs)
    code = await stage.gone(worker)
    await stage.start_worker()
    problems = ["the worker was gone before what had begun was over"] if early else []
    return [*problems, *([f"the worker ended with code {code}"] if code else [])]


async def restart_server(stage: Stage, worker: Worker, refs: Sequence[TicketRef]) -> Problems:
    """Kill -9 of Temporal, which comes back at once; the worker stays."""
    await stage.kill_server()
    stage.release(refs)
    await stage.start_server()
    return _alive(worker)


async def outage(stage: Stage, worker: Worker, refs: Sequence[TicketRef]) -> Problems:
    """The same, for 20 seconds."""
    await stage.kill_server()
    stage.release(refs)
    await asyncio.sleep(OUTAGE)
    await stage.start_server()
    return _alive(worker)


async def lock_ledger(stage: Stage, worker: Worker, refs: Sequence[TicketRef]) -> Problems:
    """Another process holds the ledger, as a long query or a backup does."""
    holder = sqlite3.connect(stage.ledger_file, isolation_level=None, timeout=20, check_same_thread=False)
    with contextlib.closing(holder):
        await asyncio.to_thread(holder.execute, "BEGIN IMMEDIATE")
        stage.release(refs)
        await asyncio.sleep(LOCKED)
        holder.execute("ROLLBACK")
    return _alive(worker)


async def fill_disk(stage: Stage, worker: Worker, refs: Sequence[TicketRef]) -> Problems:
    """Not a byte is left where the ledger is."""
    with _filled(stage.ledger_file):
        stage.release(refs)
        await asyncio.sleep(FULL)
    return _alive(worker)


async def restart_gateway(stage: Stage, worker: Worker, refs: Sequence[TicketRef]) -> Problems:
    """Kill -9 of the gateway; requesters write while it is away; the helpdesk delivers again."""
    await stage.kill_gateway()
    missed = [await stage.post(f"/tickets/{ref.ticket}/reply", {"text": NEWS}) for ref in refs]
    await stage.start_gateway()
    for ref in refs:
        await stage.deliver(ref)
    stage.release(refs)
    taken = [one for one in missed if one["statuses"] != [0]]
    return [*_alive(worker), *(["a gateway that is dead took a delivery"] if taken else [])]


ACTS: dict[Fault, Act] = {
    Fault.KILL: kill,
    Fault.TERM: terminate,
    Fault.SERVER: restart_server,
    Fault.OUTAGE: outage,
    Fault.LOCKED: lock_ledger,
    Fault.FULL: fill_disk,
    Fault.GATEWAY: restart_gateway,
}


def _alive(worker: Worker) -> Problems:
    return ["the worker did not live through it"] if worker.ended else []


@contextlib.contextmanager
def _filled(ledger: Path) -> Iterator[None]:
    """Fill the file system of the ledger; its log is emptied first, or the next writes would find room in it."""
    with contextlib.closing(sqlite3.connect(ledger, timeout=10)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    filler = ledger.with_name("filler")
    try:
        with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))
        yield
    finally:
        filler.unlink(missing_ok=True)
