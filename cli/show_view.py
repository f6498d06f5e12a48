"""How `whydesk show` prints a run: the note, what each claim and verdict stands on, and what it took."""

import re
from collections.abc import Iterator, Sequence

from pydantic import JsonValue
from rich.console import Console
from rich.markdown import Markdown
from rich.padding import Padding
from rich.table import Column, Table
from rich.text import Text

from ledger.records import RunRecord
from models.base import Row
from models.diagnosis import CheckedClaim, Fact, HypothesisVerdict, Predicate
from models.evidence import Evidence
from models.feedback import Feedback
from models.vocabulary import EvidenceStatus, Verdict
from reasoning.claims import matching_row
from reasoning.phrases import fill, format_value
from reasoning.redact import visible

_MOST_ROWS = 2
"""Rows shown of an answer that a claim stands on as a whole."""
_MOST_CELLS = 8
_LONGEST_CELL = 60
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")
_ORDER = (Verdict.SUPPORTED, Verdict.UNTESTED, Verdict.REFUTED)


def print_run(console: Console, record: RunRecord) -> None:
    """Print everything about one revision, what people need first."""
    _headline(console, record)
    if record.erased_at is not None:
        said = f"What this run read and wrote was erased on {record.erased_at:%Y-%m-%d %H:%M} UTC. What was done stays:"
        console.print(said, highlight=False)
    if record.note and record.note.body:
        console.print(Markdown(record.note.body.markdown))
    _claims(console, record)
    _hypotheses(console, record)
    _not_checked(console, record)
    _evidence(console, record)
    _feedback(console, record.feedback)
    _steps(console, record)
    _cost(console, record)


def _headline(console: Console, record: RunRecord) -> None:
    run = record.summary
    parts = [run.key.investigation, f"revision {run.key.revision}", f"ticket {run.key.ref.ticket}", run.playbook]
    parts += [run.outcome or "running", run.cause or "", run.problem]
    parts += [f"customer {run.customer}" if run.customer else ""]
    console.print(_said(" · ".join(part for part in parts if part)), style="bold", highlight=False)
    if record.note:
        console.print(f"note {record.note.status} {record.note.note}".rstrip(), style="dim", highlight=False)


def _title(console: Console, text: str) -> None:
    console.print()
    console.print(_said(text), style="bold", highlight=False)


def _claims(console: Console, record: RunRecord) -> None:
    if record.diagnosis is None or not record.diagnosis.claims:
        return
    _title(console, "Claims")
    bodies = {item.ref.id: item.body for item in record.evidence if item.body}
    shown: set[str] = set()
    for number, checked in enumerate(record.diagnosis.claims, 1):
        said = checked.sentence or f"{checked.claim.predicate} {checked.claim.subject}"
        fate = "" if checked.kept else f"  dropped: {checked.problem}"
        grid = _grid()
        grid.add_row(f"{number}.", _said(said + fate, style="" if checked.kept else "dim"))
        for line in _stands_on(checked, record, bodies, shown):
            words = line.lstrip()
            grid.add_row("", Padding(_said(words, style="dim"), (0, 0, 0, len(line) - len(words))))
        console.print(grid)


def _stands_on(checked: CheckedClaim, record: RunRecord, bodies: dict[str, Evidence], shown: set[str]) -> Iterator[str]:
    claim = checked.claim
    fact = record.weighing.fact(claim.subject) if record.weighing else None
    if claim.predicate is Predicate.FACT_IS and fact is not None:
        yield _fact(fact)
    for name in claim.evidence:
        found = bodies.get(name)
        if found is None:
            yield f"{name}: its rows are not kept any more"
            continue
        lines = list(_rows(checked, found, record))
        # The same rows stand behind several claims; once is enough.
        told = "\n".join(lines)
        yield from [f"{lines[0]}, as above"] if told in shown and len(lines) > 1 else lines
        shown.add(told)


def _rows(checked: CheckedClaim, found: Evidence, record: RunRecord) -> Iterator[str]:
    head = f"{found.id} {found.source.title} · {found.title}"
    if found.status is not EvidenceStatus.FOUND:
        over = f", {found.window.start:%Y-%m-%d %H:%M} to {found.window.end:%Y-%m-%d %H:%M}" if found.window else ""
        yield f"{head}: {found.status.value}{over}"
        return
    if checked.claim.predicate is Predicate.ROW_SHOWS and record.anchors is not None:
        row = matching_row(checked.claim, found, record.anchors)
        if row is not None:
            first = [value.name for value in checked.claim.values]
            yield f"{head}: {_row(row, first)}"
            return
    count = f"{len(found.rows)} row{'s' if len(found.rows) != 1 else ''}"
    yield f"{head}: {count}" + (", cut off" if found.truncated else "")
    heard = [row for row in found.rows if _heard_in(checked.sentence, row)]
    shown = sorted(heard, key=lambda row: -_heard_in(checked.sentence, row))[:_MOST_ROWS] or found.rows[:_MOST_ROWS]
    yield from (f"  {_row(row)}" for row in shown)
    if len(found.rows) > len(shown):
        yield f"  and {len(found.rows) - len(shown)} more: --json has them"


def _heard_in(sentence: str, row: Row) -> int:
    """Count the cells that a sentence says: of many rows, those are the ones that it is about."""
    texts = (str(value) for value in row.values() if value is not None)
    said = (text[:16].replace("T", " ") if _TIME.match(text) else text for text in texts)
    return sum(len(text) > 2 and text in sentence for text in said)


def _row(row: Row, first: Sequence[str] = ()) -> str:
    """Write a row on one line, what the claim names first, empty cells left out."""
    names = [*first, *(name for name in row if name not in first)]
    cells = [f"{name}={_cell(row[name])}" for name in names if row.get(name) not in (None, "")]
    return ", ".join(cells[:_MOST_CELLS]) + (", …" if len(cells) > _MOST_CELLS else "")


def _cell(value: JsonValue) -> str:
    text = str(value)
    return text if len(text) <= _LONGEST_CELL else text[: _LONGEST_CELL - 1] + "…"


def _fact(fact: Fact) -> str:
    formula = f" = {fact.formula}" if fact.formula else ""
    return f"{fact.id} = {format_value(fact)}{formula}"


def _hypotheses(console: Console, record: RunRecord) -> None:
    if record.weighing is None:
        return
    _title(console, "Hypotheses")
    chosen = record.diagnosis and (record.diagnosis.hypothesis, *record.diagnosis.also)
    for verdict in sorted(record.weighing.verdicts, key=lambda each: (_ORDER.index(each.verdict), each.rank)):
        grid = _grid()
        mark = "→" if chosen and verdict.id in chosen else ""
        place = f", rank {verdict.rank}" if verdict.rank else ""
        severity = f", severity {verdict.severity.value}" if verdict.verdict is Verdict.SUPPORTED else ""
        facts = {fact.id: fact for fact in record.weighing.facts}
        title = fill(verdict.title, facts)
        head = f"{verdict.verdict.value}{place}{severity} · {verdict.id} ({verdict.cause.value})"
        head += f": {title}" if title else ""
        grid.add_row(mark, _said(head, style="" if verdict.verdict is Verdict.SUPPORTED else "dim"))
        for name, text in _decided(record, verdict):
            if text:
                grid.add_row("", _said(f"{name}: {text}", style="dim"))
        console.print(grid)


def _decided(record: RunRecord, verdict: HypothesisVerdict) -> Iterator[tuple[str, str]]:
    """Yield what decided, with the facts' values, and what could still change it."""
    weighing, playbook = record.weighing, record.playbook
    facts = [fact for name in verdict.facts if weighing and (fact := weighing.fact(name)) is not None]
    hypothesis = playbook.hypothesis(verdict.id) if playbook else None
    yield "rank", verdict.rank_reason
    yield "because", "; ".join(verdict.because)
    yield "facts", ", ".join(f"{fact.id} {format_value(fact)}" for fact in facts)
    yield "evidence", ", ".join(verdict.evidence)
    yield "open checks", ", ".join(verdict.open_checks)
    yield "would change it", hypothesis.would_change if hypothesis else ""


def _not_checked(console: Console, record: RunRecord) -> None:
    if record.weighing is None or not record.weighing.not_checked:
        return
    _title(console, "Not checked")
    for gap in record.weighing.not_checked:
        console.print(Padding(_said(f"{gap.source.title} · {gap.title}: {gap.reason}"), (0, 0, 0, 2)))


def _evidence(console: Console, record: RunRecord) -> None:
    if not record.evidence:
        return
    _title(console, "Evidence")
    table = Table("id", "source", "question", "status", "rows", "seconds")
    for item in record.evidence:
        flags = "".join(f", {name}" for name in ("truncated", "stale") if getattr(item.ref, name))
        title = item.body.title if item.body else item.ref.query
        reason = f": {item.body.reason}" if item.body and item.body.reason else ""
        table.add_row(
            item.ref.id if not item.look else f"{item.ref.id} (again)",
            item.ref.source.title,
            _said(title),
            _said(f"{item.ref.status.value}{flags}{reason}"),
            str(item.ref.rows),
            f"{item.ref.took:.2f}",
        )
    console.print(table)


def _feedback(console: Console, given: Sequence[Feedback]) -> None:
    if not given:
        return
    _title(console, "Feedback")
    for one in given:
        cause = f", it was {one.cause.value}" if one.cause else ""
        comment = f": {one.comment}" if one.comment else ""
        line = f"{one.given_at:%Y-%m-%d %H:%M} {one.verdict.value}, says {one.who}{cause}{comment}"
        console.print(Padding(_said(line), (0, 0, 0, 2)))


def _steps(console: Console, record: RunRecord) -> None:
    if not record.steps:
        return
    _title(console, "Steps")
    began = record.summary.started_at or record.summary.opened_at
    table = Table("step", Column("after s", justify="right"), "done at", "detail", "body")
    for step in record.steps:
        after = (step.done_at - began).total_seconds()
        table.add_row(
            step.step, f"{after:.2f}", f"{step.done_at:%H:%M:%S}", _said(step.detail), step.digest[:12] or "–"
        )
    console.print(table)


def _cost(console: Console, record: RunRecord) -> None:
    run = record.summary
    parts = [f"{run.seconds:.1f} s in all" if run.seconds is not None else "", f"${run.usd:.4f}" if run.usd else "$0"]
    parts += [f"reasoner {run.reasoner}" if run.reasoner else ""]
    console.print()
    console.print(_said(" · ".join(part for part in parts if part)), highlight=False)
    for answer in record.answers:
        drafted = answer.drafted
        tokens = f"{drafted.input_tokens:,} tokens in, {drafted.output_tokens:,} out, ${drafted.usd:.4f}"
        line = f"{answer.purpose} {answer.round} · {drafted.reasoner} · {tokens} · request {answer.request[:12]}"
        console.print(Padding(_said(line, style="dim"), (0, 0, 0, 2)))


def _said(text: str, style: str = "") -> Text:
    """Return a text that may be a vendor's or a customer's: what could steer a terminal is dropped."""
    return Text(visible(text), style=style)


def _grid() -> Table:
    return Table.grid(Column(width=3, justify="right"), Column(overflow="fold"), padding=(0, 1))
