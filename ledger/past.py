"""Past runs as activities see them: what a revision stood on, by digests. Reading only, but for the lines of a backtest."""

from typing import Protocol

from models.rediagnosis import KeptRun


class PastRuns(Protocol):
    """Looks up what was done."""

    async def kept_run(self, tenant: str, investigation: str, revision: int) -> KeptRun | None:
        """Return one revision; None where it gathered nothing that could be weighed again."""
        ...
