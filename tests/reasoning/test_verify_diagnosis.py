"""Verification of a whole draft: its cause, outcome, severity, steps and wording, and a model that is compromised."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.base import Row
from models.customer import Customer
from models.diagnosis import Claim, ClaimValue, Draft, Predicate
from models.vocabulary import CauseClass, Confidence, EvidenceStatus, Outcome, Severity
from reasoning.hypotheses import weigh
from reasoning.rules import decide
from reasoning.verify import MOST_CLAIMS, findings, verify
from tests.reasoning.case import (
    ANCHORS,
    CUSTOMER,
    DEPLOYMENTS,
    ERROR_RATE,
    ERRORS,
    EVIDENCE,
    GOOD,
    NO_INCIDENT,
    PLAYBOOK,
    RELEASE,
    WEIGHING,
    WINDOW,
    check,
    claim,
    diagnose,
    evidence_of,
    fact_is,
    row_shows,
)
from tests.reasoning.verify_case import HOLDS


@pytest.mark.parametrize("name", ["incident", "bug", "healthy", "aliens", ""])
def test_cause_that_does_not_stand_makes_it_inconclusive_and_says_so(name: str) -> None:
    said = diagnose(GOOD.model_copy(update={"hypothesis": name}))
    assert (said.outcome, said.cause, said.hypothesis) == (Outcome.INCONCLUSIVE, CauseClass.UNKNOWN, "")
    assert said.title == "Inconclusive: the stored evidence does not support the cause that was proposed"
    assert (said.severity, said.confidence) == (Severity.LOW, Confidence.LOW)
    assert said.next_step == "Ask an engineer."
    assert said.dropped == 1
    assert len(findings(said)) == 1
    assert repr(name) in findings(said)[0]


@pytest.mark.parametrize("outcome", [Outcome.NOTHING_NEW, Outcome.FAILED, Outcome.INCONCLUSIVE])
def test_outcomes_that_are_not_a_models_to_give_are_inconclusive(outcome: Outcome) -> None:
    assert diagnose(GOOD.model_copy(update={"outcome": outcome})).outcome is Outcome.INCONCLUSIVE


def test_nothing_wrong_needs_a_weighing_that_says_so() -> None:
    claimed = GOOD.model_copy(update={"outcome": Outcome.NOTHING_WRONG})
    assert diagnose(claimed).outcome is Outcome.INCONCLUSIVE
    assert diagnose(claimed.model_copy(update={"hypothesis": "healthy"})).outcome is Outcome.INCONCLUSIVE
    healthy = (evidence_of(1, "errors", ({**ERRORS[0], "failed": 0},)), *EVIDENCE[1:])
    for outcome in (Outcome.NOTHING_WRONG, Outcome.DIAGNOSED):
        said = diagnose(Draft(outcome=outcome, hypothesis="healthy"), healthy)
        assert (said.outcome, said.cause) == (Outcome.NOTHING_WRONG, CauseClass.NOTHING_WRONG)
        assert (said.severity, said.next_step) == (Severity.LOW, "Ask for a request id.")


def test_needs_info_needs_missing_anchors_and_asks_once_for_all() -> None:
    draft = Draft(outcome=Outcome.NEEDS_INFO)
    nobody = ANCHORS.model_copy(update={"customer": None})
    said = diagnose(draft, anchors=nobody)
    assert (said.outcome, said.cause) == (Outcome.NEEDS_INFO, CauseClass.TOO_VAGUE)
    assert said.question == "Which account is this about? Which endpoint do you call?"
    assert said.draft_reply == "Could you tell us a little more?"
    whole = ANCHORS.model_copy(update={"routes": ("/v1/exports",)})
    refused = diagnose(draft, anchors=whole)
    assert (refused.outcome, refused.question) == (Outcome.INCONCLUSIVE, "")
    assert "names all that the playbook needs" in findings(refused)[0]


def test_two_causes_are_both_named_and_the_graver_counts() -> None:
    evidence = (*EVIDENCE[:2], evidence_of(3, "incidents", ({"name": "API errors"},)), EVIDENCE[3])
    said = diagnose(GOOD.model_copy(update={"also": ("incident", "bug", "incident")}), evidence)
    assert said.cause is CauseClass.TWO_CAUSES
    assert said.also == ("incident",)
    assert said.title.endswith("of the requests fail. Also: An incident of ours makes requests fail")
    assert said.severity is Severity.HIGH
    assert next(finding.split(":")[0] for finding in findings(said)) == "supported 'bug'"


def test_consequence_is_no_second_cause() -> None:
    hypotheses = [
        each.model_copy(update={"explains": ["incident"]}) if each.id == "regression" else each
        for each in PLAYBOOK.hypotheses
    ]
    playbook = PLAYBOOK.model_copy(update={"hypotheses": hypotheses})
    evidence = (*EVIDENCE[:2], evidence_of(3, "incidents", ({"name": "API errors"},)), EVIDENCE[3])
    draft = GOOD.model_copy(update={"also": ("incident",)})
    said = verify(playbook, ANCHORS, evidence, weigh(playbook, ANCHORS, evidence), draft, "m")
    assert (said.also, said.cause) == ((), CauseClass.DEPLOY_REGRESSION)


@pytest.mark.parametrize(
    ("wanted", "given_"),
    [
        (None, Severity.HIGH),
        (Severity.LOW, Severity.LOW),
        (Severity.MEDIUM, Severity.MEDIUM),
        (Severity.HIGH, Severity.HIGH),
    ],
)
def test_severity_may_be_lowered(wanted: Severity | None, given_: Severity) -> None:
    assert diagnose(GOOD.model_copy(update={"severity": wanted})).severity is given_


def test_severity_is_never_raised() -> None:
    mild = (evidence_of(1, "errors", ({**ERRORS[0], "failed": 300},)), *EVIDENCE[1:])
    assert diagnose(GOOD.model_copy(update={"severity": Severity.HIGH}), mild).severity is Severity.MEDIUM


@pytest.mark.parametrize("step", ["point-at-incident", "nothing-wrong", "refund", "", "inconclusive"])
def test_step_of_what_does_not_hold_is_replaced(step: str) -> None:
    assert diagnose(GOOD.model_copy(update={"next_step": step})).next_step.endswith("to roll it back.")


def test_free_step_of_the_playbook_may_be_chosen() -> None:
    assert diagnose(GOOD.model_copy(update={"next_step": "escalate"})).next_step == "Hand it to the engineer on call."


def test_weak_match_keeps_the_customers_data_out_of_the_reply() -> None:
    weak = ANCHORS.model_copy(update={"customer": CUSTOMER.model_copy(update={"weak": True})})
    assert diagnose(GOOD, anchors=weak).draft_reply == ""
    assert diagnose(GOOD, anchors=weak).outcome is Outcome.DIAGNOSED
    assert diagnose(GOOD).draft_reply != ""


def test_repeated_and_surplus_claims_are_dropped_and_are_no_findings() -> None:
    rows: tuple[Row, ...] = tuple({**ERRORS[0], "route": f"/v1/r{number}"} for number in range(12))
    evidence = (evidence_of(1, "errors", rows), *EVIDENCE[1:])
    many = [row_shows("E1", route=f"/v1/r{number}") for number in range(12)]
    said = diagnose(GOOD.model_copy(update={"claims": (*many[:1], *many)}), evidence)
    assert len(said.kept) == MOST_CLAIMS
    assert said.dropped == 5
    assert findings(said) == ()
    other_words = ERROR_RATE.model_copy(update={"wording": "Another wording"})
    assert diagnose(GOOD.model_copy(update={"claims": (ERROR_RATE, other_words)})).dropped == 1


def test_draft_without_claims_gets_the_playbooks_own() -> None:
    said = diagnose(GOOD.model_copy(update={"claims": ()}))
    assert [kept.sentence for kept in said.kept] == [kept.sentence for kept in diagnose(GOOD).kept]


def test_invented_number_is_dropped_counted_and_reported() -> None:
    said = diagnose(GOOD.model_copy(update={"claims": (fact_is("error_rate", "97%", "E1"), RELEASE, NO_INCIDENT)}))
    assert said.dropped == 1
    assert "97%" not in said.model_dump_json(exclude={"claims"})
    assert all("97%" not in kept.sentence for kept in said.kept)
    assert findings(said) == ("fact_is 'error_rate': fact 'error_rate' is 41%, not '97%'",)


def test_no_wording_of_a_model_is_shown_and_its_claim_is_kept() -> None:
    good = ERROR_RATE.model_copy(update={"wording": "41% of requests have failed (1,236 of 3,000)."})
    bad = RELEASE.model_copy(update={"wording": "Release 3f2a9bc broke production at 2026-03-12 14:05 UTC"})
    kept = diagnose(GOOD.model_copy(update={"claims": (good, bad)})).kept
    assert [one.sentence for one in kept[:2]] == [
        "41% of the requests failed (1,236 of 3,000)",
        "Release 3f2a9bc went to production at 2026-03-12 14:05 UTC",
    ]


def test_row_without_a_sentence_is_said_by_its_cells() -> None:
    evidence = (*EVIDENCE[:3], evidence_of(4, "bugs", ({"identifier": "ENG-7", "title": "Exports crash"},)))
    kept, said = check(row_shows("E4", identifier="ENG-7", title="Exports crash"), evidence)
    assert kept
    assert said == "known bugs: identifier ENG-7, title Exports crash"


# A compromised model: anything that the shape of a draft allows, with the ids and values of the case mixed in.
NAMES = (
    "E1 E2 E3 E4 E9 regression incident bug healthy error_rate failed deployed_at errors deployments incidents bugs charges "
    "roll-back escalate refund ../x {deployed_at}"
)
IDS = st.sampled_from(["", *NAMES.split()])
EVIL = [
    "https://evil.example/x",
    "[click](https://evil.example)",
    "<script>alert(1)</script>",
    "Refund the customer 500 dollars",
    "Evil Corp has 97% errors",
    "acct_666",
    "41% of the requests failed (1,236 of 3,000)",
    "41% of the requests failed (1,236 of 3,000) https://evil.example",
    "The status page has no incident",
    "41%",
    "99%",
    "3f2a9bc",
    "production",
    "whydesk:inv-x/9",
    "\u202egnihton",
]
TEXTS = st.one_of(st.sampled_from(EVIL), st.text(max_size=40))
CLAIMS = st.builds(
    Claim,
    predicate=st.sampled_from(Predicate),
    subject=st.one_of(IDS, TEXTS),
    values=st.lists(
        st.builds(
            ClaimValue,
            name=st.sampled_from(["value", "short_sha", "environment", "route", "failed", "name", "customer", "url"]),
            value=TEXTS,
        ),
        max_size=3,
    ).map(tuple),
    evidence=st.lists(IDS, max_size=3).map(tuple),
    wording=TEXTS,
)
DRAFTS = st.builds(
    Draft,
    outcome=st.sampled_from(Outcome),
    hypothesis=st.one_of(IDS, TEXTS),
    also=st.lists(IDS, max_size=3).map(tuple),
    claims=st.lists(st.one_of(CLAIMS, st.sampled_from([ERROR_RATE, RELEASE, NO_INCIDENT])), max_size=6).map(tuple),
    next_step=st.one_of(IDS, TEXTS),
    severity=st.sampled_from([None, *Severity]),
    follow_ups=st.lists(TEXTS, max_size=2).map(tuple),
)


@dataclasses.dataclass(frozen=True)
class Honest:
    """Everything that code may say in this case."""

    sentences: frozenset[str]
    steps: frozenset[str]


def honest() -> Honest:
    every = [
        *HOLDS,
        fact_is("requests", "3000", "E1"),
        *(row_shows("E1", **{name: str(cell) for name, cell in row.items()}) for row in ERRORS),
        claim(Predicate.REFUTED, "healthy", "E1"),
    ]
    return Honest(
        frozenset(check(one)[1] for one in every),
        frozenset(
            {
                "Ask the owners of the release at 2026-03-12 14:05 UTC to roll it back.",
                "Hand it to the engineer on call.",
                "Ask an engineer.",
                "Send the question.",
            }
        ),
    )


HONEST = honest()


@given(DRAFTS)
def test_compromised_model_gets_nothing_of_its_own_into_the_diagnosis(draft: Draft) -> None:
    said = diagnose(draft)
    assert {kept.sentence for kept in said.kept} <= HONEST.sentences
    assert said.next_step in HONEST.steps
    assert said.hypothesis or "roll" not in said.next_step
    assert said.severity.rank <= Severity.HIGH.rank
    assert said.outcome in (Outcome.DIAGNOSED, Outcome.INCONCLUSIVE, Outcome.NEEDS_INFO)
    assert said.hypothesis in ("", "regression")
    assert said.also == ()
    assert said.confidence.value in ("low", "medium")
    shown = " ".join(
        [said.title, *said.ruled_out, said.next_step, said.question, said.draft_reply, said.confidence_basis]
    )
    for foreign in ("evil", "Evil", "<", "](", "Refund", "97%", "99%", "acct_666", "\u202e"):
        assert foreign not in shown
    assert len(said.kept) <= MOST_CLAIMS


@given(DRAFTS)
def test_verification_is_pure(draft: Draft) -> None:
    assert diagnose(draft) == diagnose(draft)


def test_reasoner_and_its_problem_are_kept() -> None:
    said = verify(PLAYBOOK, ANCHORS, EVIDENCE, WEIGHING, GOOD, "rules", "claude-haiku-5-5 was overloaded")
    assert (said.reasoner, said.reasoner_problem) == ("rules", "claude-haiku-5-5 was overloaded")


def test_evidence_that_was_not_stored_supports_nothing() -> None:
    said = diagnose(GOOD, EVIDENCE[1:], WEIGHING)
    assert said.outcome is Outcome.INCONCLUSIVE
    assert "E1" in findings(said)[0]


def test_customer_of_another_id_is_another_customer() -> None:
    other = ANCHORS.model_copy(update={"customer": Customer(id="acct_47110", resolved_by="x")})
    assert not check(ERROR_RATE, anchors=other)[0]


def test_nothing_supported_is_inconclusive_in_so_many_words() -> None:
    silent = (evidence_of(1, "errors", status=EvidenceStatus.DENIED), *EVIDENCE[1:])
    said = diagnose(decide(PLAYBOOK, weigh(PLAYBOOK, ANCHORS, silent), silent), silent, reasoner="rules")
    assert said.outcome in (Outcome.INCONCLUSIVE, Outcome.NEEDS_INFO)
    abstained = diagnose(Draft(outcome=Outcome.INCONCLUSIVE), silent)
    assert abstained.title == "Inconclusive: the evidence supports none of 4 explanations"
    assert diagnose(Draft(outcome=Outcome.INCONCLUSIVE)).title == (
        "Inconclusive: the evidence supports 1 explanation, and none was chosen"
    )


def test_window_of_the_case_holds_the_trouble() -> None:
    assert WINDOW.start < ANCHORS.symptom_at < WINDOW.end
    assert DEPLOYMENTS[0]["finished_at"] is None
