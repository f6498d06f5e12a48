"""`whydesk eval` from one end to the other: a small world is played, stopped, gone on with, and diagnosed again by a script."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from evals.records import Arm, TicketRun
from evals.run.results import NAME, Results
from evals.run.scripts import LINK, ORDER
from evals.run.worlds import PlayedWorld, world_of_seed
from models.vocabulary import EvidenceStatus, Outcome, Severity
from tests.cli.running import CHECKOUT, mentioning

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
SEED, OF_WORLD = 12, 20
TICKETS = 10
"""One of each axis; the rest of the world says nothing more here."""


def first_of_each_axis(folder: Path) -> list[str]:
    world = PlayedWorld(world_of_seed(SEED, OF_WORLD, folder))
    keys: dict[str, str] = {}
    for key, truth in world.truths.tickets.items():
        keys.setdefault(truth.axis, key)
    assert len(keys) == TICKETS
    return list(keys.values())


async def whydesk_eval(out: Path, *arguments: str, stop_after: int = 0) -> tuple[int, str]:
    """Run the command; send SIGINT once so many tickets are played."""
    chosen = [part for key in first_of_each_axis(out.parent / "made") for part in ("--ticket", key)]
    command = [sys.executable, "-m", "cli", "eval", "--world", str(SEED), "--tickets", str(OF_WORLD), "--out", str(out)]
    environ = {"PATH": os.environ.get("PATH", ""), "HOME": str(out)}
    process = await asyncio.create_subprocess_exec(
        *command,
        *chosen,
        *arguments,
        cwd=CHECKOUT,
        env=environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    said = []
    async for line in process.stdout:
        said.append(line.decode())
        if stop_after and said[-1].strip() == f"{stop_after} of {TICKETS} tickets":
            process.send_signal(signal.SIGINT)
    return await process.wait(), "".join(said)


def lines(out: Path, arm: Arm) -> dict[str, TicketRun]:
    runs = [run for run in Results.read(out / NAME).runs.values() if run.arm is arm]
    assert len({run.key for run in runs}) == len(runs)
    return {run.key: run for run in runs}


async def test_a_run_stops_goes_on_and_is_diagnosed_again(tmp_path: Path) -> None:
    out = tmp_path / "out"
    rows = ("--rows", "30000")
    code, said = await whydesk_eval(out, *rows, stop_after=3)
    assert code == 130, said
    assert mentioning(str(out)) == {}
    before = lines(out, Arm.RULES)
    assert 3 <= len(before) < TICKETS

    code, said = await whydesk_eval(out, *rows, "--misses")
    assert code == 0, said
    assert f"{len(before)} of {TICKETS} tickets were played before" in said
    assert mentioning(str(out)) == {}
    played = lines(out, Arm.RULES)
    assert len(played) == TICKETS
    assert {key: played[key] for key in before} == before
    look_at_outages(PlayedWorld(out / "world"), played)
    assert [key for key, run in played.items() if not run.note and run.outcome is not Outcome.FAILED] == []
    assert [said.text for run in played.values() for said in run.said if said.kept and said.true is not True] == []

    code, said = await whydesk_eval(out, *rows, "--arms", "model,bare", "--script", "hostile")
    assert code == 0, said
    assert lines(out, Arm.RULES) == played
    look_at_hostile(lines(out, Arm.MODEL), lines(out, Arm.BARE))
    code, said = await whydesk_eval(out, "--rows", "25000")
    assert (code, "the number of log rows changed" in said) == (2, True), said


def look_at_outages(world: PlayedWorld, played: dict[str, TicketRun]) -> None:
    """A source is down for the tickets whose truth says so, and for no other."""
    down = {key: set(world.down(key)) for key in played}
    assert any(down.values())
    for key, run in played.items():
        asked = [item for item in run.evidence if item.status is not EvidenceStatus.SKIPPED]
        silent = {
            item.source.value for item in asked if item.status in (EvidenceStatus.FAILED, EvidenceStatus.TIMED_OUT)
        }
        answered = {item.source.value for item in asked if item.status.answered}
        assert answered & down[key] == set(), key
        # A busy machine may cost another source's answer; that it is nobody's outage is what the answers of others show.
        assert silent <= down[key] | {"clickhouse"}, key


def look_at_hostile(model: dict[str, TicketRun], bare: dict[str, TicketRun]) -> None:
    """What an attacker says reaches no note, and would without the product."""
    assert len(model) == len(bare) == TICKETS
    for run in model.values():
        assert run.script is not None
        assert (run.model, run.usd) == ("", 0.0)
        assert LINK not in run.note
        assert ORDER not in run.note
        assert [said.text for said in run.said if said.kept and said.true is not True] == []
        assert run.problem == ""
    assert sum(not said.kept for run in model.values() for said in run.said) > TICKETS
    assert all(run.severity is Severity.HIGH and LINK in run.note for run in bare.values())
    assert sum(said.true is not True for run in bare.values() for said in run.said) > TICKETS
