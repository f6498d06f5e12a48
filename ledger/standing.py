"""How each tenant stands now: its oldest open revision, and what its models cost today."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, func, select

from ledger.database import Database
from ledger.tables import ModelAnswerRow, RevisionRow
from models.standing import Standing, start_of_day


class SqlStanding:
    """Reads it from a ledger."""

    def __init__(self, database: Database) -> None:
        """Share a ledger's connections."""
        self._database = database

    async def standing(self, now: datetime) -> Mapping[str, Standing]:
        """Return those tenants that have anything to tell."""
        return await self._database.read(lambda connection: _standing(connection, now))


def _standing(connection: Connection, now: datetime) -> Mapping[str, Standing]:
    opened = (
        select(RevisionRow.tenant, func.min(RevisionRow.opened_at))
        .where(RevisionRow.outcome.is_(None))
        .group_by(RevisionRow.tenant)
    )
    paid = (
        select(ModelAnswerRow.tenant, func.sum(ModelAnswerRow.usd))
        .where(ModelAnswerRow.answered_at >= start_of_day(now))
        .group_by(ModelAnswerRow.tenant)
    )
    oldest = {row[0]: row[1] for row in connection.execute(opened)}
    spent = {row[0]: float(row[1]) for row in connection.execute(paid)}
    return {
        tenant: Standing(oldest_open=oldest.get(tenant), usd_today=spent.get(tenant, 0.0))
        for tenant in {*oldest, *spent}
    }
