"""Two playbooks as one: each half concludes what it concludes alone, and two troubles are two causes."""

from functools import cache

import pytest

from models.evidence import Evidence
from models.playbook import Playbook
from models.vocabulary import CauseClass, Outcome, Scope, Severity, Verdict
from playbooks.checks import check_playbook
from playbooks.fixture_files import anchors_of
from playbooks.fixtures import Fixture, investigate, read_fixtures
from playbooks.library import Library, LoadedPlaybook
from playbooks.lock import SHIPPED
from reasoning.compose import compose
from reasoning.kept_evidence import question_of
from reasoning.verify import verify

SHIPPED_PLAYBOOKS = {loaded.playbook.id: loaded for loaded in Library.load([SHIPPED]).newest()}
PAIRS = [
    ("access-and-keys", "billing-dispute"),
    ("access-and-keys", "webhook-delivery"),
    ("webhook-delivery", "access-and-keys"),
]
BEGINNINGS = {
    "access-and-keys": ("key-invalid", "permission-missing", "nothing-wrong"),
    "billing-dispute": ("counted-twice", "expected-upgrade", "payment-failed"),
    "webhook-delivery": ("endpoint-tls", "secret-rotated", "nothing-wrong"),
}


@cache
def book(name: str) -> Playbook:
    return SHIPPED_PLAYBOOKS[name].playbook


@cache
def fixtures(name: str) -> dict[str, Fixture]:
    loaded: LoadedPlaybook = SHIPPED_PLAYBOOKS[name]
    return dict(read_fixtures(loaded))


def renamed(first: Playbook, second: Playbook, composed: Playbook) -> dict[str, str]:
    """Under which id the composed playbook asks what the second asks."""
    known = {query.id for query in composed.queries}
    asked = {repr(question_of(query)): query.id for query in first.queries}
    return {
        query.id: f"also_{query.id}" if f"also_{query.id}" in known else asked[repr(question_of(query))]
        for query in second.queries
    }


def joined(first: str, of_first: str, second: str, of_second: str) -> tuple[Playbook, Fixture]:
    """Both playbooks and both fixtures as one; the ticket's times are the second's."""
    composed = compose(book(first), book(second))
    names = renamed(book(first), book(second), composed)
    one, other = fixtures(first)[of_first], fixtures(second)[of_second]
    evidence = one.evidence | {names[query]: answer for query, answer in other.evidence.items()}
    return composed, other.model_copy(update={"evidence": evidence, "anchors": one.anchors | other.anchors})


def _asked_by_second(found: tuple[Evidence, ...]) -> set[str]:
    return {each.id for each in found if each.query.startswith("also_")}


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_a_composed_playbook_holds_together(first: str, second: str) -> None:
    composed = compose(book(first), book(second))
    assert list(check_playbook(composed)) == []
    assert Playbook.model_validate_json(composed.model_dump_json()) == composed
    ids = [query.id for query in composed.queries]
    assert len(ids) == len(set(ids))


def test_what_both_ask_in_the_same_words_is_asked_once() -> None:
    one = book("webhook-delivery")
    again = compose(one, one.model_copy(update={"id": "again"}))
    first_round = {query.id for query in one.queries if not query.follow_up}
    assert {query.id for query in again.queries if not query.follow_up} == first_round
    # A follow-up is bound to facts, and each half has its own.
    assert "also_endpoint_minutes" in {query.id for query in again.queries}


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_the_second_concludes_what_it_concludes_alone(first: str, second: str) -> None:
    for name in BEGINNINGS[second]:
        alone, _, _ = investigate(book(second), fixtures(second)[name])
        composed, fixture = joined(
            first, "nothing-wrong" if first != "billing-dispute" else "counted-twice", second, name
        )
        weighing, _, _ = investigate(composed, fixture)
        for verdict in alone.verdicts:
            found = weighing.verdict(f"also-{verdict.id}")
            assert found is not None
            assert (found.verdict, found.severity, found.cause) == (verdict.verdict, verdict.severity, verdict.cause)
        for fact in alone.facts:
            assert (again := weighing.fact(f"also_{fact.id}")) is not None
            assert again.value == fact.value, fact.id


@pytest.mark.parametrize(
    ("first", "of_first", "second", "of_second", "causes"),
    [
        ("access-and-keys", "key-invalid", "billing-dispute", "counted-twice",
         {CauseClass.KEY_REVOKED_OR_EXPIRED, CauseClass.BILLING_DOUBLE_COUNT}),
        ("access-and-keys", "permission-missing", "billing-dispute", "expected-upgrade",
         {CauseClass.PERMISSION_OR_SCOPE, CauseClass.BILLING_PRORATION_OR_TAX_EXPECTED}),
        ("access-and-keys", "key-invalid", "webhook-delivery", "endpoint-tls",
         {CauseClass.KEY_REVOKED_OR_EXPIRED, CauseClass.WEBHOOK_ENDPOINT_TLS}),
    ],
)  # fmt: skip
def test_two_troubles_are_two_causes(
    first: str, of_first: str, second: str, of_second: str, causes: set[CauseClass]
) -> None:
    composed, fixture = joined(first, of_first, second, of_second)
    weighing, draft, found = investigate(composed, fixture)
    anchors = anchors_of(fixture)
    assert anchors.customer is not None
    evidence = [
        each.model_copy(update={"customer": anchors.customer.id}) if each.scope is Scope.CUSTOMER else each
        for each in found
    ]
    diagnosis = verify(composed, anchors, evidence, weighing, draft, "rules")
    chosen = [composed.hypothesis(name) for name in (diagnosis.hypothesis, *diagnosis.also)]
    assert diagnosis.outcome is Outcome.DIAGNOSED
    assert diagnosis.cause is CauseClass.TWO_CAUSES
    assert {each.cause for each in chosen if each} == causes
    assert ". Also: " in diagnosis.title
    assert " Also: " in diagnosis.next_step
    assert "unknown" not in diagnosis.title + diagnosis.next_step
    kept = [claim.claim.subject for claim in diagnosis.claims if claim.kept]
    told = [subject for subject in kept if subject.startswith("also_") or subject in _asked_by_second(found)]
    assert 2 <= len(told) < len(kept)


def test_a_trouble_beside_nothing_wrong_is_one_cause() -> None:
    composed, fixture = joined("access-and-keys", "nothing-wrong", "webhook-delivery", "endpoint-tls")
    _, draft, _ = investigate(composed, fixture)
    assert (draft.outcome, draft.hypothesis, draft.also) == (Outcome.DIAGNOSED, "also-endpoint-tls", ())
    composed, fixture = joined("webhook-delivery", "nothing-wrong", "access-and-keys", "nothing-wrong")
    _, draft, _ = investigate(composed, fixture)
    assert draft.outcome is Outcome.NOTHING_WRONG


def test_each_rubric_is_for_its_own_playbook_alone() -> None:
    composed, fixture = joined("access-and-keys", "nothing-wrong-weekly-job", "webhook-delivery", "endpoint-tls")
    weighing, _, _ = investigate(composed, fixture)
    found = {each.id: each.severity for each in weighing.verdicts if each.verdict is Verdict.SUPPORTED}
    assert found["also-endpoint-tls"] is Severity.MEDIUM
    assert found.get("key-invalid", Severity.LOW) is Severity.LOW


def test_the_same_cause_of_both_is_said_once() -> None:
    one = book("access-and-keys")
    composed = compose(one, book("webhook-delivery"))
    incident = composed.hypothesis("own-incident")
    assert incident is not None
    assert {"also-own-incident", "also-own-delivery-late"} <= set(incident.explains)
