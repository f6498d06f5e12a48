"""What was paid for is kept, and is not asked for again because the ledger could not be written for a while."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from temporalio.testing import ActivityEnvironment

from activities.paid import BudgetSpent, Question, answer_once, until_kept
from ledger.base import LedgerError
from ledger.store import SqlLedger
from models.run import Drafted, RunKey
from models.tenant import Budget, ModelConfig
from tests.master_keys import KEYRING
from tests.workflows.house import TENANT


class FullAtTimes(SqlLedger):
    """Refuses the first two answers that it is to keep."""

    refusals = 0

    async def put_model_answer(self, *given: object, **named: object) -> Drafted:
        """Refuse, then keep."""
        self.refusals += 1
        if self.refusals < 3:
            raise LedgerError("the disk is full")
        return await super().put_model_answer(*given, **named)  # type: ignore[arg-type]  # passed on as they are


@pytest_asyncio.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[FullAtTimes]:
    """A ledger for one test."""
    async with await FullAtTimes.open(f"sqlite:///{tmp_path}/ledger.db", KEYRING) as opened:
        yield opened


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("activities.paid._AGAIN", 0.001)


@pytest.mark.usefixtures("at_once")
async def test_an_answer_that_the_ledger_refuses_at_first_is_kept_and_asked_for_once(
    ledger: SqlLedger, key: RunKey
) -> None:
    asked = []
    question = Question(tenant=TENANT, key=key, digest="d", round=0, reasoner="m", cap=1.0)

    async def ask(left: float) -> Drafted:
        asked.append(left)
        return Drafted(draft="x", reasoner="m", usd=0.25)

    environment = ActivityEnvironment()
    beats = []
    environment.on_heartbeat = lambda *_: beats.append(1)
    answers = [await environment.run(answer_once, ledger, question, ask) for _ in range(2)]
    assert answers[0] == answers[1]
    assert len(asked) == 1
    assert beats, "a step that waits for the ledger says that it lives"
    assert await ledger.spent(key) == 0.25


@pytest.mark.usefixtures("at_once")
async def test_a_ledger_that_stays_full_is_told_in_the_end() -> None:
    async def keep() -> None:
        raise LedgerError("the disk is full")

    with pytest.raises(LedgerError, match="the disk is full"):
        await until_kept(keep, patience=0.02)


async def test_the_cheapest_model_is_asked_at_both_places_of_a_day_that_runs_out(
    ledger: FullAtTimes, key: RunKey
) -> None:
    cheap, dear = (
        ModelConfig(model="claude-haiku-5-5", api_key="env:NONE"),
        ModelConfig(model="claude-opus-5", api_key="env:NONE"),
    )
    tenant = TENANT.model_copy(update={"models": [dear, cheap, cheap], "budget": Budget(usd_per_day=1.0)})
    ledger.refusals = 3
    await ledger.put_model_answer(key, "before", 0, Drafted(draft="x", reasoner="m", usd=0.95))

    async def ask(left: float) -> Drafted:
        return Drafted(draft="x", reasoner="m", usd=0.001)

    async def asked(reasoner: str) -> str:
        question = Question(tenant=tenant, key=key, digest=reasoner, round=0, reasoner=reasoner, cap=2.0)
        try:
            await answer_once(ledger, question, ask)
        except BudgetSpent as error:
            return error.kind
        return "asked"

    assert [await asked(name) for name in tenant.chain()] == ["DearerModelSpared", "asked", "asked"]
