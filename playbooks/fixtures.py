"""Fixtures of a playbook: evidence in, diagnosis out. They are the playbook's own tests, run by `whydesk playbooks test`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pydantic import JsonValue

from models.base import Row
from models.customer import Anchors, Window
from models.diagnosis import Draft, Weighing
from models.evidence import Evidence
from models.playbook import Playbook
from models.vocabulary import EvidenceStatus, Verdict
from playbooks.fixture_files import anchors_of, read_fixtures
from playbooks.fixture_format import Expectation, Fixture, FixtureAnswer, Stretch
from playbooks.library import LoadedPlaybook
from reasoning.hypotheses import weigh
from reasoning.queries import window_of
from reasoning.rules import decide

__all__ = ["Fixture", "FixtureAnswer", "FixtureResult", "investigate", "read_fixtures", "run_fixture", "run_fixtures"]


@dataclass(frozen=True)
class FixtureResult:
    """One fixture's run."""

    name: str
    passed: bool
    differences: tuple[str, ...]


def run_fixtures(loaded: LoadedPlaybook) -> list[FixtureResult]:
    """Run all fixtures beside a playbook, by name.

    Raises:
        PlaybookError: every mistake in every fixture.
    """
    return [run_fixture(loaded.playbook, name, fixture) for name, fixture in read_fixtures(loaded).items()]


def run_fixture(playbook: Playbook, name: str, fixture: Fixture) -> FixtureResult:
    """Run one fixture and compare."""
    weighing, draft, evidence = investigate(playbook, fixture)
    differences = _differences(fixture.expect, weighing, draft, {item.id: item.query for item in evidence})
    return FixtureResult(name, not differences, tuple(differences))


def investigate(playbook: Playbook, fixture: Fixture) -> tuple[Weighing, Draft, tuple[Evidence, ...]]:
    """Weigh a fixture's evidence and let the rules decide, as a run without a model does."""
    anchors = anchors_of(fixture)
    now = fixture.now or anchors.reported_at
    evidence = tuple(_evidence(playbook, fixture, anchors, now))
    weighing = weigh(playbook, anchors, evidence)
    return weighing, decide(playbook, weighing, evidence), evidence


def _evidence(playbook: Playbook, fixture: Fixture, anchors: Anchors, now: datetime) -> list[Evidence]:
    answers = {
        query.id: fixture.evidence.get(query.id, FixtureAnswer(asked=not query.follow_up)) for query in playbook.queries
    }
    asked = [query for query in playbook.queries if answers[query.id].asked]
    found = []
    for number, query in enumerate(asked, start=1):
        answer = answers[query.id]
        rows = [*answer.rows, *(row for stretch in answer.series for row in _rows(stretch))]
        status = answer.status or (EvidenceStatus.FOUND if rows else EvidenceStatus.EMPTY)
        given = answer.window
        found.append(
            Evidence(
                id=f"E{number}",
                query=query.id,
                source=query.source,
                title=query.title,
                scope=query.scope,
                status=status,
                rows=tuple(rows),
                total=answer.total,
                truncated=answer.truncated,
                stale=answer.stale,
                window=Window(start=given.start, end=given.end) if given else window_of(query, anchors, now),
                fetched_at=now,
                reason="" if status.answered else "as the fixture says",
            )
        )
    return found


def _rows(stretch: Stretch) -> list[Row]:
    return [
        {stretch.time: _stamp(stretch.start + step * timedelta(minutes=stretch.minutes)), **_in_turn(stretch.row, step)}
        for step in range(stretch.count)
    ]


def _stamp(at: datetime) -> str:
    return (at if at.tzinfo is None else at.astimezone(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _in_turn(row: Mapping[str, JsonValue], step: int) -> Row:
    return {
        name: value[step % len(value)] if isinstance(value, list) and value else value for name, value in row.items()
    }


def _differences(expect: Expectation, weighing: Weighing, draft: Draft, queries: Mapping[str, str]) -> list[str]:
    best = weighing.verdict(draft.hypothesis)
    subjects = [queries.get(claim.subject, claim.subject) for claim in draft.claims]
    supported = sorted((each for each in weighing.verdicts if each.rank), key=lambda each: each.rank)
    pairs: list[tuple[str, object, object]] = [
        ("outcome", expect.outcome, draft.outcome),
        ("also", tuple(expect.also), draft.also),
        *((f"verdict of {name}", wanted, _verdict(weighing, name)) for name, wanted in expect.verdicts.items()),
        *((f"fact {name}", wanted, _plain(weighing, name)) for name, wanted in expect.facts.items()),
    ]
    optional: list[tuple[str, object, object]] = [
        ("hypothesis", expect.hypothesis, draft.hypothesis),
        ("cause", expect.cause, best.cause if best else None),
        ("ranks", _as_tuple(expect.ranks), tuple(each.id for each in supported)),
        ("severity", expect.severity, best.severity if best else None),
        ("confidence", expect.confidence, weighing.confidence),
        ("missing", _as_tuple(expect.missing), weighing.missing),
        ("follow-ups", _as_tuple(expect.follow_ups), draft.follow_ups),
    ]
    pairs += [pair for pair in optional if pair[1] is not None]
    wrong = [
        f"{what}: expected {_said(wanted)}, got {_said(got)}{_why(what, wanted, weighing)}"
        for what, wanted, got in pairs
        if wanted != got
    ]
    missing = [name for name in expect.claims or () if name not in subjects]
    return wrong + [f"claims: {name} is not claimed; claimed are {', '.join(subjects) or 'none'}" for name in missing]


def _as_tuple(names: list[str] | None) -> tuple[str, ...] | None:
    return None if names is None else tuple(names)


def _verdict(weighing: Weighing, name: str) -> Verdict | None:
    verdict = weighing.verdict(name)
    return verdict.verdict if verdict else None


def _plain(weighing: Weighing, name: str) -> JsonValue:
    fact = weighing.fact(name)
    value = fact.value if fact else None
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    return round(value, 4) if isinstance(value, float) else value


def _why(what: str, wanted: object, weighing: Weighing) -> str:
    """Say why a fact is unknown, or what stands against a hypothesis: that is where the author looks next."""
    fact = weighing.fact(what.removeprefix("fact ")) if what.startswith("fact ") else None
    if fact is not None and fact.value is None:
        return f" ({fact.why_unknown})"
    name = str(wanted) if what == "hypothesis" else what.removeprefix("verdict of ")
    verdict = weighing.verdict(name)
    if verdict is None or verdict.verdict is Verdict.SUPPORTED:
        return ""
    reasons = verdict.because or tuple(f"{check} did not answer" for check in verdict.open_checks)
    return f" ({name} is {verdict.verdict.value}{': ' + '; '.join(reasons) if reasons else ''})"


def _said(value: object) -> str:
    if value is None or value == "":
        return "none" if value == "" else "unknown"
    if isinstance(value, tuple):
        return ", ".join(str(each) for each in value) or "none"
    return str(value) if isinstance(value, str) else repr(value)
