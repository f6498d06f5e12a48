"""The facts of a playbook: functions, arguments, columns, filters, references and circles."""

import difflib
from collections.abc import Collection, Iterator, Mapping

from pydantic import JsonValue

from models.playbook import FactSpec, Playbook
from playbooks.yaml_source import Field
from reasoning.cells import OPERATORS
from reasoning.fact_inputs import Takes
from reasoning.facts import FUNCTIONS, facts_used
from reasoning.queries import ANCHORS, CUSTOMER

Finding = tuple[Field, str]
Columns = Mapping[str, frozenset[str] | None]


def check_facts(playbook: Playbook, columns: Columns) -> Iterator[Finding]:
    """Yield every mistake in the facts, each with its field."""
    for name, spec in playbook.facts.items():
        at: Field = ("facts", name)
        function = FUNCTIONS.get(spec.fn)
        if function is None:
            yield (*at, "fn"), unknown("function", spec.fn, FUNCTIONS)
            continue
        known = {argument.name: argument for argument in function.arguments}
        for argument in function.arguments:
            if not argument.optional and argument.name not in spec.args:
                yield (*at, "args"), f"{spec.fn} needs {argument.name!r} ({argument.takes.value})"
        for given, value in spec.args.items():
            if given not in known:
                yield (*at, "args", given), unknown(f"argument of {spec.fn}", given, known)
            else:
                yield from _argument(known[given].takes, value, spec, playbook, columns, (*at, "args", given))
    yield from _circles(playbook)


def _argument(
    takes: Takes, value: JsonValue, spec: FactSpec, playbook: Playbook, columns: Columns, at: Field
) -> Iterator[Finding]:
    available = columns.get(str(spec.args.get("query")))
    if takes is Takes.QUERY:
        if value not in columns:
            yield at, unknown("query", str(value), columns)
    elif takes is Takes.COLUMN:
        yield from _column(value, available, at)
    elif takes is Takes.NUMBER:
        if isinstance(value, bool) or not isinstance(value, int | float):
            yield at, f"{value!r} is not a number"
    elif takes is Takes.WHERE:
        yield from _where(value, available, playbook, at)
    elif takes is Takes.FACT and not (isinstance(value, str) and value.startswith("$")):
        yield at, f"{value!r} is not a reference to a fact; write $name"
    else:
        yield from _references(value, playbook, at)


def _column(value: JsonValue, available: frozenset[str] | None, at: Field) -> Iterator[Finding]:
    if not isinstance(value, str):
        yield at, f"{value!r} is not a column's name"
        return
    for name in value.split("+"):
        if available is not None and name not in available:
            yield at, unknown("column", name, available)


def _where(value: JsonValue, available: frozenset[str] | None, playbook: Playbook, at: Field) -> Iterator[Finding]:
    if not isinstance(value, dict):
        yield at, "a filter is a mapping of columns to values or to {gte: …, in: […]}"
        return
    for column, test in value.items():
        yield from _column(column, available, (*at, column))
        if isinstance(test, list):
            yield (*at, column), "write {in: […]} for a list"
        tests = test if isinstance(test, dict) else {"eq": test}
        for operator, operand in tests.items():
            if operator not in OPERATORS and isinstance(test, dict):
                yield (*at, column, operator), unknown("operator", operator, OPERATORS)
            yield from _references(operand, playbook, (*at, column))


def _references(value: JsonValue, playbook: Playbook, at: Field) -> Iterator[Finding]:
    for item in value if isinstance(value, list) else [value]:
        if not isinstance(item, str) or not item.startswith("$"):
            continue
        root, _, rest = item[1:].partition(".")
        if root == "anchors":
            if rest not in ANCHORS:
                yield at, unknown("anchor", rest, ANCHORS)
        elif root == "customer":
            if rest not in CUSTOMER:
                yield at, unknown("customer's", rest, CUSTOMER)
        elif item[1:] not in playbook.facts:
            yield at, unknown("fact", item[1:], playbook.facts)


def _circles(playbook: Playbook) -> Iterator[Finding]:
    for name in playbook.facts:
        seen: set[str] = set()
        pending = [name]
        while pending:
            for used in facts_used(playbook.facts[pending.pop()]):
                if used in playbook.facts and used not in seen:
                    seen.add(used)
                    pending.append(used)
        if name in seen:
            yield ("facts", name), f"{name} stands on itself through {', '.join(sorted(seen))}; break the circle"


def unknown(what: str, name: str, known: Collection[str]) -> str:
    """Say that a name is not there, and which one was meant."""
    return f"there is no {what} {name!r}{did_you_mean(name, known)}"


def did_you_mean(name: str, known: Collection[str]) -> str:
    """Name the one that was probably meant, else all."""
    close = difflib.get_close_matches(name, list(known), 1)
    return f"; did you mean {close[0]!r}?" if close else f"; there are: {', '.join(sorted(known)) or 'none'}"
