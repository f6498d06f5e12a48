"""`whydesk show`: everything that the ledger holds of one run, for people and as JSON."""

import asyncio
from typing import Annotated

import typer

from cli.connection import load_settings
from cli.recorded import open_recorded
from cli.show_view import print_run
from cli.terminal import wide_enough
from ledger.reading import RunReader
from ledger.records import RunRecord


def show(
    name: Annotated[str, typer.Argument(help="An investigation (inv-…), a workflow id or a ticket's number.")],
    revision: Annotated[int | None, typer.Option(help="Which revision; the last one if left out.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Everything, as JSON.")] = False,
) -> None:
    """Print one run: the note, the rows behind each claim, the hypotheses, feedback, times and cost."""
    record = asyncio.run(_load(name, revision))
    if as_json:
        print(record.model_dump_json(indent=2))
        return
    print_run(wide_enough(), record)


async def _load(name: str, revision: int | None) -> RunRecord:
    async with await open_recorded(load_settings()) as ledger:
        return await RunReader(ledger).load_run(name, revision)
