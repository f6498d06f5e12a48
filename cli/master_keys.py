"""`whydesk keys`: the master keys under which everything is sealed."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from cli.connection import load_settings
from cli.errors import UsageProblem
from cli.recorded import open_recorded
from keys.key_file import add_key
from keys.keyring import Keyring, KeyringError
from ledger.rotation import Rotated
from ledger.rotation import rotate as rotate_ledger

app = typer.Typer(help="The master keys: they seal what Temporal and the ledger keep.", no_args_is_help=True)


@app.command("new")
def new(
    into: Annotated[
        Path | None,
        typer.Option(
            help="Write it into this file, which is made (mode 0600) or keeps the keys it has.", dir_okay=False
        ),
    ] = None,
    last: Annotated[
        bool,
        typer.Option("--last", help="With --into: behind the file's keys, to be known before anyone seals with it."),
    ] = False,
    key_id: Annotated[
        str | None, typer.Option("--id", help="Its name; today's date and six random digits if left out.")
    ] = None,
) -> None:
    """Make a master key: print its line, or put it first into a file, where it seals from the next start on.

    What was sealed with other keys needs them further on: a key's line is removed only when nothing is left of that.
    """
    if last and into is None:
        raise UsageProblem("--last goes with --into")
    try:
        key = Keyring.generate(key_id)
        if into is None:
            print(key.text(), end="")
            return
        keyring = add_key(into, key, current=not last)
    except KeyringError as error:
        raise UsageProblem(str(error)) from None
    print(f"{into} holds {', '.join(keyring.ids)}; the first seals, all of them open. Keep a copy elsewhere.")


@app.command("rotate")
def rotate() -> None:
    """Put the ledger under the first master key: data keys are wrapped again, what lies unsealed is sealed. Safe to repeat.

    Run it once all workers have the new key, and again after the last one that had not has ended.
    """
    done = asyncio.run(_rotate())
    print(
        f"the ledger is under the master key {done.master}: {done.rewrapped} data keys wrapped again, "
        f"{done.sealed} texts sealed that were not"
    )
    if done.unused:
        print(
            f"the ledger does not need {', '.join(done.unused)} any more, but its backups do, and what Temporal keeps was "
            "sealed with it: leave the line where it is until both have expired"
        )


async def _rotate() -> Rotated:
    async with await open_recorded(load_settings()) as ledger:
        return await rotate_ledger(ledger)
