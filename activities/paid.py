"""Asking a model for money: what was paid for is stored before it is reported, and nothing is asked beyond the budget."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from temporalio import activity

from ledger.base import Ledger
from models.run import Drafted, RunKey
from reasoning.providers.base import ModelError


class BudgetSpent(Exception):
    """There is no money left to ask with; the message has the amounts."""


@dataclass(frozen=True)
class Question:
    """What is asked, and the most that its revision may cost."""

    key: RunKey
    digest: str
    """Of the request: the same question is answered from the ledger."""
    round: int
    reasoner: str
    cap: float
    """US dollars, for all that the revision asks."""
    purpose: str = "diagnose"


async def answer_once(ledger: Ledger, question: Question, ask: Callable[[float], Awaitable[Drafted]]) -> Drafted:
    """Return the stored answer, else ask and store. Runs in an activity.

    Args:
        ask: Gets how many US dollars are left.

    Raises:
        BudgetSpent: the revision has spent what it may.
        ModelError: what `ask` raised. A refusal or a cut answer is paid for too: it is counted, attempt by attempt.
    """
    key, digest = question.key, question.digest
    paid = await ledger.find_model_answer(key, digest, question.round, purpose=question.purpose)
    if paid is not None:
        return paid
    spent = await ledger.spent(key)
    if spent >= question.cap:
        raise BudgetSpent(f"{spent:.4f} of {question.cap:.4f} US dollars are spent")
    try:
        drafted = await ask(question.cap - spent)
    except ModelError as error:
        if error.usd:
            useless = Drafted(draft="", reasoner=question.reasoner, usd=error.usd)
            attempt = activity.info().attempt
            await ledger.put_model_answer(key, digest, question.round, useless, purpose="failed", sample=attempt)
        raise
    return await ledger.put_model_answer(key, digest, question.round, drafted, purpose=question.purpose)
