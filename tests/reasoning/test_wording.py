"""Sentences that say more than a fact or a row shows, and those that do not."""

from pathlib import Path

import pytest

from playbooks.library import Library
from reasoning.wording import oversteps


@pytest.mark.parametrize(
    ("sentence", "word"),
    [
        ("{value} requests failed because of {cause}", "because"),
        ("{value} charges failed, and none was paid since", "none"),
        ("{route} used {value}, and no other route did", "no"),
        ("{value} requests weren't answered", "weren't"),
        ("Only {value} failed", "only"),
        ("{value} isn’t served", "isn’t"),
        ("{value} of the requests failed since {onset}", ""),
        ("At all other customers {value} of the attempts failed", ""),
        ("{noise} of {nothing_found}", ""),
        ("The northern region: {value}", ""),
        ("", ""),
    ],
)
def test_first_word_that_oversteps_is_named(sentence: str, word: str) -> None:
    assert oversteps(sentence) == word


def test_no_shipped_sentence_on_a_fact_or_a_row_oversteps() -> None:
    playbooks = [loaded.playbook for loaded in Library.load([Path(__file__).parents[2] / "playbooks"]).newest()]
    said = [(book.id, name, spec.say) for book in playbooks for name, spec in book.facts.items()]
    said += [(book.id, query.id, query.row_sentence) for book in playbooks for query in book.queries]
    assert not [(*where, oversteps(sentence)) for *where, sentence in said if oversteps(sentence)]
