"""One query, one answer: kept whatever it says, asked once, and never without its customer or its table."""

from datetime import UTC, datetime, timedelta

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.bodies import Bodies
from activities.failures import WORTH_WAITING
from activities.gather import GatherActivities
from connectors.base import RateLimited, SlowAnswer, Unavailable, WriteRefused
from ledger.store import SqlLedger
from models.customer import Anchors, Customer, Window
from models.evidence import Answer, Evidence, EvidenceRef
from models.run import FetchRequest, RunKey
from models.tenant import Tenant
from models.vocabulary import EvidenceStatus, Source
from tests.fakes import ScriptedConnector, ScriptedConnectors, found
from tests.workflows.house import TENANT, an_incident, failing_requests, probe_playbook

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
CUSTOMER = Customer(id="org_31", name="Quill", resolved_by="organization")
ANCHORS = Anchors(
    reported_at=NOW, symptom_at=NOW, window=Window(start=NOW - timedelta(hours=1), end=NOW), customer=CUSTOMER
)


async def fetch(
    ledger: SqlLedger,
    key: RunKey,
    query: str,
    *connectors: ScriptedConnector,
    anchors: Anchors = ANCHORS,
    tenant: Tenant = TENANT,
    look: int = 0,
) -> EvidenceRef:
    gather = GatherActivities(ledger, Bodies(ledger), ScriptedConnectors(*connectors), {tenant.id: tenant})
    request = FetchRequest(
        key=key,
        playbook=await ledger.put_body("acme", probe_playbook()),
        query=query,
        evidence="E3",
        anchors=await ledger.put_body("acme", anchors),
        look=look,
    )
    ref: EvidenceRef = await ActivityEnvironment().run(gather.fetch_evidence, request)
    return ref


async def body(ledger: SqlLedger, ref: EvidenceRef) -> Evidence:
    return await ledger.get_body("acme", ref.digest, Evidence)


async def test_rows_are_kept_with_what_was_asked(ledger: SqlLedger, key: RunKey) -> None:
    logs = failing_requests()
    ref = await fetch(ledger, key, "errors", logs)
    assert (ref.id, ref.query, ref.status, ref.rows) == ("E3", "errors", EvidenceStatus.FOUND, 2)
    kept = await body(ledger, ref)
    assert kept.customer == "org_31"
    assert kept.window is not None
    [asked] = logs.asked
    assert asked.label == f"{key.investigation}/1/E3"
    assert "org_31" in asked.parameters.values()
    assert "org_31" not in asked.text


async def test_what_is_stored_is_not_asked_again(ledger: SqlLedger, key: RunKey) -> None:
    incidents = an_incident()
    first = await fetch(ledger, key, "incidents", incidents)
    assert await fetch(ledger, key, "incidents", incidents) == first
    assert len(incidents.asked) == 1
    await fetch(ledger, key, "incidents", incidents, look=1)
    assert len(incidents.asked) == 2, "a second look asks afresh"


async def test_a_no_is_kept_as_an_answer(ledger: SqlLedger, key: RunKey) -> None:
    denied = Answer(status=EvidenceStatus.DENIED, asked="GET /", reason="the key was refused")
    ref = await fetch(ledger, key, "incidents", ScriptedConnector(Source.STATUSPAGE, {"list_incidents": denied}))
    assert ref.status is EvidenceStatus.DENIED
    assert (await body(ledger, ref)).reason == "the key was refused"


async def test_a_table_that_is_not_mapped_is_skipped_and_named(ledger: SqlLedger, key: RunKey) -> None:
    logs = failing_requests()
    unmapped = TENANT.model_copy(update={"tables": {"accounts": TENANT.tables["accounts"]}})
    ref = await fetch(ledger, key, "errors", logs, tenant=unmapped)
    assert ref.status is EvidenceStatus.SKIPPED
    assert "requests" in (await body(ledger, ref)).reason
    assert logs.asked == []


async def test_without_a_customer_nothing_of_customers_is_asked(ledger: SqlLedger, key: RunKey) -> None:
    logs = failing_requests()
    ref = await fetch(ledger, key, "errors", logs, anchors=ANCHORS.model_copy(update={"customer": None}))
    assert ref.status is EvidenceStatus.SKIPPED
    assert logs.asked == []


async def test_a_source_that_is_not_connected_is_skipped(ledger: SqlLedger, key: RunKey) -> None:
    ref = await fetch(ledger, key, "incidents")
    assert (await body(ledger, ref)).reason == "StatusPage is not connected"


@pytest.mark.parametrize(
    ("error", "retryable"),
    [
        (Unavailable("refused"), True),
        (SlowAnswer("slow"), True),
        (RateLimited("busy", retry_after=WORTH_WAITING), True),
        (RateLimited("busy", retry_after=WORTH_WAITING + 1), False),
        (WriteRefused("stopped"), False),
    ],
    ids=["down", "slow", "busy", "busy-for-long", "our-bug"],
)
async def test_a_failure_keeps_nothing_so_that_the_next_attempt_asks(
    ledger: SqlLedger, key: RunKey, error: Exception, retryable: bool
) -> None:
    down = ScriptedConnector(Source.STATUSPAGE, {"list_incidents": error})
    with pytest.raises(ApplicationError) as caught:
        await fetch(ledger, key, "incidents", down)
    assert caught.value.non_retryable is not retryable
    down.answers = {"list_incidents": found({"name": "Elevated errors"})}
    assert (await fetch(ledger, key, "incidents", down)).status is EvidenceStatus.FOUND


async def test_a_query_that_the_playbook_lacks_is_our_bug(ledger: SqlLedger, key: RunKey) -> None:
    with pytest.raises(LookupError, match="has no query 'unheard-of'"):
        await fetch(ledger, key, "unheard-of")
