"""Our own look at a note: finds what the evidence holds or simple arithmetic makes of it, and nothing else."""

import pytest

from evals.score.shown import Found, Opinion
from evals.score.tokens import Kind, tokens
from models.vocabulary import Source
from tests.evals.score_lines import ANCHORS, EVIDENCE, item

OPINION = Opinion(EVIDENCE, ANCHORS)


def found(sentence: str, opinion: Opinion = OPINION) -> dict[str, Found]:
    return {checked.token.text: checked.found for checked in opinion.of(sentence)}


def test_what_can_be_looked_up_is_told_apart() -> None:
    sentence = (
        "Since 2026-03-04 10:20 UTC 1,240 of them on /v1/search fail with rate_limited (E1), over 99.9%, 3 h 5 min after "
        'API-77 "Search fails"; $1,234.50, 1.5 times, p95 of 408 ms, in March 2026'
    )
    assert [(token.kind, token.text) for token in tokens(sentence)] == [
        (Kind.MOMENT, "2026-03-04 10:20 UTC"),
        (Kind.NUMBER, "1,240"),
        (Kind.ROUTE, "/v1/search"),
        (Kind.ID, "rate_limited"),
        (Kind.PERCENT, "over 99.9%"),
        (Kind.SPAN, "3 h 5 min"),
        (Kind.ID, "API-77"),
        (Kind.QUOTE, "Search fails"),
        (Kind.MONEY, "$1,234.50"),
        (Kind.RATE, "1.5 times"),
        (Kind.SPAN, "408 ms"),
        (Kind.MONTH, "March 2026"),
    ]


@pytest.mark.parametrize(
    "sentence",
    [
        "34% of 150 requests failed: 51 (E1 · ClickHouse)",
        "Before, 1.7% failed (E1)",
        "It began at 2026-03-04 10:20 UTC, 5 minutes after the deployment (E1, E2)",
        "Deployment of abc1234 at 10:15 (E2)",
        'API-77 says "Search fails for “quoted” words" (E3)',
        "100 requests to /v1/search (E1)",
        "In the last 24 hours, 53 errors (E1)",
        "Of 2 deployments 1 touched it (E2)",
    ],
)
def test_what_the_evidence_shows_or_makes_is_found(sentence: str) -> None:
    assert set(found(sentence).values()) == {Found.SHOWN}


@pytest.mark.parametrize(
    ("sentence", "token"),
    [
        ("52 requests failed (E1)", "52"),
        ("It began at 2026-03-04 10:21 UTC (E1)", "2026-03-04 10:21 UTC"),
        ("On 2026-03-05 all was well (E1)", "2026-03-05"),
        ("Deployment of abc1235 (E2)", "abc1235"),
        ("API-7 is open (E3)", "API-7"),
        ("Since release 4.2.0 (E2)", "4.2.0"),
        ('It says "Search never fails" (E3)', "Search never fails"),
        ("They lost $12.00 (E1)", "$12.00"),
        ("Requests to /v1/searches fail (E1)", "/v1/searches"),
    ],
)
def test_what_nothing_shows_is_missing(sentence: str, token: str) -> None:
    assert found(sentence)[token] is Found.MISSING


def test_a_share_that_is_not_found_is_untold_for_it_may_come_of_more_arithmetic() -> None:
    assert found("77.7% failed (E1)") == {"77.7%": Found.UNTOLD}


def test_a_count_over_several_answers_is_untold_for_it_may_be_one_less_another() -> None:
    assert found("At all others 6,355 failed (E1, E2)") == {"6,355": Found.UNTOLD}
    assert found("At all others 6,355 failed (E1)") == {"6,355": Found.MISSING}


def test_a_look_may_begin_whole_hours_before_what_the_ticket_says() -> None:
    assert found("None since 2026-03-04 11:00 UTC (E3)") == {"2026-03-04 11:00 UTC": Found.SHOWN}
    assert found("None since 2026-03-04 11:01 UTC (E3)") == {"2026-03-04 11:01 UTC": Found.MISSING}


def test_what_only_other_evidence_holds_is_told_apart() -> None:
    assert found("API-77 is the cause (E1)") == {"API-77": Found.ELSEWHERE}
    # Arithmetic over evidence that the line does not cite proves nothing.
    assert found("51 failed (E2)") == {"51": Found.MISSING}


def test_an_amount_worked_out_in_the_sentence_is_shown() -> None:
    invoice = Opinion([item(1, Source.STRIPE, {"amount": 279536, "used": 139768, "extra": 1998})], None)
    shown = found("That difference is $39.96: $2,795.36 × 1,998 ÷ 139,768 (E1)", invoice)
    assert set(shown.values()) == {Found.SHOWN}
    assert found("That difference is $39.90: $2,795.36 × 1,998 ÷ 139,768 (E1)", invoice)["$39.90"] is Found.MISSING


def test_altered_figures_are_noticed() -> None:
    assert list(OPINION.notices("51 of 150 requests failed (E1)")) == [True, True]
    assert not list(OPINION.notices("77.7% failed (E1)")), "what was not shown cannot be tried"
