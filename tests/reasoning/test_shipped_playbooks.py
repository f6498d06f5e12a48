"""The playbooks that ship, through the second half: what the rules draft stands whole, and the note holds together."""

from functools import cache
from pathlib import Path

import pytest

from models.customer import Anchors, Customer, Window
from models.diagnosis import Claim, ClaimValue, Draft, Predicate, Weighing
from models.evidence import Evidence
from models.playbook import Playbook
from models.vocabulary import Outcome, Scope, Severity
from playbooks.fixtures import Fixture, investigate, read_fixtures
from playbooks.library import Library
from reasoning.prompt import build_prompt
from reasoning.quantities import says_fact
from reasoning.redact import Redactor
from reasoning.render import render_note
from reasoning.verify import findings, verify
from tests.reasoning.case import TICKET
from tests.shares import EVERY

CUSTOMER = Customer(id="cust_fixture", name="Fixture Ltd", billing_id="cus_fixture", resolved_by="helpdesk-field")
CASES = {
    f"{loaded.playbook.id}/{name}": (loaded.playbook, fixture)
    for loaded in Library.load([Path(__file__).parents[2] / "playbooks"]).newest()
    for name, fixture in read_fixtures(loaded).items()
}


@cache
def run(name: str) -> tuple[Playbook, Anchors, Weighing, Draft, tuple[Evidence, ...]]:
    playbook, fixture = CASES[name]
    weighing, draft, found = investigate(playbook, fixture)
    anchors = anchors_of(fixture)
    owner = anchors.customer.id if anchors.customer else None
    evidence = tuple(
        item.model_copy(update={"customer": owner if item.scope is Scope.CUSTOMER else None}) for item in found
    )
    return playbook, anchors, weighing, draft, evidence


def anchors_of(fixture: Fixture) -> Anchors:
    assert fixture.reported_at is not None
    symptom = fixture.symptom_at or fixture.reported_at
    return Anchors(
        reported_at=fixture.reported_at,
        symptom_at=symptom,
        window=Window(start=symptom, end=max(symptom, fixture.reported_at)),
        customer=CUSTOMER if fixture.customer else None,
    )


@pytest.mark.parametrize("name", CASES)
def test_rules_draft_stands_whole_and_its_note_holds_together(name: str) -> None:
    playbook, anchors, weighing, draft, evidence = run(name)
    said = verify(playbook, anchors, evidence, weighing, draft, "rules")
    assert (said.outcome, said.dropped, findings(said)) == (draft.outcome, 0, ())
    assert said.next_step
    assert "{" not in said.title + said.next_step + said.draft_reply + "".join(said.ruled_out)
    if said.outcome in (Outcome.DIAGNOSED, Outcome.NOTHING_WRONG):
        assert said.kept
    note = render_note(
        said,
        playbook,
        evidence,
        anchors,
        marker="whydesk:inv-x/1",
        playbook_label=f"{playbook.id}@{playbook.version}",
        investigation="inv-x",
        took=1.0,
        usd=0.0,
        allowed_hosts=frozenset(),
    )
    assert len(note.markdown) < 3_000
    prompt = build_prompt(
        playbook, TICKET, anchors, weighing, evidence, Redactor.for_ticket(TICKET, anchors.customer, evidence)
    )
    assert len(prompt.system) + len(prompt.user) < 75_000


@EVERY
@pytest.mark.parametrize("name", CASES)
def test_every_other_cause_and_every_other_number_is_refused(name: str, every: int) -> None:
    playbook, anchors, weighing, draft, evidence = run(name)
    honest = verify(playbook, anchors, evidence, weighing, draft, "rules")
    known = [fact for fact in weighing.facts if fact.value is not None]
    wrong = tuple(
        Claim(
            predicate=Predicate.FACT_IS,
            subject=fact.id,
            values=(ClaimValue(name="value", value=text),),
            evidence=fact.evidence,
            wording=f"It is {text}",
        )
        for fact in known
        for text in ("7,654,321", "99.37%", "2020-01-01 00:00 UTC", "evil")
        if not says_fact(text, fact)
    )
    assert wrong or not known
    refused = frozenset(wrong)
    supported = {verdict.id for verdict in weighing.verdicts if verdict.rank}
    for hypothesis in playbook.hypotheses[len(name) % every :: every]:
        lie = Draft(outcome=Outcome.DIAGNOSED, hypothesis=hypothesis.id, claims=wrong[:40], severity=Severity.HIGH)
        said = verify(playbook, anchors, evidence, weighing, lie, "model")
        if hypothesis.id not in supported:
            assert said.outcome is Outcome.INCONCLUSIVE
            assert said.severity is Severity.LOW
        assert not any(checked.kept for checked in said.claims if checked.claim in refused)
        verdict = weighing.verdict(hypothesis.id)
        assert verdict is not None
        assert said.severity.rank <= verdict.severity.rank
    assert honest.title
