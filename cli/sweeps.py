"""The schedules of the sweeps: one for each helpdesk, made when a worker starts, and kept as the configuration has them."""

from collections.abc import Mapping
from datetime import timedelta

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.common import Priority
from temporalio.service import RPCError, RPCStatusCode

from models.sweep import SweepInput
from models.tenant import Tenant
from workflows import naming

_WORKFLOW = "SweepTicketsWorkflow"


async def ensure_sweeps(client: Client, tenants: Mapping[str, Tenant]) -> None:
    """Make, change or delete each tenant's schedules so that they are as configured. Safe for many workers at once."""
    for tenant in tenants.values():
        for helpdesk in tenant.helpdesks:
            if tenant.sweep_minutes:
                await _ensure(client, tenant, helpdesk)
            else:
                await _remove(client, tenant, helpdesk)


async def _ensure(client: Client, tenant: Tenant, helpdesk: str) -> None:
    name = naming.sweep_id(tenant.id, helpdesk)
    wanted = _schedule(tenant, helpdesk)
    try:
        await client.create_schedule(name, wanted)
    except ScheduleAlreadyRunningError:

        def update(given: ScheduleUpdateInput) -> ScheduleUpdate | None:
            now = given.description.schedule
            if now.spec.intervals == wanted.spec.intervals:
                return None
            # Whether somebody paused it, and why, is theirs.
            wanted.state = now.state
            return ScheduleUpdate(wanted)

        await client.get_schedule_handle(name).update(update)


async def _remove(client: Client, tenant: Tenant, helpdesk: str) -> None:
    try:
        await client.get_schedule_handle(naming.sweep_id(tenant.id, helpdesk)).delete()
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise


def _schedule(tenant: Tenant, helpdesk: str) -> Schedule:
    every = timedelta(minutes=tenant.sweep_minutes)
    return Schedule(
        action=ScheduleActionStartWorkflow(
            _WORKFLOW,
            SweepInput(tenant=tenant.id, helpdesk=helpdesk),
            id=naming.sweep_id(tenant.id, helpdesk),
            static_summary=f"{tenant.id} · {helpdesk} · tickets whose webhook was lost",
            task_queue=naming.task_queue(tenant.region),
            execution_timeout=timedelta(hours=1),
            priority=Priority(fairness_key=tenant.id),
        ),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=every)]),
        # A sweep that is missed is made up for by the next one: it begins at the watermark.
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=every),
    )
