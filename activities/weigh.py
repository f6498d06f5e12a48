"""Step 4: facts, verdicts and severity, by code over stored rows."""

from datetime import UTC, datetime

from temporalio import activity

from activities.bodies import Bodies
from activities.failures import failing_as_temporal_expects
from connectors.base import RateBudget
from ledger.base import Ledger
from ledger.coordination import Incidents
from models.customer import Anchors
from models.evidence import Evidence, EvidenceRef
from models.playbook import Playbook
from models.run import Gap, Weighed, WeighRequest
from models.vocabulary import EvidenceStatus, Source
from reasoning.hypotheses import weigh
from reasoning.incident import incident_of


class WeighActivities:
    """Pure but for the ledger."""

    def __init__(self, ledger: Ledger, bodies: Bodies, incidents: Incidents | None = None) -> None:
        """Take what worker.py made; without `incidents` every ticket is for itself."""
        self._ledger = ledger
        self._bodies = bodies
        self._incidents = incidents

    @activity.defn
    async def weigh_evidence(self, request: WeighRequest) -> Weighed:
        """Record the gaps as evidence of their own, compute, store the weighing. Safe to repeat."""
        key = request.key
        tenant = key.ref.tenant
        with failing_as_temporal_expects():
            playbook = await self._bodies.get(tenant, request.playbook, Playbook)
            anchors = await self._bodies.get(tenant, request.anchors, Anchors)
            gaps = [await self._record(request, playbook, gap) for gap in request.gaps]
            refs = tuple(sorted((*request.evidence, *gaps), key=lambda ref: int(ref.id[1:])))
            evidence = await self._bodies.evidence(tenant, refs)
        weighing = weigh(playbook, anchors, evidence)
        digest = await self._bodies.put(tenant, weighing, key)
        await self._ledger.note_step(key, f"weigh/{request.look}/{request.round}", digest, request.asked)
        label = f"{playbook.id}@{playbook.version}"
        seen = incident_of(playbook, weighing, evidence, label) if self._incidents else None
        joined = await self._incidents.join(key, seen) if self._incidents and seen else None
        return Weighed(
            weighing=digest,
            evidence=refs,
            follow_ups=weighing.follow_ups,
            missing=weighing.missing,
            gaps=tuple(sorted({gap.source.value for gap in weighing.not_checked})),
            coverage=weighing.coverage,
            incident=joined.incident if joined else "",
            by_rules=joined is not None and not joined.pays,
        )

    async def _record(self, request: WeighRequest, playbook: Playbook, gap: Gap) -> EvidenceRef:
        query = playbook.query(gap.query)
        if query is None:
            raise LookupError(f"playbook {playbook.id}@{playbook.version} has no query {gap.query!r}")
        evidence = Evidence(
            id=gap.evidence,
            query=query.id,
            source=query.source,
            title=query.title,
            scope=query.scope,
            status=EvidenceStatus.TIMED_OUT if gap.timed_out else EvidenceStatus.FAILED,
            fetched_at=datetime.now(UTC),
            reason=_said(query.source, gap),
        )
        return await self._ledger.put_evidence(request.key, evidence, request.look)


_OURS = frozenset({"LedgerError", "BodyMissing", "LookupError", "ValueError", "KeyError"})


def _said(source: Source, gap: Gap) -> str:
    """Say whose fault it was: a source is not blamed for a check that never reached it."""
    if gap.reason == RateBudget.__name__:
        return f"rate budget: what may be asked of {source.title} in a minute is used up"
    if gap.reason in _OURS:
        return f"the check could not be run ({gap.reason})"
    return f"{source.title} did not answer ({gap.reason})"
