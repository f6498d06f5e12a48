"""The sweep: finds tickets whose webhook was lost, and starts what it would have started."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.control_board import ControlBoard
from activities.failures import failing_as_temporal_expects
from helpdesks.base import ChangedTicket, Helpdesk, HelpdeskDenied, HelpdeskPool, TicketNotFound
from ledger.base import BodyMissing, Ledger
from ledger.coordination import Sweeps
from models.sweep import SweepInput, SweepResult
from models.tenant import Tenant
from models.ticket import CREATED_EVENT, Message, Role, Ticket, TicketRef, Trigger, TriggerKind, message_event
from models.vocabulary import Mode

Start = Callable[[TicketRef, Trigger], Awaitable[None]]
"""Hands a trigger to the ticket's workflow, as the gateway does."""

OVERLAP = timedelta(minutes=10)
"""Each sweep begins this much before the last one's end: a helpdesk's search may know a change late."""
LONGEST = timedelta(days=3)
"""What changed longer ago than this before the first look after an outage is nobody's news any more."""


class SweepActivities:
    """Reads what changed; writes nothing to a helpdesk."""

    def __init__(
        self,
        ledger: Ledger,
        sweeps: Sweeps,
        helpdesks: HelpdeskPool,
        tenants: Mapping[str, Tenant],
        start: Start,
        board: ControlBoard,
    ) -> None:
        """Take what worker.py made."""
        self._ledger = ledger
        self._sweeps = sweeps
        self._helpdesks = helpdesks
        self._tenants = tenants
        self._start = start
        self._board = board

    @activity.defn
    async def sweep_helpdesk(self, request: SweepInput) -> SweepResult:
        """Look at every ticket that changed since the watermark, start those that were missed, then move the watermark.

        Safe to repeat and to break off: what was started is started again by the same name, which the ledger knows.

        Raises:
            ApplicationError: as in activities/failures.py; the next sweep begins where this one did.
        """
        tenant = self._tenants.get(request.tenant)
        if tenant is None or request.helpdesk not in tenant.helpdesks:
            raise ApplicationError(
                f"no helpdesk {request.helpdesk!r} of a tenant {request.tenant!r} here: delete its schedule",
                type="NotConfigured",
                non_retryable=True,
            )
        if tenant.mode is Mode.OFF:
            return SweepResult()
        now = datetime.now(UTC)
        known = await self._sweeps.watermark(request.tenant, request.helpdesk)
        if known is None:
            # What came in before anybody listened is not lost; it was never promised.
            await self._sweeps.keep_watermark(request.tenant, request.helpdesk, now)
            return SweepResult()
        if (await self._board.now()).paused(request.tenant) is not None:
            # Nothing outside is read meanwhile; the watermark stays, so the first sweep after it looks this far back.
            return SweepResult()
        with failing_as_temporal_expects():
            helpdesk = await self._helpdesks.get(request.tenant, request.helpdesk)
            return await self._sweep(request, helpdesk, max(known - OVERLAP, now - LONGEST))

    async def _sweep(self, request: SweepInput, helpdesk: Helpdesk, since: datetime) -> SweepResult:
        result = SweepResult()
        looked_at: set[ChangedTicket] = set()
        while True:
            listed = await helpdesk.list_changed(since)
            if listed is None:
                return SweepResult(possible=False)
            changed = [one for one in listed if one not in looked_at]
            if not changed:
                return result
            for one in changed:
                activity.heartbeat()
                result = await self._look(request, helpdesk, one, result)
            looked_at.update(changed)
            # A list may end before all that changed; the next one begins at its end.
            since = max(one.updated_at for one in changed)
            await self._sweeps.keep_watermark(request.tenant, request.helpdesk, since)

    async def _look(
        self, request: SweepInput, helpdesk: Helpdesk, changed: ChangedTicket, result: SweepResult
    ) -> SweepResult:
        result = result.model_copy(update={"changed": result.changed + 1})
        ref = TicketRef(tenant=request.tenant, helpdesk=request.helpdesk, ticket=changed.ticket)
        if await self._sweeps.was_swept(ref, changed.updated_at):
            return result
        seen = await self._newest_read(ref)
        started = False
        if seen is None or seen.updated_at < changed.updated_at:
            try:
                ticket = await helpdesk.read_ticket(changed.ticket)
            except (TicketNotFound, HelpdeskDenied):
                # Deleted since, or not ours to see: the others are not held up by it.
                return result
            result = result.model_copy(update={"read": result.read + 1})
            trigger = missed(ticket, seen, datetime.now(UTC))
            if trigger is not None:
                await self._start(ref, trigger)
                started = True
        await self._sweeps.note_swept(ref, changed.updated_at)
        return result.model_copy(update={"started": result.started + started})

    async def _newest_read(self, ref: TicketRef) -> Ticket | None:
        digest = await self._sweeps.newest_read(ref)
        try:
            return await self._ledger.get_body(ref.tenant, digest, Ticket) if digest else None
        except BodyMissing:
            return None


def missed(ticket: Ticket, seen: Ticket | None, now: datetime) -> Trigger | None:
    """Return what a lost webhook would have told; None where there is nothing, or a run has read it already.

    Args:
        ticket: As it is now.
        seen: As the last run read it, whatever told us; None if none has.
        now: For the trigger.

    The delivery is named by the ticket's message, so it is the same however often it is swept; and a late webhook tells of the
    same event.
    """
    if ticket.closed:
        return None
    public = [message for message in ticket.messages if message.public and message.role is Role.REQUESTER]
    if not public:
        return None
    newest = public[-1]
    if seen is not None and newest.id in {message.id for message in seen.messages}:
        return None
    created = newest is ticket.messages[0]
    event = CREATED_EVENT if created else message_event(newest.id)
    return Trigger(
        delivery=_delivery(ticket, newest),
        kind=TriggerKind.CREATED if created else TriggerKind.MESSAGE,
        received_at=now,
        event=event,
    )


def _delivery(ticket: Ticket, message: Message) -> str:
    return f"sweep-{ticket.ref.ticket}-{message.id}"
