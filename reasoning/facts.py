"""Facts from evidence: each fact of a playbook computed by a named, typed function; what lacks evidence stays unknown."""

import math
from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from models.customer import Anchors
from models.diagnosis import Fact
from models.evidence import Evidence
from models.playbook import FactSpec, Playbook
from models.vocabulary import Source
from reasoning.cells import NotKnown
from reasoning.fact_arithmetic import FACT_FUNCTIONS
from reasoning.fact_functions import ROW_FUNCTIONS, FactFunction
from reasoning.fact_inputs import Given, Readings, Reckoned
from reasoning.fact_series import SERIES_FUNCTIONS

FUNCTIONS: dict[str, FactFunction] = {
    function.name: function for function in (*ROW_FUNCTIONS, *SERIES_FUNCTIONS, *FACT_FUNCTIONS)
}
"""All functions that a playbook may name, by name."""
_OUTSIDE = ("$anchors.", "$customer.")
"""References that are no facts."""
UNIT_KINDS = {"time": "time", "text": "text", "bool": "bool", "": "text"}
"""What a fact of function kind `any` holds, by its unit; a number for every other unit."""


def compute_facts(playbook: Playbook, evidence: Sequence[Evidence], anchors: Anchors) -> dict[str, Fact]:
    """Compute all facts of a playbook.

    Args:
        playbook: As loaded by playbooks/library.py, which has checked functions, arguments and references.
        evidence: All that was asked; of several answers to one query the last counts.
        anchors: For references such as `$anchors.symptom_at`.

    Returns:
        Every fact by id, in the order of the file, known or unknown with the reason. Nothing is raised for missing evidence.
    """
    by_query = {item.query: item for item in evidence}
    done: dict[str, Fact] = {}
    open_names: set[str] = set()
    readings = Readings(regions=_regions(evidence) | {*anchors.company_regions})

    def fact(name: str) -> Fact:
        if name in done:
            return done[name]
        if name in open_names:
            raise NotKnown(f"{name} stands on itself")
        open_names.add(name)
        spec = playbook.facts[name]
        given = Given(spec.args, by_query, fact, anchors, spec.unit, readings=readings)
        done[name] = _compute(name, spec, given)
        open_names.discard(name)
        return done[name]

    return {name: fact(name) for name in playbook.facts}


def _regions(evidence: Sequence[Evidence]) -> frozenset[str]:
    """Return the regions of the company, by the rows of its own log."""
    logs = (item for item in evidence if item.source is Source.CLICKHOUSE)
    return frozenset(name for item in logs for row in item.rows if isinstance(name := row.get("region"), str) and name)


def kind_of(spec: FactSpec) -> str:
    """Return what a fact holds if known: `number`, `time`, `bool` or `text`."""
    gives = FUNCTIONS[spec.fn].gives
    return UNIT_KINDS.get(spec.unit, "number") if gives == "any" else gives


def facts_used(spec: FactSpec) -> tuple[str, ...]:
    """Return the facts that a fact stands on directly."""
    return tuple(dict.fromkeys(_references(spec.args)))


def queries_of(name: str, facts: Mapping[str, FactSpec]) -> tuple[str, ...]:
    """Return the queries that a fact stands on, through other facts too."""
    found: dict[str, None] = {}
    seen: set[str] = set()
    pending = [name]
    while pending:
        current = pending.pop()
        if current in seen or current not in facts:
            continue
        seen.add(current)
        query = facts[current].args.get("query")
        if isinstance(query, str):
            found[query] = None
        pending.extend(facts_used(facts[current]))
    return tuple(found)


def _references(value: JsonValue) -> list[str]:
    if isinstance(value, str):
        return [value[1:]] if value.startswith("$") and not value.startswith(_OUTSIDE) else []
    if isinstance(value, list):
        return [name for item in value for name in _references(item)]
    return [name for item in value.values() for name in _references(item)] if isinstance(value, dict) else []


def _reckoned(spec: FactSpec, given: Given) -> Reckoned:
    try:
        reckoned = FUNCTIONS[spec.fn].run(given)
        if isinstance(reckoned.value, int | float) and not math.isfinite(reckoned.value):
            raise NotKnown("the result is no finite number")
    except ArithmeticError:
        # A sum of large numbers, or a time moved out of the calendar.
        raise NotKnown("the result is beyond any number") from None
    return reckoned


def _compute(name: str, spec: FactSpec, given: Given) -> Fact:
    try:
        reckoned = _reckoned(spec, given)
    except NotKnown as reason:
        return Fact(
            id=name,
            label=spec.label,
            value=None,
            unit=spec.unit,
            evidence=tuple(given.stands_on),
            why_unknown=str(reason),
        )
    stands_on = tuple(given.stands_on)
    return Fact(
        id=name,
        label=spec.label,
        value=reckoned.value,
        unit=reckoned.unit or spec.unit,
        formula=" · ".join((reckoned.formula, *([", ".join(stands_on)] if stands_on else []))),
        evidence=stands_on,
    )
