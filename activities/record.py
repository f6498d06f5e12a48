"""Step 9: close the revision in the ledger."""

from temporalio import activity

from ledger.base import Ledger
from models.run import RecordRequest


class RecordActivities:
    """Writes the last row."""

    def __init__(self, ledger: Ledger) -> None:
        """Take what worker.py made."""
        self._ledger = ledger

    @activity.defn
    async def record_outcome(self, request: RecordRequest) -> float:
        """Keep outcome, spend and timings; return the spend in US dollars, failed answers included. Safe to repeat."""
        usd = await self._ledger.spent(request.key)
        await self._ledger.record_outcome(request.model_copy(update={"usd": usd}))
        return usd
