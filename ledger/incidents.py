"""Tickets with one explanation: who joined which incident, in which order, and who may be paid for."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, func, select, update
from sqlalchemy.orm import aliased

from ledger.database import Database, insert_new
from ledger.tables_shared import IncidentRow, IncidentTicketRow
from models.coordination import IncidentEntry, IncidentSeen, IncidentView
from models.run import RunKey
from models.ticket import TicketRef

PAYING = 3
"""Tickets of an incident about which a model is asked: enough to notice that the rules are wrong about it."""
QUIET_FOR = timedelta(hours=6)
"""After so long without a ticket the next one is another incident."""
_AT_MOST = 500


class SqlIncidents:
    """Implements `ledger.coordination.Incidents`."""

    def __init__(self, database: Database) -> None:
        """Use the ledger's connections."""
        self._database = database

    async def join(self, key: RunKey, seen: IncidentSeen) -> IncidentEntry:
        """See `Incidents`. A ticket that joined keeps its place, also when it is looked at again."""
        return await self._database.write(lambda connection: _join(connection, key, seen))

    async def view(self, tenant: str, incident: str) -> IncidentView | None:
        """See `Incidents`."""
        found = await self._database.read(lambda connection: _views(connection, tenant, incident, None))
        return found[0] if found else None

    async def settle(self, key: RunKey, hypothesis: str) -> None:
        """See `Incidents`."""
        joined = (
            select(IncidentTicketRow.incident)
            .filter_by(tenant=key.ref.tenant, investigation=key.investigation, pays=True)
            .scalar_subquery()
        )
        close = (
            update(IncidentRow)
            .where(IncidentRow.tenant == key.ref.tenant, IncidentRow.incident.in_(joined))
            .where(IncidentRow.hypothesis != hypothesis, IncidentRow.closed_at.is_(None))
            .values(closed_at=datetime.now(UTC))
        )
        await self._database.write(lambda connection: connection.execute(close).rowcount)

    async def recent(self, tenant: str | None, since: datetime) -> Sequence[IncidentView]:
        """Return the incidents with a ticket since that time, the one with the newest ticket first."""
        return await self._database.read(lambda connection: _views(connection, tenant, None, since))


def _join(connection: Connection, key: RunKey, seen: IncidentSeen) -> IncidentEntry:
    now = datetime.now(UTC)
    names: dict[str, object] = {"tenant": key.ref.tenant, "incident": _open(connection, key.ref.tenant, seen, now)}
    # Whoever holds the incident's row counts; the others wait.
    connection.execute(update(IncidentRow).filter_by(**names).values(last_at=now))
    mine = select(IncidentTicketRow.position, IncidentTicketRow.pays).filter_by(
        **names, investigation=key.investigation
    )
    known = connection.execute(mine).one_or_none()
    if known is not None:
        return IncidentEntry(incident=str(names["incident"]), position=known.position, pays=known.pays)
    before = connection.scalar(select(func.count()).select_from(IncidentTicketRow).filter_by(**names)) or 0
    row = names | {
        "investigation": key.investigation,
        "helpdesk": key.ref.helpdesk,
        "ticket": key.ref.ticket,
        "position": before + 1,
        "pays": before < PAYING,
        "joined_at": now,
    }
    insert_new(connection, IncidentTicketRow, row)
    return IncidentEntry(incident=str(names["incident"]), position=before + 1, pays=before < PAYING)


def _open(connection: Connection, tenant: str, seen: IncidentSeen, now: datetime) -> str:
    """Return the incident of that signature that is still going on; a new one if there is none."""
    of_signature = select(IncidentRow.incident, IncidentRow.last_at, IncidentRow.closed_at).filter_by(
        tenant=tenant, signature=seen.signature
    )
    earlier = connection.execute(of_signature).all()
    for row in earlier:
        if row.closed_at is None and row.last_at > now - QUIET_FOR:
            return str(row.incident)
    # The same name for all that open it at this moment, so that only one of them does.
    name = f"inc-{seen.signature[:12]}-{len(earlier) + 1}"
    opened = seen.model_dump(mode="json") | {"tenant": tenant, "incident": name, "opened_at": now, "last_at": now}
    insert_new(connection, IncidentRow, opened)
    return name


def _views(
    connection: Connection, tenant: str | None, incident: str | None, since: datetime | None
) -> list[IncidentView]:
    each = aliased(IncidentTicketRow)
    in_it = (each.tenant == IncidentRow.tenant) & (each.incident == IncidentRow.incident)
    tickets = select(func.count()).select_from(each).where(in_it).scalar_subquery()
    paid = select(func.count()).select_from(each).where(in_it, each.pays).scalar_subquery()
    of_row = (IncidentTicketRow.tenant == IncidentRow.tenant) & (IncidentTicketRow.incident == IncidentRow.incident)
    columns = ("tenant", "incident", "hypothesis", "cause", "playbook", "what", "opened_at", "last_at", "closed_at")
    found = (
        select(
            *(getattr(IncidentRow, name) for name in columns),
            tickets.label("tickets"),
            paid.label("paid"),
            IncidentTicketRow.helpdesk,
            IncidentTicketRow.ticket,
        )
        .join(IncidentTicketRow, of_row & (IncidentTicketRow.position == 1))
        .order_by(IncidentRow.last_at.desc())
        .limit(_AT_MOST)
    )
    if tenant is not None:
        found = found.where(IncidentRow.tenant == tenant)
    if incident is not None:
        found = found.where(IncidentRow.incident == incident)
    if since is not None:
        found = found.where(IncidentRow.last_at >= since)
    views = []
    for row in connection.execute(found):
        first = TicketRef(tenant=row.tenant, helpdesk=row.helpdesk, ticket=row.ticket)
        views.append(IncidentView.model_validate({**row._mapping, "first": first}))
    return views
