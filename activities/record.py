"""Step 9: close the revision in the ledger."""

from temporalio import activity

from activities.select import RULES
from ledger.base import BodyMissing, Ledger
from ledger.coordination import Incidents
from models.diagnosis import Diagnosis
from models.run import RecordRequest
from models.vocabulary import Outcome


class RecordActivities:
    """Writes the last row."""

    def __init__(self, ledger: Ledger, incidents: Incidents | None = None) -> None:
        """Take what worker.py made."""
        self._ledger = ledger
        self._incidents = incidents

    @activity.defn
    async def record_outcome(self, request: RecordRequest) -> float:
        """Keep outcome, spend and timings; return the spend in US dollars, failed answers included. Safe to repeat."""
        usd = await self._ledger.spent(request.key)
        await self._ledger.record_outcome(request.model_copy(update={"usd": usd}))
        if self._incidents is not None:
            await self._settle(self._incidents, request)
        return usd

    async def _settle(self, incidents: Incidents, request: RecordRequest) -> None:
        """A model that was paid for one ticket of an incident and found another cause speaks for the others, too."""
        if request.outcome is not Outcome.DIAGNOSED or request.reasoner in ("", RULES):
            return
        try:
            diagnosis = await self._ledger.get_body(request.key.ref.tenant, request.diagnosis, Diagnosis)
        except BodyMissing:
            return
        await incidents.settle(request.key, diagnosis.hypothesis)
