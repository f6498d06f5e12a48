"""`whydesk list`: past runs in a table, narrowed by what one looks for."""

import asyncio
import json
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import typer
from rich.table import Column, Table
from rich.text import Text

from cli.connection import load_settings
from cli.errors import UsageProblem
from cli.moments import moment
from cli.recorded import open_recorded
from cli.terminal import wide_enough
from ledger.listing import RunFilter
from ledger.reading import RunReader
from ledger.records import RunSummary
from models.vocabulary import CauseClass, Outcome, Severity

_NARROW = 120
"""Columns of a terminal below which the table shows less."""


class Said(StrEnum):
    """What somebody's last word on a run may be, for a filter."""

    RIGHT = "right"
    WRONG = "wrong"
    NONE = "none"


def list_runs(
    limit: Annotated[int, typer.Option(help="How many, the newest first.", min=1)] = 20,
    tenant: Annotated[str | None, typer.Option(help="Only this tenant's.")] = None,
    ticket: Annotated[str | None, typer.Option(help="A ticket's number; all its revisions.")] = None,
    customer: Annotated[str | None, typer.Option(help="Our id of the customer.")] = None,
    playbook: Annotated[str | None, typer.Option(help="api-errors, or api-errors@3 for one version.")] = None,
    outcome: Annotated[Outcome | None, typer.Option(help="How the run ended.")] = None,
    cause: Annotated[CauseClass | None, typer.Option(help="The class of the cause found.")] = None,
    severity: Annotated[Severity | None, typer.Option(help="How grave it is.")] = None,
    reasoner: Annotated[str | None, typer.Option(help="`rules`, or a model id.")] = None,
    feedback: Annotated[Said | None, typer.Option(help="Somebody's last word on it.")] = None,
    since: Annotated[str | None, typer.Option(help="A time, or how long ago: 90m, 24h, 7d.")] = None,
    until: Annotated[str | None, typer.Option(help="The same.")] = None,
    running: Annotated[bool, typer.Option("--running", help="Only those without an outcome.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Everything that is known of each, as JSON.")] = False,
) -> None:
    """List past runs, the newest first."""
    now = datetime.now(UTC)
    start, end = (moment(*one, now) if one[1] else None for one in (("--since", since or ""), ("--until", until or "")))
    if start and end and start >= end:
        raise UsageProblem(f"--since {since!r} is not before --until {until!r}")
    wanted = RunFilter.model_validate(
        {
            "tenant": tenant,
            "ticket": ticket,
            "customer": customer,
            "playbook": playbook,
            "outcome": outcome,
            "cause": cause,
            "severity": severity,
            "reasoner": reasoner,
            "feedback": feedback and feedback.value,
            "since": start,
            "until": end,
            "running": running,
        }
    )
    runs = asyncio.run(_list(limit, wanted))
    if as_json:
        print(json.dumps([run.model_dump(mode="json") for run in runs], indent=2))
        return
    if not runs:
        print("no run is like that" if wanted != RunFilter() else "no run yet")
        return
    console = wide_enough()
    console.print(_table(runs, wide=console.width >= _NARROW))


async def _list(limit: int, wanted: RunFilter) -> tuple[RunSummary, ...]:
    async with await open_recorded(load_settings()) as ledger:
        return await RunReader(ledger).list_runs(limit, wanted)


def _table(runs: tuple[RunSummary, ...], *, wide: bool) -> Table:
    """Show each run on a line where there is room; ids are there to be copied: they are folded, never cut."""
    columns: list[Column | str] = [Column("investigation", no_wrap=True)]
    columns += ["opened"] if wide else []
    columns += [Column("ticket", overflow="fold")]
    columns += [Column("playbook", overflow="fold")] if wide else []
    columns += [Column("outcome", overflow="fold")]
    columns += [Column("severity", overflow="fold")] if wide else []
    columns += ["note", Column("feedback", overflow="fold"), Column("s", justify="right")]
    table = Table(*columns, padding=(0, 1) if wide else 0)
    tenants = {run.key.ref.tenant for run in runs}
    for run in runs:
        ref = run.key.ref
        cells = [
            f"{run.key.investigation}/{run.key.revision}",
            *([f"{run.opened_at:%m-%d %H:%M}"] if wide else []),
            ref.ticket if len(tenants) == 1 else f"{ref.tenant}/{ref.ticket}",
            *([run.playbook] if wide else []),
            _end(run),
            *([run.severity.value if run.severity and run.outcome is Outcome.DIAGNOSED else ""] if wide else []),
            run.note_status,
            ", ".join(dict.fromkeys(one.verdict.value for one in run.feedback)),
            f"{run.seconds:.1f}" if run.seconds is not None else "",
        ]
        table.add_row(*(Text(cell) for cell in cells))
    return table


def _end(run: RunSummary) -> str:
    """Say how a run ended: the cause where there is one, the reason where it failed."""
    if run.outcome is None:
        return "running"
    if run.outcome is Outcome.DIAGNOSED and run.cause:
        return run.cause.value
    return f"failed: {run.problem}" if run.outcome is Outcome.FAILED and run.problem else run.outcome.value
