"""How far each helpdesk was swept, and which tickets were looked at as they were."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, delete, select, update

from ledger.database import Database, insert_new
from ledger.tables import InvestigationRow, StepRow
from ledger.tables_shared import SweepRow, SweptTicketRow
from models.ticket import TicketRef

_FORGET_AFTER = timedelta(days=2)
"""Behind the watermark by so much nothing is listed any more."""


class SqlSweeps:
    """Implements `ledger.coordination.Sweeps`."""

    def __init__(self, database: Database) -> None:
        """Use the ledger's connections."""
        self._database = database

    async def watermark(self, tenant: str, helpdesk: str) -> datetime | None:
        """See `Sweeps`."""
        found = select(SweepRow.watermark).filter_by(tenant=tenant, helpdesk=helpdesk)
        return await self._database.read(lambda connection: connection.scalar(found))

    async def keep_watermark(self, tenant: str, helpdesk: str, watermark: datetime) -> None:
        """See `Sweeps`."""
        names: dict[str, object] = {"tenant": tenant, "helpdesk": helpdesk}
        now = datetime.now(UTC)
        further = update(SweepRow).filter_by(**names).where(SweepRow.watermark < watermark).values(watermark=watermark)
        swept = update(SweepRow).filter_by(**names).values(swept_at=now)
        old = delete(SweptTicketRow).filter_by(**names).where(SweptTicketRow.updated_at < watermark - _FORGET_AFTER)

        def work(connection: Connection) -> None:
            if not insert_new(connection, SweepRow, names | {"watermark": watermark, "swept_at": now}):
                connection.execute(further)
                connection.execute(swept)
            connection.execute(old)

        await self._database.write(work)

    async def was_swept(self, ref: TicketRef, updated_at: datetime) -> bool:
        """See `Sweeps`."""
        seen = select(SweptTicketRow.updated_at).filter_by(**ref.model_dump())
        found = await self._database.read(lambda connection: connection.scalar(seen))
        return found is not None and found >= updated_at

    async def note_swept(self, ref: TicketRef, updated_at: datetime) -> None:
        """See `Sweeps`."""
        names = ref.model_dump()
        later = update(SweptTicketRow).filter_by(**names).where(SweptTicketRow.updated_at < updated_at)

        def work(connection: Connection) -> None:
            if not insert_new(connection, SweptTicketRow, names | {"updated_at": updated_at}):
                connection.execute(later.values(updated_at=updated_at))

        await self._database.write(work)

    async def newest_read(self, ref: TicketRef) -> str:
        """See `Sweeps`."""
        newest = (
            select(StepRow.digest)
            .join(
                InvestigationRow,
                (InvestigationRow.tenant == StepRow.tenant) & (InvestigationRow.investigation == StepRow.investigation),
            )
            .filter(
                InvestigationRow.tenant == ref.tenant,
                InvestigationRow.helpdesk == ref.helpdesk,
                InvestigationRow.ticket == ref.ticket,
                StepRow.step.like("read/%"),
            )
            .order_by(StepRow.revision.desc(), StepRow.step.desc())
            .limit(1)
        )
        return await self._database.read(lambda connection: connection.scalar(newest) or "")
