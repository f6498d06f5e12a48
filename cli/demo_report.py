"""What the demo found: one note in full, a table of all tickets against the truth, and how to look further."""

from dataclasses import dataclass
from pathlib import Path
from statistics import median

from pydantic import JsonValue
from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from cli.note_view import note_text
from cli.stack import Stack
from models.evidence import EvidenceRef
from models.run import RevisionResult
from models.vocabulary import EvidenceStatus, Outcome, Severity, Source
from sandbox.world_tickets import Truth

_WIDE, _MIDDLE = 120, 100
"""Columns from which the table shows all, and nearly all."""
_LONGEST_KEY = 22
"""Columns of a ticket's key below that."""


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
    waited: float | None = None
    """Seconds of the critical path: what others took. None where no note was written."""
    overhead: float | None = None
    """Time to the note by the time of the critical path."""
    events: int = 0
    """Events of the run's history."""
    history_bytes: int = 0
    """Bytes of them, encrypted as the server keeps them."""
    without: frozenset[Source] = frozenset()
    """The sources that were broken on purpose."""
    lacked: frozenset[Source] = frozenset()
    """Those without which the playbook does not name the true cause: a required check of it got no answer."""

    @property
    def counts(self) -> bool:
        """Whether it can be solved without the broken sources."""
        return not self.without & (self.lacked | set(self.truth.sources))

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

    @property
    def faults(self) -> list[str]:
        """What did not end as it should, and what no missing source excuses: a note may then say less, and nothing false."""
        if self.counts:
            return self.problems
        says_less = self.result is not None and self.result.outcome in (Outcome.INCONCLUSIVE, Outcome.NEEDS_INFO)
        excused = ("outcome ",) if says_less else ()
        return [one for one in self.problems if not one.startswith(excused) and not one.endswith(" was not used")]

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
            "faults": list(self.faults),
            "counts": self.counts,
            "seconds": round(self.seconds, 3),
            "waited": None if self.waited is None else round(self.waited, 3),
            "overhead": None if self.overhead is None else round(self.overhead, 3),
            "events": self.events,
            "history_bytes": self.history_bytes,
            "result": self.result.model_dump(mode="json") if self.result else None,
            "truth": self.truth.model_dump(mode="json"),
            "evidence": [ref.model_dump(mode="json") for ref in self.evidence],
            "notes": list(self.notes or []),
        }


def print_report(console: Console, told: list[Told], stack: Stack, took: float, state: Path) -> bool:
    """Print everything; return whether every ticket got what it should, as far as the sources that were there go."""
    shown = next((one for one in told if one.notes), None)
    if shown and shown.notes:
        title = f"ticket {shown.ticket}: {shown.subject}"
        console.print(
            Panel(note_text(shown.notes[0]), title=title, subtitle="internal note", width=min(console.width, 120))
        )
    console.print(demo_table(told, console.width))
    _print_overhead(console, told)
    _print_histories(console, told)
    counted = [one for one in told if one.counts]
    wrong = [one for one in told if one.faults]
    for one in wrong:
        console.print(f"{one.key}: {'; '.join(one.faults)}", style="red", highlight=False)
    right = sum(not one.faults for one in counted)
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


def demo_table(told: list[Told], width: int) -> Table:
    """Return a line for each ticket: what was found and what is true, which sources did not answer, and how long it took.

    Below 120 columns the truth is shown only where it differs; below 100 severity and claims are left out.
    """
    names = ["", "ticket", "cause found", "true cause", "severity", "claims", "sources", "note", "path", "÷", ""]
    left_out = {"true cause"} if width < _WIDE else set()
    left_out |= {"severity", "claims"} if width < _MIDDLE else set()
    table = Table(box=None, padding=(0, 1), collapse_padding=True, pad_edge=False)
    shown = [name not in left_out for name in names]
    for name in (name for name, is_shown in zip(names, shown, strict=True) if is_shown):
        figure = name in ("note", "path", "÷")
        table.add_column(
            name,
            justify="right" if figure else "left",
            no_wrap=figure or name == "ticket",
            max_width=_LONGEST_KEY if left_out and name == "ticket" else None,
        )
    for number, one in enumerate(told, 1):
        row = _row(number, one, told_apart="true cause" in left_out)
        table.add_row(*(cell for cell, is_shown in zip(row, shown, strict=True) if is_shown))
    return table


def _row(number: int, one: Told, told_apart: bool) -> list[str]:
    result = one.result
    is_true = one.found in (one.expected, *one.truth.also)
    return [
        str(number),
        one.key,
        one.found if is_true or not told_apart else f"{one.found} [red]not {one.expected}[/red]",
        one.expected,
        result.severity.value if result else "",
        f"{result.kept} of {result.kept + result.dropped}" if result else "",
        _sources(one),
        f"{one.seconds:.1f}",
        "" if one.waited is None else f"{one.waited:.1f}",
        "" if one.overhead is None else f"{one.overhead:.2f}",
        _mark(one),
    ]


def _sources(one: Told) -> str:
    """How many of those that were asked answered, and which did not."""
    asked = {ref.source for ref in one.evidence if ref.status is not EvidenceStatus.SKIPPED}
    answered = {ref.source for ref in one.evidence if ref.status.answered}
    silent = sorted(name.value for name in asked - answered)
    return " ".join([f"{len(answered & asked)} of {len(asked)}", *(f"[red]−{name}[/red]" for name in silent)])


def _print_overhead(console: Console, told: list[Told]) -> None:
    """Say what the last columns mean."""
    ratios = [one.overhead for one in told if one.overhead is not None]
    if not ratios:
        return
    others = ", and here the other tickets on the same machine: --ticket 1 takes one alone" if told[1:] else ""
    console.print(
        f"note ÷ path = {median(ratios):.2f} at the median. note: seconds from the ticket to its note. path: those of them that "
        f"others took, the slowest of what is asked at once (ticket, customer, sources, model, note). The rest is ours{others}.",
        highlight=False,
    )


def _print_histories(console: Console, told: list[Told]) -> None:
    """Say how much Temporal keeps of a run."""
    known = [one for one in told if one.events]
    if not known:
        return
    events, size = median(one.events for one in known), median(one.history_bytes for one in known) / 1000
    most, largest = max(one.events for one in known), max(one.history_bytes for one in known) / 1000
    console.print(
        f"a run's history in Temporal: {events:.0f} events, {size:.0f} kB at the median; at most {most} events, "
        f"{largest:.0f} kB",
        highlight=False,
    )


def _mark(one: Told) -> str:
    if one.faults:
        return "[red]✗[/red]"
    return "[green]✓[/green]" if one.counts else "[dim]–[/dim]"
