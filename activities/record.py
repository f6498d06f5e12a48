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
    async def record_outcome(self, request: RecordRequest) -> None:
        """Keep outcome, spend and timings. Safe to repeat."""
        await self._ledger.record_outcome(request)
