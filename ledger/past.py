"""Past runs as activities see them: what a revision stood on, by digests. Reading only, but for the lines of a backtest."""

from collections.abc import Sequence
from typing import Protocol

from models.backtest import BacktestInput, BacktestLine, PastRevision
from models.rediagnosis import KeptRun


class PastRuns(Protocol):
    """Looks up what was done."""

    async def kept_run(self, tenant: str, investigation: str, revision: int) -> KeptRun | None:
        """Return one revision; None where it gathered nothing that could be weighed again."""
        ...

    async def past_revisions(self, given: BacktestInput) -> Sequence[PastRevision]:
        """Return the revisions that followed a playbook and ended with something to say, the newest first."""
        ...

    async def put_line(self, given: BacktestInput, line: BacktestLine) -> BacktestLine:
        """Keep what became of one investigation; of two the first counts, and is returned."""
        ...

    async def backtest_lines(self, tenant: str, backtest: str) -> Sequence[BacktestLine]:
        """Return all lines of a backtest."""
        ...

    async def newest_customers(self, tenant: str, limit: int) -> Sequence[str]:
        """Return the digests of the newest anchors of each of the customers that were looked into last."""
        ...
