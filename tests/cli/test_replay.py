"""`whydesk replay`: recorded histories, runs on a real server, and a difference that a person can read."""

import asyncio
import json
import shutil
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from temporalio.client import Client, WorkflowHistory

from cli.replay import print_replayed
from cli.replay_run import Histories, Replayed, fetch, read_file, runs_of, runs_of_all
from models.vocabulary import Source
from tests.cli.command import Shell
from tests.master_keys import PLUGIN
from tests.workflows.broken_workflow import BrokenWorkflow
from tests.workflows.changed_workflow import ChangedWorkflow
from tests.workflows.house import House, an_incident, failing_requests, open_ledger
from workflows.registered import WORKFLOWS

HISTORIES = Path(__file__).parent.parent / "workflows" / "histories"
DIAGNOSED = HISTORIES / "diagnosed.json"


def said(told: Replayed) -> str:
    """Return what a person reads."""
    out = StringIO()
    print_replayed(Console(file=out, width=200, color_system=None), told)
    return out.getvalue()


async def replayed(history: WorkflowHistory, *workflows: type) -> Replayed:
    return await Histories(PLUGIN.converter, workflows or WORKFLOWS).replay(history)


def test_every_recorded_history_replays_from_its_file(whydesk: Shell) -> None:
    done = whydesk("replay", "--file", str(HISTORIES))
    assert done.code == 0
    names = [path.stem for path in HISTORIES.glob("*.json")]
    assert [name for name in names if f"ok   {name} (" not in done.out] == []
    assert f"{len(names)} histories replayed, all as today's code would do it" in done.out
    assert not Path("state").exists(), "it asks no server, opens no ledger and writes nothing"


async def test_a_changed_step_is_told_by_what_each_side_has(tmp_path: Path) -> None:
    told = await replayed(read_file(DIAGNOSED), ChangedWorkflow)
    assert not told.deterministic
    assert told.recorded is not None
    assert told.issued is not None
    assert (told.recorded.event, told.recorded.step) == (19, "local activity select_playbook (choose the playbook)")
    assert told.issued.step == "activity select_playbook"
    lines = [line.strip() for line in said(told).splitlines()]
    assert lines[0].startswith("FAIL diagnosed (48 events)")
    assert "event  13  activity identify_customer (customer · who is it about)" in lines
    assert "- event  19  the history has: local activity select_playbook (choose the playbook)" in lines
    assert "+ after  17  the code now issues: activity select_playbook" in lines
    assert "Failure {" not in said(told), "the SDK's structures are no difference that reads well"


async def test_code_that_fails_is_told_by_its_own_mistake() -> None:
    told = await replayed(read_file(DIAGNOSED), BrokenWorkflow)
    assert not told.deterministic
    assert (told.recorded, told.issued) == (None, None)
    assert "the code itself fails: AttributeError: no such field, in _select (broken_workflow.py, line" in said(told)


async def test_one_that_fails_does_not_stop_the_next() -> None:
    histories = Histories(PLUGIN.converter, [ChangedWorkflow])
    first = await histories.replay(read_file(DIAGNOSED))
    second = await histories.replay(read_file(HISTORIES / "failed.json"))
    assert (first.deterministic, second.deterministic) == (False, True)


async def test_a_workflow_that_is_gone_is_named() -> None:
    history = read_file(DIAGNOSED)
    history.events[0].workflow_execution_started_event_attributes.workflow_type.name = "Yesterdays"
    told = await replayed(history)
    assert not told.deterministic
    assert "no workflow 'Yesterdays'" in said(told)


def test_a_file_that_no_longer_replays_is_code_1(whydesk: Shell, tmp_path: Path) -> None:
    # The playbook was chosen through the queue once: today's code would choose it on the spot.
    kept = json.loads(DIAGNOSED.read_text())
    marker = kept["events"][18]
    kept["events"][18] = {
        "eventId": marker["eventId"],
        "eventTime": marker["eventTime"],
        "eventType": "EVENT_TYPE_ACTIVITY_TASK_SCHEDULED",
        "activityTaskScheduledEventAttributes": {
            "activityId": "4",
            "activityType": {"name": "select_playbook"},
            "workflowTaskCompletedEventId": "18",
        },
    }
    (tmp_path / "old.json").write_text(json.dumps(kept))
    shutil.copy(HISTORIES / "failed.json", tmp_path / "new.json")
    done = whydesk("replay", "--file", str(tmp_path))
    assert done.code == 1
    assert "the history has: activity select_playbook" in done.out
    assert "the code now issues: local activity select_playbook (choose the playbook)" in done.out
    assert "2 histories replayed, 1 of them not as today's code would do it" in done.out
    [told] = [one for one in json.loads(whydesk("replay", "--file", str(tmp_path), "--json").out) if one["recorded"]]
    assert told["recorded"] == {"event": 19, "step": "activity select_playbook"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "name the runs to replay"),
        (("4711", "--all"), "name the runs to replay"),
        (("4711", "--closed", "5"), "--closed goes with --all"),
        (("--file", "nowhere.json"), "there is no 'nowhere.json'"),
        (("--file", "empty"), "has no *.json"),
        (("--file", "text.json"), "is no workflow history"),
        (("--file", "list.json"), "is no workflow history"),
        (("--file", "none.json"), "is no workflow history"),
    ],
)
def test_what_cannot_be_replayed_says_why(whydesk: Shell, arguments: tuple[str, ...], message: str) -> None:
    Path("empty").mkdir()
    Path("text.json").write_text("a text")
    Path("list.json").write_text("[1, 2]")
    Path("none.json").write_text('{"events": []}')
    done = whydesk("replay", *arguments)
    assert done.code == 2
    assert message in done.err


async def test_runs_of_a_server_replay_open_and_closed(temporal: Client, tmp_path: Path) -> None:
    async with await open_ledger(tmp_path) as ledger:
        house = House(temporal, ledger, failing_requests(), an_incident())
        incidents = house.connectors.by_source[Source.STATUSPAGE]
        async with house.worker():
            ended = house.open_ticket()
            await house.investigate(ended)
            incidents.hold = asyncio.Event()
            incidents.was_asked.clear()
            handle = await house.deliver(house.open_ticket(), "d2")
            await incidents.was_asked.wait()
            [past] = await runs_of(temporal, f"acme/desk/{ended.ticket}")
            [running] = await runs_of(temporal, handle.id)
            histories = Histories(temporal.data_converter)
            told = [await histories.replay(found) for run in (past, running) if (found := await fetch(temporal, run))]
            events = len((await handle.fetch_history()).events)
            for _ in range(100):
                # The server's list lags behind.
                if {past, running} <= set(await runs_of_all(temporal, 50)):
                    break
                await asyncio.sleep(0.1)
            else:
                raise AssertionError("the list never had both")
            assert running in await runs_of_all(temporal, 0)
            incidents.hold.set()
            await handle.result()
    assert [(one.deterministic, one.open) for one in told] == [(True, False), (True, True)]
    assert told[1].events == events, "a replay adds nothing to a history"
