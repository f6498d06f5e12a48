"""The document lists what the code has."""

import pytest

from connectors.registry import SOURCES, operations_of
from models.vocabulary import Source
from playbooks.reference import DOCS, functions_table, regenerate, sources_in
from reasoning.facts import FUNCTIONS


def test_the_document_is_as_the_code_is() -> None:
    text = DOCS.read_text(encoding="utf-8")
    listed = sources_in(text)
    assert set(listed) >= {Source.LINEAR, Source.STRIPE, Source.GITHUB, Source.DOCS, Source.STATUSPAGE}
    assert regenerate(text, listed) == text, "run python -m playbooks.reference"


def test_a_source_of_which_the_document_says_something_else_is_noticed() -> None:
    text = DOCS.read_text(encoding="utf-8")
    wrong = text.replace("| statuspage | `list_components` |", "| statuspage | `list_parts` |")
    assert wrong != text
    assert regenerate(wrong, sources_in(wrong)) == regenerate(text, sources_in(text))


def test_a_part_that_was_lost_is_named() -> None:
    with pytest.raises(LookupError, match="functions"):
        regenerate(DOCS.read_text(encoding="utf-8").replace("functions: generated", "functions"))


def test_every_function_says_what_it_does() -> None:
    assert all(len(function.doc) > 20 for function in FUNCTIONS.values())
    assert functions_table().count("\n| `") == len(FUNCTIONS)


def test_every_vendor_has_operations() -> None:
    assert all(operations_of(source) for source in SOURCES if source is not Source.CLICKHOUSE)
