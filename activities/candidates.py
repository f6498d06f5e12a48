"""After the note: a candidate playbook over the evidence that was just gathered. It asks nobody, posts nothing, costs nothing."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Protocol

from temporalio import activity

from activities.bodies import Bodies
from activities.failures import failing_as_temporal_expects
from activities.rediagnose import NothingKept, load_past
from activities.select import RULES
from ledger.past import PastRuns
from models.candidate import CandidateResult
from models.playbook import Playbook
from models.run import CandidateRequest
from models.tenant import Tenant
from reasoning.kept_evidence import refit
from reasoning.rules import decide
from reasoning.verify import verify


class Candidates(Protocol):
    """Where results are kept."""

    async def keep_result(self, result: CandidateResult) -> None:
        """Keep what a candidate found; the first result for a revision and a version counts."""
        ...


class CandidateActivities:
    """Tries candidates."""

    def __init__(self, bodies: Bodies, past: PastRuns, candidates: Candidates, tenants: Mapping[str, Tenant]) -> None:
        """Take what worker.py made."""
        self._bodies = bodies
        self._past = past
        self._candidates = candidates
        self._tenants = tenants

    @activity.defn
    async def try_candidate(self, request: CandidateRequest) -> bool:
        """Diagnose a finished revision by both versions, with rules, and keep both; return whether there was anything to try.

        Its own questions that nobody asked count as not checked: asking them would cost the sources twice as much for a note that
        nobody gets. Safe to repeat.
        """
        tenant = request.key.ref.tenant
        with failing_as_temporal_expects():
            try:
                past = await load_past(self._bodies, self._past, request.key)
            except NothingKept:
                return False
            candidate = await self._bodies.get(tenant, request.candidate, Playbook)
        stable = past.playbook
        fitted = refit(stable, candidate, past.anchors, past.evidence, self._tenants[tenant].region)
        new = verify(
            candidate,
            past.anchors,
            fitted.evidence,
            fitted.weighing,
            decide(candidate, fitted.weighing, fitted.evidence),
            RULES,
        )
        old = verify(
            stable, past.anchors, past.evidence, past.weighing, decide(stable, past.weighing, past.evidence), RULES
        )
        await self._candidates.keep_result(
            CandidateResult(
                key=request.key,
                playbook=candidate.id,
                version=candidate.version,
                outcome=new.outcome,
                cause=new.cause,
                severity=new.severity,
                confidence=new.confidence,
                stable_version=stable.version,
                stable_outcome=old.outcome,
                stable_cause=old.cause,
                not_asked=len(fitted.unanswered),
                done_at=datetime.now(UTC),
            )
        )
        return True
