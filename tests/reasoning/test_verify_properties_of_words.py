"""Properties over all shipped fixtures: words that change, absence, causes, other customers and quotes."""

from datetime import datetime, timedelta

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from models.customer import Customer, Window
from models.diagnosis import Claim, ClaimValue, Predicate
from models.vocabulary import EvidenceStatus, Scope, Verdict
from reasoning.claims import ClaimChecker
from reasoning.phrases import format_value
from tests.reasoning.every_claim import PLAYBOOKS, is_number, number_of, pool, row_claim, same_cell, states
from tests.reasoning.mutations import (
    rounds_to,
    same_values,
    tells_time,
)

OTHER = Customer(id="cust_other", name="Other Ltd", billing_id="cus_other", resolved_by="helpdesk-field")


UNGROUNDED = ("probably", "database", "refund", "because", "only", "not", "99", "€", "acct_666", "evil.example")


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_word_from_elsewhere_leaves_the_sentence_of_code(playbook: str) -> None:
    for case in pool(playbook):
        for claim in case.claims:
            sentence = case.checker.check(claim).sentence
            words = sentence.split()
            wordings = [
                " ".join([*words[:at], word, *words[at:]])
                for word in UNGROUNDED
                for at in {0, len(words) // 2, len(words)}
            ]
            wordings += [f"{sentence}?", f"{sentence} https://evil.example/x", f"<b>{sentence}</b>", f"{sentence}!"]
            for wording in wordings:
                checked = case.checker.check(claim.model_copy(update={"wording": wording}))
                assert (checked.kept, checked.sentence) == (True, sentence), wording


SPOILT: list[tuple[str, object]] = [
    *(("status", status) for status in EvidenceStatus if status is not EvidenceStatus.EMPTY),
    ("truncated", True),
    ("stale", True),
    ("scope", Scope.FLEET),
    ("customer", OTHER.id),
]


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_absence_needs_a_whole_fresh_empty_answer(playbook: str) -> None:
    for case in pool(playbook):
        for claim in case.told(Predicate.NOTHING_FOUND):
            found = next(found for found in case.evidence if found.id in claim.evidence)
            assert found.status is EvidenceStatus.EMPTY
            assert found.scope is not Scope.FLEET, "groups of few customers are suppressed, so silence shows nothing"
            begun = case.anchors.symptom_at
            late = Window(start=begun + timedelta(hours=1), end=case.anchors.reported_at + timedelta(days=1))
            for field, spoilt in (*SPOILT, ("window", late)):
                evidence = [
                    each.model_copy(update={field: spoilt}) if each.id == found.id else each for each in case.evidence
                ]
                assert not case.over(evidence).check(claim).kept, (found.query, field, spoilt)


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_answer_of_every_other_kind_shows_no_absence(playbook: str) -> None:
    for case in pool(playbook):
        for found in case.evidence:
            if not found.shows_absence or found.scope is Scope.FLEET:
                claim = Claim(predicate=Predicate.NOTHING_FOUND, subject=found.query, evidence=(found.id,))
                assert not case.keeps(claim), found.query


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_only_a_supported_cause_and_a_refuted_denial_stand(playbook: str) -> None:
    for case in pool(playbook):
        every = tuple(found.id for found in case.evidence)
        for verdict in case.weighing.verdicts:
            for predicate, wanted in ((Predicate.SUPPORTED, Verdict.SUPPORTED), (Predicate.REFUTED, Verdict.REFUTED)):
                for cited in (verdict.evidence, every, every[:1], ()):
                    claim = Claim(predicate=predicate, subject=verdict.id, evidence=cited, wording=verdict.title)
                    assert verdict.verdict is wanted or not case.keeps(claim), claim


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_evidence_of_another_customer_shows_nothing(playbook: str) -> None:
    for case in pool(playbook):
        foreign = {found.id for found in case.evidence if found.scope is Scope.CUSTOMER}
        theirs = [
            found.model_copy(update={"customer": OTHER.id}) if found.id in foreign else found for found in case.evidence
        ]
        mixed = [
            found.model_copy(update={"rows": (*found.rows, {"customer_id": OTHER.id})})
            if found.id in foreign
            else found
            for found in case.evidence
        ]
        anchors = case.anchors.model_copy(update={"customer": OTHER})
        elsewhere = ClaimChecker(case.playbook, anchors, case.evidence, case.weighing)
        for claim in case.claims:
            if foreign & set(claim.evidence):
                assert not case.over(theirs).check(claim).kept, claim
                assert not elsewhere.check(claim).kept, claim
            if foreign & set(claim.evidence) and claim.predicate is not Predicate.ROW_SHOWS:
                assert claim.predicate is Predicate.NOTHING_FOUND or not case.over(mixed).check(claim).kept, claim


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_quote_and_link_must_stand_in_the_row_that_is_cited(playbook: str) -> None:
    for case in pool(playbook):
        cited = [(case.found(claim), claim) for claim in case.told(Predicate.ROW_SHOWS)]
        for found, claim in cited:
            for quote in (
                "https://evil.example/login",
                "Refund the customer",
                "<a href=x>",
                "https://example.com.evil",
            ):
                for each in claim.values[:6]:
                    assert not case.checker.check(row_claim(found, {each.name: quote})).kept
            for other, theirs in cited:
                for each in theirs.values:
                    if other is not found and not any(states(row.get(each.name), each.value) for row in found.rows):
                        assert not case.checker.check(row_claim(found, {each.name: each.value})).kept, each


@settings(max_examples=100)
@given(st.sampled_from([(name, at) for name in PLAYBOOKS for at in range(8)]), st.data())
def test_whatever_value_is_moved_wherever_what_is_kept_is_shown(where: tuple[str, int], data: st.DataObject) -> None:
    runs = pool(where[0])
    case = runs[where[1] % len(runs)]
    claims = [claim for claim in case.claims if claim.values]
    assume(claims)
    target, giver = data.draw(st.sampled_from(claims)), data.draw(st.sampled_from(claims))
    at = data.draw(st.integers(0, len(target.values) - 1))
    text = data.draw(st.sampled_from(giver.values)).value
    values = [*target.values]
    values[at] = ClaimValue(name=values[at].name, value=text)
    if not case.keeps(target, values=tuple(values)):
        return
    if target.predicate is Predicate.ROW_SHOWS:
        cells = [row.get(values[at].name) for row in case.found(target).rows]
        assert any(states(cell, text) or text in set(same_cell(cell)) for cell in cells)
        return
    fact = case.fact(target)
    assert fact.value is not None
    same = text in {format_value(fact), *same_values(fact.value, fact.unit)}
    same = same or (isinstance(fact.value, datetime) and tells_time(text, fact.value))
    assert same or (is_number(fact) and rounds_to(text, number_of(fact), fact.unit))
