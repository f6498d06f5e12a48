"""docs/configuration.md lists every variable and every key, and what each is for."""

import re

import pytest

from cli.reference_keys import CONFIGURATION, keys, regenerate, sections
from connectors.registry import SOURCES, plugin
from models.tenant import ModelConfig, Reached, Tenant
from settings import SETTINGS


def test_the_document_is_as_the_code_is() -> None:
    text = CONFIGURATION.read_text(encoding="utf-8")
    assert regenerate(text) == text, "run python -m cli.reference --write"


@pytest.mark.parametrize("part", ["settings", "keys"])
def test_a_part_that_was_lost_is_named(part: str) -> None:
    text = CONFIGURATION.read_text(encoding="utf-8")
    with pytest.raises(LookupError, match=f"{part} part"):
        regenerate(text.replace(f"{part}: generated", part))


def test_a_table_that_says_something_else_is_noticed() -> None:
    text = CONFIGURATION.read_text(encoding="utf-8")
    wrong = text.replace("| `metadata_key` | text |", "| `metadata_key` | number |")
    assert wrong != text
    assert regenerate(wrong) == text


def test_every_variable_is_listed() -> None:
    text = CONFIGURATION.read_text(encoding="utf-8")
    assert [one.name for one in SETTINGS if f"\n| `{one.name}` |" not in text] == []


def test_every_source_has_its_table() -> None:
    assert {plugin(source).config for source in SOURCES} <= set(sections())


def test_every_key_says_what_it_is_for() -> None:
    assert [
        f"{model.__name__}.{key.name}: write what it is for below it"
        for model in sections()
        for key in keys(model)
        if not key.meaning
    ] == []


def test_one_mapping_in_two_places_is_listed_once() -> None:
    assert sections()[ModelConfig] == ["models[]", "classifier"]


def test_a_tenants_id_is_no_key_of_it() -> None:
    assert "id" not in {key.name for key in keys(Tenant)}


def test_a_bases_keys_are_a_connectors_too() -> None:
    shared = {key.name for key in keys(Reached)}
    assert shared
    assert all(shared <= {key.name for key in keys(plugin(source).config)} for source in SOURCES)


def test_secrets_are_told_from_text_and_no_value_is_one() -> None:
    every = [key for model in sections() for key in keys(model)]
    secret = {key.name for key in every if "secret" in key.takes}
    assert secret == {"token", "webhook_secrets", "password", "api_key", "private_key"}
    assert {key.default for key in every if "secret" in key.takes} == {"needed", "none"}


def test_defaults_are_the_ones_that_count() -> None:
    text = CONFIGURATION.read_text(encoding="utf-8")
    assert re.search(r"^\| `usd_per_ticket` \| number \| `0\.25` \|", text, re.MULTILINE)
    assert re.search(r"^\| `mode` \| `off`, `shadow`, `note` \| `note` \|", text, re.MULTILINE)
    assert re.search(r"^\| `url` \| address \| `https://api\.stripe\.com` \|", text, re.MULTILINE)
