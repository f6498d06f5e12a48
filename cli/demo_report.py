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
from models.vocabulary import EvidenceStatus, Severity, Source
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
    without: frozenset[Source] = frozenset()
    """The sources that were broken on purpose."""

    @property
    def counts(self) -> bool:
        """Whether it can be solved without the broken sources."""
        return not self.without & set(self.truth.sources)

    @property
    def gaps(self) -> list[Source]:
        """The sources that did not answer."""
        return [Source(name) for name in self.result.gaps] if self.result else []

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
        problems += [
            f"no word in the note that {gap.title} was not checked" for gap in self.gaps if not self._told(gap)
        ]
        return problems

    def _told(self, gap: Source) -> bool:
        """Whether the notes, if there are any, name a source as not checked."""
        return all(gap.title in note_text(note).plain.partition("Not checked")[2] for note in self.notes or [])

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
            "counts": self.counts,
            "seconds": round(self.seconds, 3),
            "result": self.result.model_dump(mode="json") if self.result else None,
            "truth": self.truth.model_dump(mode="json"),
            "evidence": [ref.model_dump(mode="json") for ref in self.evidence],
            "notes": list(self.notes or []),
        }


def print_report(console: Console, told: list[Told], stack: Stack, took: float, state: Path) -> bool:
    """Print everything; return whether every ticket that counts got what it should."""
    shown = next((one for one in told if one.notes), None)
    if shown and shown.notes:
        title = f"ticket {shown.ticket}: {shown.subject}"
        console.print(
            Panel(note_text(shown.notes[0]), title=title, subtitle="internal note", width=min(console.width, 120))
        )
    console.print(demo_table(told))
    counted = [one for one in told if one.counts]
    wrong = [one for one in counted if one.problems]
    for one in wrong:
        console.print(f"{one.key}: {'; '.join(one.problems)}", style="red", highlight=False)
    right = len(counted) - len(wrong)
    summary = f"{right} of {len(counted)} tickets{_which(told)} ended as they should, {took:.1f} s in all"
    console.print(summary, style="bold", highlight=False)
    console.print(
        f"Look further: WHYDESK_STATE={state} .venv/bin/whydesk show {told[0].ticket} prints a run; "
        f"--keep leaves everything running, with the Temporal UI at {stack.ui}",
        highlight=False,
    )
    return not wrong


def _which(told: list[Told]) -> str:
    """Say which tickets count, where a source was broken."""
    if not told[0].without:
        return ""
    names = " or ".join(sorted(source.title for source in told[0].without))
    others = sum(not one.counts for one in told)
    return f" that do not need {names}" + (f" ({others} more, marked –, do)" if others else "")


def demo_table(told: list[Told]) -> Table:
    """Return a line for each ticket: what was found and what is true, which sources were asked and did not answer."""
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
            " ".join(
                [
                    f"{len(answered & asked)} of {len(asked)}",
                    *(f"[red]−{name.value}[/red]" for name in sorted(asked - answered)),
                ]
            ),
            f"{one.seconds:.1f}",
            _mark(one),
        )
    return table


def _mark(one: Told) -> str:
    if not one.counts:
        return "[dim]–[/dim]"
    return "[red]✗[/red]" if one.problems else "[green]✓[/green]"
