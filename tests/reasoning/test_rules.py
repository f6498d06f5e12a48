"""The rules reasoner: outcome, best explanation, claims and the rows that they quote."""

from models.diagnosis import Claim, Draft, Predicate, Weighing
from models.evidence import Evidence
from models.vocabulary import EvidenceStatus, Outcome
from playbooks.fixtures import investigate, read_fixtures
from playbooks.library import Library
from playbooks.lock import SHIPPED
from reasoning.hypotheses import weigh
from reasoning.rules import MOST_CLAIMS, decide
from tests.reasoning.test_hypotheses import ANCHORS, WHOLE, evidence, hypothesis, playbook

ERRORS = Library.load([SHIPPED]).get("api-errors")
CASES = read_fixtures(ERRORS)


def run(name: str) -> tuple[Weighing, Draft, tuple[Evidence, ...]]:
    return investigate(ERRORS.playbook, CASES[name])


def row_claims(draft: Draft, found: tuple[Evidence, ...], query: str) -> list[dict[str, str]]:
    wanted = next(item.id for item in found if item.query == query)
    return [
        {value.name: value.value for value in claim.values}
        for claim in draft.claims
        if claim.predicate is Predicate.ROW_SHOWS and claim.subject == wanted
    ]


def test_the_row_that_is_quoted_is_the_one_that_the_facts_picked() -> None:
    _, draft, found = run("deploy-regression")
    [row] = row_claims(draft, found, "deployments")
    assert (row["short_sha"], row["repository"]) == ("aaaaaaa", "acme/api")
    _, draft, found = run("known-bug")
    assert row_claims(draft, found, "bugs")[0]["identifier"] == "API-77"
    _, draft, found = run("key-invalid")
    assert row_claims(draft, found, "keys")[0]["key_id"] == "pk_live_aaaa1111"


def test_quoted_cells_stand_in_one_stored_row_exactly() -> None:
    for name in CASES:
        _, draft, found = run(name)
        rows = {item.id: item.rows for item in found}
        for claim in draft.claims:
            if claim.predicate is Predicate.ROW_SHOWS:
                wanted = {value.name: value.value for value in claim.values}
                assert any(all(str(row[key]) == text for key, text in wanted.items()) for row in rows[claim.subject]), (
                    name
                )


def test_absence_is_claimed_only_where_it_was_earned() -> None:
    claimed = set()
    for name in CASES:
        _, draft, found = run(name)
        empty = {item.query for item in found if item.shows_absence}
        absent = {claim.subject for claim in draft.claims if claim.predicate is Predicate.NOTHING_FOUND}
        assert absent <= empty, name
        claimed |= absent
    assert claimed


def test_facts_are_claimed_in_their_own_words_with_their_evidence() -> None:
    weighing, draft, _ = run("deploy-regression")
    claim = next(claim for claim in draft.claims if claim.subject == "deploy_gap")
    gap = weighing.fact("deploy_gap")
    assert gap is not None
    assert claim.predicate is Predicate.FACT_IS
    assert [value.value for value in claim.values] == ["7 minutes"]
    assert claim.evidence == gap.evidence
    assert len(draft.claims) <= MOST_CLAIMS
    keys = [(claim.predicate, claim.subject) for claim in draft.claims]
    assert len(set(keys)) == len(keys)


def test_two_causes_are_both_named_and_a_consequence_is_not() -> None:
    book = playbook(
        hypothesis("a", ["logs_n > 0"], weight=9, explains=["b"]),
        hypothesis("b", ["logs_n > 0"], weight=5),
        hypothesis("c", ["deploys_n > 0"], weight=1),
        hypothesis("fine", ["logs_n > 0"], cause="nothing_wrong", requires=["logs"]),
    )
    found = evidence(**WHOLE)
    draft = decide(book, weigh(book, ANCHORS, found), found)
    assert (draft.outcome, draft.hypothesis, draft.also) == (Outcome.DIAGNOSED, "a", ("c",))


def test_nothing_wrong_stands_alone() -> None:
    book = playbook(
        hypothesis("fine", ["bugs_n == 0"], cause="nothing_wrong", requires=["bugs"], weight=9),
        hypothesis("c", ["logs_n > 0"]),
    )
    found = evidence(**WHOLE)
    draft = decide(book, weigh(book, ANCHORS, found), found)
    assert (draft.outcome, draft.hypothesis, draft.also) == (Outcome.NOTHING_WRONG, "fine", ())
    lost = evidence(**{**WHOLE, "bugs": EvidenceStatus.FAILED, "logs": 0})
    assert decide(book, weigh(book, ANCHORS, lost), lost).outcome is not Outcome.NOTHING_WRONG


def test_without_support_it_asks_or_says_so() -> None:
    book = playbook(hypothesis("h", ["logs_n > 9"], claims=["logs_n"]))
    found = evidence(**WHOLE)
    asked = decide(book, weigh(book, ANCHORS, found), found)
    assert (asked.outcome, asked.next_step, asked.hypothesis) == (Outcome.NEEDS_INFO, "needs-info", "")
    complete = ANCHORS.model_copy(update={"routes": ("/v1/a",)})
    unsure = decide(book, weigh(book, complete, found), found)
    assert (unsure.outcome, unsure.next_step, unsure.follow_ups) == (Outcome.INCONCLUSIVE, "inconclusive", ("charges",))


def test_a_supported_cause_needs_no_question() -> None:
    book = playbook(hypothesis("h", ["logs_n > 0"]))
    found = evidence(**WHOLE)
    assert decide(book, weigh(book, ANCHORS, found), found).outcome is Outcome.DIAGNOSED


def test_what_was_measured_is_said_even_without_a_cause() -> None:
    _, draft, _ = run("decoy-other-repository")
    assert draft.outcome is Outcome.INCONCLUSIVE
    assert {claim.predicate for claim in draft.claims} == {Predicate.FACT_IS}
    assert "error_rate_since" in {claim.subject for claim in draft.claims}


def test_the_same_evidence_gives_the_same_draft_in_any_order_of_evidence() -> None:
    weighing, draft, found = run("deploy-regression-with-bug-report")
    backwards = tuple(reversed(found))
    again = decide(ERRORS.playbook, weighing, backwards)
    assert again == draft


def test_a_draft_reads_back_the_same() -> None:
    _, draft, _ = run("deploy-regression")
    assert Draft.model_validate_json(draft.model_dump_json()) == draft
    assert all(isinstance(claim, Claim) for claim in draft.claims)
