"""What changed between two revisions of one ticket: the answers, the facts, the verdicts, the diagnosis."""

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ledger.records import RunRecord
from models.base import Frozen
from models.diagnosis import Fact
from models.evidence import EvidenceRef
from reasoning.phrases import format_value
from reasoning.redact import visible

_NONE = "–"


class Change(Frozen):
    """One thing with its value then and now."""

    what: str
    then: str
    now: str


class Changes(Frozen):
    """All that differs; what stayed as it was is left out."""

    since: int
    """The earlier revision."""
    diagnosis: tuple[Change, ...]
    evidence: tuple[Change, ...]
    """By query: status and number of rows."""
    facts: tuple[Change, ...]
    verdicts: tuple[Change, ...]
    """By hypothesis."""


def changes_between(then: RunRecord, now: RunRecord) -> Changes:
    """Compare two revisions of one investigation."""
    return Changes(
        since=then.summary.key.revision,
        diagnosis=tuple(_diagnosis(then, now)),
        evidence=tuple(_differing(_answers(then), _answers(now))),
        facts=tuple(_differing(_facts(then), _facts(now))),
        verdicts=tuple(_differing(_verdicts(then), _verdicts(now))),
    )


def print_changes(console: Console, changes: Changes) -> None:
    """Print what changed since."""
    parts = (
        ("diagnosis", changes.diagnosis),
        ("evidence", changes.evidence),
        ("facts", changes.facts),
        ("verdicts", changes.verdicts),
    )
    if not any(found for _, found in parts):
        console.print(_said(f"Nothing changed since revision {changes.since}.", "bold"))
        return
    console.print(_said(f"What changed since revision {changes.since}", "bold"))
    table = Table("", "what", "then", "now")
    for title, found in parts:
        for number, change in enumerate(found):
            row = (change.what, change.then, change.now)
            table.add_row(title if number == 0 else "", *(_said(cell) for cell in row))
        if found:
            table.add_section()
    console.print(table)


def _diagnosis(then: RunRecord, now: RunRecord) -> Iterator[Change]:
    pairs = (
        ("playbook", then.summary.playbook, now.summary.playbook),
        ("reasoner", then.summary.reasoner, now.summary.reasoner),
        ("outcome", then.summary.outcome, now.summary.outcome),
        ("cause", then.summary.cause, now.summary.cause),
        ("severity", then.summary.severity, now.summary.severity),
        ("confidence", then.summary.confidence, now.summary.confidence),
        ("title", then.diagnosis and then.diagnosis.title, now.diagnosis and now.diagnosis.title),
    )
    for what, before, after in pairs:
        if before != after:
            yield Change(what=what, then=str(before or _NONE), now=str(after or _NONE))


def _answers(record: RunRecord) -> dict[str, str]:
    """Return the last answer to each query; of two looks the second counts."""
    ordered = sorted(record.evidence, key=lambda item: item.look)
    return {item.ref.query: _answer(item.ref) for item in ordered}


def _answer(ref: EvidenceRef) -> str:
    flags = "".join(f", {name}" for name in ("truncated", "stale") if getattr(ref, name))
    rows = f", {ref.rows} row{'s' if ref.rows != 1 else ''}" if ref.rows else ""
    return f"{ref.status.value}{rows}{flags}"


def _facts(record: RunRecord) -> dict[str, str]:
    return {_name(fact): format_value(fact) for fact in (record.weighing.facts if record.weighing else ())}


def _name(fact: Fact) -> str:
    return f"{fact.label} ({fact.id})" if fact.label != fact.id else fact.id


def _verdicts(record: RunRecord) -> dict[str, str]:
    found = record.weighing.verdicts if record.weighing else ()
    return {one.id: f"{one.verdict.value}{f', rank {one.rank}' if one.rank else ''}" for one in found}


def _differing(then: dict[str, str], now: dict[str, str]) -> Iterator[Change]:
    for what in dict.fromkeys((*then, *now)):
        if then.get(what) != now.get(what):
            yield Change(what=what, then=then.get(what, _NONE), now=now.get(what, _NONE))


def _said(text: str, style: str = "") -> Text:
    """Return a text that may be a vendor's or a customer's: what could steer a terminal is dropped."""
    return Text(visible(text), style=style)
