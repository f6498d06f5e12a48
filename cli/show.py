"""`whydesk show` and `whydesk list`: what the ledger holds of past runs, for people and as JSON."""

import asyncio
import json
from typing import Annotated

import typer
from rich.console import Console
from rich.markdown import Markdown
from rich.table import Column, Table
from rich.text import Text

from cli.connection import load_settings
from ledger.reading import RunReader
from ledger.records import RunRecord, RunSummary
from ledger.store import SqlLedger
from models.vocabulary import CauseClass, Outcome


def show(
    name: Annotated[str, typer.Argument(help="An investigation (inv-…), a workflow id or a ticket's number.")],
    revision: Annotated[int | None, typer.Option(help="Which revision; the last one if left out.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Everything, as JSON.")] = False,
) -> None:
    """Print one run: the note, each claim with its evidence, the steps and their times."""
    record = asyncio.run(_load(name, revision))
    if as_json:
        print(record.model_dump_json(indent=2))
        return
    console = Console()
    _headline(console, record)
    if record.note and record.note.body:
        console.print(Markdown(record.note.body.markdown))
    _claims(console, record)
    _evidence(console, record)
    _steps(console, record)


def list_runs(
    limit: Annotated[int, typer.Option(help="How many, the newest first.", min=1)] = 20,
    tenant: Annotated[str | None, typer.Option()] = None,
    outcome: Annotated[Outcome | None, typer.Option()] = None,
    cause: Annotated[CauseClass | None, typer.Option()] = None,
    running: Annotated[bool, typer.Option(help="Only those without an outcome.")] = False,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """List past runs."""
    runs = asyncio.run(_list(limit, tenant, outcome, cause, running))
    if as_json:
        print(json.dumps([run.model_dump(mode="json") for run in runs], indent=2))
        return
    # Ids are there to be copied: on a narrow terminal they go over two lines, they are never cut.
    table = Table(
        Column("investigation", overflow="fold"),
        "rev",
        "ticket",
        "playbook",
        "outcome",
        "cause",
        "severity",
        "note",
        "seconds",
    )
    for run in runs:
        table.add_row(
            run.key.investigation,
            str(run.key.revision),
            f"{run.key.ref.tenant}/{run.key.ref.ticket}",
            run.playbook,
            run.outcome or "running",
            run.cause or "",
            run.severity or "",
            run.note_status,
            f"{run.seconds:.1f}" if run.seconds is not None else "",
        )
    Console().print(table)


async def _load(name: str, revision: int | None) -> RunRecord:
    async with await SqlLedger.open(load_settings().ledger_url.get_secret_value()) as ledger:
        return await RunReader(ledger).load_run(name, revision)


async def _list(
    limit: int, tenant: str | None, outcome: Outcome | None, cause: CauseClass | None, running: bool
) -> tuple[RunSummary, ...]:
    async with await SqlLedger.open(load_settings().ledger_url.get_secret_value()) as ledger:
        return await RunReader(ledger).list_runs(limit, tenant=tenant, outcome=outcome, cause=cause, running=running)


def _headline(console: Console, record: RunRecord) -> None:
    run = record.summary
    parts = [run.key.investigation, f"revision {run.key.revision}", f"ticket {run.key.ref.ticket}", run.playbook]
    parts += [run.outcome or "running", run.cause or "", run.problem]
    console.print(Text(" · ".join(part for part in parts if part)), style="bold", highlight=False)
    if record.note:
        console.print(f"note {record.note.status} {record.note.note}".rstrip(), style="dim", highlight=False)


def _claims(console: Console, record: RunRecord) -> None:
    if record.diagnosis is None:
        return
    table = Table("claim", "evidence", "verified", title="Claims", title_justify="left")
    for checked in record.diagnosis.claims:
        verdict = "yes" if checked.kept else f"dropped: {checked.problem}"
        said = checked.sentence or f"{checked.claim.predicate} {checked.claim.subject}"
        table.add_row(Text(said), ", ".join(checked.claim.evidence), Text(verdict))
    console.print(table)


def _evidence(console: Console, record: RunRecord) -> None:
    table = Table("id", "source", "question", "status", "rows", "seconds", title="Evidence", title_justify="left")
    for item in record.evidence:
        flags = "".join(f", {name}" for name in ("truncated", "stale") if getattr(item.ref, name))
        title = item.body.title if item.body else item.ref.query
        reason = f": {item.body.reason}" if item.body and item.body.reason else ""
        table.add_row(
            item.ref.id if not item.look else f"{item.ref.id} (again)",
            item.ref.source.title,
            Text(title),
            Text(f"{item.ref.status.value}{flags}{reason}"),
            str(item.ref.rows),
            f"{item.ref.took:.2f}",
        )
    console.print(table)


def _steps(console: Console, record: RunRecord) -> None:
    table = Table("step", "done at", "detail", "body", title="Steps", title_justify="left")
    for step in record.steps:
        table.add_row(step.step, f"{step.done_at:%H:%M:%S.%f}"[:-3], Text(step.detail), step.digest[:12])
    console.print(table)
