"""The doctor's report: its JSON, its table for people, and what it comes to."""

from collections import Counter
from collections.abc import Sequence
from typing import Literal

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from models.base import Moment, Strict
from models.finding import FindingStatus

Kind = Literal["temporal", "ledger", "helpdesk", "connector", "model"]
Outcome = Literal["ok", "failures", "unusable"]

EXIT_CODES: dict[Outcome, int] = {"ok": 0, "failures": 1, "unusable": 2}
_SIGNS = {
    FindingStatus.OK: ("✓", "green"),
    FindingStatus.WARNING: ("!", "yellow"),
    FindingStatus.FAILURE: ("✗", "bold red"),
    FindingStatus.UNKNOWN: ("?", "dim"),
}


class Line(Strict):
    """One check."""

    check: str
    """`reach`, `key`, `rights`, `shape`, `latency`, `clock`, `rate limit`, or one of the far end's own."""
    status: FindingStatus
    detail: str
    remedy: str
    """Empty where nothing is to be done."""


class FarEnd(Strict):
    """All checks of one far end."""

    tenant: str | None
    """None for what the whole installation uses."""
    kind: Kind
    name: str
    seconds: float
    """How long all its checks took together."""
    findings: list[Line]


class Report(Strict):
    """What `whydesk doctor --json` prints. Fields are added, never renamed or removed, while `format` is 1."""

    format: Literal[1] = 1
    examined_at: Moment
    outcome: Outcome
    """`unusable`: the configuration could not be read; `problems` says why, and nothing was examined."""
    counts: dict[FindingStatus, int]
    far_ends: list[FarEnd]
    problems: list[str] = []


def make_report(examined_at: Moment, far_ends: Sequence[FarEnd]) -> Report:
    """Count; warnings and what a vendor does not tell are no failures."""
    counted = Counter(line.status for far_end in far_ends for line in far_end.findings)
    return Report(
        examined_at=examined_at,
        outcome="failures" if counted[FindingStatus.FAILURE] else "ok",
        counts={status: counted[status] for status in FindingStatus},
        far_ends=list(far_ends),
    )


def unusable(examined_at: Moment, problems: Sequence[str]) -> Report:
    """Report a configuration that cannot be used."""
    counts = dict.fromkeys(FindingStatus, 0)
    return Report(examined_at=examined_at, outcome="unusable", counts=counts, far_ends=[], problems=list(problems))


def print_report(console: Console, report: Report) -> None:
    """Print a block for each far end, a line for each check, and the sum."""
    for far_end in report.far_ends:
        owner = far_end.tenant or "installation"
        console.print(Text(f"{owner} · {far_end.kind} {far_end.name} · {far_end.seconds:.2f} s", style="bold"))
        table = Table.grid(Column(width=1), Column(min_width=10), Column(overflow="fold"), padding=(0, 1))
        for line in far_end.findings:
            sign, style = _SIGNS[line.status]
            said = Text(line.detail)
            if line.remedy:
                said.append(f"\n→ {line.remedy}", style="italic")
            table.add_row(Text(sign, style=style), Text(line.check), said)
        console.print(table)
        console.print()
    counts = ", ".join(f"{report.counts[status]} {_SIGNS[status][0]} {status.value}" for status in FindingStatus)
    console.print(Text(f"{len(report.far_ends)} far ends examined: {counts}"))
    failed = [
        f"{far_end.tenant + '/' if far_end.tenant else ''}{far_end.name}"
        for far_end in report.far_ends
        if any(line.status is FindingStatus.FAILURE for line in far_end.findings)
    ]
    if failed:
        console.print(Text(f"to be mended: {', '.join(failed)}", style="bold red"))
