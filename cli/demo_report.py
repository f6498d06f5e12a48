"""What the demo found: one note in full, a table of all tickets against the truth, and how to look further."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue
from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from cli.note_view import note_text
from cli.stack import Stack
from models.evidence import EvidenceRef
from models.run import RevisionResult
from models.vocabulary import EvidenceStatus, Severity
from sandbox.world_tickets import Truth


@dataclass
class Told:
    """One ticket of the demo and what became of it."""

    key: str
    subject: str
    truth: Truth
    ticket: str = ""
    investigation: str = ""
    accepted: bool = False
    result: RevisionResult | None = None
    notes: list[str] | None = None
    evidence: tuple[EvidenceRef, ...] = ()
    seconds: float = 0.0

    @property
    def found(self) -> str:
        """What Whydesk says: the cause, or the outcome where there is none."""
        if self.result is None:
            return "no answer"
        return self.result.cause.value if self.result.outcome.value == "diagnosed" else self.result.outcome.value

    @property
    def expected(self) -> str:
        """What is true."""
        return self.truth.cause if self.truth.outcome.value == "diagnosed" else self.truth.outcome.value

    @property
    def problems(self) -> list[str]:
        """What did not end as it should."""
        if self.result is None:
            return ["no result"]
        problems = []
        if self.result.outcome.value != self.truth.outcome.value:
            problems.append(f"outcome {self.result.outcome.value} instead of {self.truth.outcome.value}")
        elif self.found not in (self.expected, *self.truth.also):
            problems.append(f"cause {self.found} instead of {self.expected}")
        if self.result.severity.rank > Severity(self.truth.severity.value).rank:
            problems.append(f"severity {self.result.severity.value} above {self.truth.severity.value}")
        if len(self.notes or []) != 1:
            problems.append(f"{len(self.notes or [])} notes instead of 1")
        used = {ref.source.value for ref in self.evidence if ref.status.answered}
        problems += [f"{source} was not used" for source in self.truth.sources if source not in used]
        return problems

    def as_json(self) -> dict[str, JsonValue]:
        """Return all of it."""
        return {
            "key": self.key,
            "subject": self.subject,
            "ticket": self.ticket,
            "investigation": self.investigation,
            "accepted": self.accepted,
            "found": self.found,
            "expected": self.expected,
            "problems": list(self.problems),
            "seconds": round(self.seconds, 3),
            "result": self.result.model_dump(mode="json") if self.result else None,
            "truth": self.truth.model_dump(mode="json"),
            "evidence": [ref.model_dump(mode="json") for ref in self.evidence],
            "notes": list(self.notes or []),
        }


def print_report(console: Console, told: list[Told], stack: Stack, took: float, state: Path) -> bool:
    """Print everything; return whether every ticket got what it should."""
    shown = next((one for one in told if one.notes), None)
    if shown and shown.notes:
        title = f"ticket {shown.ticket}: {shown.subject}"
        console.print(
            Panel(note_text(shown.notes[0]), title=title, subtitle="internal note", width=min(console.width, 120))
        )
    console.print(_table(told))
    wrong = [one for one in told if one.problems]
    for one in wrong:
        console.print(f"{one.key}: {'; '.join(one.problems)}", style="red", highlight=False)
    right = len(told) - len(wrong)
    console.print(
        f"{right} of {len(told)} tickets ended as they should, {took:.1f} s in all", style="bold", highlight=False
    )
    console.print(
        f"Look further: WHYDESK_STATE={state} .venv/bin/whydesk show {told[0].ticket} prints a run; "
        f"--keep leaves everything running, with the Temporal UI at {stack.ui}",
        highlight=False,
    )
    return not wrong


def _table(told: list[Told]) -> Table:
    table = Table("", "ticket", "cause found", "true cause", "severity", "claims", "sources", "seconds", "")
    for number, one in enumerate(told, 1):
        result = one.result
        asked = {ref.source for ref in one.evidence if ref.status is not EvidenceStatus.SKIPPED}
        answered = {ref.source for ref in one.evidence if ref.status.answered}
        table.add_row(
            str(number),
            one.key,
            one.found,
            one.expected,
            result.severity.value if result else "",
            f"{result.kept} of {result.kept + result.dropped}" if result else "",
            f"{len(answered & asked)} of {len(asked)}",
            f"{one.seconds:.1f}",
            "[red]✗[/red]" if one.problems else "[green]✓[/green]",
        )
    return table
