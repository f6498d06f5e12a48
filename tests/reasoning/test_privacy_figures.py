"""The labelled texts: what redaction hides of them stays hidden, and the unseen half is the one that was sealed."""

import hashlib

import pytest

from reasoning.redact import Redactor
from tests.reasoning.privacy_corpus import FOLDER, HIDDEN, KEPT, UNKNOWN, Hidden, Label, Text, hidden, texts
from tests.reasoning.privacy_figures import HALVES, Figures, is_hidden, measure, table

SEALED = "1650ca3dbeefc3ccbfaa8f92964dc934727dd3a61fcc0390c852e2e2b070b903"
LEAST_RECALL = {"seen": 0.99, "unseen": 0.97}
MOST_TOUCHED = {"seen": 0.005, "unseen": 0.016}
"""Of what must stay."""


@pytest.fixture(scope="module")
def measured() -> dict[str, Figures]:
    return {half: measure(texts(half)) for half in HALVES}


def test_the_unseen_half_is_the_one_that_was_written_before_the_patterns() -> None:
    assert hashlib.sha256((FOLDER / "unseen.txt").read_bytes()).hexdigest() == SEALED


@pytest.mark.parametrize("half", HALVES)
def test_a_text_is_in_its_half_by_its_id_alone(half: str) -> None:
    assert {hashlib.sha256(text.id.encode()).digest()[0] % 2 for text in texts(half)} == {half == "unseen"}


def test_there_are_enough_texts_and_every_entity_is_in_both_halves(measured: dict[str, Figures]) -> None:
    assert sum(len(texts(half)) for half in HALVES) >= 300
    for figures in measured.values():
        assert all(figures.labelled[entity] >= 5 for entity in (*HIDDEN, *UNKNOWN))
        assert figures.labelled[KEPT] > 200


@pytest.mark.parametrize("half", HALVES)
def test_recall_and_over_redaction_do_not_get_worse(half: str, measured: dict[str, Figures]) -> None:
    assert measured[half].recall() >= LEAST_RECALL[half]
    assert measured[half].over() <= MOST_TOUCHED[half]


@pytest.mark.parametrize("half", HALVES)
def test_way_back_is_exact_for_every_text(half: str) -> None:
    for text in texts(half):
        redactor = Redactor()
        assert redactor.resolve(redactor.redact(text.text)) == text.text, text.id


def test_the_measure_sees_what_is_left_and_what_is_hidden_in_vain(monkeypatch: pytest.MonkeyPatch) -> None:
    label = Label(2, 6, "phone")
    assert not is_hidden("tel 1234", Label(4, 8, "phone"), [Hidden(4, 7, "PHONE")])
    assert is_hidden("a (12) b", label, [Hidden(3, 5, "PHONE")]), "brackets may stay"
    text = Text("t", (), "call +49 30 901820, order 7", (Label(5, 18, "phone"), Label(20, 27, "keep")))
    assert [text.text[span.start : span.end] for span in hidden(text)] == ["+49 30 901820"]
    monkeypatch.setattr(Redactor, "redact", lambda _, text: text)
    nothing = measure([text])
    assert (nothing.recall("phone"), nothing.replaced) == (0.0, 0)
    assert "| `phone` | 0 of 1 |" in table({"none": nothing})
