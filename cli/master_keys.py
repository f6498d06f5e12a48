"""`whydesk keys`: the master keys under which everything is sealed."""

from pathlib import Path
from typing import Annotated

import typer

from cli.errors import UsageProblem
from keys.key_file import add_key
from keys.keyring import Keyring, KeyringError

app = typer.Typer(help="The master keys: they seal what Temporal and the ledger keep.", no_args_is_help=True)


@app.callback()
def keys() -> None:
    """Keep `new` a command of its own while it is the only one."""


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
