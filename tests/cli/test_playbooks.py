"""`whydesk playbooks`: what an engineer needs while writing one."""

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.command import Shell
from tests.cli.running import CHECKOUT
from tests.conftest import PROBE_PLAYBOOKS

SHIPPED = CHECKOUT / "playbooks"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(PROBE_PLAYBOOKS, tmp_path / "mine"))


def first_file(folder: Path) -> Path:
    return min(path for path in folder.rglob("*.yaml") if path.stem.isdigit())


def test_list_shows_each_with_its_version_and_owner(whydesk: Shell, copy: Path) -> None:
    said = whydesk("playbooks", "list", "--dir", str(copy))
    assert said.code == 0
    path = first_file(copy)
    assert f"{path.parent.name}@{path.stem}" in said.out


def test_validate_counts_what_is_valid(whydesk: Shell, copy: Path) -> None:
    said = whydesk("playbooks", "validate", str(copy))
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith(f"{copy}: ")
    assert said.out.rstrip().endswith("all valid")


def test_validate_names_a_mistake_with_its_file_and_line(whydesk: Shell, copy: Path) -> None:
    path = first_file(copy)
    path.write_text(path.read_text() + "colour: red\n")
    line = len(path.read_text().splitlines())
    for command in (("validate", str(copy)), ("list", "--dir", str(copy)), ("test", "--dir", str(copy))):
        said = whydesk("playbooks", *command)
        assert said.code == 2
        assert said.err.startswith("whydesk: ")
        assert f"{path}:{line}: " in said.err
        assert "colour" in said.err
        assert "Traceback" not in said.err


def test_fixtures_run_and_pass(whydesk: Shell) -> None:
    said = whydesk("playbooks", "test", "general")
    lines = said.out.splitlines()
    assert said.code == 0, said.out
    assert lines
    assert all(line.startswith("ok   general@") for line in lines)


def test_a_fixture_that_fails_says_the_difference(whydesk: Shell, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(SHIPPED / "general", tmp_path / "mine" / "general")).parent
    fixture = min((copy / "general" / "fixtures").rglob("*.yaml"))
    text = fixture.read_text()
    wrong = "failed" if "outcome: inconclusive" in text else "inconclusive"
    fixture.write_text("\n".join(f"  outcome: {wrong}" if "outcome:" in line else line for line in text.splitlines()))
    said = whydesk("playbooks", "test", "--dir", str(copy))
    assert said.code == 1
    failed = [line for line in said.out.splitlines() if line.startswith("FAIL")]
    assert len(failed) == 1
    assert "     " in said.out
    assert wrong in said.out


def test_an_unknown_playbook_is_told_with_those_that_exist(whydesk: Shell) -> None:
    said = whydesk("playbooks", "test", "genral")
    assert said.code == 2
    assert said.err.startswith("whydesk: no playbook 'genral' in ")
    assert "general" in said.err


def test_the_schema_is_for_editors(whydesk: Shell) -> None:
    schema = json.loads(whydesk("playbooks", "schema").out)
    assert {"id", "version", "queries", "hypotheses"} <= set(schema["properties"])
