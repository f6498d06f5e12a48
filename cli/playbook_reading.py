"""`whydesk playbooks show` and `explain`: a playbook for reading, and why a run ended as it did."""

import json
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from cli.connection import load_settings
from cli.past_run import load_past_run
from cli.playbook_shelf import SHIPPED, AsJson, Folder, chosen
from models.playbook import Playbook, Query
from models.playbook import SpanAround as Around
from models.vocabulary import Source
from playbooks.explain import ExplainedHypothesis, Explanation, candidates
from playbooks.explain import explain as explain_run
from playbooks.library import Library

_HOLDS = {True: "true", False: "false", None: "unknown"}


def show(
    name: Annotated[
        str, typer.Argument(metavar="ID[@VERSION]", help="A playbook; the newest version if none is named.")
    ],
    folder: Folder = SHIPPED,
    as_json: AsJson = False,
) -> None:
    """Print a playbook for reading: signals, queries, facts, hypotheses, severity, next steps."""
    [loaded] = chosen(folder, name)
    if as_json:
        body = loaded.playbook.model_dump(mode="json")
        print(json.dumps({"digest": loaded.digest, "path": str(loaded.path), "playbook": body}, indent=2))
        return
    book, console = loaded.playbook, Console()
    _say(console, f"{book.id}@{book.version} · {book.title} · {book.owner} · review by {book.review_by}", style="bold")
    _say(console, f"{loaded.path} · {loaded.digest[:12]}", style="dim")
    _signals(console, book)
    _queries(console, book)
    _facts(console, book)
    _hypotheses(console, book)
    _closing(console, book)


def explain(
    ticket: Annotated[str, typer.Argument(help="A ticket's number, an investigation (inv-…) or a workflow id.")],
    revision: Annotated[int | None, typer.Option(help="Which revision; the last one if left out.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say why a ticket was diagnosed as it was: the playbook's choice, each fact, each condition, the ranking."""
    run = load_past_run(ticket, revision)
    others = candidates(run.ticket, run.anchors, _released(run.tenant), run.playbook)
    explanation = explain_run(run.playbook, run.evidence, run.weighing, others, run.chosen_because)
    if as_json:
        whose = {"run": run.name, "ticket": run.ticket.ref.ticket}
        print(json.dumps(whose | explanation.model_dump(mode="json"), indent=2))
        return
    console = Console()
    _say(console, f"{run.name} · ticket {run.ticket.ref.ticket} · {explanation.playbook}", style="bold")
    _choice(console, explanation)
    _explained_facts(console, explanation)
    for hypothesis in explanation.hypotheses:
        _explained(console, hypothesis)
    _open_ends(console, explanation)


def _released(tenant: str) -> Sequence[Playbook]:
    from worker import Shelf  # it loads every vendor's SDK

    known = load_settings().tenants.get(tenant)
    if known is None:
        return [loaded.playbook for loaded in Library.load([SHIPPED]).newest()]
    return Shelf({tenant: known}).released(tenant)


def _say(console: Console, text: str, style: str = "") -> None:
    console.print(Text(text, style=style), soft_wrap=True, highlight=False)


def _table(title: str, *columns: str) -> Table:
    return Table(
        *(Column(name, overflow="fold") for name in columns), title=title, title_justify="left", show_lines=True
    )


def _row(table: Table, *cells: str) -> None:
    table.add_row(*(Text(cell) for cell in cells))


def _signals(console: Console, book: Playbook) -> None:
    applies = book.applies_when
    _say(console, "\nApplies to tickets with", style="bold")
    for what, weights in (("words", applies.terms), ("symptoms", applies.symptoms)):
        if weights:
            _say(console, f"  {what}: " + ", ".join(f"{name} ({weight})" for name, weight in weights.items()))
    for name, values in applies.fields.items():
        _say(console, f"  the field {name} as {' or '.join(values)}: this settles it")
    if applies.fallback:
        _say(console, "  nothing that speaks for another: this is the fallback")
    for name in book.needs:
        _say(console, f"  needs {name}, else the agent asks: {book.questions.get(name, '')}")


def _queries(console: Console, book: Playbook) -> None:
    table = _table("Queries", "source", "query", "asks for", "scope", "window", "asked")
    for source in Source:
        for query in (one for one in book.queries if one.source is source):
            operation = "" if query.operation == "sql" else f" ({query.operation})"
            _row(
                table,
                source.title,
                query.id,
                query.title + operation,
                query.scope.value,
                _window(query.window),
                _when(query),
            )
    console.print(table)


def _when(query: Query) -> str:
    if not query.follow_up:
        return "at first"
    return "when " + " and ".join(query.ask_when) if query.ask_when else "when a model asks for it"


def _window(window: Around) -> str:
    written = window.model_dump(mode="json")
    return f"{written['before']} before to {written['after']} after"


def _facts(console: Console, book: Playbook) -> None:
    table = _table("Facts", "fact", "unit", "is", "said as")
    for name, spec in book.facts.items():
        arguments = ", ".join(
            f"{key}: {json.dumps(value) if isinstance(value, dict) else value}" for key, value in spec.args.items()
        )
        _row(table, name, spec.unit, f"{spec.fn}({arguments})", spec.say or spec.label)
    console.print(table)


def _hypotheses(console: Console, book: Playbook) -> None:
    table = _table(
        "Hypotheses", "hypothesis", "requires", "supported when all hold", "refuted when any holds", "would change"
    )
    for one in book.hypotheses:
        explains = f"\nexplains {', '.join(one.explains)}" if one.explains else ""
        limit = f"\nat most {one.at_most.value}" if one.at_most else ""
        head = f"{one.id}\n{one.cause.value}\nweight {one.weight}{explains}{limit}\nthen {one.next_step}"
        conditions = ("\n".join(one.supported_when), "\n".join(one.refuted_when))
        _row(table, head, "\n".join(one.requires), *conditions, one.would_change)
    console.print(table)


def _closing(console: Console, book: Playbook) -> None:
    _say(console, "Severity, the first line that holds", style="bold")
    for rule in book.severity:
        _say(console, f"  {rule.severity.value}: {' and '.join(rule.when)}")
    _say(console, "  low: otherwise\n")
    _say(console, "Next steps", style="bold")
    for name, text in book.next_steps.items():
        _say(console, f"  {name}: {text}")


def _choice(console: Console, explanation: Explanation) -> None:
    _say(console, f"chosen: {explanation.chosen_because}")
    table = _table("Playbooks and what the ticket has of their signals", "playbook", "signals (weights)")
    for one in explanation.candidates:
        _row(table, f"{one.playbook}{' ←' if one.chosen else ''}", one.signals or "nothing")
    console.print(table)


def _explained_facts(console: Console, explanation: Explanation) -> None:
    table = _table("Facts", "fact", "value", "from")
    table.show_lines = False
    for fact in explanation.facts:
        _row(table, fact.id, fact.value, fact.why_unknown or fact.formula)
    console.print(table)


def _explained(console: Console, one: ExplainedHypothesis) -> None:
    rank = f"{one.rank}. " if one.rank else ""
    severity = f" · severity {one.severity.value}" if one.rank else ""
    stands_on = f" · {', '.join(one.evidence)}" if one.evidence else ""
    _say(console, f"\n{rank}{one.id}: {one.verdict.value} · {one.cause.value}{severity}{stands_on}", style="bold")
    if one.ranked_because:
        _say(console, f"   ranked: {one.ranked_because}")
    if one.requires:
        _say(console, f"   requires {', '.join(one.requires)}")
    for condition in one.conditions:
        said = condition.why or ", ".join(condition.facts)
        _say(console, f"   {condition.part:8} {_HOLDS[condition.holds]:7} {condition.condition}  ({said})")
    if one.would_change:
        _say(console, f"   would change: {one.would_change}")


def _open_ends(console: Console, explanation: Explanation) -> None:
    parts = (
        ("the ticket lacks", explanation.missing),
        ("not checked", explanation.not_checked),
        ("follow-ups that rules would still ask for", explanation.follow_ups),
    )
    _say(console, "\nMissing", style="bold")
    for what, names in parts:
        _say(console, f"   {what}: {', '.join(names) or 'nothing'}")
