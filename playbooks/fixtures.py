"""Fixtures of a playbook: evidence in, diagnosis out. They are the playbook's own tests, run by `whydesk playbooks test`.

A fixture may extend another (`extends: name`): then its evidence replaces that of the same queries, and the rest is inherited.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from pydantic import Field, JsonValue, ValidationError

from models.base import Row, Strict
from models.customer import Anchors, Customer, Window
from models.diagnosis import Draft, Weighing
from models.evidence import Evidence
from models.playbook import Playbook
from models.vocabulary import CauseClass, EvidenceStatus, Outcome, Severity, Verdict
from playbooks.library import FIXTURES, LoadedPlaybook, PlaybookError
from playbooks.yaml_source import Problem, YamlSource, read_yaml
from reasoning.hypotheses import weigh
from reasoning.queries import window_of
from reasoning.rules import decide


class FixtureAnswer(Strict):
    """What one query answers; without rows it is empty, unless the status says otherwise."""

    rows: list[Row] = []
    status: EvidenceStatus | None = None
    truncated: bool = False
    series: list["Stretch"] = []
    """Generates rows at equal steps, for series too long to write down."""


class Stretch(Strict):
    """Rows at equal steps from `start` on; each is `row` with the time added."""

    start: datetime
    minutes: int = Field(ge=1)
    count: int = Field(ge=1, le=1000)
    time: str = "bucket"
    row: Row


class Expectation(Strict):
    """What must come out; what is left out is not looked at."""

    outcome: Outcome
    cause: CauseClass | None = None
    hypothesis: str | None = None
    also: list[str] = []
    severity: Severity | None = None
    verdicts: dict[str, Verdict] = {}
    facts: dict[str, JsonValue] = {}
    """Facts and their values as JSON; null for unknown."""
    claims: list[str] | None = None
    """Subjects that must be claimed: facts, or queries for their rows or absence."""
    follow_ups: list[str] | None = None


class Fixture(Strict):
    """One file."""

    extends: str | None = None
    says: str
    """What this shows, in one sentence."""
    reported_at: datetime | None = None
    symptom_at: datetime | None = None
    now: datetime | None = None
    customer: bool = True
    anchors: dict[str, JsonValue] = {}
    """Further anchors, such as routes."""
    evidence: dict[str, FixtureAnswer] = {}
    """By query; first-round queries that are not named are `empty`, follow-ups not asked."""
    expect: Expectation


@dataclass(frozen=True)
class FixtureResult:
    """One fixture's run."""

    name: str
    passed: bool
    differences: tuple[str, ...]


def run_fixtures(loaded: LoadedPlaybook) -> list[FixtureResult]:
    """Run all fixtures beside a playbook, by name.

    Raises:
        PlaybookError: a fixture that cannot be read, or that names a query, fact or hypothesis that is not there.
    """
    fixtures = read_fixtures(loaded)
    results = []
    for name, fixture in fixtures.items():
        weighing, draft, evidence = investigate(loaded.playbook, fixture)
        differences = _differences(fixture.expect, weighing, draft, {item.id: item.query for item in evidence})
        results.append(FixtureResult(name, not differences, tuple(differences)))
    return results


def read_fixtures(loaded: LoadedPlaybook) -> dict[str, Fixture]:
    """Read the fixtures in `fixtures/` beside a playbook, each with what it extends already merged in."""
    sources: dict[str, YamlSource] = {}
    problems: list[Problem] = []
    for path in sorted((loaded.path.parent / FIXTURES).glob("*.yaml")):
        source = read_yaml(path)
        if isinstance(source, Problem):
            problems.append(source)
        else:
            sources[path.stem] = source
    fixtures: dict[str, Fixture] = {}
    for name, source in sources.items():
        try:
            fixtures[name] = _merged(source, sources)
            problems.extend(_name_problems(source, fixtures[name], loaded.playbook))
        except ValidationError as error:
            problems.extend(source.problem(list(each["loc"]), each["msg"]) for each in error.errors(include_url=False))
        except LookupError as error:
            problems.append(source.problem(("extends",), str(error)))
    if problems:
        raise PlaybookError(problems)
    return fixtures


def investigate(playbook: Playbook, fixture: Fixture) -> tuple[Weighing, Draft, tuple[Evidence, ...]]:
    """Weigh a fixture's evidence and let the rules decide, as a run without a model does."""
    anchors = _anchors(fixture)
    now = fixture.now or anchors.reported_at
    evidence = tuple(_evidence(playbook, fixture, anchors, now))
    weighing = weigh(playbook, anchors, evidence)
    return weighing, decide(playbook, weighing, evidence), evidence


def _merged(source: YamlSource, sources: Mapping[str, YamlSource], depth: int = 0) -> Fixture:
    own = Fixture.model_validate(source.data)
    if own.extends is None:
        return own
    if own.extends not in sources or depth > 4:
        raise LookupError(f"there is no fixture {own.extends!r} to extend; there are {', '.join(sorted(sources))}")
    base = _merged(sources[own.extends], sources, depth + 1)
    given = {name: getattr(own, name) for name in own.model_fields_set}
    return base.model_copy(
        update={**given, "evidence": base.evidence | own.evidence, "anchors": base.anchors | own.anchors}
    )


def _name_problems(source: YamlSource, fixture: Fixture, playbook: Playbook) -> list[Problem]:
    hypotheses = {hypothesis.id for hypothesis in playbook.hypotheses}
    expect = fixture.expect
    wrong = [
        *((("evidence", name), f"no query {name!r}") for name in fixture.evidence if playbook.query(name) is None),
        *(
            (("expect", "verdicts", name), f"no hypothesis {name!r}")
            for name in expect.verdicts
            if name not in hypotheses
        ),
        *((("expect", "facts", name), f"no fact {name!r}") for name in expect.facts if name not in playbook.facts),
    ]
    return [source.problem(field, message) for field, message in wrong]


def _anchors(fixture: Fixture) -> Anchors:
    reported = fixture.reported_at
    if reported is None:
        raise ValueError(f"the fixture {fixture.says!r} needs reported_at")
    symptom = fixture.symptom_at or reported
    customer = Customer(id="cust_fixture", name="Fixture Ltd", billing_id="cus_fixture", resolved_by="helpdesk-field")
    values: dict[str, object] = {
        "reported_at": reported,
        "symptom_at": symptom,
        "window": Window(start=symptom, end=reported if reported > symptom else symptom),
        "customer": customer if fixture.customer else None,
        "customer_problem": "" if fixture.customer else "no resolver matched",
        **fixture.anchors,
    }
    return Anchors.model_validate(values)


def _evidence(playbook: Playbook, fixture: Fixture, anchors: Anchors, now: datetime) -> list[Evidence]:
    asked = [query for query in playbook.queries if not query.follow_up or query.id in fixture.evidence]
    found = []
    for number, query in enumerate(asked, start=1):
        answer = fixture.evidence.get(query.id, FixtureAnswer())
        rows = [*answer.rows, *(row for stretch in answer.series for row in _rows(stretch))]
        status = answer.status or (EvidenceStatus.FOUND if rows else EvidenceStatus.EMPTY)
        found.append(
            Evidence(
                id=f"E{number}",
                query=query.id,
                source=query.source,
                title=query.title,
                scope=query.scope,
                status=status,
                rows=tuple(rows),
                truncated=answer.truncated,
                window=window_of(query, anchors, now),
                fetched_at=now,
                reason="" if status.answered else "as the fixture says",
            )
        )
    return found


def _rows(stretch: Stretch) -> list[Row]:
    from_minute = stretch.start.timestamp()
    moments = [
        datetime.fromtimestamp(from_minute + 60 * stretch.minutes * step, stretch.start.tzinfo)
        for step in range(stretch.count)
    ]
    return [{stretch.time: moment.strftime("%Y-%m-%dT%H:%M:%SZ"), **stretch.row} for moment in moments]


def _differences(expect: Expectation, weighing: Weighing, draft: Draft, queries: Mapping[str, str]) -> list[str]:
    best = weighing.verdict(draft.hypothesis)
    subjects = [queries.get(claim.subject, claim.subject) for claim in draft.claims]
    pairs: list[tuple[str, object, object]] = [
        ("outcome", expect.outcome, draft.outcome),
        ("also", tuple(expect.also), draft.also),
        *((f"verdict of {name}", wanted, _verdict(weighing, name)) for name, wanted in expect.verdicts.items()),
        *((f"fact {name}", wanted, _plain(weighing, name)) for name, wanted in expect.facts.items()),
    ]
    optional: list[tuple[str, object, object]] = [
        ("hypothesis", expect.hypothesis, draft.hypothesis),
        ("cause", expect.cause, best.cause if best else None),
        ("severity", expect.severity, best.severity if best else None),
        ("follow-ups", tuple(expect.follow_ups) if expect.follow_ups is not None else None, draft.follow_ups),
    ]
    pairs += [pair for pair in optional if pair[1] is not None]
    wrong = [f"{what}: expected {_said(wanted)}, got {_said(got)}" for what, wanted, got in pairs if wanted != got]
    missing = [name for name in expect.claims or () if name not in subjects]
    return wrong + [f"claims: {name} is not claimed; claimed are {', '.join(subjects) or 'none'}" for name in missing]


def _verdict(weighing: Weighing, name: str) -> Verdict | None:
    verdict = weighing.verdict(name)
    return verdict.verdict if verdict else None


def _plain(weighing: Weighing, name: str) -> JsonValue:
    fact = weighing.fact(name)
    value = fact.value if fact else None
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    return round(value, 4) if isinstance(value, float) else value


def _said(value: object) -> str:
    return value.value if isinstance(value, Outcome | Verdict | CauseClass | Severity) else repr(value)
