"""Asking a model for money: what was paid for is stored before it is reported, and nothing is asked beyond the budget."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

import structlog
from temporalio import activity

from ledger.base import RETROSPECT, RETROSPECT_FAILED, Ledger, LedgerError
from models.run import Drafted, RunKey
from models.standing import start_of_day
from models.tenant import Tenant
from reasoning.providers.base import ModelError
from reasoning.spend_ladder import Rung, cheapest, rung_of

log = structlog.get_logger("whydesk.spend")

T = TypeVar("T")
PATIENCE = 90.0
"""Seconds: with the call before it, still within the model step's own time."""
_AGAIN = 1.0


class BudgetSpent(Exception):
    """There is no money left to ask with; the message has the amounts."""

    def __init__(self, message: str, kind: str = "BudgetSpent") -> None:
        """Keep which budget: `BudgetSpent` is the ticket's, `DayBudgetSpent` and `DearerModelSpared` the day's."""
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True)
class Question:
    """What is asked, and the most that its revision may cost."""

    tenant: Tenant
    key: RunKey
    digest: str
    """Of the request: the same question is answered from the ledger."""
    round: int
    reasoner: str
    cap: float
    """US dollars, for all that the revision asks."""
    purpose: str = "diagnose"


async def answer_once(ledger: Ledger, question: Question, ask: Callable[[float], Awaitable[Drafted]]) -> Drafted:
    """Return the stored answer, else ask and store.

    Args:
        ask: Gets how many US dollars are left.

    Raises:
        BudgetSpent: the revision or the tenant's day has spent what it may.
        ModelError: what `ask` raised. A refusal or a cut answer is paid for too: it is counted, attempt by attempt.
    """
    key, digest = question.key, question.digest
    paid = await ledger.find_model_answer(key, digest, question.round, purpose=question.purpose)
    if paid is not None:
        return paid
    await _ensure_within_the_day(ledger, question)
    spent = await ledger.spent(key, question.purpose if question.purpose in RETROSPECT else "")
    if spent >= question.cap:
        raise BudgetSpent(f"{spent:.4f} of {question.cap:.4f} US dollars are spent")
    try:
        drafted = await ask(question.cap - spent)
    except ModelError as error:
        if error.usd:
            useless = Drafted(draft="", reasoner=question.reasoner, usd=error.usd)
            failed = "failed" if question.purpose not in RETROSPECT else RETROSPECT_FAILED
            keep = partial(ledger.put_model_answer, key, digest, question.round, useless, failed, _attempt())
            await until_kept(keep)
        raise
    return await until_kept(
        partial(ledger.put_model_answer, key, digest, question.round, drafted, purpose=question.purpose)
    )


async def until_kept(keep: Callable[[], Awaitable[T]], patience: float = PATIENCE) -> T:
    """Store what was paid for, however long the ledger is locked or full: given up, it would be paid for again.

    Args:
        keep: Stores it; safe to repeat.
        patience: Seconds for all attempts.

    Raises:
        LedgerError: the last one, when the patience is at its end.
    """
    beating = asyncio.create_task(_beat()) if activity.in_activity() else None
    until = time.monotonic() + patience
    try:
        while True:
            try:
                return await keep()
            except LedgerError as error:
                if time.monotonic() > until:
                    raise
                log.warning("a paid answer is not kept yet", problem=str(error))
                await asyncio.sleep(_AGAIN)
    finally:
        if beating:
            beating.cancel()


async def _beat() -> None:
    """Whoever waits for a locked file says nothing else, and would be taken for dead."""
    while True:
        activity.heartbeat()
        await asyncio.sleep(_AGAIN)


async def _ensure_within_the_day(ledger: Ledger, question: Question) -> None:
    """Go down the ladder of the day's budget. Calls under way at once are not counted yet: they may overdraw it by theirs."""
    tenant, budget = question.tenant, question.tenant.budget
    if budget.usd_per_day is None:
        return
    spent = await ledger.spent_since(tenant.id, start_of_day(datetime.now(UTC)))
    rung = rung_of(budget, spent)
    said = f"{spent:.4f} of today's {budget.usd_per_day:.4f} US dollars are spent"
    if rung is Rung.RULES:
        raise BudgetSpent(said, "DayBudgetSpent")
    if rung is not Rung.WHOLE_CHAIN:
        log.warning("day budget runs out", tenant=tenant.id, rung=rung.value, spent=spent, budget=budget.usd_per_day)
    model = tenant.chain().get(question.reasoner)
    asked = model.model if model is not None else question.reasoner
    if rung is Rung.CHEAPEST and asked != cheapest([link for _, link in tenant.all_models()]):
        raise BudgetSpent(f"{said}: only the cheapest model is asked", "DearerModelSpared")


def _attempt() -> int:
    """Tell useless answers to one question apart; outside of an activity nobody counts attempts."""
    return activity.info().attempt if activity.in_activity() else time.time_ns() // 1_000_000_000
