"""A backtest on a real server over a real ledger: what it says, that it goes on, keeps to its money, and asks nobody."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from temporalio.client import Client, WorkflowHandle

from activities import backtest as pages
from cli.backtest import start
from cli.backtest_view import told_of
from cli.replay_run import Histories
from ledger.past_runs import SqlPastRuns
from ledger.reading import RunReader
from ledger.store import SqlLedger
from models.backtest import BacktestInput, BacktestLine, BacktestProgress
from models.diagnosis import Draft
from models.feedback import Feedback, FeedbackVerdict
from models.playbook import Playbook
from models.rediagnosis import Verdict
from models.run import RunKey
from models.tenant import ModelConfig
from models.vocabulary import CauseClass, Outcome
from reasoning.providers.anthropic import AnthropicModel
from reasoning.providers.anthropic_clients import direct_client
from tests.anthropic_server import AnthropicServer, says
from tests.cli.past_runs import refused, write_run
from tests.master_keys import KEYRING
from tests.reasoning.case import fact_is
from tests.workflows.house import TENANT, House, Models, failing_requests

MODEL = "claude-haiku-5-5"
RUNS = 6


@pytest_asyncio.fixture
async def keys(tmp_path: Path) -> list[RunKey]:
    """Six past runs of one playbook: all came to a known bug."""
    loaded = refused(tmp_path / "mine")
    return [await write_run(f"sqlite:///{tmp_path}/ledger.db", loaded, str(4711 + number)) for number in range(RUNS)]


@pytest_asyncio.fixture
async def ledger(tmp_path: Path, keys: list[RunKey]) -> AsyncIterator[SqlLedger]:
    async with await SqlLedger.open(f"sqlite:///{tmp_path}/ledger.db", KEYRING) as opened:
        yield opened


@pytest.fixture
def house(temporal: Client, ledger: SqlLedger) -> House:
    return House(temporal, ledger, failing_requests())


@pytest.fixture
def fixed(tmp_path: Path) -> Playbook:
    """Version 2 takes what was a known bug for one that is fixed."""
    playbook = refused(tmp_path / "again").playbook
    changed = [
        one.model_copy(update={"cause": CauseClass.ALREADY_FIXED}) if one.id == "known-bug" else one
        for one in playbook.hypotheses
    ]
    return playbook.model_copy(update={"version": 2, "hypotheses": changed})


async def given(house: House, playbook: Playbook, **changes: object) -> BacktestInput:
    now = datetime.now(UTC)
    whole = {
        "backtest": str(uuid.uuid4()),
        "tenant": "acme",
        "playbook": await house.ledger.put_body("acme", playbook),
        "playbook_label": f"{playbook.id}@{playbook.version}",
        "over": playbook.id,
        "since": now - timedelta(hours=1),
        "until": now,
    }
    return BacktestInput.model_validate(whole | changes)


async def run(house: House, wanted: BacktestInput) -> BacktestProgress:
    handle = await start(house.client, wanted, house.queue)
    return await asyncio.wait_for(handle.result(), 90)


async def lines(house: House, wanted: BacktestInput) -> dict[str, BacktestLine]:
    found = await SqlPastRuns(house.ledger).backtest_lines("acme", wanted.backtest)
    return {line.ticket: line for line in found}


async def say(ledger: SqlLedger, key: RunKey, verdict: FeedbackVerdict, cause: CauseClass | None = None) -> None:
    given = Feedback(revision=key.revision, verdict=verdict, who="ada", cause=cause, given_at=datetime.now(UTC))
    await ledger.give_feedback(key, given)


async def test_it_says_what_is_better_and_worse_and_what_nobody_can_say(
    house: House, ledger: SqlLedger, keys: list[RunKey], fixed: Playbook
) -> None:
    await say(ledger, keys[0], FeedbackVerdict.RIGHT)
    await say(ledger, keys[1], FeedbackVerdict.WRONG, CauseClass.ALREADY_FIXED)
    await say(ledger, keys[2], FeedbackVerdict.WRONG)
    await say(ledger, keys[3], FeedbackVerdict.WRONG, CauseClass.PLAN_DOWNGRADE)
    wanted = await given(house, fixed)
    async with house.worker():
        progress = await run(house, wanted)
    assert (progress.done, progress.total, progress.better, progress.worse) == (RUNS, RUNS, 1, 1)
    found = await lines(house, wanted)
    assert {ticket: line.verdict for ticket, line in found.items()} == {
        "4711": Verdict.WORSE,
        "4712": Verdict.BETTER,
        "4713": Verdict.NOT_COMPARABLE,
        "4714": Verdict.SAME,
        "4715": Verdict.NOT_COMPARABLE,
        "4716": Verdict.NOT_COMPARABLE,
    }
    assert {line.cause_now for line in found.values()} == {CauseClass.ALREADY_FIXED}
    [row] = told_of(wanted, progress, list(found.values())).by_cause
    assert (row.cause, row.runs, row.changed, row.better, row.worse) == ("known_bug", RUNS, RUNS, 1, 1)
    assert house.helpdesk.notes == {}
    assert house.helpdesk.reads == 0
    assert not any(connector.asked for connector in house.connectors.by_source.values())
    record = await RunReader(ledger).load_run("4711")
    assert (record.summary.key.revision, record.summary.cause) == (1, CauseClass.KNOWN_BUG), "the past stays as it was"


async def test_what_was_done_is_not_done_again(house: House, fixed: Playbook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "PAGE", 2)
    wanted = await given(house, fixed, per_minute=6)
    async with house.worker():
        handle = await start(house.client, wanted, house.queue)
        for _ in range(300):
            if len(await lines(house, wanted)) == 2:
                break
            await asyncio.sleep(0.1)
        told: BacktestProgress = await handle.query("progress", result_type=BacktestProgress)
        assert told.total == RUNS
    # The worker is gone in the midst of it; somebody ends the workflow, too.
    await handle.terminate("the cluster was lost")
    before = await lines(house, wanted)
    assert len(before) == 2
    async with house.worker():
        progress = await run(house, wanted.model_copy(update={"per_minute": None}))
        after = await lines(house, wanted)
        assert progress.done == len(after) == RUNS
        assert {ticket: after[ticket] for ticket in before} == before
        again = await run(house, wanted)
        history = await newest(house, wanted).fetch_history()
        first = await house.client.get_workflow_handle(handle.id, run_id=handle.first_execution_run_id).fetch_history()
    assert again.done == RUNS
    for one in (first, history):
        assert (await Histories(house.client.data_converter).replay(one)).deterministic
    scheduled = [one for one in history.events if one.HasField("activity_task_scheduled_event_attributes")]
    assert len(scheduled) == 1, "it only looks what is next, and nothing is"


def newest(house: House, wanted: BacktestInput) -> WorkflowHandle[object, object]:
    return house.client.get_workflow_handle(f"backtest/acme/{wanted.backtest}")


async def test_a_sample_is_the_same_whenever_it_is_taken(house: House, fixed: Playbook) -> None:
    wanted = await given(house, fixed, sample=2)
    async with house.worker():
        progress = await run(house, wanted)
        assert (progress.done, progress.total) == (2, 2)
        first = await lines(house, wanted)
        assert (await run(house, wanted)).done == 2
    assert await lines(house, wanted) == first


async def test_no_more_is_paid_than_was_said_and_more_money_goes_on(
    temporal: Client, ledger: SqlLedger, fixed: Playbook
) -> None:
    tenant = TENANT.model_copy(update={"models": [ModelConfig(model=MODEL, api_key="env:NONE")]})
    draft = Draft(
        outcome=Outcome.DIAGNOSED, hypothesis="known-bug", claims=(fact_is("refused", "196", "E3"),), next_step="wait"
    )
    with AnthropicServer([says(draft)]) as server:
        model = AnthropicModel(MODEL, direct_client("sk-ant-test", server.address, 20.0), 20.0)
        try:
            house = House(temporal, ledger, failing_requests(), tenant=tenant, models=Models({MODEL: model}))
            wanted = await given(house, fixed, reasoner=MODEL, max_usd=0.0001)
            async with house.worker():
                progress = await run(house, wanted)
                assert progress.stopped == "the money is spent"
                assert 0 < progress.done < RUNS
                asked = len(server.requests)
                whole = await run(house, wanted.model_copy(update={"max_usd": 5.0}))
                assert (whole.done, whole.stopped) == (RUNS, "")
                paid = len(server.requests)
                assert paid > asked
                await run(house, wanted.model_copy(update={"max_usd": 5.0}))
                assert len(server.requests) == paid, "an answer is paid for once"
        finally:
            await model.aclose()
    found = await lines(house, wanted)
    assert whole.usd == pytest.approx(sum(line.usd for line in found.values()))


async def test_what_was_erased_cannot_be_compared(house: House, ledger: SqlLedger, keys: list[RunKey]) -> None:
    playbook = (await RunReader(ledger).load_run("4711")).playbook
    assert playbook is not None

    wanted = await given(house, playbook)
    await ledger.database.write(
        lambda connection: connection.exec_driver_sql(
            "DELETE FROM bodies WHERE digest IN (SELECT digest FROM evidence)"
        )
    )
    async with house.worker():
        progress = await run(house, wanted)
    assert (progress.done, progress.failed) == (RUNS, 0)
    found = await lines(house, wanted)
    assert {line.verdict for line in found.values()} == {Verdict.NOT_COMPARABLE}
    assert all("was erased from the ledger" in line.why for line in found.values())
