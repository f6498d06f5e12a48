"""A household: its processes stop in reverse order, whoever ended is named with its last words, none remains."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from cli.processes import Household, ProcessEnded, Running
from tests.cli.running import alive, ended, mentioning, number_in

ENVIRON = {"PATH": os.environ.get("PATH", "")}
LASTING = "echo $$ > {0}/{1}.pid; trap '{2} echo {1} >> {0}/order; exit 0' TERM; while true; do sleep 0.05; done"


async def sleeper(household: Household, folder: Path, name: str, at_end: str = "") -> Running:
    """Start a process that writes its number and, asked to stop, adds its name to the file `order`."""
    return await household.start(name, ["sh", "-c", LASTING.format(folder, name, at_end)], ENVIRON)


async def test_the_last_started_stops_first_and_none_remains(tmp_path: Path) -> None:
    async with Household(tmp_path / "logs") as household:
        for name in ("server", "worker", "gateway"):
            await sleeper(household, tmp_path, name)
        numbers = [await number_in(tmp_path / f"{name}.pid") for name in ("server", "worker", "gateway")]
        household.ensure()
        assert all(alive(number) for number in numbers)
    assert (tmp_path / "order").read_text().split() == ["gateway", "worker", "server"]
    assert not any(alive(number) for number in numbers)
    assert mentioning(str(tmp_path)) == {}


async def test_one_has_stopped_before_the_next_is_asked(tmp_path: Path) -> None:
    async with Household() as household:
        await sleeper(household, tmp_path, "server")
        await sleeper(household, tmp_path, "worker", at_end="sleep 0.7;")
        for name in ("server", "worker"):
            await number_in(tmp_path / f"{name}.pid")
    assert (tmp_path / "order").read_text().split() == ["worker", "server"]


async def test_who_ended_is_told_with_its_code_and_last_words(tmp_path: Path) -> None:
    async with Household(tmp_path) as household:
        lasting = await sleeper(household, tmp_path, "server")
        script = "import sys; [print(n) for n in range(40)]; sys.stdout.flush(); sys.exit('no such table')"
        broken = await household.start("worker", [sys.executable, "-c", script], ENVIRON)
        assert await household.first_end() is broken
        lasting.ensure()
        with pytest.raises(ProcessEnded) as told:
            household.ensure()
    lines = str(told.value).splitlines()
    assert lines[0] == "worker ended with code 1:"
    assert lines[-1] == "no such table"
    assert len(lines) == 16, "the end of a long log, not all of it"


async def test_without_logs_only_the_code_is_told() -> None:
    async with Household() as household:
        running = await household.start("worker", ["sh", "-c", "exit 7"], ENVIRON)
        await running.process.wait()
        with pytest.raises(ProcessEnded, match=r"^worker ended with code 7$"):
            running.ensure()


async def test_an_error_inside_stops_them_too(tmp_path: Path) -> None:
    async def fail() -> None:
        async with Household(tmp_path) as household:
            await sleeper(household, tmp_path, "server")
            await number_in(tmp_path / "server.pid")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert not alive(await number_in(tmp_path / "server.pid"))


async def test_cancelling_stops_them_too(tmp_path: Path) -> None:
    async def keep() -> None:
        async with Household(tmp_path) as household:
            await sleeper(household, tmp_path, "server")
            await asyncio.Event().wait()

    work = asyncio.ensure_future(keep())
    number = await number_in(tmp_path / "server.pid")
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert await ended(number)


async def test_one_that_ended_by_itself_does_not_keep_the_others(tmp_path: Path) -> None:
    async with Household(tmp_path) as household:
        await sleeper(household, tmp_path, "server")
        done = await household.start("sandbox", ["true"], ENVIRON)
        await done.process.wait()
        number = await number_in(tmp_path / "server.pid")
    assert not alive(number)


async def test_only_the_given_environment_is_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIPE_KEY", "not-for-the-server")
    async with Household(tmp_path) as household:
        told = await household.start("server", ["env"], ENVIRON | {"ONE": "1"})
        await told.process.wait()
    assert "ONE=1" in (tmp_path / "server.log").read_text()
    assert "STRIPE_KEY" not in (tmp_path / "server.log").read_text()
