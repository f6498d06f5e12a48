"""Who owns a delivery, and which revision came of it: the one place where several workers may want the same row."""

from datetime import UTC, datetime

from sqlalchemy import Connection, select, update

from ledger.base import LedgerError
from ledger.database import insert_new, matching
from ledger.tables import DeliveryRow, InvestigationRow, RevisionRow
from ledger.tables_shared import DeliveredEventRow
from models.run import ClaimRequest, DeliveryClaim, RunKey
from models.ticket import CREATED_EVENT, TicketRef

_CLAIM = select(DeliveryRow.ticket, DeliveryRow.owner, DeliveryRow.investigation, DeliveryRow.revision).where(
    *matching(DeliveryRow, "tenant", "helpdesk", "delivery")
)

_COUNT = (
    select(InvestigationRow.revisions).where(*matching(InvestigationRow, "tenant", "investigation")).with_for_update()
)


def find_claim(connection: Connection, request: ClaimRequest) -> DeliveryClaim | None:
    """Return what became of a delivery that was claimed before, by this owner or another."""
    names = {"tenant": request.ref.tenant, "helpdesk": request.ref.helpdesk, "delivery": request.trigger.delivery}
    row = connection.execute(_CLAIM, names).one_or_none()
    if row is None:
        return None
    ref = TicketRef(tenant=request.ref.tenant, helpdesk=request.ref.helpdesk, ticket=row.ticket)
    return DeliveryClaim(
        accepted=row.owner == request.owner and row.investigation == request.investigation,
        key=RunKey(ref=ref, investigation=row.investigation, revision=row.revision),
    )


def open_revision(connection: Connection, request: ClaimRequest) -> DeliveryClaim:
    """Claim a delivery and number its revision in the open transaction; what another owner did first is returned."""
    ref, trigger, now = request.ref, request.trigger, datetime.now(UTC)
    investigation = {"tenant": ref.tenant, "investigation": request.investigation}
    opened = {"helpdesk": ref.helpdesk, "ticket": ref.ticket, "revisions": 0, "opened_at": now}
    insert_new(connection, InvestigationRow, investigation | opened)
    number = _lock_and_count(connection, request) + 1
    # Parallel claims of this ticket have waited for the lock; one of them may have been for this delivery.
    claimed = find_claim(connection, request)
    if claimed is not None:
        return claimed
    told = _told_before(connection, request)
    if told is not None:
        return DeliveryClaim(accepted=False, key=RunKey(ref=ref, investigation=request.investigation, revision=told))
    connection.execute(update(InvestigationRow).filter_by(**investigation).values(revisions=number))
    revision = investigation | {"revision": number, "delivery": trigger.delivery}
    insert_new(connection, RevisionRow, revision | {"opened_at": now})
    delivery = {
        "helpdesk": ref.helpdesk,
        "ticket": ref.ticket,
        "kind": trigger.kind.value,
        "owner": request.owner,
        "received_at": trigger.received_at,
        "claimed_at": now,
    }
    if not insert_new(connection, DeliveryRow, revision | delivery):
        raise LedgerError(f"delivery {trigger.delivery!r} was claimed for another ticket just now: try again")
    if trigger.event:
        insert_new(connection, DeliveredEventRow, revision | {"event": trigger.event})
    return DeliveryClaim(accepted=True, key=RunKey(ref=ref, investigation=request.investigation, revision=number))


def _told_before(connection: Connection, request: ClaimRequest) -> int | None:
    """Return the revision of another delivery that told the same: the sweep's, or a webhook's where the sweep comes late.

    Whoever came first looked at the whole ticket, so that it was created is no news once any message was looked into.
    """
    event = request.trigger.event
    if not event:
        return None
    told = select(DeliveredEventRow.revision).filter_by(tenant=request.ref.tenant, investigation=request.investigation)
    if event != CREATED_EVENT:
        told = told.filter_by(event=event)
    revision: int | None = connection.scalar(told.limit(1))
    return revision


def _lock_and_count(connection: Connection, request: ClaimRequest) -> int:
    """Hold the investigation until the transaction ends (SQLite holds the whole file anyway); return its revisions."""
    count = connection.scalar(_COUNT, {"tenant": request.ref.tenant, "investigation": request.investigation})
    if count is None:
        raise LedgerError(
            f"ticket {request.ref.ticket!r} of {request.ref.tenant!r} has another investigation than "
            f"{request.investigation!r}: was the ledger filled by another version?"
        )
    return count
