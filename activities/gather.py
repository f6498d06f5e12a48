"""Step 3: ask one query of the playbook, once, and keep the answer as evidence."""

from collections.abc import Mapping
from datetime import UTC, datetime
from time import perf_counter

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.bodies import Bodies
from activities.failures import WORTH_WAITING, failing_as_temporal_expects
from activities.pausing import PausedSource
from activities.sharing import Shareable, SharedFetch, shareable
from connectors.base import CircuitOpen, Connector, ConnectorPool, RateBudget, SlowAnswer, Unavailable
from ledger.base import Ledger
from models.coordination import SharedAnswer
from models.customer import Anchors
from models.diagnosis import Weighing
from models.evidence import Answer, Evidence, EvidenceRef, SourceRequest
from models.playbook import Playbook, Query
from models.run import FetchRequest
from models.tenant import Tenant
from models.vocabulary import EvidenceStatus, Source
from reasoning.queries import Skipped, resolve_query
from reasoning.sql import CUSTOMER_PARAMETER, SqlRefused, TableNotMapped, check_query, scope_query

SLOW_ATTEMPTS = 2
"""After as many, a source that gives no answer in time is evidence of that."""
LAST_ATTEMPT = 4
"""The last that workflows/options.py allows: what others were told a while ago is better than nothing then."""


class GatherActivities:
    """The eyes: reads production systems through connectors that cannot write."""

    def __init__(
        self,
        ledger: Ledger,
        bodies: Bodies,
        connectors: ConnectorPool,
        tenants: Mapping[str, Tenant],
        sharing: SharedFetch | None = None,
    ) -> None:
        """Take what worker.py made; without `sharing` every ticket asks for itself."""
        self._ledger = ledger
        self._bodies = bodies
        self._connectors = connectors
        self._tenants = tenants
        self._sharing = sharing

    @activity.defn
    async def fetch_evidence(self, request: FetchRequest) -> EvidenceRef:
        """Ask the source and store what it said, also when it said no. Safe to repeat: what is stored is not asked again.

        Raises:
            ApplicationError: retryable while the source may still answer; the workflow turns the last one into a gap.
        """
        stored = await self._ledger.find_evidence(request.key, request.evidence, request.look)
        if stored is not None:
            return stored
        name = request.key.ref.tenant
        with failing_as_temporal_expects():
            playbook = await self._bodies.get(name, request.playbook, Playbook)
            anchors = await self._bodies.get(name, request.anchors, Anchors)
            weighing = await self._bodies.get(name, request.weighing, Weighing) if request.weighing else None
            query = playbook.query(request.query)
            if query is None:
                raise LookupError(f"playbook {playbook.id}@{playbook.version} has no query {request.query!r}")
            facts = {fact.id: fact for fact in weighing.facts} if weighing else {}
            now = datetime.now(UTC)
            resolved = resolve_query(query, anchors, facts, now, self._tenants[name].region)
            told = await self._answer(request, query, resolved, now)
        if isinstance(resolved, SourceRequest):
            # What others were told looked at its own window, at its own time.
            resolved = resolved.model_copy(update={"window": told.window})
        evidence = as_evidence(request.evidence, query, resolved, told.answer, told.fetched_at, told.took)
        return await self._bodies.put_evidence(request.key, evidence, request.look)

    async def _answer(
        self, request: FetchRequest, query: Query, resolved: SourceRequest | Skipped, now: datetime
    ) -> SharedAnswer:
        label = f"{request.key.investigation}/{request.key.revision}/{request.evidence}"
        tenant = self._tenants[request.key.ref.tenant]
        prepared = await prepare(self._connectors, tenant, query, resolved, label)
        if isinstance(prepared, Answer):
            window = resolved.window if isinstance(resolved, SourceRequest) else None
            return SharedAnswer(answer=prepared, window=window, fetched_at=now, took=0.0)
        connector, asked = prepared

        async def fetch() -> SharedAnswer:
            at, began = datetime.now(UTC), perf_counter()
            answer = await connector.fetch(asked)
            return SharedAnswer(answer=answer, window=asked.window, fetched_at=at, took=perf_counter() - began)

        of = shareable(tenant, query, asked, now) if self._sharing and tenant.share_evidence else None
        try:
            if self._sharing is None or of is None:
                return await fetch()
            return await self._sharing.get(of, fetch, afresh=request.afresh or request.look > 0)
        except Unavailable as error:
            return await self._without(error, asked, of)

    async def _without(self, error: Unavailable, asked: SourceRequest, of: Shareable | None) -> SharedAnswer:
        """Say what can be said without an answer, once there is no use in trying again."""
        attempt = activity.info().attempt
        slow, open_ = isinstance(error, SlowAnswer), isinstance(error, CircuitOpen)
        may_pass = not open_ and (error.retry_after or 0.0) <= WORTH_WAITING
        if may_pass and attempt < (SLOW_ATTEMPTS if slow else LAST_ATTEMPT):
            raise error
        older = await self._sharing.last(of) if self._sharing and of else None
        if older is not None:
            return older
        if isinstance(error, RateBudget):
            gap = Answer(status=EvidenceStatus.SKIPPED, asked="", reason=str(error))
        elif open_:
            gap = Answer(status=EvidenceStatus.FAILED, asked="", reason=str(error))
        elif slow:
            # A refused connection costs nothing to try again; waiting out the time limit again costs every ticket.
            gap = no_answer_in_time(asked, f"{attempt} times")
        else:
            raise ApplicationError(str(error), type=type(error).__name__, non_retryable=True) from None
        return SharedAnswer(answer=gap, window=asked.window, fetched_at=datetime.now(UTC), took=0.0)


async def prepare(
    connectors: ConnectorPool, tenant: Tenant, query: Query, resolved: SourceRequest | Skipped, label: str
) -> tuple[Connector, SourceRequest] | Answer:
    """Guard and scope one resolved query.

    Args:
        connectors: Of all tenants.
        tenant: Whose system and tables are asked.
        query: Of the playbook.
        resolved: What became of its references and its window.
        label: For query ids and log comments at the source.

    Returns:
        Whom to ask what; or the answer, where nobody may be asked.
    """
    if isinstance(resolved, Skipped):
        return Answer(status=EvidenceStatus.SKIPPED, asked="", reason=resolved.reason)
    connector = await connectors.get(tenant.id, query.source)
    if connector is None:
        return Answer(status=EvidenceStatus.SKIPPED, asked="", reason=f"{query.source.title} is not connected")
    if isinstance(connector, PausedSource):
        # Before anything is shared: what others were told a minute ago is not asked for either.
        return connector.answer()
    asked = resolved.model_copy(update={"label": label})
    if query.source is Source.CLICKHOUSE:
        try:
            text = scope_query(check_query(query.sql, query.scope), tenant.tables, query.scope, query.rows)
        except TableNotMapped as refusal:
            return Answer(status=EvidenceStatus.SKIPPED, asked="", reason=str(refusal))
        except SqlRefused as refusal:
            return Answer(status=EvidenceStatus.FAILED, asked="", reason=f"refused before sending: {refusal}")
        bound = {**asked.parameters, CUSTOMER_PARAMETER: asked.customer} if asked.customer else asked.parameters
        asked = asked.model_copy(update={"text": text, "parameters": bound})
    return connector, asked


def no_answer_in_time(asked: SourceRequest, times: str) -> Answer:
    """Return what a source's silence is kept as. `times` says how often it was asked."""
    reason = f"{asked.source.title} gave no answer within {asked.time_limit:.0f} s, {times}"
    return Answer(status=EvidenceStatus.TIMED_OUT, asked=asked.text or asked.operation, reason=reason)


def as_evidence(
    name: str, query: Query, resolved: SourceRequest | Skipped, answer: Answer, fetched_at: datetime, took: float
) -> Evidence:
    """Return an answer as the ledger keeps it. `name` is the evidence's id, `took` its seconds."""
    asked = resolved if isinstance(resolved, SourceRequest) else None
    return Evidence(
        id=name,
        query=query.id,
        source=query.source,
        title=query.title,
        scope=query.scope,
        customer=asked.customer if asked else None,
        parameters=asked.parameters if asked else {},
        window=asked.window if asked else None,
        fetched_at=fetched_at,
        took=took,
        **answer.model_dump(),
    )
