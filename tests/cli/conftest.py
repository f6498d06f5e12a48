"""A shell for the tests of commands: a state folder of its own, a wide terminal."""

from pathlib import Path

import pytest

from tests.cli.command import Shell


@pytest.fixture
def whydesk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    """Run commands in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WHYDESK_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("TERM", "dumb")
    return Shell(monkeypatch, capsys)
