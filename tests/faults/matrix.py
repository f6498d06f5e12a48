"""Plays one column after the other and judges each of its cells."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from temporalio.client import WorkflowFailureError

from ledger.store import SqlLedger
from models.ticket import TicketRef
from tests.faults.frame import OURS, PLACES, Cell, Fault, Place, cells
from tests.faults.judge import Told, Verdict, judge, left_running, look
from tests.faults.ours import ACTS
from tests.faults.stage import Side, Stage
from tests.faults.stops import BEAT
from tests.faults.vendors import at_helpdesk_and_model, at_sources
from workflows import naming

PACE = 0.4
"""Seconds between two events of a model's stream, where a stream is to be met."""
MOST_BASELINES = 6
AT_ONCE = 9
"""Tickets that stand still together."""
Say = Callable[[str], None]


@dataclass
class Matrix:
    """The stage with what is right on it."""

    stage: Stage
    ledger: SqlLedger
    say: Say
    right: dict[tuple[Side, str], Told] = field(default_factory=dict)
    acted: asyncio.Event = field(default_factory=asyncio.Event)
    """Set as soon as the first fault has come and gone and only its end is waited for."""

    async def ask_undisturbed(self, wanted: Sequence[Cell]) -> None:
        """Let each ticket be investigated in peace: what it says then is right."""
        if not self.stage.workers:
            await self.stage.start_worker()
        for _ in range(MOST_BASELINES):
            missing = {(cell.side, cell.ticket) for cell in wanted} - self.right.keys()
            refs = {one: await self.stage.open(one[1], one[0]) for one in missing}
            for one, ref in refs.items():
                seen = await look(self.stage, self.ledger, ref)
                # On a busy machine a source may be too slow in peace, too: what is said then is not the measure.
                if not seen.revisions[0].gaps:
                    self.right[one] = Told.of(seen.revisions[0])
        lacking = {(cell.side, cell.ticket) for cell in wanted} - self.right.keys()
        assert not lacking, f"too busy: sources are too slow even where nothing is wrong, for {lacking}"

    async def column(self, fault: Fault, places: Sequence[Place] = PLACES, *, fresh: bool = True) -> list[Verdict]:
        """Play one fault at all of these places that can meet it; `fresh` starts a worker for it."""
        among = cells(fault, places)
        await self.ask_undisturbed(among)
        began = time.monotonic()
        verdicts = await (self._ours(fault, among) if fault in OURS else self._vendors(fault, among, fresh))
        wrong = sum(bool(verdict.problems) for verdict in verdicts)
        less = sum(verdict.mark == "~" for verdict in verdicts)
        took = time.monotonic() - began
        self.say(
            f"{fault}: {len(verdicts) - wrong} of {len(verdicts)} cells are right, {less} of them degraded; {took:.0f} s"
        )
        return verdicts

    async def _ours(self, fault: Fault, among: Sequence[Cell]) -> list[Verdict]:
        """Stop a few at once, each at its place, and let it happen; what comes of them is awaited beside the next few.

        A step that stands still for longer than its time limit is no step that died in the middle: hence a few.
        """
        judging = []
        for start in range(0, len(among), AT_ONCE):
            chunk = among[start : start + AT_ONCE]
            # The one that came for the last few is the one that is met by these.
            [worker] = self.stage.workers
            self.stage.script.pace = PACE if any(cell.place.at == BEAT for cell in chunk) else 0.0
            opened = await self._parked(chunk)
            began = time.monotonic()
            problems = await ACTS[fault](self.stage, worker, [ref for _, ref in opened])
            self.stage.script.pace = 0.0
            killed = worker.pid if fault is Fault.KILL else None
            judging.append(asyncio.create_task(self._judged(opened, began, killed, problems)))
        self.acted.set()
        return [verdict for judged in judging for verdict in await judged]

    async def _vendors(self, fault: Fault, among: Sequence[Cell], fresh: bool) -> list[Verdict]:
        """First the sources with all tickets at once, then who fails for one ticket at a time."""
        if fresh:
            # A process that met a vendor's failures may spare the next ticket the wait.
            await self.stage.stop_workers()
            await self.stage.start_worker()
        judged: list[Verdict] = []
        groups: list[list[Cell]] = [[], [], []]
        for cell in among:
            groups[0 if cell.place.source else 1 if "connector" in cell.place.at else 2].append(cell)
        for number, group in enumerate(groups):
            if not group:
                continue
            opened = await self._parked(group)
            began = time.monotonic()
            await (at_sources if number < 2 else at_helpdesk_and_model)(self.stage, fault, opened)
            judged += await self._judged(opened, began)
            await self.stage.no_faults()
            self.stage.script.next.clear()
        return judged

    async def _parked(self, among: Sequence[Cell]) -> list[tuple[Cell, TicketRef]]:
        opened = [(cell, await self.stage.open(cell.ticket, cell.side, deliver=False)) for cell in among]
        for streams in (False, True):
            # What streams does not wait: it comes last.
            those = [(cell, ref) for cell, ref in opened if (cell.place.at == BEAT) is streams]
            await self.stage.park(
                [(ref, cell.place.at, cell.place.source.value if cell.place.source else "") for cell, ref in those]
            )
        return opened

    async def _judged(
        self,
        opened: Sequence[tuple[Cell, TicketRef]],
        began: float,
        killed: int | None = None,
        problems: Sequence[str] = (),
    ) -> list[Verdict]:
        verdicts = await asyncio.gather(*(self._verdict(cell, ref, began, killed) for cell, ref in opened))
        for verdict in verdicts:
            verdict.problems += problems
        return list(verdicts)

    async def _verdict(self, cell: Cell, ref: TicketRef, began: float, killed: int | None) -> Verdict:
        verdict = Verdict(cell)
        try:
            seen = await look(self.stage, self.ledger, ref)
        except TimeoutError:
            verdict.problems.append(f"{naming.workflow_id(ref)} is not over: {await left_running(self.stage)}")
        except WorkflowFailureError as failure:
            verdict.problems.append(f"{naming.workflow_id(ref)} failed: {failure.cause!r}")
        else:
            noted = [one for one in self.stage.stops.journal() if one.ticket == naming.workflow_id(ref)]
            verdict.add(judge(cell, seen, self.right[cell.side, cell.ticket], noted, killed))
        verdict.seconds = time.monotonic() - began
        return verdict

    async def afterwards(self) -> list[str]:
        """Say what is wrong with the whole: something still runs, or something was written to a vendor."""
        wrong = await left_running(self.stage)
        writes = (await self.stage.control.get("/writes")).raise_for_status().json()["writes"]
        wrong += [f"something wrote to a vendor: {one}" for one in writes]
        return wrong


def table(verdicts: Mapping[Fault, Sequence[Verdict]]) -> list[str]:
    """Return the matrix as lines: a row for each place that was played, a column for each fault."""
    wide = max(len(place.label) for place in PLACES)
    faults = list(verdicts)
    lines = [" " * wide + "  " + "  ".join(faults)]
    for place in PLACES:
        marks = []
        for fault in faults:
            met = [one for one in verdicts[fault] if one.cell.place is place]
            marks.append("".join(one.mark for one in met).ljust(len(fault)) if met else "–".ljust(len(fault)))
        if any(mark.strip() != "–" for mark in marks):
            lines.append(f"{place.label:<{wide}}  " + "  ".join(marks).rstrip())
    return lines
