"""Step 8: put the note on the ticket, once, or keep it where the mode says so."""

import contextlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from urllib.parse import urlsplit

from pydantic import JsonValue
from temporalio import activity

from activities.bodies import Bodies
from activities.failures import failing_as_temporal_expects
from activities.other_customers import OtherCustomers
from helpdesks.base import HelpdeskPool, TicketClosed
from ledger.base import BodyMissing, Ledger, LedgerError
from ledger.coordination import Coordination
from ledger.past import PastRuns
from models.customer import Anchors
from models.diagnosis import Diagnosis
from models.note import IncidentPlace, RenderedNote
from models.playbook import Playbook
from models.run import Published, PublishRequest
from models.tenant import Tenant
from models.ticket import Ticket
from models.vocabulary import Mode, Source
from reasoning.output_guard import OutputGuard
from reasoning.render import render_failure, render_note

POSTED = "posted"


class PublishActivities:
    """The one writer."""

    def __init__(
        self,
        ledger: Ledger,
        bodies: Bodies,
        helpdesks: HelpdeskPool,
        tenants: Mapping[str, Tenant],
        together: Coordination | None = None,
        past: PastRuns | None = None,
    ) -> None:
        """Take what worker.py made; without `together` every ticket is for itself, without `past` no other customer is known."""
        self._others = OtherCustomers(ledger, past)
        self._together = together
        self._ledger = ledger
        self._bodies = bodies
        self._helpdesks = helpdesks
        self._tenants = tenants

    @activity.defn
    async def publish_note(self, request: PublishRequest) -> Published:
        """Render and post. Safe to repeat: it looks for the marker on the ticket before it writes.

        Raises:
            ApplicationError: as in activities/failures.py; a conflict or an outage is tried again.
        """
        note = await self._render(request)
        mode = self._mode(request)
        with self._ledger_may_fail(request):
            digest = await self._ledger.put_body(request.key.ref.tenant, note, request.key)
            known = await self._ledger.begin_note(request.key, request.marker, mode, digest)
            if known:
                return Published(status=POSTED, note=known)
        published = Published(status="shadow") if mode is not Mode.NOTE else await self._post(request, note)
        with self._ledger_may_fail(request):
            await self._ledger.finish_note(request.key, published.status, published.note, datetime.now(UTC))
        return published

    def _mode(self, request: PublishRequest) -> Mode:
        """A run that failed before a playbook was chosen knows no mode of its own: the tenant's counts."""
        mode = request.mode if request.playbook else self._tenants[request.key.ref.tenant].mode
        return mode.lowered(request.post)

    @staticmethod
    def _ledger_may_fail(request: PublishRequest) -> contextlib.AbstractContextManager[None]:
        """A full ledger may be why a run failed; the one line that says so needs none: its marker is on the ticket."""
        return contextlib.nullcontext() if request.diagnosis else contextlib.suppress(LedgerError)

    async def _post(self, request: PublishRequest, note: RenderedNote) -> Published:
        ref = request.key.ref
        with failing_as_temporal_expects():
            helpdesk = await self._helpdesks.get(ref.tenant, ref.helpdesk)
            found = await helpdesk.find_note(ref.ticket, request.marker)
            if found is not None:
                return Published(status=POSTED, note=found.id)
            ticket = await helpdesk.read_ticket(ref.ticket)
            with self._ledger_may_fail(request):
                await self._ledger.note_tags(request.key, ticket.tags, datetime.now(UTC))
            if ticket.closed:
                return Published(status="ticket-closed")
            try:
                posted = await helpdesk.post_note(ref.ticket, note, ticket.updated_stamp)
            except TicketClosed:
                return Published(status="ticket-closed")
        return Published(status=POSTED, note=posted.id)

    async def _render(self, request: PublishRequest) -> RenderedNote:
        tenant = request.key.ref.tenant
        if not request.diagnosis:
            earlier = None
            with self._ledger_may_fail(request):
                earlier = await self._ledger.earlier_note(request.key)
            return render_failure(
                marker=request.marker,
                investigation=request.key.investigation,
                problem=request.problem,
                playbook_label=request.playbook_label,
                console_url=self._tenants[tenant].console_url,
                earlier=earlier,
            )
        with failing_as_temporal_expects():
            playbook = await self._bodies.get(tenant, request.playbook, Playbook)
            anchors = await self._bodies.get(tenant, request.anchors, Anchors)
            diagnosis = await self._bodies.get(tenant, request.diagnosis, Diagnosis)
            evidence = await self._bodies.evidence(tenant, request.evidence)
            ticket = await self._bodies.get(tenant, request.ticket, Ticket) if request.ticket else None
            others = await self._others.names(tenant, anchors.customer)
        return render_note(
            diagnosis,
            playbook,
            evidence,
            anchors,
            marker=request.marker,
            playbook_label=request.playbook_label,
            investigation=request.key.investigation,
            took=(datetime.now(UTC) - request.started_at).total_seconds(),
            usd=await self._ledger.spent(request.key),
            allowed_hosts=link_hosts(self._tenants[tenant]),
            today=datetime.now(UTC).date(),
            console_url=self._tenants[tenant].console_url,
            replaces=await self._ledger.earlier_note(request.key),
            incident=await self._place(request),
            guard=OutputGuard(ticket, anchors, evidence, playbook, others),
            evidence_of=max((item.fetched_at for item in evidence), default=None) if request.looked_again else None,
        )

    async def _place(self, request: PublishRequest) -> IncidentPlace | None:
        """Return where in its incident the ticket stands, as far as it is known now; alone it is in none."""
        if self._together is None or not request.incident:
            return None
        ref = request.key.ref
        view = await self._together.incidents.view(ref.tenant, request.incident)
        if view is None or view.tickets < 2:
            return None
        digest = await self._together.sweeps.newest_read(view.first)
        try:
            url = (await self._bodies.get(ref.tenant, digest, Ticket)).url if digest else ""
        except BodyMissing:
            url = ""
        return IncidentPlace(
            tickets=view.tickets, first=view.first.ticket, url=url, is_first=view.first.ticket == ref.ticket
        )


_VENDOR_WEB = frozenset({"linear.app"})
"""Where a vendor's links for people lead when its API lives on another host."""


def link_hosts(tenant: Tenant) -> frozenset[str]:
    """Return the hosts that a tenant's note may link to: those of its systems and its console, and those it adds."""
    configured: JsonValue = tenant.model_dump(mode="json", include={"connectors", "helpdesks", "console_url"})
    found = {urlsplit(text).netloc for text in _addresses(configured)}
    return frozenset({*found, *tenant.link_hosts, *(_VENDOR_WEB if Source.LINEAR in tenant.connectors else ())})


def _addresses(value: JsonValue) -> Iterator[str]:
    if isinstance(value, str) and value.startswith(("http://", "https://")):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _addresses(item)
    elif isinstance(value, dict):
        yield from _addresses(list(value.values()))
