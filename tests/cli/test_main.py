"""The command itself: its errors without tracebacks, its help, and what it loads."""

import subprocess
import sys

import pytest

from cli import main
from cli.connection import NoServer, connect, load_settings
from cli.errors import PortInUse, UsageProblem
from cli.mendable import MENDABLE
from cli.processes import NotReady
from sandbox.run import SandboxError
from sandbox.world_files import WorldError
from tests.cli.command import Shell
from tests.cli.running import CHECKOUT


@pytest.mark.parametrize("kind", [UsageProblem, PortInUse, NoServer, NotReady, SandboxError])
def test_what_the_user_can_mend_is_one_message(
    kind: type[Exception], whydesk: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise kind("the cause; the remedy")

    monkeypatch.setattr(main, "application", lambda *_: fail)
    said = whydesk()
    assert (said.code, said.out, said.err) == (2, "", "whydesk: the cause; the remedy\n")


def test_a_mistake_of_ours_keeps_its_traceback(whydesk: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise KeyError("ours")

    monkeypatch.setattr(main, "application", lambda *_: fail)
    with pytest.raises(KeyError):
        whydesk()
    assert not any(issubclass(KeyError, kind) or issubclass(TimeoutError, kind) for kind in MENDABLE)
    assert WorldError in MENDABLE


@pytest.mark.parametrize("group", [(), ("playbooks",), ("world",)])
def test_without_a_command_there_is_help(group: tuple[str, ...], whydesk: Shell) -> None:
    said = whydesk(*group, "--help")
    assert said.code == 0
    assert "Usage: whydesk" in said.out


def test_an_unknown_command_is_refused(whydesk: Shell) -> None:
    said = whydesk("investigate")
    assert said.code == 2
    assert "investigate" in said.err


def test_a_server_that_is_not_there_is_told_with_what_to_do(whydesk: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    monkeypatch.setattr("cli.services.connect", _impatient)
    said = whydesk("namespace")
    assert said.code == 2
    assert said.err.startswith("whydesk: no Temporal server answered at '127.0.0.1:1'")
    assert "whydesk up" in said.err


async def _impatient(*_: object, **__: object) -> object:
    return await connect(load_settings(), within=0.1)


def test_a_command_is_loaded_alone_and_help_has_all_of_them(whydesk: Shell) -> None:
    assert [one.name for one in main.application("show").registered_commands] == ["show"]
    said = whydesk("--help").out
    assert [name for name in main.COMMANDS if f"\n  {name} " not in said] == []


def test_looking_at_runs_loads_no_vendors_sdk() -> None:
    """They take seconds to load, and `whydesk list` needs none of them."""
    sdks = {"anthropic", "stripe", "github", "chdb", "fastapi"}
    code = f"import sys; from cli.main import application; application(); print(sorted({sdks} & set(sys.modules)))"
    shown = subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
