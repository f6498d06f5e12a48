"""Places at which a worker process can be made to stop, and the files by which a harness says where and learns that it did.

A place is `ACTIVITY:OBJECT.METHOD:before|after` around what an activity does with the ledger, a helpdesk, a connector or a
model; `ACTIVITY:start|end` around the activity; `schedule:ACTIVITY` where the workflow is about to ask for one;
`diagnose:model.answer:beat` while a model's answer streams, where the process does not wait but goes on.
"""

import asyncio
import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

LOOK = 0.02
"""Seconds between two looks at the file that lets a process go on."""
BEAT = "diagnose:model.answer:beat"


@dataclass(frozen=True)
class Noted:
    """One line of a worker's journal: a call that was made for a ticket."""

    process: int
    ticket: str
    """The workflow's id."""
    call: str
    """`diagnose:model.answer`, `fetch_evidence:connector.fetch` …"""
    phase: str
    """`before`, `after`, or `failed`."""
    detail: str = ""
    """For a connector its source, for a failure its class."""


class Stops:
    """One folder that both sides know."""

    def __init__(self, folder: Path) -> None:
        """Make the folder."""
        self._folder = folder
        for name in ("plan", "reached", "journal"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        self._journal = folder / "journal" / f"{os.getpid()}.jsonl"

    # The harness's side

    def plan(self, ticket: str, place: str, detail: str = "") -> None:
        """Let the next worker that gets there for this ticket stop; with a detail, only where that is the call's."""
        draft = self._folder / f"{_name(ticket)}.draft"
        draft.write_text(json.dumps([place, detail]))
        draft.replace(self._folder / "plan" / _name(ticket))

    def reached(self, ticket: str) -> int | None:
        """Return the process that has stopped for this ticket."""
        path = self._folder / "reached" / _name(ticket)
        return int(path.read_text()) if path.exists() else None

    def release(self, ticket: str) -> None:
        """Let the ticket go on, and stop it nowhere again."""
        (self._folder / "plan" / _name(ticket)).unlink(missing_ok=True)

    def journal(self) -> Iterator[Noted]:
        """Return what all processes have noted, in no certain order; the last line of a killed one may be cut."""
        for path in sorted((self._folder / "journal").glob("*.jsonl")):
            for line in path.read_text().splitlines():
                if line.endswith("}"):
                    yield Noted(**json.loads(line))

    # The worker's side

    async def pass_by(self, ticket: str, place: str, detail: str = "") -> None:
        """Stop here if that is planned, until released or killed."""
        if self._stops(ticket, place, detail):
            while (self._folder / "plan" / _name(ticket)).exists():  # noqa: ASYNC110  # another process removes it
                await asyncio.sleep(LOOK)

    def stand_still(self, ticket: str, place: str) -> None:
        """Do the same in a thread of its own."""
        if self._stops(ticket, place, ""):
            while (self._folder / "plan" / _name(ticket)).exists():
                time.sleep(LOOK)

    def mark(self, ticket: str, place: str) -> None:
        """Say that the place was reached, and go on."""
        self._stops(ticket, place, "")

    def note(self, ticket: str, call: str, phase: str, detail: str = "") -> None:
        """Append to this process's journal."""
        line = json.dumps(asdict(Noted(os.getpid(), ticket, call, phase, detail)))
        with self._journal.open("a") as file:
            file.write(line + "\n")

    def _stops(self, ticket: str, place: str, detail: str) -> bool:
        try:
            planned, only = json.loads((self._folder / "plan" / _name(ticket)).read_text())
        except FileNotFoundError:
            return False
        if planned != place or (only and only != detail):
            return False
        draft = self._folder / f"{_name(ticket)}.{os.getpid()}.draft"
        draft.write_text(str(os.getpid()))
        draft.replace(self._folder / "reached" / _name(ticket))
        return True


def _name(ticket: str) -> str:
    return ticket.replace("/", "~")
