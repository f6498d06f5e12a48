"""Step 6: check every claim against the stored rows."""

from temporalio import activity

from activities.bodies import Bodies
from activities.calibrating import Calibration
from activities.failures import failing_as_temporal_expects
from activities.select import RULES
from ledger.base import Ledger
from models.customer import Anchors
from models.diagnosis import Diagnosis, Draft, Weighing
from models.playbook import Playbook
from models.run import Verified, VerifyRequest
from reasoning.verify import findings, verify


class VerifyActivities:
    """Pure but for the ledger."""

    def __init__(self, ledger: Ledger, bodies: Bodies, calibration: Calibration | None = None) -> None:
        """Take what worker.py made; without `calibration` nothing is said of how far a confidence can be relied on."""
        self._ledger = ledger
        self._bodies = bodies
        self._calibration = calibration

    @activity.defn
    async def verify_diagnosis(self, request: VerifyRequest) -> Verified:
        """Turn a draft into a diagnosis of what stands, and store it. Safe to repeat."""
        key = request.key
        tenant = key.ref.tenant
        with failing_as_temporal_expects():
            playbook = await self._bodies.get(tenant, request.playbook, Playbook)
            anchors = await self._bodies.get(tenant, request.anchors, Anchors)
            weighing = await self._bodies.get(tenant, request.weighing, Weighing)
            draft = await self._bodies.get(tenant, request.draft, Draft)
            evidence = await self._bodies.evidence(tenant, request.evidence)
        diagnosis = verify(playbook, anchors, evidence, weighing, draft, request.reasoner, request.reasoner_problem)
        if self._calibration is not None:
            said = await self._calibration.of(tenant, playbook.id, diagnosis)
            diagnosis = diagnosis.model_copy(update={"calibration": said})
        digest = await self._bodies.put(tenant, diagnosis, key)
        await self._ledger.note_step(
            key,
            f"verify/{request.look}/{request.round}",
            digest,
            f"{len(diagnosis.kept)} kept, {diagnosis.dropped} dropped",
        )
        return verified_of(diagnosis, digest)


def verified_of(diagnosis: Diagnosis, digest: str) -> Verified:
    """Return what is decided by, of a diagnosis that is stored under that digest."""
    return Verified(
        diagnosis=digest,
        outcome=diagnosis.outcome,
        cause=diagnosis.cause,
        severity=diagnosis.severity,
        confidence=diagnosis.confidence,
        kept=len(diagnosis.kept),
        dropped=diagnosis.dropped,
        repair=diagnosis.reasoner != RULES and bool(findings(diagnosis)),
        screened=diagnosis.screened,
    )
