"""Delivers a world's tickets to the running stack and follows each to its end."""

import asyncio
import time
from collections.abc import Iterable, Set
from datetime import datetime
from pathlib import Path

import httpx
from rich.console import Console
from rich.live import Live
from rich.table import Table
from temporalio.client import Client

from cli.connection import connect
from cli.critical_path import critical_path
from cli.demo_report import Told
from cli.processes import Household
from cli.stack import Stack
from cli.world_tenant import TENANT
from ledger.reading import RunReader
from ledger.store import SqlLedger
from models.diagnosis import Weighing
from models.evidence import EvidenceRef
from models.run import RunResult
from models.ticket import TicketRef
from models.vocabulary import EvidenceStatus, Source
from sandbox.world import World
from workflows import naming

SIX = [Source.CLICKHOUSE, Source.LINEAR, Source.STRIPE, Source.GITHUB, Source.DOCS, Source.STATUSPAGE]
GIVE_UP = 240.0
"""Seconds after which a ticket counts as not answered."""


class DemoTickets:
    """The tickets of one demo."""

    def __init__(
        self,
        console: Console,
        household: Household,
        stack: Stack,
        world: World,
        state: Path,
        without: frozenset[Source] = frozenset(),
    ) -> None:
        """Deliver to this stack, where these sources refuse every connection."""
        assert stack.sandbox is not None
        self._console = console
        self._household = household
        self._stack = stack
        self._sandbox = stack.sandbox
        self._world = world
        self._without = without
        self._ledger_url = f"sqlite:///{state}/ledger.db"

    async def investigate(self, keys: list[str]) -> list[Told]:
        """Open all of them at once, show the progress, and return what came of each."""
        client = await connect(self._stack.settings)
        async with (
            httpx.AsyncClient(base_url=self._sandbox.control, timeout=30) as control,
            await SqlLedger.open(self._ledger_url, self._stack.settings.keyring()) as ledger,
        ):
            await break_sources(control, self._sandbox.addresses, self._without)
            truths = self._world.truth.tickets
            told = [Told(key, self._subject(key), truths[key], without=self._without) for key in keys]
            following = asyncio.gather(*(self._follow(one, client, control) for one in told))
            try:
                with Live(console=self._console, refresh_per_second=4, transient=True) as live:
                    while not following.done():
                        self._household.ensure()
                        if self._console.is_terminal:
                            await self._refresh(live, told, RunReader(ledger))
                        await asyncio.wait([following], timeout=0.5)
                await following
            finally:
                # After Ctrl-C nothing may still wait for an answer that will not come.
                following.cancel()
                await asyncio.gather(following, return_exceptions=True)
            await self._refresh(None, told, RunReader(ledger))
            for one in told if self._without else ():
                if one.result:
                    run = await RunReader(ledger).load_run(one.investigation, one.result.revision, TENANT)
                    one.lacked = lacking(run.weighing, {one.truth.cause, *one.truth.also})
            return told

    def _subject(self, key: str) -> str:
        return next(ticket.subject for ticket in self._world.tickets.tickets if ticket.key == key)

    async def _follow(self, one: Told, client: Client, control: httpx.AsyncClient) -> None:
        began = time.monotonic()
        opened = (await control.post(f"/tickets/{one.key}/open")).raise_for_status().json()
        one.ticket = opened["ticket"]
        one.accepted = opened["status"] == 202
        ref = TicketRef(tenant=TENANT, helpdesk="zendesk", ticket=one.ticket)
        one.investigation = naming.investigation_id(ref)
        handle = client.get_workflow_handle(naming.workflow_id(ref), result_type=RunResult)
        try:
            result = await asyncio.wait_for(handle.result(), GIVE_UP)
        except TimeoutError:
            return
        one.seconds = time.monotonic() - began
        one.result = result.revisions[-1] if result.revisions else None
        history = [event async for event in handle.fetch_history_events()]
        one.events, one.history_bytes = len(history), sum(event.ByteSize() for event in history)
        shown = (await control.get(f"/tickets/{one.ticket}")).raise_for_status().json()
        one.notes = [comment["html"] for comment in shown["comments"] if comment["role"] == "own"]
        written = [comment["created_at"] for comment in shown["comments"] if comment["role"] == "own"]
        if written:
            opened_at = datetime.fromisoformat(shown["created_at"])
            one.seconds = (datetime.fromisoformat(written[0]) - opened_at).total_seconds()
            path = critical_path(history)
            if path and path.seconds:
                one.waited, one.overhead = path.seconds, (path.noted_at - opened_at).total_seconds() / path.seconds
        if not self._console.is_terminal:
            self._console.print(f"  {one.key}: {one.found} after {one.seconds:.1f} s", highlight=False)

    async def _refresh(self, live: Live | None, told: list[Told], reader: RunReader) -> None:
        for one in told:
            if one.investigation:
                one.evidence = await reader.evidence_so_far(TENANT, one.investigation)
        if live:
            live.update(_progress(told))


async def break_sources(control: httpx.AsyncClient, addresses: Iterable[str], sources: frozenset[Source]) -> None:
    """Let nobody listen where those sources are; one of them may have several addresses, such as each status page."""
    for name in addresses:
        if name.split("-")[0] in sources:
            (await control.post("/faults", json={"vendor": name, "kind": "refuse"})).raise_for_status()


def lacking(weighing: Weighing | None, causes: Set[str]) -> frozenset[Source]:
    """Return the sources whose silence keeps a playbook from naming any of these causes."""
    if weighing is None:
        return frozenset()
    silent = {gap.query: gap.source for gap in weighing.not_checked}
    required = {check for verdict in weighing.verdicts if verdict.cause in causes for check in verdict.open_checks}
    return frozenset(silent[check] for check in required & silent.keys())


def _progress(told: list[Told]) -> Table:
    table = Table("", "ticket", *(source.title for source in SIX), "", box=None)
    for number, one in enumerate(told, 1):
        state = one.found if one.result else ("investigating" if one.evidence else "…")
        table.add_row(str(number), one.key, *(_cell(source, one.evidence) for source in SIX), state)
    return table


def _cell(source: Source, evidence: tuple[EvidenceRef, ...]) -> str:
    """The time of a source's slowest answer, or why there is none."""
    answers = [ref for ref in evidence if ref.source is source]
    if not answers:
        return "[dim]·[/dim]"
    asked = [ref for ref in answers if ref.status is not EvidenceStatus.SKIPPED]
    if not asked:
        return "[dim]–[/dim]"
    slowest = max(ref.took for ref in asked)
    bad = [ref for ref in asked if not ref.status.answered]
    return f"[red]{bad[0].status.value}[/red]" if bad else f"[green]{slowest:.1f} s[/green]"
