"""`whydesk replay`: are past and open runs still what today's code would do? Writes nothing."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text
from temporalio.client import Client, WorkflowHistory

from cli.connection import connect, converter_of_files, load_settings
from cli.errors import UsageProblem
from cli.recorded import open_recorded
from cli.replay_run import Histories, Replayed, Run, Told, fetch, files_of, read_file, runs_of, runs_of_all
from cli.terminal import wide_enough
from ledger.base import LedgerError
from ledger.reading import RunReader
from settings import Settings

_SERVER_WITHIN = 5.0


def replay(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="ID", help="Investigations (inv-…), workflow ids or tickets' numbers; with --file, files."
        ),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every open run.")] = False,
    closed: Annotated[int, typer.Option(help="With --all, the newest closed runs too, as many as this.", min=0)] = 0,
    file: Annotated[
        bool, typer.Option("--file", help="The arguments are histories as JSON, or folders of them.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One object for each history.")] = False,
) -> None:
    """Replay histories on today's code and show where the two part; nothing is written, no system is asked.

    With --file nothing but the files is needed: no server, no ledger.
    """
    named = names or []
    if every == bool(named) or (every and file):
        raise UsageProblem("name the runs to replay, or give --all, or --file with files")
    if closed and not every:
        raise UsageProblem("--closed goes with --all")
    told = asyncio.run(_Replaying(as_json).run(named, every, closed, file))
    if as_json:
        print(json.dumps([one.model_dump(mode="json") for one in told], indent=2))
    if any(not one.deterministic for one in told):
        raise typer.Exit(1)


class _Replaying:
    def __init__(self, quiet: bool) -> None:
        self._console = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
        self._out = None if quiet else wide_enough()

    async def run(self, names: list[str], every: bool, closed: int, file: bool) -> list[Replayed]:
        if file:
            paths = files_of([Path(name) for name in names])
            return await self._replay(Histories(converter_of_files()), _read(paths), len(paths))
        settings = load_settings()
        client = await connect(settings, within=_SERVER_WITHIN)
        if every:
            runs = await runs_of_all(client, closed)
        else:
            runs = [run for name in names for run in await runs_of(client, await _workflow(settings, name))]
        return await self._replay(Histories(client.data_converter), _fetched(client, runs), len(runs))

    async def _replay(
        self, histories: Histories, given: AsyncIterator[WorkflowHistory | None], total: int
    ) -> list[Replayed]:
        told: list[Replayed] = []
        gone = done = 0
        with self._console.status(f"0 of {total}") as status:
            async for history in given:
                done += 1
                if history is None:
                    gone += 1
                    continue
                told.append(await histories.replay(history))
                if self._out is not None:
                    print_replayed(self._out, told[-1])
                status.update(f"{done} of {total}")
        if self._out is not None:
            self._out.print(summary(told, gone), style="bold", highlight=False)
        return told


def summary(told: list[Replayed], gone: int = 0) -> str:
    """Return the last line."""
    if not told and not gone:
        return "no run to replay"
    failed = sum(not one.deterministic for one in told)
    parts = [f"{len(told)} {'history' if len(told) == 1 else 'histories'} replayed"]
    parts.append(f"{failed} of them not as today's code would do it" if failed else "all as today's code would do it")
    parts += [f"{gone} ended meanwhile and are gone"] if gone else []
    return ", ".join(parts)


def print_replayed(console: Console, told: Replayed) -> None:
    """Print one history: a line, and the difference if there is one."""
    kind = "open, " if told.open else ""
    state = "ok  " if told.deterministic else "FAIL"
    console.print(Text(f"{state} {told.workflow} ({kind}{told.events} events) {told.run}".rstrip()))
    if told.deterministic:
        return
    if told.recorded is None and told.issued is None:
        console.print(Text(f"     {told.said}"))
        return
    for step in told.agreed:
        console.print(Text(f"       event {step.event:>3}  {step.step}", style="dim"))
    console.print(Text(f"     - {_line(told.recorded, 'event', 'the history has nothing more')}", style="red"))
    console.print(
        Text(f"     + {_line(told.issued, 'after', 'the code issues nothing there: it waits for something else')}")
    )
    console.print(Text(f"     {told.said}", style="dim"))


def _line(step: Told | None, where: str, nothing: str) -> str:
    if step is None:
        return nothing
    who = "the history has" if where == "event" else "the code now issues"
    return f"{where} {step.event:>3}  {who}: {step.step}"


async def _read(paths: list[Path]) -> AsyncIterator[WorkflowHistory | None]:
    for path in paths:
        yield read_file(path)


async def _fetched(client: Client, runs: list[Run]) -> AsyncIterator[WorkflowHistory | None]:
    for run in runs:
        yield await fetch(client, run)


async def _workflow(settings: Settings, name: str) -> str:
    """Return the workflow's id; the ledger knows those of tickets and investigations."""
    if name.count("/") == 2:
        return name
    async with await open_recorded(settings) as ledger:
        found = await RunReader(ledger).find_investigation(name)
    if found is None:
        raise LedgerError(f"the ledger has no investigation {name!r}: `whydesk list` shows those it has")
    return found.workflow
