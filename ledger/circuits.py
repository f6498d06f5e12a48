"""Which sources which worker does not ask for now: for people, not for workers, each of which decides for itself."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, select

from ledger.database import Database, insert_new
from ledger.tables_shared import CircuitRow
from models.coordination import Circuit

_GRACE = timedelta(minutes=10)
"""A worker that ended with an open circuit never says that it closed."""


class SqlCircuitBoard:
    """Implements `ledger.coordination.CircuitBoard`."""

    def __init__(self, database: Database) -> None:
        """Use the ledger's connections."""
        self._database = database

    async def keep_circuit(self, circuit: Circuit) -> None:
        """See `CircuitBoard`."""
        row = circuit.model_dump() | {"source": circuit.source.value}
        same = delete(CircuitRow).filter_by(**{name: row[name] for name in ("tenant", "source", "worker")})

        def work(connection: Connection) -> None:
            connection.execute(same)
            insert_new(connection, CircuitRow, row)

        await self._database.write(work)

    async def clear_circuit(self, tenant: str, source: str, worker: str) -> None:
        """See `CircuitBoard`."""
        gone = delete(CircuitRow).filter_by(tenant=tenant, source=source, worker=worker)
        await self._database.write(lambda connection: connection.execute(gone).rowcount)

    async def open_circuits(self, now: datetime) -> Sequence[Circuit]:
        """See `CircuitBoard`."""
        columns = [getattr(CircuitRow, name) for name in Circuit.model_fields]
        found = select(*columns).where(CircuitRow.until > now - _GRACE).order_by(CircuitRow.opened_at)
        rows = await self._database.read(lambda connection: connection.execute(found).all())
        return [Circuit.model_validate(row._asdict()) for row in rows]
