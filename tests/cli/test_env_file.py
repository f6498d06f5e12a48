"""`.env` beside whydesk.yaml: what it adds, what counts before it, and what it must not do."""

from pathlib import Path

import pytest

from cli.connection import load_settings
from cli.env_file import read_env_file, with_env_file
from settings import ConfigError


def test_it_adds_what_the_process_lacks_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("# a comment\n\nONE=file\nexport TWO='with = and # in it'\nTHREE=\"3\"\nFOUR=\n")
    environ = {"WHYDESK_CONFIG": str(tmp_path / "whydesk.yaml"), "ONE": "process"}
    found = with_env_file(environ)
    assert found == environ | {"TWO": "with = and # in it", "THREE": "3", "FOUR": ""}
    assert environ == {"WHYDESK_CONFIG": str(tmp_path / "whydesk.yaml"), "ONE": "process"}


def test_without_a_named_configuration_it_is_the_one_of_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert with_env_file({}) == {}
    (tmp_path / ".env").write_text("WHYDESK_GATEWAY_PORT=8099\n")
    assert load_settings({}).gateway_port == 8099
    assert load_settings({"WHYDESK_GATEWAY_PORT": "8100"}).gateway_port == 8100


def test_a_line_that_is_no_variable_is_named_without_its_text(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("GOOD=1\nTOKEN: hunter2\nKEY = hunter2\n")
    with pytest.raises(ConfigError) as caught:
        read_env_file(path)
    assert [problem.partition(": ")[0] for problem in caught.value.problems] == [f"{path}:2", f"{path}:3"]
    assert "hunter2" not in str(caught.value)


def test_what_is_not_text_is_told(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_bytes(b"TOKEN=\xff\n")
    with pytest.raises(ConfigError, match="not UTF-8"):
        read_env_file(path)


def test_a_file_that_only_a_supervisor_may_read_adds_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> str:
        raise PermissionError(13, "Permission denied")

    # The tests may run as root, whom no mode keeps out.
    monkeypatch.setattr(Path, "read_text", refuse)
    assert with_env_file({"WHYDESK_CONFIG": str(tmp_path / "whydesk.yaml")}) == {
        "WHYDESK_CONFIG": str(tmp_path / "whydesk.yaml")
    }
