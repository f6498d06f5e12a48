"""A whole house for workflow tests: the real server, worker, activities and ledger, between scripted far ends."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from temporalio.client import Client, WorkflowHandle
from temporalio.common import (
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.worker import Worker

from activities.control_board import ControlBoard
from activities.pausing import PauseGate
from gateway.starter import TemporalStarter
from ledger.candidates import SqlCandidates
from ledger.coordinator import coordinate
from ledger.past_runs import SqlPastRuns
from ledger.reliability import SqlReliability
from ledger.store import SqlLedger
from models.playbook import Playbook
from models.run import InvestigateInput, RunResult
from models.tables import LOGICAL_TABLES, TableMapping
from models.tenant import Tenant
from models.ticket import TicketRef, Trigger, TriggerKind
from models.vocabulary import Source
from playbooks.library import Library
from reasoning.providers.base import LanguageModel
from tests.conftest import PROBE_PLAYBOOKS
from tests.fakes import OneHelpdesk, ScriptedConnector, ScriptedConnectors, ScriptedHelpdesk, found, ticket_of
from tests.master_keys import KEYRING
from worker import make_activities
from workflows import naming
from workflows.registered import WORKFLOWS

TENANT = Tenant.model_validate(
    {
        "id": "acme",
        "helpdesks": {
            "desk": {
                "kind": "standard",
                "note_url": "http://127.0.0.1:9/notes",
                "ticket_url": "http://127.0.0.1:9/tickets/{ticket}",
                "webhook_secrets": ["env:NONE"],
            }
        },
        "tables": {name: TableMapping(table=f"prod.{name}").model_dump() for name in LOGICAL_TABLES},
    }
)
ACCOUNT = {"customer": "org_31", "name": "Quill", "domain": "quill.example", "plan": "growth", "region": "eu"}
BILLING = {"id": "cus_31", "name": "Quill", "email": "billing@quill.example", "customer_id": "org_31"}


def failing_requests() -> ScriptedConnector:
    """ClickHouse as it answers when 40 of 1,000 requests fail."""
    rows = ({"status": 200, "number": 960}, {"status": 429, "number": 40})
    return ScriptedConnector(Source.CLICKHOUSE, {"prod.accounts": found(ACCOUNT), "prod.requests": found(*rows)})


def healthy_requests() -> ScriptedConnector:
    """ClickHouse as it answers when all is well."""
    answers = {"prod.accounts": found(ACCOUNT), "prod.requests": found({"status": 200, "number": 1000})}
    return ScriptedConnector(Source.CLICKHOUSE, dict(answers))


def an_incident() -> ScriptedConnector:
    """A status page with one open incident."""
    row = {"page": "own", "id": "i1", "name": "Elevated errors", "status": "investigating", "upstream": False}
    return ScriptedConnector(Source.STATUSPAGE, {"list_incidents": found(row)})


def no_incident() -> ScriptedConnector:
    """A status page on which nothing is wrong."""
    return ScriptedConnector(Source.STATUSPAGE, {})


def billing() -> ScriptedConnector:
    """Stripe as it knows the customer."""
    return ScriptedConnector(Source.STRIPE, {"find_customer": found(BILLING)})


def probe_playbook() -> Playbook:
    """The small playbook that these tests are about."""
    return Library.load([PROBE_PLAYBOOKS]).all()[0].playbook


@dataclass
class Models:
    """A pool of scripted models by id."""

    by_id: dict[str, LanguageModel] = field(default_factory=dict)

    async def get(self, tenant: str, model: str) -> LanguageModel:
        """Return it."""
        return self.by_id[model]


@dataclass
class Shelf:
    """Hands out the same playbooks to all."""

    playbooks: Sequence[Playbook]

    def released(self, tenant: str) -> Sequence[Playbook]:
        """Return them."""
        return self.playbooks

    def own(self, tenant: str) -> Sequence[str]:
        """None is a tenant's own."""
        return ()


class House:
    """One worker with its own queue, ledger and far ends. Every ticket gets a fresh number."""

    def __init__(
        self,
        client: Client,
        ledger: SqlLedger,
        *connectors: ScriptedConnector,
        tenant: Tenant = TENANT,
        models: Models | None = None,
        playbooks: Sequence[Playbook] = (),
        board: ControlBoard | None = None,
        together: bool = False,
    ) -> None:
        """Build it; `worker()` runs it. Without playbooks it is the small one that these tests are about."""
        self.client = client
        self.ledger = ledger
        self.tenant = tenant
        self.helpdesk = ScriptedHelpdesk()
        self.connectors = ScriptedConnectors(*connectors)
        self.models = models or Models()
        self.playbooks = playbooks or [probe_playbook()]
        self.board = board or ControlBoard()
        self.together = together
        """Whether tickets know of each other, as in a real worker."""
        self.region = str(uuid.uuid4())
        self.queue = naming.task_queue(self.region)

    @asynccontextmanager
    async def worker(self, cached: int = 100) -> AsyncIterator[None]:
        """Run a worker; with `cached=0` every workflow task replays the whole history."""
        activities = make_activities(
            ledger=self.ledger,
            helpdesks=OneHelpdesk(self.helpdesk),
            connectors=self.connectors,
            models=self.models,
            shelf=Shelf(self.playbooks),
            tenants={self.tenant.id: self.tenant},
            board=self.board,
            past=SqlPastRuns(self.ledger),
            candidates=SqlCandidates(self.ledger.database),
            labelled=SqlReliability(self.ledger.database),
            together=coordinate(self.ledger) if self.together else None,
            start=TemporalStarter(self.client, lambda _: self.region),
        )
        async with Worker(
            self.client,
            task_queue=self.queue,
            workflows=WORKFLOWS,
            activities=activities,
            max_cached_workflows=cached,
            interceptors=[PauseGate(self.board)],
        ):
            yield

    def open_ticket(self, text: str = "We get 429 on /v1/search since 09:00 UTC.", **changes: object) -> TicketRef:
        """Put a fresh ticket on the helpdesk."""
        ref = TicketRef(tenant=self.tenant.id, helpdesk="desk", ticket=str(uuid.uuid4().int % 10**9))
        self.helpdesk.tickets[ref.ticket] = ticket_of(ref, text, **changes)
        return ref

    async def deliver(
        self,
        ref: TicketRef,
        delivery: str = "d1",
        kind: TriggerKind = TriggerKind.CREATED,
        trigger: Trigger | None = None,
    ) -> WorkflowHandle[object, RunResult]:
        """Signal-with-start, as the gateway does."""
        trigger = trigger or Trigger(delivery=delivery, kind=kind, received_at=datetime.now(UTC))
        pairs = [(naming.TENANT, ref.tenant), (naming.TICKET, ref.ticket), (naming.HELPDESK, ref.helpdesk)]
        return await self.client.start_workflow(
            "InvestigateTicketWorkflow",
            InvestigateInput(ref=ref),
            id=naming.workflow_id(ref),
            task_queue=self.queue,
            result_type=RunResult,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            start_signal=naming.SIGNAL,
            start_signal_args=[trigger],
            search_attributes=TypedSearchAttributes([SearchAttributePair(key, value) for key, value in pairs]),
        )

    async def investigate(self, ref: TicketRef, delivery: str = "d1") -> RunResult:
        """Deliver a creation and wait for the end."""
        handle = await self.deliver(ref, delivery)
        return await asyncio.wait_for(handle.result(), 60)


async def open_ledger(folder: Path) -> SqlLedger:
    """Open a ledger of its own."""
    return await SqlLedger.open(f"sqlite:///{folder}/ledger.db", KEYRING)
