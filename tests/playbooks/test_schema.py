"""The schemas that editors read: every field is explained, and what ships is valid by them."""

from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest
from pydantic import JsonValue

from playbooks.library import FIXTURES
from playbooks.lock import SHIPPED
from playbooks.schema import Schema, fixture_schema, playbook_schema
from playbooks.yaml_source import YamlSource, read_yaml

SCHEMAS = {"playbook": playbook_schema(), "fixture": fixture_schema()}


def models(schema: Schema) -> Iterator[tuple[str, dict[str, JsonValue]]]:
    definitions = schema.get("$defs", {})
    assert isinstance(definitions, dict)
    for name, model in ((str(schema["title"]), schema), *definitions.items()):
        assert isinstance(model, dict)
        properties = model.get("properties", {})
        assert isinstance(properties, dict)
        yield name, properties


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_field_is_explained(name: str) -> None:
    fields = [(model, field, value) for model, fields in models(SCHEMAS[name]) for field, value in fields.items()]
    assert len(fields) > 20
    silent = [f"{model}.{field}" for model, field, value in fields if "description" not in dict(value)]  # type: ignore[arg-type]
    assert silent == []


def data(path: Path) -> JsonValue:
    found = read_yaml(path)
    assert isinstance(found, YamlSource), str(found)
    return found.data


def test_what_ships_is_valid_by_the_schemas() -> None:
    playbooks = sorted(SHIPPED.glob("*/*.yaml"))
    fixtures = sorted(SHIPPED.glob(f"*/{FIXTURES}/*.yaml"))
    assert playbooks
    assert fixtures
    for name, paths in (("playbook", playbooks), ("fixture", fixtures)):
        check = jsonschema.Draft202012Validator(SCHEMAS[name])
        for path in paths:
            assert [f"{path}: {error.message}" for error in check.iter_errors(data(path))] == []


def test_editors_offer_functions_operations_and_symptoms() -> None:
    parts = dict(models(SCHEMAS["playbook"]))
    assert "onset" in str(parts["FactSpec"]["fn"])
    assert "list_deployments" in str(parts["Query"]["operation"])
    assert "rate-limited" in str(parts["AppliesWhen"]["symptoms"])
    check = jsonschema.Draft202012Validator(SCHEMAS["playbook"])
    span = {"before": "90 minutes"}
    query = {"id": "x", "source": "docs", "title": "x", "scope": "shared", "window": span}
    assert any("90 minutes" in error.message for error in check.iter_errors({"queries": [query]}))
