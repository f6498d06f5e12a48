"""What a worker writes during one investigation, for tests that need many of them."""

import asyncio
from datetime import UTC, datetime

from ledger.base import Ledger
from models.diagnosis import Diagnosis, Draft
from models.evidence import Evidence
from models.note import RenderedNote
from models.run import ClaimRequest, Drafted, RecordRequest, RunKey
from models.ticket import TicketRef, Trigger, TriggerKind
from models.vocabulary import (
    CauseClass,
    Confidence,
    EvidenceStatus,
    Mode,
    Outcome,
    Scope,
    Severity,
    Source,
)
from workflows.naming import investigation_id, note_marker

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def claim(ticket: str = "4711", delivery: str = "d-1", owner: str = "owner-1", tenant: str = "acme") -> ClaimRequest:
    ref = TicketRef(tenant=tenant, helpdesk="zendesk", ticket=ticket)
    return ClaimRequest(
        ref=ref,
        investigation=investigation_id(ref),
        trigger=Trigger(delivery=delivery, kind=TriggerKind.CREATED, received_at=NOON),
        owner=owner,
    )


def evidence(name: str = "E1", text: str = "x") -> Evidence:
    return Evidence(
        id=name,
        query="errors",
        source=Source.CLICKHOUSE,
        title="error rate",
        scope=Scope.CUSTOMER,
        customer="cust-1",
        status=EvidenceStatus.FOUND,
        rows=tuple({"minute": minute, "text": text} for minute in range(20)),
        fetched_at=NOON,
        took=0.25,
    )


def diagnosis(title: str = "The deployment broke it") -> Diagnosis:
    return Diagnosis(
        outcome=Outcome.DIAGNOSED,
        cause=CauseClass.DEPLOY_REGRESSION,
        title=title,
        severity=Severity.HIGH,
        confidence=Confidence.MEDIUM,
        confidence_basis="7 of 8 checks",
        reasoner="rules",
    )


def outcome(key: RunKey, how: Outcome = Outcome.DIAGNOSED, digest: str = "") -> RecordRequest:
    return RecordRequest(
        key=key,
        outcome=how,
        started_at=NOON,
        finished_at=NOON.replace(second=9),
        playbook_label="api-errors@3",
        diagnosis=digest,
        note_status="posted",
        reasoner="rules",
        usd=0.02,
        gaps=("stripe",),
    )


async def investigate(ledger: Ledger, request: ClaimRequest) -> RunKey:
    """Write what one whole investigation writes, about 25 times."""
    key = (await ledger.claim_delivery(request)).key
    tenant = key.ref.tenant
    note = RenderedNote(html=key.ref.ticket * 500, markdown="m", marker=note_marker(key.investigation, key.revision))
    for step in ("read", "identify", "select"):
        await ledger.note_step(key, step, await ledger.put_body(tenant, evidence(step, key.ref.ticket), key))
    await ledger.note_fingerprint(key, key.ref.ticket)

    async def fetch(name: str) -> None:
        if await ledger.find_evidence(key, name) is None:
            await ledger.put_evidence(key, evidence(name, key.ref.ticket))

    await asyncio.gather(*(fetch(f"E{number}") for number in range(1, 9)))
    await ledger.note_step(key, "weigh/0")
    draft = await ledger.put_body(tenant, Draft(outcome=Outcome.DIAGNOSED, hypothesis=key.ref.ticket), key)
    await ledger.put_model_answer(key, "request", 0, Drafted(draft=draft, reasoner="rules", usd=0.01))
    found = await ledger.put_body(tenant, diagnosis(key.ref.ticket), key)
    await ledger.note_step(key, "verify/0", found)
    await ledger.begin_note(key, note.marker, Mode.NOTE, await ledger.put_body(tenant, note, key))
    await ledger.finish_note(key, "posted", f"note-{key.ref.ticket}", NOON)
    await ledger.record_outcome(outcome(key, digest=found))
    return key
