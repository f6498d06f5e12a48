"""Makes a fixture of a past run: its evidence without people, and what came out of it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import yaml
from pydantic import JsonValue

from models.customer import Anchors
from models.diagnosis import Weighing
from models.evidence import Evidence
from models.playbook import Playbook
from models.ticket import Ticket
from models.vocabulary import CauseClass, Verdict
from playbooks.anonymise import FIXTURE_CUSTOMER, Anonymiser
from playbooks.fixture_format import Asked, Expectation, Fixture, FixtureAnswer
from playbooks.fixtures import run_fixture
from playbooks.schema import FIXTURE_HINT
from reasoning.hypotheses import weigh
from reasoning.rules import decide

_KEPT_ANCHORS = ("symptom_slack_minutes", "status_codes", "error_codes", "routes", "regions", "symptoms", "vocabulary")
_NAMING_ANCHORS = ("request_ids", "key_ids", "invoices", "hosts", "terms")
"""Anchors that may name someone: kept, replaced, only where a fact reads them."""


class CaptureProblem(Exception):
    """The fixture would not say what the run said; the message says why and where it differs."""


@dataclass(frozen=True)
class Captured:
    """A fixture and the text of its file."""

    fixture: Fixture
    text: str


def capture(
    playbook: Playbook,
    ticket: Ticket,
    anchors: Anchors,
    evidence: Sequence[Evidence],
    weighing: Weighing,
    schema_hint: str = FIXTURE_HINT,
) -> Captured:
    """Make an anonymous fixture of a run and see that it comes out as the run did.

    Args:
        playbook: The one that the run followed.
        ticket: For what it tells of people; none of its words are kept.
        anchors: Of the run.
        evidence: What the playbook's queries answered.
        weighing: What the run concluded from it.
        schema_hint: The file's first line.

    Raises:
        CaptureProblem: the fixture differs from the run, with what differs.
    """
    anonymous = Anonymiser(playbook, ticket, anchors, evidence)
    fixture = Fixture(
        says=_says(weighing),
        reported_at=anchors.reported_at + anonymous.shift,
        symptom_at=anchors.symptom_at + anonymous.shift,
        customer=anchors.customer is not None,
        anchors=_anchors(playbook, anchors, anonymous),
        evidence={item.query: _answer(item, anonymous) for item in evidence},
        expect=_expectation(playbook, weighing, evidence),
    )
    result = run_fixture(playbook, "captured", fixture)
    if not result.passed:
        raise CaptureProblem(_whose_fault(playbook, anchors, evidence, weighing) + "; ".join(result.differences))
    body = fixture.model_dump(mode="json", exclude_unset=True)
    # Collections of scalars on one line each: a row is a line.
    text = yaml.safe_dump(body, sort_keys=False, allow_unicode=True, width=100_000, default_flow_style=None)
    head = (
        f"# Captured from a run of {playbook.id}@{playbook.version}; people and customers are replaced, days moved.\n"
    )
    return Captured(fixture, schema_hint + head + text)


def _whose_fault(playbook: Playbook, anchors: Anchors, evidence: Sequence[Evidence], weighing: Weighing) -> str:
    """Tell a replacement that went too far from a run that an older version of Whydesk weighed."""
    today = {each.id: (each.verdict, each.rank) for each in weigh(playbook, anchors, evidence).verdicts}
    if today == {each.id: (each.verdict, each.rank) for each in weighing.verdicts}:
        return "without people's data the evidence says something else: "
    return "this version of Whydesk weighs the run's own rows otherwise; investigate the ticket again, then capture: "


def _says(weighing: Weighing) -> str:
    best = next((each for each in weighing.verdicts if each.rank == 1), None)
    return f"A run that ended with {best.id}." if best else "A run in which nothing was supported."


def _anchors(playbook: Playbook, anchors: Anchors, anonymous: Anonymiser) -> dict[str, JsonValue]:
    read = set(re.findall(r"\$anchors\.(\w+)", repr([spec.args for spec in playbook.facts.values()])))
    kept: dict[str, JsonValue] = {}
    for name in (*_KEPT_ANCHORS, *(name for name in _NAMING_ANCHORS if name in read or name in playbook.needs)):
        value = getattr(anchors, name)
        if value:
            kept[name] = value if isinstance(value, int) else [_plain(each, anonymous) for each in value]
    if anchors.customer is not None:
        own = {"plan": anchors.customer.plan, "region": anchors.customer.region}
        same = FIXTURE_CUSTOMER.model_dump(mode="json", include={"id", "name", "billing_id", "resolved_by"})
        if not anchors.customer.billing_id:
            same["billing_id"] = ""
        kept["customer"] = {**same, **{name: value for name, value in own.items() if value}}
    return kept


def _plain(value: str | int, anonymous: Anonymiser) -> str | int:
    return anonymous.text(value) if isinstance(value, str) else value


def _answer(item: Evidence, anonymous: Anonymiser) -> FixtureAnswer:
    given: dict[str, object] = {"rows": [anonymous.row(item, row) for row in item.rows]} if item.rows else {}
    given |= {name: True for name in ("truncated", "stale") if getattr(item, name)}
    if not item.status.answered or (item.status.value == "found") != bool(item.rows):
        given["status"] = item.status
    if item.total is not None and item.total != len(item.rows):
        given["total"] = item.total
    if item.window is not None:
        given["window"] = Asked(start=item.window.start + anonymous.shift, end=item.window.end + anonymous.shift)
    return FixtureAnswer.model_validate(given)


def _expectation(playbook: Playbook, weighing: Weighing, evidence: Sequence[Evidence]) -> Expectation:
    draft = decide(playbook, weighing, evidence)
    best = weighing.verdict(draft.hypothesis)
    supported = sorted(
        (each for each in weighing.verdicts if each.verdict is Verdict.SUPPORTED), key=lambda one: one.rank
    )
    given: dict[str, object] = {
        "outcome": draft.outcome,
        "ranks": [each.id for each in supported],
        "confidence": weighing.confidence,
        "verdicts": {each.id: each.verdict for each in weighing.verdicts},
        "facts": _measured(weighing, best.facts if best else ()),
        "missing": list(weighing.missing),
        "follow_ups": list(draft.follow_ups),
    }
    if best is not None:
        given |= {"hypothesis": best.id, "severity": best.severity}
        given |= {"cause": best.cause} if best.cause is not CauseClass.UNKNOWN else {}
    if draft.also:
        given["also"] = list(draft.also)
    return Expectation.model_validate(given)


def _measured(weighing: Weighing, names: Sequence[str]) -> dict[str, JsonValue]:
    """The numbers that decided: no replacement may change them."""
    facts = [fact for name in names if (fact := weighing.fact(name)) is not None]
    values = {fact.id: fact.value for fact in facts if isinstance(fact.value, bool | int | float)}
    return {name: round(value, 4) if isinstance(value, float) else value for name, value in values.items()}
