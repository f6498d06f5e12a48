"""`whydesk reinvestigate`: asks everything afresh about a ticket that was looked into, and says what changed since."""

import asyncio
from typing import Annotated

import typer

from cli.connection import load_settings
from cli.investigate import Asking, exit_code, print_end
from cli.investigate_run import Wanted, choose_ticket
from cli.recorded import open_recorded
from cli.reinvestigate_view import Changes, changes_between, print_changes
from cli.terminal import wide_enough
from ledger.reading import RunReader
from ledger.records import RunRecord
from models.base import Frozen
from models.ticket import Rerun
from settings import Settings


class Again(Frozen):
    """What `--json` prints."""

    run: RunRecord
    changes: Changes


def reinvestigate(
    name: Annotated[
        str, typer.Argument(metavar="ID", help="An investigation (inv-…), a workflow id or a ticket's number.")
    ],
    post: Annotated[
        bool, typer.Option("--post", help="Post the note, which says that it replaces the one before.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The run and what changed, as JSON.")] = False,
) -> None:
    """Investigate a ticket once more with fresh evidence and show what changed; nothing is posted without --post.

    Exit codes as of `whydesk investigate`.
    """
    settings = load_settings()
    wanted, then = before(settings, name)
    again(settings, wanted, then, post=post, as_json=as_json)


def before(settings: Settings, name: str, revision: int | None = None) -> tuple[Wanted, RunRecord]:
    """Return which ticket is meant, and the revision to compare with: the last that ended with something to say.

    Raises:
        LedgerError: it was never looked into.
    """
    record = asyncio.run(_load(settings, name, revision))
    ref = record.summary.key.ref
    return choose_ticket(settings, f"{ref.tenant}/{ref.helpdesk}/{ref.ticket}", None, None), record


async def _load(settings: Settings, name: str, revision: int | None) -> RunRecord:
    async with await open_recorded(settings) as ledger:
        reader = RunReader(ledger)
        if revision is not None:
            return await reader.load_run(name, revision)
        key = (await reader.last_told(name)).key
        return await reader.load_run(key.investigation, key.revision, key.ref.tenant)


def again(
    settings: Settings, wanted: Wanted, then: RunRecord, *, post: bool, as_json: bool, rerun: Rerun | None = None
) -> None:
    """Run it, wait, and print the note and what changed.

    Raises:
        Exit: with the code of how it ended.
    """
    record = asyncio.run(Asking(settings, wanted, post, rerun).ask())
    changes = changes_between(then, record)
    if as_json:
        print(Again(run=record, changes=changes).model_dump_json(indent=2))
    else:
        console = wide_enough()
        print_end(console, record)
        print_changes(console, changes)
    raise typer.Exit(exit_code(record))
