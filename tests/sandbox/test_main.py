"""`python -m sandbox` as a process: it announces itself, answers, ends when told, and leaves nothing behind."""

import asyncio
import json
import os
import signal
import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.__main__ import write_state
from sandbox.webhooks import NO_TLS
from sandbox.world_files import validate_world

CHECKOUT = Path(__file__).resolve().parents[2]
WORLDS = [path for path in sorted((CHECKOUT / "sandbox" / "worlds").iterdir()) if path.is_dir()]


async def start(*arguments: str, scratch: Path) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "sandbox", *arguments),
        cwd=CHECKOUT,
        env={**os.environ, "TMPDIR": str(scratch)},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )


async def until(condition: Callable[[], bool], seconds: float = 15) -> bool:
    """Wait for something that another process does; return whether it came."""
    end = time.monotonic() + seconds
    for _ in iter(condition, True):
        if time.monotonic() > end:
            return False
        await asyncio.sleep(0.03)
    return True


async def ready(process: asyncio.subprocess.Process, file: Path) -> dict[str, Any]:
    assert await until(lambda: file.exists() or process.returncode is not None, 90), "no state file"
    if process.returncode is not None:
        assert process.stderr is not None
        raise AssertionError((await process.stderr.read()).decode())
    return read_state(file)


def read_state(file: Path) -> dict[str, Any]:
    state: dict[str, Any] = json.loads(file.read_text())
    return state


def children(parent: int) -> list[int]:
    path = Path(f"/proc/{parent}/task/{parent}/children")
    return [int(number) for number in path.read_text().split()]


def alive(number: int) -> bool:
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def gone(number: int) -> bool:
    return await until(lambda: not alive(number))


@pytest.fixture
def world() -> str:
    if not WORLDS or validate_world(WORLDS[0]):
        pytest.fail("no valid world is in sandbox/worlds; `whydesk world validate` says why")
    return str(WORLDS[0])


@pytest.fixture
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the processes put their temporary files."""
    return tmp_path_factory.mktemp("scratch")


async def test_it_announces_itself_answers_and_ends_on_sigterm(world: str, tmp_path: Path, scratch: Path) -> None:
    file, early = (tmp_path / "state" / name for name in ("sandbox.json", "early.json"))
    files = ("--early-state", str(early), "--state", str(file))
    process = await start("--world", world, "--rows", "2000", *files, "--parent-pid", str(os.getpid()), scratch=scratch)
    first = await ready(process, early)
    assert not file.exists(), "its ports are taken, and its logs are not there yet"
    async with httpx.AsyncClient(verify=NO_TLS) as http:
        assert (await http.get(first["addresses"]["zendesk"])).status_code < 500
    state = await ready(process, file)
    assert state == first
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    offspring = children(process.pid)
    assert len(offspring) == 1
    keys = state["credentials"]["clickhouse"]
    async with httpx.AsyncClient(verify=NO_TLS) as http:
        for name, address in state["addresses"].items():
            assert (await http.get(address)).status_code < 500, name
        asked = await http.post(
            state["addresses"]["clickhouse"],
            params={"query": "SELECT 41 + 1"},
            auth=httpx.BasicAuth(keys["user"], keys["password"]),
        )
        assert asked.text.strip() == "42"
        stranger = await http.post(state["addresses"]["clickhouse"], params={"query": "SELECT 1"})
        assert stranger.headers["x-clickhouse-exception-code"] == "516"
        fault = {"vendor": "clickhouse", "kind": "status", "status": 503, "times": 1}
        await http.post(f"{state['control']}/faults", json=fault)
        assert (await http.get(f"{state['addresses']['clickhouse']}/ping")).status_code == 503
        calls = (await http.get(f"{state['control']}/calls", params={"vendor": "clickhouse"})).json()["calls"]
    assert [one["status"] for one in calls][-1] == 503
    assert keys["password"] not in json.dumps(calls)
    process.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(process.wait(), 15) == 0
    assert await gone(offspring[0])
    assert not file.exists()
    assert not early.exists()
    assert os.listdir(scratch) == []


async def test_it_ends_with_its_parent(world: str, tmp_path: Path, scratch: Path) -> None:
    parent = await asyncio.create_subprocess_exec("sleep", "60")
    file = tmp_path / "s.json"
    process = await start(
        "--world", world, "--no-clickhouse", "--state", str(file), "--parent-pid", str(parent.pid), scratch=scratch
    )
    await ready(process, file)
    parent.kill()
    await parent.wait()
    assert await asyncio.wait_for(process.wait(), 15) == 0
    assert not file.exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
async def test_stopped_while_still_starting_it_takes_clickhouse_with_it(
    world: str, tmp_path: Path, scratch: Path, number: signal.Signals
) -> None:
    process = await start("--world", world, "--rows", "1000000", "--state", str(tmp_path / "s.json"), scratch=scratch)
    assert await until(lambda: bool(children(process.pid)))
    offspring = children(process.pid)
    process.send_signal(number)
    await asyncio.wait_for(process.wait(), 15)
    assert await gone(offspring[0])
    assert os.listdir(tmp_path) == []


async def test_a_folder_that_is_no_world_is_refused_with_the_reason(tmp_path: Path, scratch: Path) -> None:
    process = await start("--world", str(tmp_path), "--state", str(tmp_path / "s.json"), scratch=scratch)
    _, said = await process.communicate()
    assert process.returncode == 1
    assert b"world.yaml" in said
    assert not (tmp_path / "s.json").exists()


async def test_bad_latency_is_told_at_once(tmp_path: Path, scratch: Path) -> None:
    process = await start("--world", str(tmp_path), "--state", "s", "--latency", "2,1", scratch=scratch)
    _, said = await process.communicate()
    assert process.returncode == 2
    assert b"lower bound comes first" in said


def test_the_state_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    write_state(tmp_path / "a" / "state.json", {"secret": "x"})
    assert stat.S_IMODE((tmp_path / "a" / "state.json").stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["state.json"]
