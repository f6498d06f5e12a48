"""The ledger's schema over time, and how a process brings it up to date when it starts."""

import asyncio
import contextlib
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import URL, Connection, text

from ledger.base import LedgerError
from ledger.database import Database, create_file, is_sqlite, shown, translated
from ledger.remedies import BUSY_SECONDS

_HERE = Path(__file__).parent
_LOCK = 7_239_114
"""Any number: the one advisory lock that Whydesk's migrations take in PostgreSQL."""


@dataclass(frozen=True)
class SchemaState:
    """How far a ledger is migrated."""

    where: str
    """The file's path or the URL without its password."""
    current: str | None
    """The ledger's revision; None where it has no tables yet."""
    newest: str
    """This version's."""
    known: bool
    """Whether this version knows the ledger's revision; if not, a newer version made it."""


async def read_schema_state(url: str) -> SchemaState | None:
    """Look how far a ledger is migrated, and change nothing; None where a SQLite file is not there yet.

    Raises:
        LedgerError: says where, and what to do.
    """
    database = Database.connect(url)
    try:
        if is_sqlite(database.url) and not await asyncio.to_thread(Path(database.url.database or "").exists):
            return None
        current = await database.read(lambda connection: MigrationContext.configure(connection).get_current_revision())
    finally:
        await database.aclose()
    scripts = ScriptDirectory.from_config(alembic_config())
    known = {script.revision for script in scripts.walk_revisions()}
    return SchemaState(
        shown(database.url), current, scripts.get_current_head() or "", current is None or current in known
    )


def alembic_config() -> Config:
    """Return Alembic's configuration, complete but for the connection."""
    config = Config()
    config.set_main_option("script_location", str(_HERE).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


async def upgrade(url: str) -> None:
    """Create or update the ledger's tables.

    Several processes may call this at once: one migrates under a lock, the others wait for it and find nothing to do.

    Raises:
        LedgerError: says where, and what to do.
    """
    database = Database.connect(url)
    try:
        if is_sqlite(database.url):
            create_file(database.url)
            await asyncio.to_thread(_use_wal, database.url)
        await database.write(migrate)
    finally:
        await database.aclose()


def migrate(connection: Connection) -> None:
    """Bring the schema to the newest revision inside the transaction that is open."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    config = alembic_config()
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise LedgerError(f"the ledger was made by a newer version of Whydesk ({error}): start that one") from error


def _use_wal(url: URL) -> None:
    """Let readers and the writer work side by side. The mode stays in the file, and only its first change can wait."""
    deadline = time.monotonic() + BUSY_SECONDS
    with translated(url), contextlib.closing(sqlite3.connect(url.database or "", timeout=BUSY_SECONDS)) as connection:
        while True:
            try:
                connection.execute("PRAGMA journal_mode=WAL")
                return
            except sqlite3.OperationalError as error:
                # SQLite answers "locked" at once here, whatever the timeout, when two processes change the mode together.
                if "locked" not in str(error) or time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
