"""`whydesk audit`: checks the chain of what was changed by whom, and hands it out."""

import asyncio
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from cli.connection import load_settings
from cli.errors import UsageProblem
from cli.moments import moment
from cli.recorded import open_recorded
from ledger.audit import ChainState, read_entries, verify_chain
from models.audit import as_line

app = typer.Typer(help="Who changed what: an append-only chain of entries.", no_args_is_help=True)

_HEAD = "SEQ:HASH"


@app.command("verify")
def verify(
    head: Annotated[
        str | None, typer.Option(metavar=_HEAD, help="The head that an earlier verify or export printed.")
    ] = None,
    against: Annotated[
        Path | None, typer.Option(help="An earlier export: every entry of it must still be there.", dir_okay=False)
    ] = None,
) -> None:
    """Recompute the chain from its first entry; exit code 1 names the first that is broken.

    An entry that was altered, deleted, added between others or moved is found without help. That the newest entries were cut
    off, or that everything after an entry was written anew, is found against a head or an export kept elsewhere.
    """
    known = {**_of_head(head), **_of_export(against)}
    state = asyncio.run(_verify(known))
    if state.broken:
        print(f"broken: {state.broken}", file=sys.stderr)
        raise typer.Exit(1)
    print(f"the chain holds: {state.entries} entries, head {state.seq}:{state.head}")
    if not known:
        print("keep the head elsewhere and give it with --head next time: only so a cut-off end is noticed")


@app.command("export")
def export(
    since: Annotated[str | None, typer.Option(help="A time, or how long ago; all if left out.")] = None,
) -> None:
    """Print the entries as JSON lines, the oldest first. The head goes to standard error."""
    from_when = moment("--since", since, datetime.now(UTC)) if since else None
    asyncio.run(_export(from_when))


async def _verify(known: dict[int, str]) -> ChainState:
    async with await open_recorded(load_settings()) as ledger:
        return await verify_chain(ledger.database, known)


async def _export(since: datetime | None) -> None:
    head = ""
    async with await open_recorded(load_settings()) as ledger:
        async for entry in read_entries(ledger.database, since=since):
            print(as_line(entry))
            head = f"{entry.seq}:{entry.hash}"
    print(f"head {head}" if head else "no entries", file=sys.stderr)


def _of_head(text: str | None) -> dict[int, str]:
    if text is None:
        return {}
    seq, _, own = text.partition(":")
    if not seq.isdecimal() or len(own) != 64:
        raise UsageProblem(f"--head {text!r}: write it as `whydesk audit verify` prints it, NUMBER:64 hex digits")
    return {int(seq): own} if int(seq) else {}


def _of_export(path: Path | None) -> dict[int, str]:
    if path is None:
        return {}
    try:
        # Not splitlines: a text may hold a line separator that JSON does not escape.
        lines = path.read_text(encoding="utf-8").rstrip("\n").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageProblem(f"--against {str(path)!r} cannot be read: {error}") from error
    return dict(_of_line(path, number, line) for number, line in enumerate(lines, 1))


def _of_line(path: Path, number: int, line: str) -> tuple[int, str]:
    try:
        entry = json.loads(line)
        return int(entry["seq"]), str(entry["hash"])
    except (ValueError, KeyError, TypeError) as error:
        raise UsageProblem(
            f"--against {str(path)!r}, line {number}: no line of `whydesk audit export`; was it cut or edited?"
        ) from error
