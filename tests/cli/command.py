"""Runs a command as the shell does, without a process of its own."""

import sys
from dataclasses import dataclass

import pytest

from cli.main import run


@dataclass(frozen=True)
class Said:
    """What a command did."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Shell:
    """Calls `whydesk`."""

    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def __call__(self, *arguments: str) -> Said:
        """Run to the end."""
        self.monkeypatch.setattr(sys, "argv", ["whydesk", *arguments])
        try:
            code = run()
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 0
        captured = self.capsys.readouterr()
        return Said(code, captured.out, captured.err)
