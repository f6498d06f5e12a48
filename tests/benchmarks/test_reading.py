"""Tests of what the measures read: waits, histories, the kernel's page, the command line."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory

from benchmarks.__main__ import MEASURES, parse
from benchmarks.far_ends import Pace, Waits, World
from benchmarks.overhead import critical_path
from benchmarks.process_facts import child_of, processor_seconds, resident
from benchmarks.runs import Steps, count_steps
from models.evidence import SourceRequest
from models.vocabulary import Scope, Source
from tests.workflows.house import TENANT

HISTORIES = Path(__file__).parent.parent / "workflows" / "histories"


def _waits(*waits: tuple[str, float]) -> list[str]:
    return [json.dumps({"investigation": "inv-1", "phase": phase, "seconds": seconds}) for phase, seconds in waits]


def test_of_what_may_be_together_the_slowest_counts_and_the_rest_adds_up() -> None:
    waits = _waits(
        ("ticket", 0.25), ("customer", 1.0), ("customer", 0.5), ("source", 2.0), ("source", 1.5), ("follow-up", 1.0),
        ("model", 6.0), ("note", 0.25), ("note", 0.5),
    )  # fmt: skip
    assert critical_path(waits) == 0.25 + 1.0 + 2.0 + 1.0 + 6.0 + 0.75


def test_a_wait_of_an_unknown_phase_is_not_left_out() -> None:
    with pytest.raises(ValueError, match="unknown phases \\['lunch'\\]"):
        critical_path(_waits(("lunch", 1.0)))


def test_waits_are_noted_even_where_the_far_end_fails(tmp_path: Path) -> None:
    path = tmp_path / "waits.jsonl"
    with pytest.raises(KeyError), Waits(path).timed("inv-1", "source"):
        raise KeyError
    [line] = path.read_text().splitlines()
    assert json.loads(line)["phase"] == "source"


def test_the_steps_of_a_recorded_run_are_counted() -> None:
    recorded = sorted(HISTORIES.glob("*.json"))
    assert recorded
    for path in recorded:
        steps = count_steps(WorkflowHistory.from_json("recorded", path.read_text()))
        events = json.loads(path.read_text())["events"]
        scheduled = sum("activityTaskScheduledEventAttributes" in event for event in events)
        assert steps.in_turn + steps.at_once == scheduled
        assert steps.local >= 1
    assert Steps(6, 4, 9).total == 19


def test_the_resident_set_is_read_in_mebibytes(tmp_path: Path) -> None:
    page = tmp_path / "status"
    page.write_text("Name:\tpython\nVmPeak:\t  999999 kB\nVmRSS:\t  204800 kB\n")
    assert resident(1, page) == 200
    page.write_text("Name:\tpython\n")
    with pytest.raises(ValueError, match="no VmRSS line"):
        resident(1, page)


def test_processor_time_is_read_whatever_the_program_is_called(tmp_path: Path) -> None:
    page = tmp_path / "stat"
    ticks = os.sysconf("SC_CLK_TCK")
    page.write_text(f"7 (a (b) c) S 1 7 7 0 -1 4194304 9 0 0 0 {3 * ticks} {2 * ticks} 0 0 20 0 1 0 5 6 7\n")
    assert processor_seconds(7, page) == 5


def test_the_command_at_the_end_of_a_leash_is_found() -> None:
    command = [sys.executable, "-m", "cli.leash", "sleep", "30"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as leash:
        assert leash.stdin is not None
        deadline = time.monotonic() + 20
        while not (found := Path(f"/proc/{leash.pid}/task/{leash.pid}/children").read_text().split()):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert child_of(leash.pid) == int(found[0])
        with pytest.raises(ValueError, match="runs 0 others"):
            child_of(int(found[0]))
        leash.stdin.close()


def test_all_measures_are_taken_unless_some_are_named() -> None:
    assert parse([]).measures == list(MEASURES)
    assert parse(["memory", "overhead", "--short"]).measures == ["overhead", "memory"]
    assert parse(["memory", "--short"]).short is True


@pytest.mark.parametrize("arguments", [["speed"], ["--profile", "x"], ["memory", "--profile", "x"]])
def test_what_cannot_be_measured_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(arguments)
    assert "throughput" in capsys.readouterr().err


def test_the_far_ends_know_the_queries_that_they_are_asked() -> None:
    world = World(TENANT, Pace(), Waits(None))
    texts = {query: text for text, query in world.queries.items()}
    asked = SourceRequest(source=Source.CLICKHOUSE, operation="sql", scope=Scope.CUSTOMER, text=texts["minutes"])
    assert world.query_of(asked) == "minutes"
    assert world.rows["minutes"]
    assert [world.phase_of(query) for query in ("minutes", "versions", "")] == ["source", "follow-up", "customer"]
    other = SourceRequest(source=Source.GITHUB, operation="list_deployments", scope=Scope.FLEET)
    assert world.query_of(other) == "deployments"
