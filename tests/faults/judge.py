"""Looks at a ticket when all is over, and says everything that is wrong with it."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import JsonValue
from temporalio.client import WorkflowExecutionStatus, WorkflowHistory
from temporalio.service import RPCError

from ledger.base import LedgerError
from ledger.reading import RunReader
from ledger.records import RunRecord
from ledger.store import SqlLedger
from models.run import RevisionResult, RunResult
from models.ticket import TicketRef
from models.vocabulary import EvidenceStatus, Outcome, Source
from tests.faults.frame import SOURCES, Cell, Fault
from tests.faults.stage import Stage
from tests.faults.stops import BEAT, Noted
from workflows import naming

PATIENCE = 420.0
"""Seconds from the fault's end to the run's: the longest time limit is 90 seconds, the wait before the next attempt 30."""
OPEN_RUNS = "WorkflowType = 'InvestigateTicketWorkflow' AND ExecutionStatus = 'Running'"
"""Tickets' runs; a schedule's sweep may always have just begun."""
PASSING = (Fault.SECONDS, Fault.DATE)
"""Faults of vendors that are gone when they are asked again as late as they said."""


@dataclass(frozen=True)
class Told:
    """What a revision says, as far as no fault of ours may change it."""

    outcome: Outcome
    cause: str
    severity: str

    @classmethod
    def of(cls, revision: RevisionResult) -> "Told":
        """Take it from a result."""
        return cls(revision.outcome, revision.cause.value, revision.severity.value)


@dataclass(frozen=True)
class Seen:
    """A ticket at the end."""

    ref: TicketRef
    revisions: Sequence[RevisionResult]
    """Of all its runs."""
    records: Sequence[RunRecord]
    notes: Sequence[str]
    """Our comments, as the helpdesk holds them."""
    histories: Sequence[WorkflowHistory]


class Degraded(str):
    """Not wrong, but less than there could be: a source that was not asked in time, and is told as not checked.

    A source has four attempts. Where workers and the source fail one after the other they may be used up, and the note says so.
    """

    __slots__ = ()


@dataclass
class Verdict:
    """One cell, judged."""

    cell: Cell
    problems: list[str] = field(default_factory=list)
    degraded: list[str] = field(default_factory=list)
    seconds: float = 0.0
    """From the fault to the end."""

    @property
    def mark(self) -> str:
        """What the table shows."""
        return "✗" if self.problems else "~" if self.degraded else "✓"

    def add(self, said: Iterable[str]) -> None:
        """Take what a judge says."""
        for one in said:
            (self.degraded if isinstance(one, Degraded) else self.problems).append(one)


async def look(stage: Stage, ledger: SqlLedger, ref: TicketRef) -> Seen:
    """Wait until the ticket's last run is over, and read everything."""
    await asyncio.wait_for(_over(stage, ref), PATIENCE)
    return await asyncio.wait_for(_read(stage, ledger, ref), 120)


async def _over(stage: Stage, ref: TicketRef) -> None:
    while True:
        try:
            await stage.handle(ref).result()
        except RPCError:
            # The server is away at times; that is what this is about.
            await asyncio.sleep(1)
        else:
            return


async def _read(stage: Stage, ledger: SqlLedger, ref: TicketRef) -> Seen:
    while True:
        try:
            return await _everything(stage, ledger, ref)
        except (RPCError, LedgerError):
            await asyncio.sleep(1)


async def _everything(stage: Stage, ledger: SqlLedger, ref: TicketRef) -> Seen:
    handle = stage.handle(ref)
    revisions: list[RevisionResult] = []
    histories: list[WorkflowHistory] = []
    workflow = naming.workflow_id(ref)
    runs = [run async for run in stage.client.list_workflows(f"WorkflowId = '{workflow}'")]
    newest = (await handle.describe()).run_id
    # The list lags behind a run that has just ended.
    for run in {newest, *(run.run_id for run in runs)}:
        one = stage.client.get_workflow_handle(workflow, run_id=run, result_type=RunResult)
        revisions += (await asyncio.wait_for(one.result(), PATIENCE)).revisions
        histories.append(await one.fetch_history())
    reader = RunReader(ledger)
    investigation = naming.investigation_id(ref)
    records = [
        await reader.load_run(investigation, one.revision, ref.tenant)
        for one in sorted(revisions, key=lambda one: one.revision)
    ]
    return Seen(ref, revisions, records, await notes(stage, ref), histories)


async def notes(stage: Stage, ref: TicketRef) -> list[str]:
    """Return our comments on a ticket, markup and all; where the helpdesk keeps the marker apart, it is added."""
    shown: dict[str, JsonValue] = (await stage.control.get(f"/tickets/{ref.ticket}")).raise_for_status().json()
    comments = shown["comments"]
    assert isinstance(comments, list)
    own = [one for one in comments if isinstance(one, dict) and one["role"] == "own"]
    return [f"{one['html']} {one['marker']}" for one in own]


def judge(cell: Cell, seen: Seen, right: Told, noted: Sequence[Noted], killed: int | None) -> Iterator[str]:
    """Say what is wrong; `noted` is what the workers noted of this ticket."""
    yield from _notes(seen)
    yield from _outcome(cell, seen, right)
    yield from _evidence(cell, seen)
    yield from _spend(cell, seen, noted)
    if killed is not None:
        yield from _other_worker(seen, killed)


def _notes(seen: Seen) -> Iterator[str]:
    """Exactly one note for each revision that says it posted one, and no others."""
    posted = [one.revision for one in seen.revisions if one.note_status == "posted"]
    if len(set(posted)) != len(posted):
        yield f"revisions are told twice: {sorted(posted)}"
    if len(seen.notes) != len(posted):
        yield f"{len(seen.notes)} notes on the ticket where {len(posted)} were posted"
    marker = naming.note_marker(naming.investigation_id(seen.ref), 0)[:-1]
    for revision in posted:
        held = sum(_holds(note, f"{marker}{revision}") for note in seen.notes)
        if held != 1:
            yield f"{held} notes of revision {revision}"


def _holds(note: str, marker: str) -> bool:
    _, found, rest = note.partition(marker)
    return bool(found) and not rest[:1].isdigit()


def _outcome(cell: Cell, seen: Seen, right: Told) -> Iterator[str]:
    if not seen.revisions:
        yield "no revision came of it"
        return
    first = min(seen.revisions, key=lambda one: one.revision)
    if cell.fault is not Fault.GATEWAY and len(seen.revisions) != 1:
        yield f"{len(seen.revisions)} revisions of one delivery"
    if first.note_status != "posted" and not _for_good(cell):
        yield f"the note is {first.note_status!r}: {seen.records[0].summary.problem}"
    if cell.fault in (Fault.KILL, Fault.TERM, Fault.SERVER, Fault.OUTAGE) or cell.fault in PASSING:
        told = Told.of(first)
        if first.gaps and _honest_gaps(seen.records[0], first.gaps):
            yield Degraded(f"not checked: {', '.join(first.gaps)}")
        elif first.gaps:
            yield f"{', '.join(first.gaps)} are told as not checked, and no evidence says why"
        if told != right and not (first.gaps and told.outcome is Outcome.INCONCLUSIVE):
            yield f"tells {told} instead of {right}"
    elif first.outcome is Outcome.FAILED and not _for_good(cell):
        yield f"failed: {seen.records[0].summary.problem}"


def _honest_gaps(record: RunRecord, gaps: Sequence[str]) -> bool:
    """Whether each of them has evidence that is no answer."""
    silent = {one.ref.source.value for one in record.evidence if not one.ref.status.answered}
    return silent >= set(gaps)


def _for_good(cell: Cell) -> bool:
    """Whether the helpdesk refuses us, so that there is nothing to read or to write."""
    helpdesk = ":helpdesk." in cell.place.at
    return helpdesk and cell.fault in (Fault.NO_KEY, Fault.NO_RIGHT)


HONEST: Mapping[Fault, frozenset[EvidenceStatus]] = {
    Fault.TIMEOUT: frozenset({EvidenceStatus.TIMED_OUT}),
    Fault.BROKEN: frozenset({EvidenceStatus.FAILED}),
    Fault.RESET: frozenset({EvidenceStatus.FAILED}),
    Fault.MALFORMED: frozenset({EvidenceStatus.FAILED}),
    Fault.NO_KEY: frozenset({EvidenceStatus.DENIED}),
    Fault.NO_RIGHT: frozenset({EvidenceStatus.DENIED}),
    Fault.BLANK: frozenset({EvidenceStatus.FAILED}),
    Fault.OVERSIZE: frozenset({EvidenceStatus.FAILED}),
    Fault.SECONDS: frozenset({EvidenceStatus.FOUND, EvidenceStatus.EMPTY}),
    Fault.DATE: frozenset({EvidenceStatus.FOUND, EvidenceStatus.EMPTY}),
}
"""What a source's silence may be called."""


def _evidence(cell: Cell, seen: Seen) -> Iterator[str]:
    """What failed may not look like an answer, and what answered may not look like a failure."""
    for record in seen.records:
        named = Counter((one.look, one.ref.id) for one in record.evidence)
        if twice := [name for name, number in named.items() if number > 1]:
            yield f"evidence is kept twice: {twice}"
    if cell.fault not in HONEST or not seen.records:
        return
    if cell.place.at == "identify_customer:connector.fetch:before" and cell.fault not in PASSING:
        for one in seen.records[0].evidence:
            if one.ref.query == "customer" and one.ref.source in SOURCES and one.ref.status.answered:
                yield f"{one.ref.source.value} is said to have told the customer, and could not"
    if cell.place.source is None:
        return
    asked = [one for one in seen.records[0].evidence if one.ref.source is cell.place.source]
    # The parked questions are those of the playbook's first round; what identified the customer was asked before.
    asked = [one for one in asked if one.ref.query not in ("customer", "ticket")]
    if not asked:
        yield f"no evidence of {cell.place.source.value}: the fault met nothing"
    allowed = HONEST[cell.fault] | {EvidenceStatus.SKIPPED}
    # What is remembered of an index is served where it cannot be read again, and says that it is old or lacks pages.
    served = [one for one in asked if cell.place.source is Source.DOCS and (one.ref.stale or one.ref.truncated)]
    if cell.place.source is Source.CLICKHOUSE and cell.fault is Fault.BLANK:
        # It writes no rows as no bytes: the header that came along says that there were none.
        served = [one for one in asked if one.ref.status is EvidenceStatus.EMPTY]
    for one in asked:
        if one in served:
            continue
        if one.ref.status is EvidenceStatus.TIMED_OUT and cell.fault is not Fault.TIMEOUT:
            yield Degraded(f"{one.ref.id} of {one.ref.source.value} was not asked in time")
        elif one.ref.status not in allowed:
            said = one.body.reason if one.body else ""
            wanted = sorted(status.value for status in HONEST[cell.fault])
            yield f"{one.ref.id} of {one.ref.source.value} is {one.ref.status.value!r} ({said}), not {' or '.join(wanted)}"
    told = [one for one in asked if one in served or one.ref.status in HONEST[cell.fault] | {EvidenceStatus.TIMED_OUT}]
    if not told:
        yield f"no evidence of {cell.place.source.value} tells of the fault"


_PAID_TWICE = ("diagnose:ledger.put_model_answer:before",)


def _spend(cell: Cell, seen: Seen, noted: Sequence[Noted]) -> Iterator[str]:
    """Each answer that arrived is booked once and was not asked for again, unless the process died before it was kept."""
    noted = [one for one in noted if one.call == "diagnose:model.answer"]
    asked, arrived = (sum(one.phase == phase for one in noted) for phase in ("before", "after"))
    kept = [one for record in seen.records for one in record.answers if one.purpose == "diagnose"]
    lost = arrived - len(kept)
    died = cell.fault is Fault.KILL and cell.place.at in _PAID_TWICE
    if lost != int(died):
        yield f"{arrived} answers of the model arrived, {len(kept)} are booked"
    if cell.fault is Fault.TERM and asked != arrived:
        yield f"asked the model {asked} times for {arrived} answers: a call was broken off"
    booked = sum(one.drafted.usd for record in seen.records for one in record.answers)
    told = sum(one.usd for one in seen.revisions)
    if abs(booked - told) > 1e-9:
        yield f"tells {told:.6f} US dollars where {booked:.6f} are booked"
    if cell.place.at == BEAT and not noted:
        yield "the model was never asked"


def _other_worker(seen: Seen, killed: int) -> Iterator[str]:
    """The dead one did a part, and another the rest."""
    done: set[int] = set()
    for history in seen.histories:
        for event in history.events:
            for name in ("workflow_task_started", "activity_task_started"):
                if event.HasField(f"{name}_event_attributes"):  # type: ignore[arg-type]  # a name made of two
                    identity = getattr(event, f"{name}_event_attributes").identity
                    done.add(int(identity.partition("@")[0]))
    if not done - {killed}:
        yield f"only the killed worker {killed} stands in the history"
    if killed not in done:
        yield f"the killed worker {killed} did no part of it: {sorted(done)}"


async def left_running(stage: Stage) -> list[str]:
    """Return what should be over and is not: runs, and steps that wait."""
    found = []
    async for run in stage.client.list_workflows(OPEN_RUNS):
        described = await stage.client.get_workflow_handle(run.id, run_id=run.run_id).describe()
        if described.status is WorkflowExecutionStatus.RUNNING:
            waiting = [one.activity_type.name for one in described.raw_description.pending_activities]
            found.append(f"{run.id} runs, waiting for {waiting or 'nothing'}")
    return found
