"""How `whydesk ask` shows evidence: for people and as JSON."""

from typing import Literal

from pydantic import JsonValue
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from models.base import Strict
from models.customer import Customer
from models.evidence import Evidence

_MOST_COLUMNS = 8


class Asked(Strict):
    """What `whydesk ask --json` prints. Fields are added, never renamed or removed, while `format` is 1."""

    format: Literal[1] = 1
    tenant: str
    playbook: str
    """`api-errors@1`, or that it is an operation by hand."""
    operation: str
    customer: Customer | None
    evidence: Evidence
    """As the ledger would keep it."""
    digest: str
    """Of the evidence as it was found, before any redaction; times are part of it, so no two are the same."""
    redacted: bool = False


def print_asked(console: Console, asked: Asked) -> None:
    """Print what was asked, what came of it, and the rows."""
    evidence = asked.evidence
    console.print(Text(f"{evidence.source.title} · {evidence.title} · {asked.playbook}", style="bold"))
    grid = Table.grid(Column(style="dim"), Column(overflow="fold"), padding=(0, 2))
    for name, text in _facts(asked):
        if text:
            grid.add_row(name, Text(text))
    console.print(grid)
    if evidence.rows:
        _print_rows(console, evidence)


def _facts(asked: Asked) -> list[tuple[str, str]]:
    evidence = asked.evidence
    flags = "".join(f", {name}" for name in ("truncated", "stale") if getattr(evidence, name))
    of = f" of {evidence.total}" if evidence.total is not None else ""
    window = (
        f"{evidence.window.start:%Y-%m-%d %H:%M:%SZ} to {evidence.window.end:%Y-%m-%d %H:%M:%SZ}"
        if evidence.window
        else ""
    )
    return [
        ("status", f"{evidence.status.value}{flags}"),
        ("reason", evidence.reason),
        ("rows", f"{len(evidence.rows)}{of}" + (", redacted" if asked.redacted else "")),
        ("customer", _customer(asked.customer)),
        ("window", window),
        ("parameters", ", ".join(f"{name}={_cell(value)}" for name, value in evidence.parameters.items())),
        ("asked", evidence.asked),
        ("link", evidence.url or ""),
        ("took", f"{evidence.took:.2f} s"),
        ("digest", asked.digest),
    ]


def _customer(customer: Customer | None) -> str:
    if customer is None:
        return ""
    parts = [customer.id, customer.name, customer.billing_id, customer.plan, f"resolved {customer.resolved_by}"]
    return " · ".join(part for part in parts if part)


def _print_rows(console: Console, evidence: Evidence) -> None:
    """Print a table, or a block for each row where a table's columns would be too narrow to read."""
    names = list({name: None for row in evidence.rows for name in row})
    if len(names) <= _MOST_COLUMNS:
        table = Table(*(Column(name, overflow="fold") for name in names))
        for row in evidence.rows:
            table.add_row(*(Text(_cell(row.get(name))) for name in names))
        console.print(table)
        return
    for number, row in enumerate(evidence.rows, 1):
        console.print(Text(f"row {number}", style="bold"))
        grid = Table.grid(Column(style="dim"), Column(overflow="fold"), padding=(0, 2))
        for name, value in row.items():
            if value not in (None, ""):
                grid.add_row(Text(f"  {name}"), Text(_cell(value)))
        console.print(grid)


def _cell(value: JsonValue) -> str:
    return "" if value is None else str(value)
