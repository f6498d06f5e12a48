"""Plays a storm: the same outage written about by many, opened as fast as told, followed to the last note, and counted."""

import asyncio
import os
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
from pydantic import JsonValue

from cli.connection import load_settings
from cli.demo import DEFAULT_WORLD
from cli.processes import Household
from cli.recorded import open_recorded
from cli.stack import Play, Ports, Stack, start_stack
from cli.world_tenant import TENANT
from ledger.incidents import SqlIncidents
from models.coordination import IncidentView
from models.diagnosis import Draft
from models.vocabulary import Outcome
from tests.anthropic_server import AnthropicServer, says

TICKET = "ocr-failing"
"""A provider of the company is down in part: StatusPage says so, the logs show it, every customer with scans writes."""
MODEL = "claude-haiku-5-5"
ANSWER = Draft(outcome=Outcome.DIAGNOSED, hypothesis="upstream-incident", claims=(), next_step="follow-provider")
INDEPENDENT = ("statuspage", "github", "linear")
"""Vendors of which nothing is asked about a customer. Documentation is read into an index once an hour whoever asks; of
ClickHouse's questions some are a customer's and some the fleet's, which its journal does not tell apart."""
_LOOK_EVERY = 0.5
_LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Storm:
    """What came of it."""

    tickets: int
    noted: int
    twice: int
    """Tickets with more than one note."""
    opened_in: float
    """Seconds from the first to the last ticket."""
    last_note_after: float
    """Seconds from the first ticket to the last note."""
    naive: float
    """Customer-independent calls of a ticket that shares nothing, times the tickets."""
    independent: int
    all_calls: dict[str, int]
    incidents: tuple[IncidentView, ...]
    paid: int
    """Requests that reached the model."""

    @property
    def ratio(self) -> float:
        """Customer-independent calls, of what they would be if every ticket asked for itself."""
        return self.independent / self.naive

    def __str__(self) -> str:
        """Say it in lines."""
        calls = ", ".join(f"{name} {number}" for name, number in sorted(self.all_calls.items()))
        found = "; ".join(
            f"{one.incident}: {one.what}, {one.tickets} tickets, {one.paid} paid" for one in self.incidents
        )
        return "\n".join(
            (
                f"tickets                     {self.tickets}, opened in {self.opened_in:.1f} s",
                f"notes                       {self.noted} tickets have theirs, {self.twice} have more than one",
                f"last note                   {self.last_note_after:.1f} s after the first ticket",
                f"customer-independent calls  {self.independent} of {self.naive:.0f} naive: {self.ratio:.4f}",
                f"all calls                   {calls}",
                f"incidents                   {len(self.incidents)} ({found})",
                f"model asked                 {self.paid} times",
            )
        )


class Town:
    """The stack and its control."""

    def __init__(self, household: Household, stack: Stack, state: Path, control: httpx.AsyncClient) -> None:
        self.household = household
        self.stack = stack
        self.state = state
        self.control = control

    async def open(self) -> str:
        """Let a ticket come in, with its webhook."""
        opened = (await self.control.post(f"/tickets/{TICKET}/open", json={})).raise_for_status().json()
        if opened["status"] != 202:
            # A helpdesk delivers again; the sandbox does when told.
            for _ in range(20):
                await asyncio.sleep(1)
                again = (await self.control.post(f"/tickets/{opened['ticket']}/redeliver", json={})).json()
                if again["status"] == 202:
                    break
        return str(opened["ticket"])

    async def notes(self) -> Counter[str]:
        """Return how many notes each ticket has."""
        shown = (await self.control.get("/tickets")).raise_for_status().json()["tickets"]
        return Counter({one["id"]: one["notes"] for one in shown if one["notes"]})

    async def calls(self) -> dict[str, int]:
        """Return how often each vendor was asked; pages of one vendor together."""
        counts = (await self.control.get("/calls", params={"brief": "1"})).raise_for_status().json()["counts"]
        merged: Counter[str] = Counter()
        for name, number in counts.items():
            merged[name.partition("-")[0]] += number
        return dict(merged)

    async def noted(self, tickets: set[str], patience: float) -> Counter[str]:
        """Wait until all of these have a note."""
        deadline = time.monotonic() + patience
        while True:
            notes = await self.notes()
            if tickets <= set(notes) or time.monotonic() > deadline:
                return notes
            self.household.ensure()
            await asyncio.sleep(_LOOK_EVERY)


@asynccontextmanager
async def town(state: Path, server: AnthropicServer, rows: int) -> AsyncIterator[Town]:
    """Start everything; the model is a server that always answers the same."""
    environ = {"PATH": os.environ.get("PATH", ""), "HOME": str(state), "STORM_MODEL_KEY": "none-is-checked"}
    link: dict[str, JsonValue] = {
        "provider": "anthropic",
        "model": MODEL,
        "api_key": "env:STORM_MODEL_KEY",
        "base_url": server.address,
    }
    async with AsyncExitStack() as stack:
        household = await stack.enter_async_context(Household(state / "logs"))
        play = Play(DEFAULT_WORLD, rows=rows, models=(link,))
        running = await start_stack(household, environ, state, Ports(), play=play)
        assert running.sandbox is not None
        control = httpx.AsyncClient(base_url=running.sandbox.control, timeout=120, trust_env=False)
        yield Town(household, running, state, await stack.enter_async_context(control))
        household.ensure()


async def play(
    state: Path, tickets: int, within: float, *, rows: int, notes_per_minute: int = 0, patience: float = 900.0
) -> Storm:
    """Play a storm.

    Args:
        state: An empty folder.
        tickets: How many.
        within: Seconds over which they come in.
        rows: Log lines.
        notes_per_minute: What the helpdesk takes; 0 for all.
        patience: Seconds for the last note.
    """
    with AnthropicServer(lambda _: says(ANSWER)) as server:
        async with town(state, server, rows) as it:
            naive = await _of_one(it)
            await it.control.post("/update-limit", json={"per_minute": notes_per_minute})
            (await it.control.delete("/calls")).raise_for_status()
            asked_before = len(server.requests)
            began = time.monotonic()
            opened: set[str] = set()

            async def one(number: int) -> None:
                await asyncio.sleep(number * within / tickets)
                opened.add(await it.open())

            await asyncio.gather(*(one(number) for number in range(tickets)))
            opened_in = time.monotonic() - began
            notes = await it.noted(opened, patience)
            last = time.monotonic() - began
            calls = await it.calls()
            async with await open_recorded(load_settings(it.stack.environ)) as ledger:
                found = await SqlIncidents(ledger.database).recent(TENANT, _LONG_AGO)
            return Storm(
                tickets=tickets,
                noted=sum(ticket in notes for ticket in opened),
                twice=sum(notes[ticket] > 1 for ticket in opened),
                opened_in=opened_in,
                last_note_after=last,
                naive=naive * tickets,
                independent=sum(calls.get(name, 0) for name in INDEPENDENT),
                all_calls=calls,
                incidents=tuple(found),
                paid=len(server.requests) - asked_before,
            )


async def _of_one(it: Town) -> int:
    """Return the customer-independent calls of the first ticket of all: there is nobody yet whose answers it could share."""
    (await it.control.delete("/calls")).raise_for_status()
    await it.noted({await it.open()}, 120.0)
    calls = await it.calls()
    return sum(calls.get(name, 0) for name in INDEPENDENT)
