"""Step 1: claim the delivery, read the ticket, find the customer and what the ticket pins the search to."""

from collections.abc import Mapping
from datetime import UTC, datetime

from temporalio import activity

from activities.bodies import Bodies
from activities.customer_lookup import CustomerLookup
from activities.failures import failing_as_temporal_expects
from activities.region_names import RegionNames
from connectors.base import ConnectorPool
from helpdesks.base import HelpdeskPool
from ledger.base import Ledger
from models.run import ClaimRequest, DeliveryClaim, Identified, IdentifyRequest, OpenedTicket, OpenRequest
from models.tenant import Tenant
from models.ticket import Role, Ticket, Trigger, TriggerKind
from models.vocabulary import Mode
from reasoning.anchors import find_anchors, fingerprint


class IntakeActivities:
    """Reads the helpdesk and, for the customer, the systems that know one."""

    def __init__(
        self,
        ledger: Ledger,
        bodies: Bodies,
        helpdesks: HelpdeskPool,
        connectors: ConnectorPool,
        tenants: Mapping[str, Tenant],
    ) -> None:
        """Take what worker.py made."""
        self._ledger = ledger
        self._bodies = bodies
        self._helpdesks = helpdesks
        self._connectors = connectors
        self._tenants = tenants
        self._regions = RegionNames(connectors)

    @activity.defn
    async def claim_delivery(self, request: ClaimRequest) -> DeliveryClaim:
        """Claim a delivery and open its revision. Safe to repeat: the same owner gets the same answer."""
        return await self._ledger.claim_delivery(request)

    @activity.defn
    async def read_ticket(self, request: OpenRequest) -> OpenedTicket:
        """Read the ticket into the ledger and say whether it is one to look into. Safe to repeat.

        Raises:
            ApplicationError: as in activities/failures.py.
        """
        ref = request.key.ref
        tenant = self._tenants[ref.tenant]
        if tenant.mode is Mode.OFF:
            return OpenedTicket(proceed=False, reason="mode-off")
        with failing_as_temporal_expects():
            helpdesk = await self._helpdesks.get(ref.tenant, ref.helpdesk)
            ticket = await helpdesk.read_ticket(ref.ticket)
        digest = await self._bodies.put(ref.tenant, ticket, request.key)
        await self._ledger.note_step(request.key, f"read/{request.look}", digest)
        await self._ledger.note_tags(request.key, ticket.tags, datetime.now(UTC))
        reason = _why_not(ticket, request.trigger)
        return OpenedTicket(proceed=not reason, reason=reason, ticket=digest, mode=tenant.mode)

    @activity.defn
    async def identify_customer(self, request: IdentifyRequest) -> Identified:
        """Find the customer, set the window, and tell whether the ticket says anything new. Safe to repeat."""
        key = request.key
        tenant = self._tenants[key.ref.tenant]
        now = datetime.now(UTC)
        with failing_as_temporal_expects():
            ticket = await self._bodies.get(key.ref.tenant, request.ticket, Ticket)
            lookup = CustomerLookup(tenant, self._connectors, last_attempt=activity.info().attempt >= _LOOKUP_ATTEMPTS)
            found = await lookup.run(ticket, now)
        refs = [await self._bodies.put_evidence(key, evidence, request.look) for evidence in found.evidence]
        regions = await self._regions.of(tenant, now)
        anchors = find_anchors(ticket, found.customer, found.problem, now, regions)
        digest = await self._bodies.put(key.ref.tenant, anchors, key)
        print_now = fingerprint(ticket, anchors)
        print_before = await self._ledger.note_fingerprint(key, print_now) if request.remember else None
        await self._ledger.note_step(
            key, f"identify/{request.look}", digest, found.customer.id if found.customer else ""
        )
        return Identified(
            anchors=digest,
            customer_found=found.customer is not None,
            fingerprint=print_now,
            nothing_new=print_before == print_now,
            evidence=tuple(refs),
        )


_LOOKUP_ATTEMPTS = 3
"""After as many, a source that is down leaves the customer unresolved instead of the ticket unanswered."""


def _why_not(ticket: Ticket, trigger: Trigger) -> str:
    """Say why a ticket is not looked into: the webhook may not have told who wrote, the conversation does."""
    if trigger.kind is TriggerKind.REINVESTIGATE:
        return ""
    public = [message for message in ticket.messages if message.public]
    if not any(message.role is Role.REQUESTER for message in public):
        return "no-requester-message"
    return ""
