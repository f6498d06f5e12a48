"""`whydesk playbooks`: what an engineer needs while writing one."""

import json
import shutil
from pathlib import Path

import jsonschema
import pytest

from playbooks.yaml_source import YamlSource, read_yaml
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
    assert "evidence" in json.loads(whydesk("playbooks", "schema", "--fixture").out)["properties"]


def test_a_new_playbook_is_valid_and_its_fixture_passes(whydesk: Shell, tmp_path: Path) -> None:
    mine = str(tmp_path / "mine")
    said = whydesk("playbooks", "new", "login-loop", "--dir", mine, "--owner", "identity")
    assert (said.code, said.err) == (0, "")
    path = tmp_path / "mine/login-loop/1.yaml"
    assert said.out.splitlines()[0] == str(path)
    first, *rest = path.read_text().splitlines()
    assert first == "# yaml-language-server: $schema=../playbook.schema.json"
    assert sum("#" in line for line in rest) >= 12, "it explains itself"
    assert whydesk("playbooks", "validate", mine).out == f"{mine}: 1 playbook, all valid\n"
    assert whydesk("playbooks", "test", "--dir", mine).out == "ok   login-loop@1 own-incident\n"
    [listed] = json.loads(whydesk("playbooks", "list", "--dir", mine, "--json").out)
    assert (listed["owner"], listed["past_review"], listed["fixtures"]) == ("identity", False, 1)


def test_what_the_editor_hints_point_to_is_there(whydesk: Shell, tmp_path: Path) -> None:
    whydesk("playbooks", "new", "login-loop", "--dir", str(tmp_path / "mine"))
    files = sorted((tmp_path / "mine").rglob("*.yaml"))
    assert len(files) == 2
    for path in files:
        hint = path.read_text().splitlines()[0].partition("$schema=")[2]
        schema = json.loads((path.parent / hint).read_text())
        # A date is a text to an editor.
        jsonschema.validate(read(path), schema)
        with pytest.raises(jsonschema.ValidationError, match="colour"):
            jsonschema.validate(read(path) | {"colour": "red"}, schema)


def test_new_overwrites_nothing(whydesk: Shell, tmp_path: Path) -> None:
    command = ("playbooks", "new", "login-loop", "--dir", str(tmp_path))
    assert whydesk(*command).code == 0
    path = tmp_path / "login-loop/1.yaml"
    path.write_text("mine")
    said = whydesk(*command)
    assert (said.code, said.err) == (
        2,
        f"whydesk: {tmp_path / 'login-loop'} is there already; --from login-loop makes its next version\n",
    )
    assert path.read_text() == "mine"


@pytest.mark.parametrize("name", ["Login", "../escape", "1st", "a b"])
def test_new_takes_ids_only(name: str, whydesk: Shell, tmp_path: Path) -> None:
    said = whydesk("playbooks", "new", name, "--dir", str(tmp_path / "mine"))
    assert said.code == 2
    assert f"{name!r} is not an id" in said.err
    assert not (tmp_path / "mine").exists()


def test_new_from_a_shipped_one_is_its_next_version_with_its_fixtures(whydesk: Shell, tmp_path: Path) -> None:
    mine = str(tmp_path / "mine")
    assert whydesk("playbooks", "new", "general", "--from", "general", "--dir", mine).code == 0
    newest = max(int(path.stem) for path in (SHIPPED / "general").glob("*.yaml"))
    shipped = read(SHIPPED / f"general/{newest}.yaml")
    copied = read(tmp_path / f"mine/general/{newest + 1}.yaml")
    changed = {name for name in copied if copied[name] != shipped[name]}
    assert changed <= {"version", "review_by"}
    assert copied["version"] == newest + 1
    names = {path.name for path in (SHIPPED / "general/fixtures").glob("*.yaml")}
    assert {path.name for path in (tmp_path / "mine/general/fixtures").glob("*.yaml")} == names
    assert whydesk("playbooks", "new", "general", "--from", f"general@{newest + 1}", "--dir", mine).code == 0
    assert whydesk("playbooks", "validate", mine).out == f"{mine}: 2 playbooks, all valid\n"
    tested = whydesk("playbooks", "test", "--dir", mine)
    assert tested.code == 0
    assert {line.split()[1] for line in tested.out.splitlines()} == {f"general@{newest + 2}"}, (
        "fixtures are of the newest"
    )


def test_new_from_another_is_no_second_fallback(whydesk: Shell, tmp_path: Path) -> None:
    mine = str(tmp_path / "mine")
    for name in ("general", "desk"):
        assert whydesk("playbooks", "new", name, "--from", "general", "--dir", mine).code == 0
    assert whydesk("playbooks", "validate", mine).code == 0
    assert read(tmp_path / "mine/desk/1.yaml")["id"] == "desk"


def test_a_playbook_past_its_review_date_is_marked(whydesk: Shell, copy: Path) -> None:
    path = first_file(copy)
    path.write_text(path.read_text().replace("review_by: 2099-01-01", "review_by: 2020-01-31"))
    assert "2020-01-31 (past)" in whydesk("playbooks", "list", "--dir", str(copy)).out
    [listed] = json.loads(whydesk("playbooks", "list", "--dir", str(copy), "--json").out)
    assert listed["past_review"] is True


def test_show_is_for_reading(whydesk: Shell) -> None:
    said = whydesk("playbooks", "show", "probe@1", "--dir", str(PROBE_PLAYBOOKS))
    assert (said.code, said.err) == (0, "")
    for text in (
        "probe@1 · Probe · tests · review by 2099-01-01",
        "nothing that speaks for another: this is the fallback",
        "needs customer, else the agent asks: Which account is this about?",
        "requests by status",
        "1d before to 2h after",
        "when failed > 0",
        "sum(query: errors, column: number, where: ",
        "own_incident",
        "!incident",
        "high: failed > 1000",
        "point-at-incident: Link the incident to the ticket.",
    ):
        assert text in said.out, text
    shown = json.loads(whydesk("playbooks", "show", "probe", "--dir", str(PROBE_PLAYBOOKS), "--json").out)
    assert shown["playbook"]["queries"][0]["id"] == "errors"
    said = whydesk("playbooks", "show", "probe@7", "--dir", str(PROBE_PLAYBOOKS))
    assert said.err == f"whydesk: no version '7' of probe in {PROBE_PLAYBOOKS}; there are probe@1\n"


def test_results_of_fixtures_in_json(whydesk: Shell, tmp_path: Path) -> None:
    whydesk("playbooks", "new", "login-loop", "--dir", str(tmp_path))
    fixture = tmp_path / "login-loop/fixtures/own-incident.yaml"
    fixture.write_text(fixture.read_text().replace("severity: high", "severity: low"))
    said = whydesk("playbooks", "test", "--dir", str(tmp_path), "--json")
    assert said.code == 1
    assert json.loads(said.out) == [
        {
            "playbook": "login-loop@1",
            "fixture": "own-incident",
            "passed": False,
            "differences": ["severity: expected low, got high"],
        }
    ]


def read(path: Path) -> dict[str, object]:
    found = read_yaml(path)
    assert isinstance(found, YamlSource)
    assert isinstance(found.data, dict)
    return dict(found.data)
