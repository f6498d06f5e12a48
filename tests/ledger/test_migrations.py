"""Migrations make exactly the tables that the code uses, on both databases, whoever starts first."""

import asyncio
import sqlite3
from pathlib import Path

import pytest
import zstandard
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, select, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

from ledger.base import LedgerError
from ledger.bodies import PLAIN
from ledger.database import Database, create_file, parse_url
from ledger.migrations import alembic_config, upgrade
from ledger.store import SqlLedger
from ledger.tables import Base, InvestigationRow
from models.base import digest_of, to_body
from models.evidence import Evidence
from tests.ledger.investigations import NOON, evidence
from tests.master_keys import KEYRING


def _differences(connection: Connection) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), Base.metadata))


async def test_migrated_database_has_the_tables_of_the_code(ledger: SqlLedger) -> None:
    assert await ledger.database.write(_differences) == []


async def test_a_missing_column_would_be_noticed(ledger: SqlLedger) -> None:
    def drop(connection: Connection) -> None:
        connection.exec_driver_sql("ALTER TABLE steps DROP COLUMN detail")

    await ledger.database.write(drop)
    assert len(await ledger.database.write(_differences)) == 1


async def test_upgrades_that_start_together_all_succeed(ledger_url: str) -> None:
    await asyncio.gather(*(upgrade(ledger_url) for _ in range(8)))
    async with await SqlLedger.open(ledger_url, KEYRING) as ledger:
        assert await ledger.database.write(_differences) == []


def test_there_is_one_line_of_revisions() -> None:
    assert len(ScriptDirectory.from_config(alembic_config()).get_heads()) == 1


def test_file_is_for_this_user_alone_and_in_wal_mode(sqlite_url: str) -> None:
    asyncio.run(upgrade(sqlite_url))
    path = Path(parse_url(sqlite_url).database or "")
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0
    raw = sqlite3.connect(path)
    assert raw.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    raw.close()


def test_tables_and_locks_compile_for_postgresql() -> None:
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    ddl = " ".join(str(CreateTable(table).compile(dialect=dialect)) for table in Base.metadata.sorted_tables)
    assert "TIMESTAMP WITH TIME ZONE" in ddl
    assert "BYTEA" in ddl
    assert "SERIAL" not in ddl
    assert "FOR UPDATE" in str(select(InvestigationRow.revisions).with_for_update().compile(dialect=dialect))


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("nonsense", "not a URL"),
        ("mysql://host/db", "'mysql'"),
        ("sqlite://", "in memory"),
        ("sqlite:///:memory:", "in memory"),
    ],
)
def test_url_that_cannot_be_a_ledger_is_refused(url: str, said: str) -> None:
    with pytest.raises(LedgerError, match=said):
        parse_url(url)


async def test_file_that_is_no_database_is_said(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    path.write_text("certainly not a database, but long enough to be looked at as one" * 20)
    with pytest.raises(LedgerError, match=r"ledger\.db'.*not a SQLite database"):
        await upgrade(f"sqlite:///{path}")


async def test_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LedgerError, match=r"file/ledger\.db' cannot be created"):
        await upgrade(f"sqlite:///{tmp_path}/file/ledger.db")


async def test_database_of_a_newer_version_is_left_alone(ledger: SqlLedger, ledger_url: str) -> None:
    def age(connection: Connection) -> None:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")

    await ledger.database.write(age)
    with pytest.raises(LedgerError, match="newer version"):
        await upgrade(ledger_url)
    assert await ledger.database.write(_differences) == []


async def test_bodies_of_before_encryption_survive_the_migration_and_are_read(ledger_url: str) -> None:
    raw = to_body(evidence())
    row = {
        "tenant": "acme",
        "digest": digest_of(raw),
        "codec": PLAIN,
        "data": zstandard.ZstdCompressor().compress(raw),
        "stored_at": NOON,
    }

    def before(connection: Connection) -> None:
        config = alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0005")
        columns = ", ".join(row)
        connection.execute(text(f"INSERT INTO bodies ({columns}) VALUES (:{', :'.join(row)})"), row)

    if ledger_url.startswith("sqlite"):
        create_file(parse_url(ledger_url))
    database = Database.connect(ledger_url)
    await database.write(before)
    await database.aclose()
    async with await SqlLedger.open(ledger_url, KEYRING) as ledger:
        assert await ledger.get_body("acme", digest_of(raw), Evidence) == evidence()
        assert await ledger.put_body("acme", evidence()) == digest_of(raw), "a sealed copy beside it"
        assert await ledger.database.write(_differences) == []
