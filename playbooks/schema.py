"""JSON Schemas of playbooks and fixtures for editors: what may stand where, with the words that the code knows."""

import json
from pathlib import Path

from pydantic import JsonValue

from connectors.registry import SOURCES, operations_of
from models.playbook import Playbook
from playbooks.fixture_files import ANCHORS
from playbooks.fixture_format import Fixture
from reasoning.facts import FUNCTIONS
from reasoning.symptoms import SYMPTOMS

PLAYBOOK_SCHEMA = "playbook.schema.json"
FIXTURE_SCHEMA = "fixture.schema.json"
"""Names of the files, in the folder that holds the playbooks' folders."""
PLAYBOOK_HINT = f"# yaml-language-server: $schema=../{PLAYBOOK_SCHEMA}\n"
FIXTURE_HINT = f"# yaml-language-server: $schema=../../{FIXTURE_SCHEMA}\n"
"""The first line of a file, by which editors find the schema."""

Schema = dict[str, JsonValue]


def playbook_schema() -> Schema:
    """Return the schema of a playbook; functions, operations and symptoms are listed, so that editors offer them."""
    schema: Schema = Playbook.model_json_schema()
    operations = sorted({"sql"} | {name for source in SOURCES for name in operations_of(source)})
    _field(schema, "Query", "operation")["enum"] = list(operations)
    _field(schema, "FactSpec", "fn")["enum"] = list(FUNCTIONS)
    _field(schema, "FactSpec", "fn")["description"] = "\n".join(f"{one.name}: {one.doc}" for one in FUNCTIONS.values())
    _field(schema, "AppliesWhen", "symptoms")["propertyNames"] = {"enum": [*SYMPTOMS]}
    return schema


def fixture_schema() -> Schema:
    """Return the schema of a fixture."""
    schema: Schema = Fixture.model_json_schema()
    anchors = _property(schema, "anchors")
    anchors["propertyNames"] = {"enum": [*sorted(ANCHORS)]}
    return schema


def write_schemas(folder: Path) -> tuple[Path, Path]:
    """Write both where the first line of a file points to; return where."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = folder / PLAYBOOK_SCHEMA, folder / FIXTURE_SCHEMA
    for path, schema in zip(paths, (playbook_schema(), fixture_schema()), strict=True):
        path.write_text(json.dumps(schema, indent=2) + "\n", encoding="utf-8")
    return paths


def _field(schema: Schema, model: str, name: str) -> Schema:
    definitions = schema["$defs"]
    assert isinstance(definitions, dict)
    definition = definitions[model]
    assert isinstance(definition, dict)
    return _property(definition, name)


def _property(schema: Schema, name: str) -> Schema:
    properties = schema["properties"]
    assert isinstance(properties, dict)
    found = properties[name]
    assert isinstance(found, dict)
    return found
