"""One investigation asked for by hand: which ticket is meant, its start on the running installation, and its way to the end."""

import asyncio
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.service import RPCError

from cli.connection import NoServer
from cli.errors import UsageProblem, no_such
from gateway.starter import TemporalDown, TemporalStarter
from ledger.base import LedgerError
from ledger.reading import RunReader
from ledger.records import RunRecord
from models.run import RunResult
from models.tenant import Tenant
from models.ticket import Rerun, TicketRef, Trigger, TriggerKind
from models.vocabulary import Mode
from settings import Settings
from workflows import naming

R = TypeVar("R")
Say = Callable[[str, tuple[str, ...]], None]
"""Takes the stage, and what was noted on the way."""
NOT_TAKEN = 15.0
"""Seconds after which a run that no worker has begun is worth a word."""
_LOOK = 0.5
_METADATA = "__temporal_workflow_metadata"
"""The query that every workflow answers with its live card."""


@dataclass(frozen=True)
class Wanted:
    """The ticket that is meant; `tenant` is None where this process has no configuration of it."""

    ref: TicketRef
    tenant: Tenant | None

    @property
    def queue(self) -> str:
        """The task queue of the tenant's workers."""
        return naming.task_queue(self.region)

    @property
    def region(self) -> str:
        """Where the tenant is pinned to."""
        return self.tenant.region if self.tenant else ""


def choose_ticket(settings: Settings, ticket: str, tenant: str | None, helpdesk: str | None) -> Wanted:
    """Find out which ticket is meant: a number, or the whole of `tenant/helpdesk/ticket`.

    Raises:
        UsageProblem: no such tenant or helpdesk, several to choose from, or a tenant that is switched off.
    """
    if ticket.count("/") == 2 and tenant is None and helpdesk is None:
        tenant, helpdesk, ticket = ticket.split("/")
    number = ticket.strip().removeprefix("#")
    if not number or "/" in number or any(sign.isspace() for sign in number):
        raise UsageProblem(
            f"{ticket!r} is no ticket; give its number as the helpdesk shows it, or tenant/helpdesk/number"
        )
    if not settings.tenants:
        if tenant and helpdesk:
            return Wanted(TicketRef(tenant=tenant, helpdesk=helpdesk, ticket=number), None)
        raise UsageProblem(
            f"no tenants to choose from: {str(settings.config)!r} does not exist or is empty. Run this with the worker's "
            "environment (WHYDESK_CONFIG), or name both --tenant and --helpdesk"
        )
    name = _one_of("tenant", tenant, list(settings.tenants))
    chosen = settings.tenants[name]
    desk = _one_of("helpdesk", helpdesk, list(chosen.helpdesks))
    if chosen.mode is Mode.OFF:
        raise UsageProblem(
            f"tenant {name!r} has the mode 'off', in which nothing is investigated; write `mode: shadow` in "
            f"{str(settings.config)!r} and start the worker again"
        )
    return Wanted(TicketRef(tenant=name, helpdesk=desk, ticket=number), chosen)


def _one_of(what: str, named: str | None, known: list[str]) -> str:
    if named is not None and named not in known:
        raise no_such(what, named, known)
    if named is None and len(known) > 1:
        raise UsageProblem(f"there are {len(known)} {what}s; name one with --{what}: {', '.join(sorted(known))}")
    return named or known[0]


async def ensure_worker(client: Client, queue: str) -> None:
    """Check that a worker asks for work: without one an investigation would wait unseen.

    Raises:
        NoServer: none does, or the server does not say.
    """
    request = DescribeTaskQueueRequest(
        namespace=client.namespace,
        task_queue=TaskQueue(name=queue),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    )
    try:
        described = await client.workflow_service.describe_task_queue(request, timeout=timedelta(seconds=10))
    except RPCError as error:
        raise NoServer(f"the Temporal server does not tell of the queue {queue!r}: {error.message}") from error
    if not described.pollers:
        raise NoServer(
            f"no worker asks for work on the queue {queue!r}; nothing was started. Start one with `whydesk up` or "
            "`whydesk worker`, then try again"
        )


@dataclass(frozen=True)
class Started:
    """A run that works on our delivery, and perhaps on others before it."""

    ref: TicketRef
    delivery: str
    handle: WorkflowHandle[object, RunResult]
    joined: bool
    """Whether the ticket was being investigated already."""


async def start_by_hand(client: Client, wanted: Wanted, *, post: bool, rerun: Rerun | None = None) -> Started:
    """Start the ticket's workflow, or signal the one that runs.

    Raises:
        NoServer: the server did not take it.
    """
    now = datetime.now(UTC)
    trigger = Trigger(
        delivery=f"by-hand-{uuid.uuid4()}", kind=TriggerKind.REINVESTIGATE, received_at=now, post=post, rerun=rerun
    )
    newest: WorkflowHandle[object, RunResult] = client.get_workflow_handle(
        naming.workflow_id(wanted.ref), result_type=RunResult
    )
    before = await _run_id(newest)
    try:
        await TemporalStarter(client, lambda _: wanted.region)(wanted.ref, trigger)
    except TemporalDown as error:
        raise NoServer(f"{error}; look with `whydesk list --running` before you try again") from error
    run_id = await _run_id(newest)
    handle: WorkflowHandle[object, RunResult] = client.get_workflow_handle(
        newest.id, run_id=run_id, result_type=RunResult
    )
    return Started(wanted.ref, trigger.delivery, handle, joined=before is not None and before == run_id)


async def _run_id(handle: WorkflowHandle[object, RunResult]) -> str | None:
    with suppress(RPCError):
        return (await handle.describe()).run_id
    return None


async def follow(started: Started, say: Say, patience: float = NOT_TAKEN) -> None:
    """Wait for the end of the run and tell its stages: where it is, and what it has to say besides.

    Raises:
        UsageProblem: someone ended the workflow from outside.
    """
    name = started.handle.id
    await follow_to_the_end(started.handle, say, f"`whydesk show {name}` prints what it had found", patience)


async def follow_to_the_end(handle: WorkflowHandle[object, R], say: Say, remedy: str, patience: float = NOT_TAKEN) -> R:
    """Wait for a workflow's result and tell what its live card says meanwhile.

    Raises:
        UsageProblem: someone ended the workflow from outside.
    """
    began = time.monotonic()
    result = asyncio.ensure_future(handle.result())
    taken = False
    try:
        while not result.done():
            card = await _card(handle)
            taken = taken or bool(card)
            if card:
                say(*read_card(card))
            elif not taken and time.monotonic() - began > patience:
                say("no worker has begun it yet; it begins when one runs (`whydesk up`), Ctrl-C does not stop it", ())
            await asyncio.wait([result], timeout=_LOOK)
        return await result
    except WorkflowFailureError as error:
        cause = error.cause
        raise UsageProblem(
            f"the workflow {handle.id!r} was ended from outside ({type(cause).__name__}); {remedy}"
        ) from error
    finally:
        result.cancel()
        await asyncio.gather(result, return_exceptions=True)


async def _card(handle: WorkflowHandle[object, R]) -> str:
    """Return the live card, or nothing while it cannot be had."""
    try:
        told = await handle.query(_METADATA, result_type=WorkflowMetadata, rpc_timeout=timedelta(seconds=3))
    except RPCError:
        return ""
    return str(told.current_details)


def read_card(card: str) -> tuple[str, tuple[str, ...]]:
    """Split a live card into where the run is, in one line, and what was noted on the way."""
    _, *lines = [line for line in card.splitlines() if line]
    noted = tuple(line.removeprefix("- ") for line in lines if line.startswith("- "))
    return " · ".join(line for line in lines if not line.startswith("- ")), noted


async def load_revision(reader: RunReader, started: Started) -> RunRecord:
    """Return the revision that our delivery led to.

    Raises:
        LedgerError: this ledger has none, so it is not the worker's.
    """
    name = naming.investigation_id(started.ref)
    record = await reader.load_run(name, None, started.ref.tenant)
    while record.delivery is None or record.delivery.delivery != started.delivery:
        if record.summary.key.revision == 1:
            raise LedgerError(
                f"the ledger has no revision of {started.handle.id} from just now: it is not the worker's. Set "
                "WHYDESK_STATE or WHYDESK_LEDGER_URL as the worker has it"
            )
        record = await reader.load_run(name, record.summary.key.revision - 1, started.ref.tenant)
    return record
