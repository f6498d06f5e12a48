"""A model's wording survives only where it says what code says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reasoning.grounding import is_grounded

RATE = "41% of the requests failed (1,236 of 3,000)"
RELEASE = "Release 3f2a9bc went to production at 2026-03-12 14:05 UTC"
ABSENT = "The status page has no incident"

GROUNDED = [
    ("41% of requests failed: 1,236 of 3,000.", RATE),
    ("41 % of the requests have failed (1,236 of 3,000)", RATE),
    ("There are requests: 41% failed, 1,236 of 3,000", RATE),
    ("The release 3f2a9bc went to production at 2026-03-12 14:05 UTC.", RELEASE),
    ("The status page has no incidents.", ABSENT),
    ("There is no incident on the status page", ABSENT),
]

NOT_GROUNDED = [
    ("", RATE),
    ("42% of the requests failed (1,236 of 3,000)", RATE),
    ("41% of the requests failed", RATE),
    ("41% of the requests succeeded (1,236 of 3,000)", RATE),
    ("41% of the requests never failed (1,236 of 3,000)", RATE),
    ("59% of the requests did not fail", RATE),
    ("1,236 of the requests failed (41% of 3,000)", RATE),
    ("41% of the requests failed (1,236 of 3,000), probably by the database", RATE),
    ("41% of the requests failed (1,236 of 3,000); refund the customer", RATE),
    ("All 41% of the requests failed (1,236 of 3,000)", RATE),
    ("41% of the requests failed (1,236 of 3,000) see https://evil.example", RATE),
    ("41% of the requests failed (1,236 of 3,000) see www.evil.example", RATE),
    ("[41%](x) of the requests failed (1,236 of 3,000)", RATE),
    ("**41%** of the requests failed (1,236 of 3,000)", RATE),
    ("<b>41%</b> of the requests failed (1,236 of 3,000)", RATE),
    ("41% of the requests failed (1,236 of 3,000)&nbsp;", RATE),
    ("41% of the requests failed (1,236 of 3,000)\nRefund", RATE),
    ("41% of the rеquests failed (1,236 of 3,000)", RATE),
    ("41% of the requests failed (1,236 of 3,000)\u200b", RATE),
    ("\u202e41% of the requests failed (1,236 of 3,000)", RATE),
    ("４１% of the requests failed (1,236 of 3,000)", RATE),
    ("41% of the requests failed (1,236 of 3,000)" + " the" * 100, RATE),
    ("Release 3f2a9bc went to production at 2026-03-12 14:06 UTC", RELEASE),
    ("Release 3f2a9bd went to production at 2026-03-12 14:05 UTC", RELEASE),
    ("Release 3f2a9bc went to staging at 2026-03-12 14:05 UTC", RELEASE),
    ("Release 3f2a9bc went at 2026-03-12 14:05 UTC", RELEASE),
    ("Production went to release 3f2a9bc at 2026-03-12 14:05 UTC", RELEASE),
    ("The status page has an incident", ABSENT),
    ("The status page has no incident, not one", ABSENT),
    ("No status page has the incident", "The status page has the incident"),
    ("The page has no incident", ABSENT),
    ("There is no incident", ABSENT),
    ("The status page has no incident?", ABSENT),
    ("The status page has no incident, of the page", ABSENT),
    ("The page has no incident status", ABSENT),
    ("No, requests failed", "No requests failed"),
    ("No: requests failed", "No requests failed"),
    ("No requests: failed", "No requests failed"),
    ("No requests - failed", "No requests failed"),
    ('The status page has "no incident"', ABSENT),
    ("41% of the requests 'failed' (1,236 of 3,000)", RATE),
    ("41% of the requests failed (1,236 of 3,000)?", RATE),
    ("41% of the requests failed (1,236 of 3,000)!", RATE),
    ("The balance is $3.00", "The balance is -$3.00"),
    ("It changed by 5 minutes", "It changed by -5 minutes"),
    ("Billed minus metered: 1,300 1,000", "Billed minus metered: 1,300 − 1,000"),
    ("The gateway crashes the worker", "The worker crashes the gateway"),
    ("3 charges and 5 invoices are open", "3 invoices and 5 charges are open"),
]
CAUSAL = (
    "because caused causes due therefore hence led triggered introduced blame responsible explains reason made broke"
)
DENYING = "no not never none nothing only without lacks absent alone unaffected"


@pytest.mark.parametrize(("wording", "sentence"), GROUNDED)
def test_same_statement_in_other_order_of_small_words_is_kept(wording: str, sentence: str) -> None:
    assert is_grounded(wording, sentence, ("41%", "production"), ("share of requests",))


@pytest.mark.parametrize(("wording", "sentence"), NOT_GROUNDED)
def test_other_statement_is_not(wording: str, sentence: str) -> None:
    assert not is_grounded(wording, sentence, ("41%", "production"), ("share of requests", "database", "staging"))


@pytest.mark.parametrize("word", f"{CAUSAL} {DENYING}".split())
def test_no_cause_and_no_denial_is_brought_in_even_where_the_label_has_the_word(word: str) -> None:
    words = RATE.split()
    for at in range(len(words) + 1):
        wording = " ".join([*words[:at], word, *words[at:]])
        assert not is_grounded(wording, RATE, ("41%",), (f"share {word} of other release",)), wording


def test_parts_of_a_sentence_on_a_cause_keep_their_places() -> None:
    sentence = "A slow export worker blocks the gateway"
    assert is_grounded("The slow export worker blocks a gateway.", sentence, (), (), ordered=True)
    assert not is_grounded("The gateway blocks a slow export worker", sentence, (), ())
    assert is_grounded("Slow gateway: the status page", "The status page: slow gateway", (), ())
    assert not is_grounded("Slow gateway: the status page", "The status page: slow gateway", (), (), ordered=True)


def test_order_of_relation_turns_a_sentence_round() -> None:
    sentence = "Errors rose from 2% to 41% after the release"
    assert not is_grounded("Errors rose to 41% from 2% after the release", sentence, (), ())
    assert not is_grounded("Errors rose from 41% to 2% after the release", sentence, (), ())
    assert not is_grounded("Errors rose from 2% to 41% before the release", sentence, (), ("before",))
    assert not is_grounded("The release rose after errors from 2% to 41%", sentence, (), ())
    assert is_grounded("The errors rose from 2% to 41% after that release", sentence, (), ())


@given(st.lists(st.sampled_from(["41%", "1,236", "no", "failed", "succeeded", "requests", "refund", "of", "the"])))
def test_wording_put_together_at_random_keeps_every_number_in_its_place(words: list[str]) -> None:
    wording = " ".join(words)
    if is_grounded(wording, "41% of the requests failed: 1,236", ("41%",), ("requests",)):
        assert [word for word in words if word in ("41%", "failed", "1,236")] == ["41%", "failed", "1,236"]
        assert not {"no", "succeeded", "refund"} & set(words)


@given(st.text())
def test_any_text_is_judged(text: str) -> None:
    assert is_grounded(text, RATE, ("41%",), ()) in (True, False)
