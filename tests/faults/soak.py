"""Mixed load with random faults for as long as one likes: `python -m tests.faults.soak [--minutes 30] [--seed 1]`.

Two of the product's own workers. The first is never killed, so that its memory tells of growth; the second is killed, asked
to end, and comes back. Prints a line a minute and a verdict; exit code 1 where memory grew, a run is stuck, a ticket got no
note, or one got two.
"""

import argparse
import asyncio
import contextlib
import random
import shutil
import signal
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from pydantic import JsonValue
from temporalio.client import WorkflowExecutionStatus

from ledger.store import SqlLedger
from models.ticket import TicketRef
from sandbox.clock import wall_clock
from sandbox.webhooks import StandardSigner, event_body
from tests.cli.running import mentioning
from tests.faults.frame import SOURCES, TICKETS
from tests.faults.judge import left_running, look, notes
from tests.faults.model_script import Script
from tests.faults.ours import NEWS
from tests.faults.stage import Side, Stage, Worker, open_ledger, raised

WARM = 10
"""Minutes after which memory may not grow any more; a third of the time where that is shorter."""
MOST_GROWTH = 0.10
DRAIN = 420.0
"""Seconds after the load in which everything must come to its end: two time limits and the wait between."""
_FAULT_EVERY = (15.0, 35.0)
_OVER = "WorkflowType = 'InvestigateTicketWorkflow' AND ExecutionStatus != 'Running'"
_RERUN = "whydesk-rerun"


@dataclass
class Minute:
    """One line of the curve."""

    opened: int
    ended: int
    steady: float
    """Megabytes of the worker that lives."""
    other: float
    faults: Counter[str]


@dataclass
class Soak:
    """The load, its luck, and what came of it."""

    stage: Stage
    luck: random.Random
    every: float
    steady: Worker
    other: Worker | None = None
    tickets: list[TicketRef] = field(default_factory=list)
    undelivered: list[TicketRef] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    sent: Counter[str] = field(default_factory=Counter)

    async def load(self, until: float) -> None:
        """Let things come in until then."""
        kinds: Mapping[str, tuple[int, Callable[[], Awaitable[None]]]] = {
            "new": (60, self._new),
            "message": (12, self._message),
            "thanks": (10, self._thanks),
            "again": (12, self._again),
            "tag": (6, self._tag),
        }
        while time.monotonic() < until:
            kind = self.luck.choices(list(kinds), [weight for weight, _ in kinds.values()])[0]
            if kind == "new" or self.tickets:
                await kinds[kind][1]()
                self.sent[kind] += 1
            for ref in [self.undelivered.pop() for _ in range(len(self.undelivered))]:
                # As a helpdesk does that was told nothing, or 503.
                await self._keep(ref, await self.stage.post(f"/tickets/{ref.ticket}/redeliver", {}))
            await asyncio.sleep(self.luck.expovariate(1 / self.every))

    async def _keep(self, ref: TicketRef, answer: Mapping[str, JsonValue]) -> None:
        statuses = answer["statuses"]
        assert isinstance(statuses, list)
        if not any(status in (200, 202) for status in statuses):
            self.undelivered.append(ref)

    async def _new(self) -> None:
        side = self.luck.choice(list(Side))
        body: dict[str, JsonValue] = {"helpdesk": side.helpdesk, "copies": self.luck.choice((1, 1, 1, 5))}
        answer = await self.stage.post(f"/tickets/{self.luck.choice(TICKETS)}/open", body)
        ref = TicketRef(tenant=side.tenant, helpdesk=side.helpdesk, ticket=str(answer["ticket"]))
        self.tickets.append(ref)
        await self._keep(ref, answer)

    async def _say(self, text: str) -> None:
        ref = self.luck.choice(self.tickets)
        await self._keep(ref, await self.stage.post(f"/tickets/{ref.ticket}/reply", {"text": text}))

    async def _message(self) -> None:
        await self._say(NEWS)

    async def _thanks(self) -> None:
        await self._say("Thanks!")

    async def _again(self) -> None:
        ref = self.luck.choice(self.tickets)
        await self.stage.post(f"/tickets/{ref.ticket}/redeliver", {})

    async def _tag(self) -> None:
        """An agent asks for a fresh look by the tag; the sandbox's helpdesk has no tags of its own to change."""
        among = [ref for ref in self.tickets if ref.helpdesk == Side.MODEL.helpdesk]
        if not among:
            return
        ref = self.luck.choice(among)
        data: dict[str, JsonValue] = {"ticket_id": ref.ticket, "author": {"id": "a-7", "role": "agent"}}
        now = wall_clock()
        event = {"type": "ticket.tags_changed", "timestamp": now.isoformat(), "data": {**data, "tags_added": [_RERUN]}}
        body = event_body(event)
        signer = StandardSigner(self.stage.sandbox.secrets()["STANDARD_WEBHOOK_SECRET"])
        headers = signer.headers(f"msg_tag_{self.luck.random():.16f}"[2:], body, now)
        async with httpx.AsyncClient(base_url=self.stage.gateway, trust_env=False, timeout=10) as http:
            with contextlib.suppress(httpx.HTTPError):
                await http.post(
                    f"/hooks/{ref.tenant}/{ref.helpdesk}",
                    content=body,
                    headers={**headers, "content-type": "application/json"},
                )

    # Faults

    async def disturb(self, until: float) -> None:
        """Let things go wrong until then, one after the other."""
        kinds: Mapping[str, Callable[[], Awaitable[None]]] = {
            "kill -9": self._kill,
            "SIGTERM": self._terminate,
            "server": self._server,
            "gateway": self._gateway,
            "ledger": self._ledger,
            "vendor": self._vendor,
            "model": self._model,
        }
        while (left := until - time.monotonic()) > 0:
            await asyncio.sleep(min(self.luck.uniform(*_FAULT_EVERY), left))
            kind = self.luck.choice(list(kinds))
            await kinds[kind]()
            self.faults[kind] += 1

    async def _kill(self) -> None:
        if self.other:
            await self.stage.kill(self.other)
        self.other = await self.stage.start_worker(plain=True)

    async def _terminate(self) -> None:
        if self.other:
            await self.stage.terminate(self.other)
            await self.stage.gone(self.other)
        self.other = await self.stage.start_worker(plain=True)

    async def _server(self) -> None:
        await self.stage.kill_server()
        await asyncio.sleep(self.luck.uniform(0, 10))
        await self.stage.start_server()

    async def _gateway(self) -> None:
        await self.stage.kill_gateway()
        await asyncio.sleep(self.luck.uniform(0, 5))
        await self.stage.start_gateway()

    async def _ledger(self) -> None:
        holder = sqlite3.connect(self.stage.ledger_file, isolation_level=None, timeout=20, check_same_thread=False)
        with contextlib.closing(holder):
            await asyncio.to_thread(holder.execute, "BEGIN IMMEDIATE")
            await asyncio.sleep(self.luck.uniform(1, 8))
            holder.execute("ROLLBACK")

    async def _vendor(self) -> None:
        vendor = self.luck.choice([*(source.value for source in SOURCES), "zendesk", "standard"])
        faults: list[dict[str, JsonValue]] = [
            {"kind": "status", "status": 500},
            {"kind": "status", "status": 429, "retry_after": 2},
            {"kind": "reset"},
            {"kind": "malformed"},
            {"kind": "cut"},
            {"kind": "slow", "seconds": 12},
        ]
        await self.stage.fault(vendor, **self.luck.choice(faults))
        await asyncio.sleep(self.luck.uniform(2, 10))
        await self.stage.no_faults()

    async def _model(self) -> None:
        self.stage.script.pace = self.luck.uniform(0.1, 2)
        await asyncio.sleep(self.luck.uniform(5, 15))
        self.stage.script.pace = 0.0

    # The curve

    async def watch(self, until: float, curve: list[Minute], say: Callable[[str], None]) -> None:
        """Print a line a minute until then."""
        before: Counter[str] = Counter()
        while time.monotonic() < until:
            await asyncio.sleep(min(60.0, max(0.0, until - time.monotonic())))
            minute = Minute(
                opened=len(self.tickets),
                ended=await self._ended(),
                steady=megabytes(self.steady.pid),
                other=megabytes(self.other.pid) if self.other and not self.other.ended else 0.0,
                faults=self.faults - before,
            )
            before = self.faults.copy()
            curve.append(minute)
            happened = ", ".join(f"{name} {number}" for name, number in minute.faults.items())
            say(
                f"minute {len(curve):3}  tickets {minute.opened:5}  runs over {minute.ended:5}  "
                f"memory {minute.steady:6.1f} MB  (the other {minute.other:6.1f} MB)  {happened}"
            )

    async def _ended(self) -> int:
        with contextlib.suppress(Exception):
            # The server may be away at this moment.
            return (await asyncio.wait_for(self.stage.client.count_workflows(_OVER), 5)).count
        return -1


def megabytes(process: int) -> float:
    """Return the resident memory of a process."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except FileNotFoundError:
        return 0.0
    # One that has just ended is there until it is waited for, and holds nothing.
    return next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")), 0) / 1024


def growth(curve: list[Minute]) -> float:
    """Return how much the steady worker's memory grew after its warming up: the mean of the last three minutes against the
    mean of the three after it."""
    warm = min(WARM, len(curve) // 3)
    early, late = [each.steady for each in curve[warm : warm + 3]], [each.steady for each in curve[-3:]]
    return (sum(late) / len(late)) / (sum(early) / len(early)) - 1


async def drained(stage: Stage) -> list[str]:
    """Wait until nothing runs; return what still does when the time is over."""
    end = time.monotonic() + DRAIN
    while left := await left_running(stage):
        if time.monotonic() > end:
            return left
        await asyncio.sleep(2)
    return []


async def answered(stage: Stage, ledger: SqlLedger, ref: TicketRef) -> list[str]:
    """Return what is wrong with one ticket: no note, or another number than its revisions have posted."""
    name = f"{ref.tenant}/{ref.helpdesk}/{ref.ticket}"
    described = await stage.handle(ref).describe()
    if described.status is not WorkflowExecutionStatus.COMPLETED:
        return [f"{name}: its run is {described.status.name if described.status else 'unknown'}"]
    seen = await look(stage, ledger, ref)
    held = await notes(stage, ref)
    posted = [one.revision for one in seen.revisions if one.note_status == "posted"]
    if not posted:
        said = [f"{one.outcome}/{one.note_status}" for one in seen.revisions]
        return [f"{name}: no note; its revisions ended as {said}"]
    return [] if len(held) == len(posted) else [f"{name}: {len(held)} notes of {len(posted)} revisions"]


async def soak(state: Path, minutes: float, seed: int, every: float, say: Callable[[str], None]) -> list[str]:
    """Run it all; return what is wrong."""
    async with raised(state, Script()) as stage, await open_ledger(stage) as ledger:
        steady, other = await stage.start_worker(plain=True), await stage.start_worker(plain=True)
        run = Soak(stage, random.Random(seed), every, steady, other)
        say(f"two workers work; {minutes:g} minutes, a delivery every {every:g} s, seed {seed}")
        until = time.monotonic() + minutes * 60
        curve: list[Minute] = []
        await asyncio.gather(run.load(until), run.disturb(until), run.watch(until, curve, say))
        for ref in run.undelivered:
            await stage.deliver(ref)
        say(f"the load is over ({_listed(run.sent)}; faults: {_listed(run.faults)}); waiting for what runs")
        wrong = [f"stuck: {one}" for one in await drained(stage)]
        if not wrong:
            for ref in run.tickets:
                wrong += await answered(stage, ledger, ref)
        if steady.ended:
            wrong.append("the worker that nobody touched is gone")
        grew = growth(curve)
        say(f"memory after its warming up: {grew:+.1%} (at most {MOST_GROWTH:+.0%}); {len(run.tickets)} tickets")
        if grew > MOST_GROWTH:
            wrong.append(f"memory grew by {grew:.1%}")
        await stage.stop_workers()
    return [*wrong, *(f"process {pid} was left: {said[:200]}" for pid, said in mentioning(str(state)).items())]


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {number}" for name, number in counts.items())


def main() -> int:
    """Read the command line and soak."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every", type=float, default=2.0, help="seconds between two deliveries, on the average")
    parser.add_argument("--keep", action="store_true", help="keep the logs and the databases")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    state = Path(tempfile.mkdtemp(prefix="whydesk-soak-"))

    def say(text: str) -> None:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()

    try:
        wrong = asyncio.run(soak(state, options.minutes, options.seed, options.every, say))
    finally:
        if options.keep:
            say(f"kept in {state}")
        else:
            shutil.rmtree(state, ignore_errors=True)
    for problem in wrong:
        say(f"✗ {problem}")
    say("✗ it did not hold" if wrong else "✓ every ticket is answered, nothing runs, memory holds")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
