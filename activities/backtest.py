"""A playbook over past investigations: which are next, and what it makes of one of them. Asks no source, posts nothing."""

import hashlib
from collections.abc import Mapping, Sequence

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.bodies import Bodies
from activities.failures import failing_as_temporal_expects
from activities.paid import BudgetSpent
from activities.rediagnose import NothingKept, Rediagnoser
from ledger.base import Ledger
from ledger.past import PastRuns
from models.backtest import BacktestInput, BacktestItem, BacktestLine, BacktestPage, PastRevision
from models.playbook import Playbook
from models.rediagnosis import KeptRun, Rediagnosis, Verdict
from models.run import RunKey
from models.tenant import Tenant
from models.vocabulary import CauseClass, Outcome, Severity
from reasoning.compare import compare, truth_of
from reasoning.providers.base import ModelPool, ModelUnavailable, RateBudget

PAGE = 100
"""Investigations between two fresh starts of the workflow."""
SPENT = "BudgetSpent"
"""The failure type of an investigation for which no money was left."""


class BacktestActivities:
    """Looks back, one investigation at a time."""

    def __init__(
        self, ledger: Ledger, bodies: Bodies, runs: PastRuns, models: ModelPool, tenants: Mapping[str, Tenant]
    ) -> None:
        """Take what worker.py made."""
        self._bodies = bodies
        self._runs = runs
        self._looking = Rediagnoser(ledger, bodies, runs, models, tenants)

    @activity.defn
    async def list_past_runs(self, given: BacktestInput) -> BacktestPage:
        """Return the next investigations that have no line yet. Safe to repeat."""
        lines = await self._runs.backtest_lines(given.tenant, given.backtest)
        done = {(line.investigation, line.revision) for line in lines}
        found = await self._runs.past_revisions(given)
        left = [one for one in found if (one.investigation, one.revision) not in done]
        total = len(found)
        if given.sample is not None and given.sample < total:
            total = given.sample
            left = _sampled(given, left)[: max(0, total - len(done))]
        return BacktestPage(
            items=tuple(left[:PAGE]),
            done=len(lines),
            total=max(total, len(lines)),
            usd=sum(line.usd for line in lines),
        )

    @activity.defn
    async def rediagnose_past_run(self, item: BacktestItem) -> BacktestLine:
        """Look at one investigation again and keep what came of it. Safe to repeat: an answer that was paid for is found again.

        Raises:
            ApplicationError: retryable while the model may still answer; `BudgetSpent` where no money is left.
        """
        given = item.given
        kept = await self._runs.kept_run(given.tenant, item.investigation, item.revision)
        with failing_as_temporal_expects():
            playbook = await self._bodies.get(given.tenant, given.playbook, Playbook)
            try:
                if kept is None:
                    raise NothingKept("what it stood on is not kept")
                found = await self._looking.run(
                    kept.key, playbook, given.reasoner, activity.heartbeat, await self._cap(kept.key, item)
                )
                line = _line(kept, found)
            except NothingKept as error:
                line = _no_line(given, item, kept, str(error))
            except RateBudget as error:
                # No other link takes its place here, and nobody waits for the answer.
                raise ModelUnavailable(str(error), retry_after=error.retry_after) from None
            except BudgetSpent as error:
                raise ApplicationError(str(error), type=SPENT, non_retryable=True) from None
        return await self._runs.put_line(given, line)

    async def _cap(self, key: RunKey, item: BacktestItem) -> float | None:
        """What earlier looks back at this revision cost is not this one's: it may spend what is left on top of it."""
        if item.most_usd is None:
            return None
        return item.most_usd + await self._looking.spent(key)


def _sampled(given: BacktestInput, found: Sequence[PastRevision]) -> list[PastRevision]:
    """Order by a hash, so that the same name always takes the same ones."""
    return sorted(
        found,
        key=lambda one: hashlib.sha256(f"{given.backtest}/{one.investigation}/{one.revision}".encode()).digest(),
    )


def _line(kept: KeptRun, found: Rediagnosis) -> BacktestLine:
    verdict, why = compare(found.then, found.now, kept.feedback, len(found.unanswered))
    said, truth = truth_of(found.then, kept.feedback)
    return BacktestLine(
        investigation=kept.key.investigation,
        revision=kept.key.revision,
        ticket=kept.key.ref.ticket,
        playbook_then=found.then.playbook,
        outcome_then=found.then.outcome,
        cause_then=found.then.cause,
        severity_then=found.then.severity,
        outcome_now=found.now.outcome,
        cause_now=found.now.cause,
        severity_now=found.now.severity,
        feedback=said,
        truth=truth,
        unanswered=len(found.unanswered),
        verdict=verdict,
        why=why,
        usd=found.now.usd,
    )


def _no_line(given: BacktestInput, item: BacktestItem, kept: KeptRun | None, why: str) -> BacktestLine:
    return BacktestLine(
        investigation=item.investigation,
        revision=item.revision,
        ticket=kept.key.ref.ticket if kept else "",
        playbook_then=kept.playbook_label if kept else given.over,
        outcome_then=(kept.outcome if kept else None) or Outcome.FAILED,
        cause_then=CauseClass.UNKNOWN,
        severity_then=Severity.LOW,
        verdict=Verdict.NOT_COMPARABLE,
        why=why,
    )
