"""docs/cli.md lists every command, whatever the terminal; the codes are those with which the commands end."""

import ast
import inspect
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.reference import COMMANDS, EXITS, ROOT, commands, document, main


def test_the_document_is_as_the_commands_are() -> None:
    assert COMMANDS.read_text(encoding="utf-8") == document(), "run python -m cli.reference --write"


@pytest.mark.parametrize("width", ["20", "200"])
def test_the_terminal_does_not_matter(width: str, tmp_path: Path) -> None:
    environ = {
        "COLUMNS": width,
        "TERM": "xterm-256color",
        "FORCE_COLOR": "1",
        "PYTHONPATH": str(ROOT),
        "HOME": str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, "-m", "cli.reference"],
        env={"PATH": os.defpath, **environ},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout == document()


def test_no_place_of_this_machine_is_in_it() -> None:
    assert str(ROOT) not in document()
    assert str(Path.home()) not in document()


def test_groups_and_their_commands_are_listed() -> None:
    words = [one.words for one in commands()]
    assert {"demo", "doctor", "world validate", "playbooks test"} <= set(words)
    assert len(words) == len(set(words))


def test_every_parameter_says_what_it_is_for() -> None:
    bare = [
        f"{one.words}: {parameter.name}" for one in commands() for parameter in one.parameters if not parameter.help
    ]
    assert bare == []


def test_a_groups_commands_stand_below_it() -> None:
    text = document()
    places = [text.index(f"\n{heading}\n") for heading in ("## whydesk world", "### whydesk world validate")]
    assert places == sorted(places)
    assert "Worlds: companies as data, for the sandbox." in text
    assert "\n## whydesk show\n" in text


def test_every_command_says_what_it_does() -> None:
    assert [one.words for one in commands() if not one.doc] == []


def test_a_default_and_choices_are_shown() -> None:
    text = document()
    assert "| `--limit` | whole number | `20` | How many, the newest first. (at least 1) |" in text
    assert "| `--severity` | `low`, `medium`, `high` |" in text
    assert "| `SOURCE` | text | needed |" in text
    assert "| `--world` | path | `sandbox/worlds/vellumworks` |" in text


def test_codes_belong_to_commands() -> None:
    assert set(EXITS) <= {one.words for one in commands()}


def codes(source: str) -> Iterator[int]:
    """The numbers that stand in a `typer.Exit(…)`, or in a table of codes that one is looked up in."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "Exit":
            for inner in node.args:
                yield from _numbers(inner)
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict) and _is_table_of_codes(node.targets[0]):
            for value in node.value.values:
                yield from _numbers(value)


def _is_table_of_codes(target: ast.expr) -> bool:
    return isinstance(target, ast.Name) and target.id.endswith("CODES")


def _numbers(node: ast.AST) -> Iterator[int]:
    return (one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and type(one.value) is int)


def test_every_code_that_a_command_ends_with_is_told() -> None:
    """A module's codes are told by one of its commands at least."""
    told: dict[str, set[int]] = {}
    written: dict[str, set[int]] = {}
    for one in commands():
        module = inspect.getmodule(one.callback)
        assert module is not None
        told.setdefault(module.__name__, {0, 2}).update(EXITS.get(one.words, {}))
        written[module.__name__] = set(codes(inspect.getsource(module)))
    assert {name: written[name] - told[name] for name in told if written[name] - told[name]} == {}


def test_codes_are_found_in_a_source() -> None:
    assert set(codes("raise typer.Exit(0 if good else 3)\nraise typer.Exit(_CODES[x])\nprint(7)")) == {0, 3}
    assert set(codes("_CODES = {FAILED: 4, GOOD: 0}\nOTHER = {FAILED: 9}")) == {0, 4}


def test_another_argument_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--wirte"]) == 2
    assert "--wirte" in capsys.readouterr().err
