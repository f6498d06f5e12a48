"""What a database says when it is down, full, closed or wrong, and what we make of it; on both."""

import random
from collections.abc import Iterator

import pytest
from psycopg import sql
from sqlalchemy import Connection, make_url

from ledger.base import LedgerError
from ledger.database import POOL_SIZE, Database
from ledger.migrations import upgrade
from ledger.store import SqlLedger
from models.note import RenderedNote
from models.run import RunKey
from tests.ledger.investigations import claim, evidence
from tests.postgres_server import PostgresServer


def _note(size: int) -> RenderedNote:
    return RenderedNote(html=random.Random(1).randbytes(size).hex(), markdown="", marker="")


async def _key(ledger: SqlLedger) -> RunKey:
    return (await ledger.claim_delivery(claim())).key


async def test_full_disk_is_said_with_the_path_and_leaves_what_was_stored(file_ledger: SqlLedger) -> None:
    key = await _key(file_ledger)
    await file_ledger.database.write(lambda connection: connection.exec_driver_sql("PRAGMA max_page_count = 1").close())
    with pytest.raises(LedgerError, match=r"ledger\.db'.*disk is full.*free space"):
        await file_ledger.put_body("acme", _note(90_000))
    assert (await file_ledger.claim_delivery(claim())).key == key


async def test_read_only_database_is_said_with_the_path(file_ledger: SqlLedger) -> None:
    key = await _key(file_ledger)
    await file_ledger.database.write(lambda connection: connection.exec_driver_sql("PRAGMA query_only = ON").close())
    with pytest.raises(LedgerError, match=r"ledger\.db'.*write access"):
        await file_ledger.note_step(key, "read")


async def test_full_disk_of_a_server_is_said_and_leaves_what_was_stored(server_ledger: SqlLedger) -> None:
    key = await _key(server_ledger)
    # The server raises what it raises when a file cannot grow, for this one table.
    await server_ledger.database.write(_break_bodies)
    with pytest.raises(LedgerError, match=r"postgresql.*its disk is full: free space on the server") as caught:
        await server_ledger.put_body("acme", _note(10))
    assert "hunter2" not in str(caught.value)
    assert (await server_ledger.claim_delivery(claim())).key == key


def _break_bodies(connection: Connection) -> None:
    connection.exec_driver_sql(
        "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION USING ERRCODE = "
        "'disk_full', MESSAGE = 'could not extend file \"base/5/1259\": No space left on device'; END $$"
    )
    connection.exec_driver_sql("CREATE TRIGGER full_disk BEFORE INSERT ON bodies EXECUTE FUNCTION full_disk()")


async def test_replica_is_said_to_be_one(server_ledger: SqlLedger) -> None:
    def replica(connection: Connection) -> None:
        connection.exec_driver_sql("SET TRANSACTION READ ONLY")
        connection.exec_driver_sql("DELETE FROM steps")

    with pytest.raises(LedgerError, match="connect to the primary"):
        await server_ledger.database.write(replica)


async def test_server_that_is_not_there_is_said_without_the_password(sqlite_url: str) -> None:
    # Port 1 is nobody's.
    with pytest.raises(LedgerError, match=r"nothing listens there: start PostgreSQL") as caught:
        await upgrade("postgresql://whydesk:hunter2@127.0.0.1:1/whydesk")
    assert "hunter2" not in f"{caught.value!r} {caught.value.__cause__!r}"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"password": "wrong"}, "its user or password is wrong"),
        ({"username": "nobody-we-know"}, "its user or password is wrong"),
        ({"database": "not-there"}, "no such database: make it"),
        ({"query": {"sslmode": "require"}}, "the server has no TLS"),
    ],
)
async def test_url_that_the_server_refuses_is_said(postgres_url: str, changed: dict[str, str], said: str) -> None:
    url = make_url(postgres_url).set(**changed).render_as_string(hide_password=False)  # type: ignore[arg-type]  # by name
    with pytest.raises(LedgerError, match=said) as caught:
        await upgrade(url)
    assert str(make_url(postgres_url).password) not in str(caught.value)


@pytest.fixture
def guest_url(postgres: PostgresServer, postgres_url: str) -> Iterator[str]:
    """A user who may connect to the database, and no more."""
    url = make_url(postgres_url)
    guest = f"guest_{url.database}"
    postgres.run(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'guest'").format(sql.Identifier(guest)))
    yield url.set(username=guest, password="guest").render_as_string(hide_password=False)
    postgres.run(sql.SQL("DROP ROLE {}").format(sql.Identifier(guest)))


async def test_user_who_may_not_make_tables_is_told_who_may(guest_url: str) -> None:
    with pytest.raises(LedgerError, match="ALTER DATABASE NAME OWNER TO USER"):
        await upgrade(guest_url)


async def test_crowded_server_is_said(postgres: PostgresServer, guest_url: str) -> None:
    guest = sql.Identifier(str(make_url(guest_url).username))
    postgres.run(sql.SQL("ALTER ROLE {} CONNECTION LIMIT 0").format(guest))
    with pytest.raises(LedgerError, match="no connection left: raise its max_connections"):
        await upgrade(guest_url)


def test_remedy_for_a_crowd_names_the_size_of_the_pool() -> None:
    assert POOL_SIZE == 10, "ledger/remedies.py names it"


async def test_connections_that_the_server_ended_are_made_anew(
    postgres: PostgresServer, server_ledger: SqlLedger
) -> None:
    digest = await server_ledger.put_body("acme", evidence())
    name = sql.Literal(server_ledger.database.url.database)
    postgres.run(sql.SQL("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {}").format(name))
    assert await server_ledger.put_body("acme", evidence()) == digest


async def test_table_that_is_gone_is_said(ledger: SqlLedger) -> None:
    await ledger.database.write(lambda connection: connection.exec_driver_sql("DROP TABLE bodies").close())
    with pytest.raises(LedgerError, match="lacks a table"):
        await ledger.put_body("acme", evidence())


async def test_url_of_other_hosts_words_for_it_is_taken() -> None:
    database = Database.connect("postgres://user:word@db.example.com/whydesk")
    assert database.url.drivername == "postgresql+psycopg"
    await database.aclose()
