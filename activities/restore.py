"""Instead of steps 1 to 3: a new revision takes the evidence of an earlier one, and nobody is asked."""

from collections.abc import Mapping

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.bodies import Bodies
from activities.failures import failing_as_temporal_expects
from activities.rediagnose import NothingKept, load_past
from activities.select import RULES, selection_of
from ledger.base import Ledger
from ledger.past import PastRuns
from models.playbook import Playbook
from models.rediagnosis import Restored, RestoreRequest
from models.run import Selection
from models.tenant import Tenant
from reasoning.kept_evidence import refit


class RestoreActivities:
    """Pure but for the ledger."""

    def __init__(self, ledger: Ledger, bodies: Bodies, runs: PastRuns, tenants: Mapping[str, Tenant]) -> None:
        """Take what worker.py made."""
        self._ledger = ledger
        self._bodies = bodies
        self._runs = runs
        self._tenants = tenants

    @activity.defn
    async def restore_evidence(self, request: RestoreRequest) -> Restored:
        """Give a revision the evidence of another, as far as its playbook asks for it. Safe to repeat.

        Raises:
            ApplicationError: for good, where there is nothing to restore.
        """
        key, rerun = request.key, request.rerun
        tenant = self._tenants[key.ref.tenant]
        with failing_as_temporal_expects():
            try:
                earlier = key.model_copy(update={"revision": rerun.revision})
                past = await load_past(self._bodies, self._runs, earlier)
            except NothingKept as error:
                raise ApplicationError(str(error), type="NothingKept", non_retryable=True) from None
            playbook = await self._bodies.get(tenant.id, rerun.playbook, Playbook)
        fitted = refit(past.playbook, playbook, past.anchors, past.evidence, tenant.region)
        kept = past.kept
        said = f"{playbook.id}@{playbook.version}: named by hand, over the evidence of revision {rerun.revision}"
        await self._ledger.note_step(key, "read/0", kept.ticket)
        await self._ledger.note_step(key, "identify/0", kept.anchors, kept.customer)
        await self._ledger.note_step(key, "select", rerun.playbook, said)
        refs = [await self._ledger.put_evidence(key, item) for item in fitted.evidence]
        return Restored(
            ticket=kept.ticket,
            anchors=kept.anchors,
            evidence=tuple(refs),
            selection=_selection(tenant, playbook, rerun.playbook, rerun.reasoner),
        )


def _selection(tenant: Tenant, playbook: Playbook, digest: str, reasoner: str) -> Selection:
    chosen = selection_of(tenant, playbook, digest)
    own = chosen.reasoners if not reasoner else tuple(dict.fromkeys((reasoner, RULES)))
    return chosen.model_copy(update={"queries": (), "rounds": 0, "reasoners": own})
