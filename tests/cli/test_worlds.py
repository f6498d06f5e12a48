"""`whydesk world`."""

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.command import Shell
from tests.cli.running import CHECKOUT

WORLD = CHECKOUT / "sandbox" / "worlds" / "vellumworks"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(WORLD, tmp_path / "mine"))


def test_a_valid_world(whydesk: Shell) -> None:
    said = whydesk("world", "validate", str(WORLD))
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith(f"{WORLD}: valid, ")


def test_every_mistake_is_named_with_its_file_and_line(whydesk: Shell, copy: Path) -> None:
    (copy / "truth.yaml").unlink()
    with (copy / "bugs.yaml").open("a") as bugs:
        bugs.write("colour: red\n")
    lines = len((copy / "bugs.yaml").read_text().splitlines())
    said = whydesk("world", "validate", str(copy))
    assert said.code == 1
    assert f"bugs.yaml:{lines}:" in said.out
    assert "truth.yaml:1:" in said.out
    assert said.out.splitlines()[-1] == f"{copy}: {len(said.out.splitlines()) - 1} problems"
    assert "Traceback" not in said.err


def test_a_folder_that_is_not_there_is_told(whydesk: Shell, tmp_path: Path) -> None:
    said = whydesk("world", "validate", str(tmp_path / "nowhere"))
    assert said.code == 1
    assert str(tmp_path / "nowhere") in said.out
    assert "Traceback" not in said.err


def test_the_schema_of_every_file(whydesk: Shell) -> None:
    schemas = json.loads(whydesk("world", "schema").out)
    assert {"world.yaml", "customers.yaml", "tickets.yaml", "truth.yaml"} <= set(schemas)
    assert all(schema["$schema"] and schema["properties"] for schema in schemas.values())
