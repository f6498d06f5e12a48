"""A leashed command: ends with its parent however that ends, passes its exit code on, leaves no child behind."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

import pytest

from tests.cli.running import CHECKOUT, alive, ended, number_in

PARENT = """
import subprocess, sys, time
subprocess.Popen([sys.executable, "-m", "cli.leash", *sys.argv[2:]], stdin=subprocess.PIPE)
time.sleep(float(sys.argv[1]))
"""


async def start(*command: str) -> Process:
    return await asyncio.create_subprocess_exec(*command, cwd=CHECKOUT, stdin=PIPE, stdout=PIPE, stderr=PIPE)


async def leashed(*command: str) -> Process:
    return await start(sys.executable, "-m", "cli.leash", *command)


def shell(file: Path, then: str = "exec sleep 60") -> list[str]:
    """A command that says who it is."""
    return ["sh", "-c", f"echo $$ > {file}; {then}"]


async def test_kill_9_of_the_parent_ends_the_command(tmp_path: Path) -> None:
    parent = await start(sys.executable, "-c", PARENT, "60", *shell(tmp_path / "pid"))
    command = await number_in(tmp_path / "pid")
    assert alive(command)
    parent.kill()
    await parent.wait()
    assert await ended(command)


async def test_a_parent_that_ends_in_peace_ends_the_command_too(tmp_path: Path) -> None:
    parent = await start(sys.executable, "-c", PARENT, "1", *shell(tmp_path / "pid"))
    command = await number_in(tmp_path / "pid")
    assert await parent.wait() == 0
    assert await ended(command)


@pytest.mark.parametrize("how", ["sigterm", "closed input"])
async def test_asked_to_stop_it_stops_the_command(how: str, tmp_path: Path) -> None:
    leash = await leashed(*shell(tmp_path / "pid"))
    command = await number_in(tmp_path / "pid")
    if how == "sigterm":
        leash.send_signal(signal.SIGTERM)
    else:
        assert leash.stdin is not None
        leash.stdin.close()
    assert await asyncio.wait_for(leash.wait(), 20) == 128 + signal.SIGTERM
    assert not alive(command)


async def test_ctrl_c_is_for_the_parent_alone(tmp_path: Path) -> None:
    leash = await leashed(*shell(tmp_path / "pid"))
    command = await number_in(tmp_path / "pid")
    # Ctrl-C goes to the terminal's group; the command has one of its own.
    assert os.getpgid(command) != os.getpgid(leash.pid)
    leash.send_signal(signal.SIGINT)
    await asyncio.sleep(0.3)
    assert leash.returncode is None
    assert alive(command)
    leash.send_signal(signal.SIGTERM)
    await asyncio.wait_for(leash.wait(), 20)


@pytest.mark.parametrize("code", [0, 3])
async def test_exit_code_and_output_are_passed_on(code: int) -> None:
    leash = await leashed("sh", "-c", f"echo out; echo err >&2; exec sh -c 'exit {code}'")
    assert leash.stdout is not None
    assert leash.stderr is not None
    assert (await leash.stdout.read(), await leash.stderr.read()) == (b"out\n", b"err\n")
    assert await leash.wait() == code


async def test_a_command_that_died_of_a_signal_is_told_as_a_shell_tells_it() -> None:
    leash = await leashed("sh", "-c", "kill -9 $$")
    assert await leash.wait() == 128 + signal.SIGKILL


async def test_a_command_that_is_not_there_is_named_without_a_traceback() -> None:
    leash = await leashed("/nowhere/temporal", "server")
    assert leash.stderr is not None
    assert await leash.stderr.read() == b"cannot run '/nowhere/temporal': No such file or directory\n"
    assert await leash.wait() == 127


@pytest.mark.parametrize("child", ["sleep 60", "sh -c 'trap \"\" TERM; sleep 60 & wait; sleep 60'"])
async def test_children_go_with_the_command(child: str, tmp_path: Path) -> None:
    leash = await leashed("sh", "-c", f"{child} & echo $! > {tmp_path / 'child'}; exec sleep 60")
    grandchild = await number_in(tmp_path / "child")
    leash.send_signal(signal.SIGTERM)
    await asyncio.wait_for(leash.wait(), 20)
    assert await ended(grandchild, 5)


async def test_children_go_when_the_command_ends_by_itself(tmp_path: Path) -> None:
    leash = await leashed("sh", "-c", f"sleep 60 & echo $! > {tmp_path / 'child'}; exit 4")
    assert await asyncio.wait_for(leash.wait(), 20) == 4
    assert await ended(await number_in(tmp_path / "child"), 5)


async def test_a_command_that_will_not_stop_is_made_to(tmp_path: Path) -> None:
    impatient = "import cli.leash, sys; cli.leash.GRACE = 0.5; sys.exit(cli.leash.main(sys.argv[1:]))"
    command = shell(tmp_path / "pid", "trap '' TERM; echo up; while true; do sleep 1; done")
    leash = await start(sys.executable, "-c", impatient, *command)
    assert leash.stdout is not None
    assert await leash.stdout.readline() == b"up\n"
    leash.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(leash.wait(), 20) == 128 + signal.SIGKILL
    assert await ended(await number_in(tmp_path / "pid"))
