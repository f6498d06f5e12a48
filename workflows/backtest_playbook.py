"""A playbook over many past investigations: paced, within its money, and begun again where it stopped.

What came of each investigation is a line in the ledger: the history holds only how far it is.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.backtest import SPENT, BacktestActivities
    from activities.select import RULES
    from models.backtest import BacktestInput, BacktestItem, BacktestLine, BacktestProgress, PastRevision
    from models.rediagnosis import Verdict
    from workflows.failures import kind_of
    from workflows.options import LOOK_BACK

AT_ONCE = 4
"""Investigations that are looked at side by side; tickets that come in meanwhile must not wait."""


@workflow.defn(name="BacktestPlaybookWorkflow")
class BacktestPlaybookWorkflow:
    """One backtest."""

    @workflow.init
    def __init__(self, given: BacktestInput) -> None:
        """Begin, or go on with a history of its own."""
        self._given = given
        self._progress = given.so_far

    @workflow.run
    async def run(self, given: BacktestInput) -> BacktestProgress:
        """Work off all investigations that have no line yet."""
        page = await workflow.execute_activity_method(
            BacktestActivities.list_past_runs, given, **(LOOK_BACK | {"summary": "which are next"})
        )
        self._note(done=page.done, total=page.total, usd=page.usd, failed=0)
        for start in range(0, len(page.items), AT_ONCE):
            if self._spent():
                break
            await self._paced(page.items[start : start + AT_ONCE])
        # What could not be done is next again: a page that brought nothing new is the last one.
        if self._progress.done > page.done and not self._progress.stopped:
            workflow.continue_as_new(given.model_copy(update={"so_far": self._progress}))
        return self._progress

    @workflow.query(description="How far it is")
    def progress(self) -> BacktestProgress:
        """Return counts and cost."""
        return self._progress

    async def _paced(self, items: Sequence[PastRevision]) -> None:
        began = workflow.now()
        left = None if self._given.max_usd is None else (self._given.max_usd - self._progress.usd) / len(items)
        await asyncio.gather(*(self._one(item, left) for item in items))
        self._note()
        if self._given.per_minute:
            wait = timedelta(minutes=len(items) / self._given.per_minute) - (workflow.now() - began)
            if wait > timedelta():
                await workflow.sleep(wait, summary=f"at most {self._given.per_minute} a minute")

    async def _one(self, item: PastRevision, left: float | None) -> None:
        request = BacktestItem(
            given=self._given, investigation=item.investigation, revision=item.revision, most_usd=left
        )
        try:
            line = await workflow.execute_activity_method(
                BacktestActivities.rediagnose_past_run,
                request,
                **(LOOK_BACK | {"summary": f"{item.investigation} · revision {item.revision}"}),
            )
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            if kind_of(error) == SPENT:
                self._note(stopped="the money is spent")
            else:
                self._note(failed=self._progress.failed + 1)
            return
        self._count(line)

    def _count(self, line: BacktestLine) -> None:
        now = self._progress
        self._note(
            done=now.done + 1,
            better=now.better + (line.verdict is Verdict.BETTER),
            worse=now.worse + (line.verdict is Verdict.WORSE),
            usd=now.usd + line.usd,
        )

    def _spent(self) -> bool:
        most = self._given.max_usd
        if most is not None and self._given.reasoner != RULES and self._progress.usd >= most:
            self._note(stopped="the money is spent")
        return bool(self._progress.stopped)

    def _note(self, **changes: int | float | str) -> None:
        self._progress = self._progress.model_copy(update=changes)
        now = self._progress
        lines = [
            f"**{self._given.playbook_label}** · {self._given.tenant}",
            "",
            f"{now.done} of {now.total} looked at again",
        ]
        lines += [f"{now.better} better, {now.worse} worse, ${now.usd:.4f}"]
        lines += [f"- {now.failed} could not be done"] if now.failed else []
        lines += [f"- stopped: {now.stopped}"] if now.stopped else []
        workflow.set_current_details("\n".join(lines))
