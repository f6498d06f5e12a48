"""`whydesk investigate`: looks into a ticket of one's own helpdesk by hand, shows the progress, then the note."""

import asyncio
import signal
import time
from typing import Annotated

import typer
from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from cli.connection import connect, load_settings
from cli.investigate_run import Started, Wanted, choose_ticket, ensure_worker, follow, load_revision, start_by_hand
from cli.note_view import note_text
from cli.recorded import open_recorded
from cli.terminal import wide_enough
from ledger.reading import RunReader
from ledger.records import RunRecord
from models.ticket import Rerun
from models.vocabulary import Mode, Outcome
from settings import Settings

_SERVER_WITHIN = 5.0
"""Seconds to wait for the server: here a person waits, and not a process that starts beside it."""
_CODES = {
    Outcome.DIAGNOSED: 0,
    Outcome.NOTHING_WRONG: 0,
    Outcome.FAILED: 1,
    Outcome.INCONCLUSIVE: 3,
    Outcome.NEEDS_INFO: 4,
    Outcome.NOTHING_NEW: 5,
}
_NOTE = {
    "posted": "posted on the ticket",
    "shadow": "not posted",
    "ticket-closed": "not posted: the ticket is closed",
    "failed": "could not be posted",
}
_REMEDIES = {
    "mode-off": "The playbook has the mode 'off': set another under `playbooks` in whydesk.yaml.",
    "TicketNotFound": "The helpdesk has no ticket of that number, or its key may not see it.",
    "HelpdeskDenied": "The helpdesk refuses its key: `whydesk doctor` says what it lacks.",
}
"""What to do about the problem that a revision ended with, by the last word of it."""


def investigate(
    ticket: Annotated[str, typer.Argument(help="The ticket's number, or tenant/helpdesk/number.")],
    tenant: Annotated[str | None, typer.Option(help="Whose ticket, where whydesk.yaml has several.")] = None,
    helpdesk: Annotated[str | None, typer.Option(help="Its helpdesk, where the tenant has several.")] = None,
    post: Annotated[bool, typer.Option("--post", help="Post the note, where the tenant's mode allows it.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything about the run as JSON.")] = False,
) -> None:
    """Investigate one ticket on the running installation and show the note; nothing is posted without --post.

    Exit code: 0 diagnosed or nothing wrong, 1 failed, 2 what you can mend, 3 inconclusive, 4 the ticket lacks information,
    5 not looked into, 130 after Ctrl-C, which leaves the investigation running.
    """
    settings = load_settings()
    wanted = choose_ticket(settings, ticket, tenant, helpdesk)
    record = asyncio.run(Asking(settings, wanted, post).ask())
    if as_json:
        print(record.model_dump_json(indent=2))
    else:
        print_end(wide_enough(), record)
    raise typer.Exit(exit_code(record))


class Asking:
    """One call of the command; what goes on is told on standard error."""

    def __init__(self, settings: Settings, wanted: Wanted, post: bool, rerun: Rerun | None = None) -> None:
        """Take what is asked for; with `rerun` nothing is gathered anew."""
        self._settings = settings
        self._wanted = wanted
        self._post = post
        self._rerun = rerun
        self._console = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
        self._started: Started | None = None

    async def ask(self) -> RunRecord:
        """Start, follow to the end, and return what the ledger has; Ctrl-C stops only the following."""
        task = asyncio.ensure_future(self._ask())
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        try:
            return await task
        except asyncio.CancelledError:
            self._say_goodbye()
            raise typer.Exit(130) from None

    async def _ask(self) -> RunRecord:
        client = await connect(self._settings, within=_SERVER_WITHIN)
        await ensure_worker(client, self._wanted.queue)
        async with await open_recorded(self._settings) as ledger:
            self._console.print(intention(self._wanted, self._post))
            self._started = await start_by_hand(client, self._wanted, post=self._post, rerun=self._rerun)
            if self._started.joined:
                self._console.print("it is being investigated already: this comes after what runs")
            await self._follow(self._started)
            return await load_revision(RunReader(ledger), self._started)

    async def _follow(self, started: Started) -> None:
        began = time.monotonic()
        told: list[str] = []
        with self._console.status("starting") as status:

            def say(stage: str, noted: tuple[str, ...]) -> None:
                status.update(Text(f"{stage} · {time.monotonic() - began:.0f} s"))
                # A status line is nothing without a terminal; there each stage gets a line.
                for line in (*noted, *(() if self._console.is_terminal else (stage,))):
                    if line not in told:
                        told.append(line)
                        self._console.print(Text(f"  {line}"))

            await follow(started, say)

    def _say_goodbye(self) -> None:
        if self._started is None:
            self._console.print("stopped before anything was started")
            return
        name = self._started.handle.id
        self._console.print(
            f"the investigation goes on without you: `whydesk list --ticket {self._wanted.ref.ticket}` says when it is done, "
            f"`whydesk show {name}` prints it"
        )


def intention(wanted: Wanted, post: bool) -> str:
    """Say which ticket it is, and whether a note may come of it."""
    ref = wanted.ref
    if not post:
        what = "nothing will be posted; --post posts the note"
    elif wanted.tenant and wanted.tenant.mode is Mode.SHADOW:
        what = (
            f"--post changes nothing: tenant {ref.tenant!r} is in shadow mode (`mode: note` in whydesk.yaml ends that)"
        )
    else:
        what = "the note will be posted"
    return f"ticket {ref.ticket} of {ref.tenant}/{ref.helpdesk}: {what}"


def print_end(console: Console, record: RunRecord) -> None:
    """Print the note, or why there is none, and how to look further."""
    run = record.summary
    if record.note and record.note.body:
        said = _NOTE.get(record.note.status, record.note.status)
        title = f"ticket {run.key.ref.ticket}"
        console.print(
            Panel(
                note_text(record.note.body.html),
                title=Text(title),
                subtitle=f"internal note, {said}",
                width=min(console.width, 120),
            )
        )
    parts = [run.outcome or "running", run.cause or "", f"severity {run.severity}" if run.severity else ""]
    parts += [f"confidence {run.confidence}" if run.confidence else "", run.problem]
    parts += [f"{run.seconds:.1f} s" if run.seconds is not None else "", f"${run.usd:.4f}" if run.usd else ""]
    console.print(Text(" · ".join(part for part in parts if part), style="bold"))
    if remedy := _REMEDIES.get(run.problem.rpartition(" ")[2]):
        console.print(Text(remedy))
    console.print(
        Text(
            f"Look further: `whydesk show {run.key.investigation} --revision {run.key.revision}` prints what it stands on"
        )
    )


def exit_code(record: RunRecord) -> int:
    """Return 0 for an answer, else a number for each way to have none; a note that could not be posted is a failure."""
    if record.note and record.note.status == "failed":
        return 1
    return _CODES[record.summary.outcome] if record.summary.outcome else 1
