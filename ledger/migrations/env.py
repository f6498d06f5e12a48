"""Alembic's entry: inside a process that starts, or `alembic -c ledger/migrations/alembic.ini -x url=URL …` by hand."""

import asyncio
from typing import Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import Connection

from ledger import tables_backtest, tables_keys, tables_shared  # noqa: F401  # their tables belong to the metadata
from ledger.database import Database
from ledger.tables import Base, UtcDateTime


def render(kind: str, item: object, _: AutogenContext) -> str | Literal[False]:
    """Write plain types into a revision, so that it still runs when the tables have moved on."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, UtcDateTime) else False


def run(connection: Connection) -> None:
    """Run the revisions that were asked for in the connection's own transaction."""
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        transactional_ddl=True,
        compare_type=True,
        render_item=render,
        render_as_batch=connection.dialect.name == "sqlite",
    )
    context.run_migrations()


async def run_by_hand() -> None:
    """Connect by the URL of the command line."""
    database = Database.connect(context.get_x_argument(as_dictionary=True).get("url", ""))
    try:
        await database.write(run)
    finally:
        await database.aclose()


given: Connection | None = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    asyncio.run(run_by_hand())
