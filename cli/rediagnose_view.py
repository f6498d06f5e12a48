"""How a difference between two diagnoses of the same evidence is printed."""

import difflib
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from models.rediagnosis import Rediagnosis, Side
from reasoning.redact import visible


def print_rediagnosis(console: Console, found: Rediagnosis) -> None:
    """Print what differs, first in short, then claim by claim, then in the note."""
    at = f"{found.gathered_at:%Y-%m-%d %H:%M} UTC" if found.gathered_at else "an unknown time"
    key = found.key
    console.print(
        _said(f"{key.investigation} · revision {key.revision} · ticket {key.ref.ticket} · evidence of {at}", "bold")
    )
    console.print(_table(found))
    for text in _claims(found.then, found.now):
        console.print(text)
    _open_questions(console, found)
    lines = list(note_difference(found.then.note, found.now.note))
    console.print(_said("\nThe note" if lines else "\nThe note says the same.", "bold"))
    for line in lines:
        console.print(_said(f"  {line}", {"+": "green", "-": "red"}.get(line[:1], "dim")))
    console.print(_said("\nNothing was asked of any system, nothing was posted.", "dim"))


def rows(then: Side, now: Side) -> Iterator[tuple[str, str, str]]:
    """Yield what can differ, with both values."""
    yield "playbook", then.playbook, now.playbook
    yield "reasoner", then.reasoner, now.reasoner
    yield "outcome", then.outcome.value, now.outcome.value
    yield "cause", then.cause.value, now.cause.value
    yield "hypothesis", then.hypothesis or "–", now.hypothesis or "–"
    yield "severity", then.severity.value, now.severity.value
    yield "confidence", then.confidence.value, now.confidence.value
    yield "checks answered", f"{then.coverage:.0%}", f"{now.coverage:.0%}"
    yield "claims kept", str(len(then.kept)), str(len(now.kept))
    yield "claims dropped", str(len(then.dropped)), str(len(now.dropped))
    yield "cost", f"${then.usd:.4f}", f"${now.usd:.4f}"


def _table(found: Rediagnosis) -> Table:
    table = Table("", "then", "now", "")
    for name, then, now in rows(found.then, found.now):
        table.add_row(name, _said(then), _said(now), "" if then == now else "changed")
    return table


def _claims(then: Side, now: Side) -> Iterator[Text]:
    both = [sentence for sentence in then.kept if sentence in now.kept]
    parts = (
        ("Claims in both", both, " ", ""),
        ("Claims added", [one for one in now.kept if one not in then.kept], "+", "green"),
        ("Claims gone", [one for one in then.kept if one not in now.kept], "-", "red"),
        ("Claims dropped by the check, now", list(now.dropped), "x", "dim"),
    )
    for title, sentences, mark, style in parts:
        if sentences:
            yield _said(f"\n{title}", "bold")
        yield from (_said(f"  {mark} {sentence}", style) for sentence in sentences)


def _open_questions(console: Console, found: Rediagnosis) -> None:
    fresh = [gap for gap in found.now.not_checked if gap not in found.then.not_checked]
    if fresh:
        console.print(_said("\nNot checked, now", "bold"))
    for gap in fresh:
        console.print(_said(f"  {gap}"))
    if found.unanswered:
        names = ", ".join(found.unanswered)
        console.print(
            _said(f"\n{found.now.playbook} asks what nobody asked then: {names}. `whydesk reinvestigate` would ask it.")
        )
    if found.unused:
        console.print(_said(f"\n{found.now.playbook} does not ask for: {', '.join(found.unused)}", "dim"))


def note_difference(then: str, now: str) -> Sequence[str]:
    """Return the lines of two notes in which they differ, with a line around them."""
    lines = difflib.unified_diff(then.splitlines(), now.splitlines(), lineterm="", n=1)
    return [line for line in lines if not line.startswith(("---", "+++", "@@"))]


def _said(text: str, style: str = "") -> Text:
    """Return a text that may be a vendor's or a customer's: what could steer a terminal is dropped."""
    return Text(visible(text), style=style)
