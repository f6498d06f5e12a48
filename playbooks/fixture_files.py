"""Reads the fixtures beside a playbook and names every mistake in them as it does for the playbook itself."""

from collections.abc import Collection, Iterator, Mapping

from pydantic import JsonValue, ValidationError

from models.customer import Anchors, Customer, Window
from models.playbook import Playbook
from playbooks.checks import columns_of
from playbooks.fact_checks import Finding, unknown
from playbooks.fixture_format import Fixture
from playbooks.library import FIXTURES, LoadedPlaybook, PlaybookError
from playbooks.shape import shape_problems
from playbooks.yaml_source import Problem, YamlSource, read_yaml

MOST_EXTENDED = 5
"""Fixtures in a row that extend each other; more is a circle, or nobody can follow it."""
_OWN_FIELDS = frozenset({"reported_at", "symptom_at", "window"})
ANCHORS = frozenset(Anchors.model_fields) - _OWN_FIELDS
"""What may stand under `anchors`; the times have fields of their own."""


def read_fixtures(loaded: LoadedPlaybook) -> dict[str, Fixture]:
    """Read the fixtures in `fixtures/` beside a playbook, each with what it extends already merged in.

    Raises:
        PlaybookError: every mistake in every fixture.
    """
    problems: list[Problem] = []
    sources: dict[str, YamlSource] = {}
    written: dict[str, Fixture] = {}
    for path in sorted((loaded.path.parent / FIXTURES).glob("*.yaml")):
        source = read_yaml(path)
        if isinstance(source, Problem):
            problems.append(source)
            continue
        sources[path.stem] = source
        try:
            written[path.stem] = Fixture.model_validate(source.data)
        except ValidationError as error:
            problems.extend(shape_problems(source, Fixture, error))
    fixtures: dict[str, Fixture] = {}
    for name, own in written.items():
        findings = [*_findings(own, name, sources, loaded.playbook), *_circle(name, written)]
        problems.extend(sources[name].problem(field, message) for field, message in findings)
        merged = None if findings else _merged(name, written)
        if merged is not None:
            problems.extend(sources[name].problem(field, message) for field, message in _whole(merged))
            fixtures[name] = merged
    if problems:
        raise PlaybookError(problems)
    return fixtures


def anchors_of(fixture: Fixture) -> Anchors:
    """Return the anchors that a merged fixture stands for.

    Raises:
        ValueError: without `reported_at`, or an anchor of another type (pydantic's ValidationError).
    """
    reported = fixture.reported_at
    if reported is None:
        raise ValueError("'reported_at' is missing: when the customer wrote")
    symptom = fixture.symptom_at or reported
    customer = Customer(id="cust_fixture", name="Fixture Ltd", billing_id="cus_fixture", resolved_by="helpdesk-field")
    values: dict[str, object] = {
        "reported_at": reported,
        "symptom_at": symptom,
        "window": Window(start=symptom, end=max(reported, symptom)),
        "customer": customer if fixture.customer else None,
        "customer_problem": "" if fixture.customer else "no resolver matched",
        **fixture.anchors,
    }
    return Anchors.model_validate(values)


def _merged(name: str, written: Mapping[str, Fixture]) -> Fixture | None:
    """Return a fixture with all that it extends; None where one of those has a mistake of its own."""
    chain = [written[name]]
    while (base := chain[-1].extends) is not None:
        if base not in written:
            return None
        chain.append(written[base])
    merged = chain.pop()
    for own in reversed(chain):
        given = {field: getattr(own, field) for field in own.model_fields_set}
        both = {"evidence": merged.evidence | own.evidence, "anchors": merged.anchors | own.anchors}
        merged = merged.model_copy(update={**given, **both})
    return merged


def _circle(name: str, written: Mapping[str, Fixture]) -> Iterator[Finding]:
    seen = [name]
    while (base := written[seen[-1]].extends) in written and base is not None and len(seen) <= MOST_EXTENDED:
        seen.append(base)
    if len(seen) > MOST_EXTENDED:
        yield ("extends",), f"{' extends '.join(seen[:3])} …: write the evidence out in one of them"


def _whole(merged: Fixture) -> Iterator[Finding]:
    try:
        anchors_of(merged)
    except ValidationError as error:
        for each in error.errors(include_url=False):
            yield ("anchors", *each["loc"]), f"this anchor cannot hold that: {each['msg'][:1].lower()}{each['msg'][1:]}"
    except ValueError as error:
        yield ("reported_at",), str(error)


def _findings(fixture: Fixture, name: str, sources: Mapping[str, YamlSource], playbook: Playbook) -> Iterator[Finding]:
    others = set(sources) - {name}
    if fixture.extends is not None and fixture.extends not in others:
        yield ("extends",), unknown("other fixture", fixture.extends, others)
    yield from _names(fixture, playbook)
    for query_id, answer in fixture.evidence.items():
        query = playbook.query(query_id)
        columns = columns_of(query) if query else None
        for index, row in enumerate(answer.rows):
            yield from _columns(row, columns, ("evidence", query_id, "rows", index))
        for index, stretch in enumerate(answer.series):
            yield from _columns(stretch.row, columns, ("evidence", query_id, "series", index, "row"))
            if columns is not None and stretch.time not in columns:
                yield ("evidence", query_id, "series", index, "time"), unknown("column", stretch.time, columns)


def _names(fixture: Fixture, playbook: Playbook) -> Iterator[Finding]:
    queries = {query.id for query in playbook.queries}
    hypotheses = {hypothesis.id for hypothesis in playbook.hypotheses}
    expect = fixture.expect
    parts: tuple[tuple[tuple[str, ...], Collection[str], str, Collection[str]], ...] = (
        (("evidence",), fixture.evidence, "query", queries),
        (("anchors",), fixture.anchors, "anchor", ANCHORS),
        (("expect", "hypothesis"), [expect.hypothesis] if expect.hypothesis else (), "hypothesis", hypotheses),
        (("expect", "verdicts"), expect.verdicts, "hypothesis", hypotheses),
        (("expect", "also"), expect.also, "hypothesis", hypotheses),
        (("expect", "ranks"), expect.ranks or (), "hypothesis", hypotheses),
        (("expect", "facts"), expect.facts, "fact", set(playbook.facts)),
        (("expect", "claims"), expect.claims or (), "fact or query", queries | set(playbook.facts)),
        (("expect", "missing"), expect.missing or (), "needed anchor", playbook.needs),
        (("expect", "follow_ups"), expect.follow_ups or (), "query", queries),
    )
    for place, names, what, known in parts:
        for index, each in enumerate(names):
            if each not in known:
                end: tuple[str | int, ...] = ()
                if place != ("expect", "hypothesis"):
                    end = (each,) if isinstance(names, dict) else (index,)
                yield (*place, *end), unknown(what, each, known)


def _columns(
    row: Mapping[str, JsonValue], known: frozenset[str] | None, at: tuple[str | int, ...]
) -> Iterator[Finding]:
    for column in row:
        if known is not None and column not in known:
            yield (*at, column), unknown("column", column, known)
