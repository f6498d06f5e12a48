"""The connections of a ledger: SQLite with one writing thread and a few readers, or a PostgreSQL pool; errors in our words."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Self, TypeVar

from sqlalchemy import URL, ColumnElement, Connection, Engine, Insert, bindparam, create_engine, event, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from ledger.base import LedgerError
from ledger.remedies import BUSY_SECONDS, remedy
from ledger.tables import Base

T = TypeVar("T")

_READERS = 4
POOL_SIZE = 10
"""Connections of one process to PostgreSQL at most, and the threads that use them."""
_CONNECT = {
    "application_name": "whydesk",
    "connect_timeout": 10,
    # A server that vanished without a word is given up after half a minute, and not after the system's two hours.
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 4,
    "tcp_user_timeout": 30_000,
}
_DRIVERS = {"sqlite": "sqlite+pysqlite", "postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}


def parse_url(url: str) -> URL:
    """Return the URL with the driver that is used.

    Raises:
        LedgerError: not a URL, another database than SQLite and PostgreSQL, or a SQLite database in memory.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise LedgerError(
            "the ledger's URL is not a URL: write sqlite:///PATH/ledger.db or postgresql://USER:PASSWORD@HOST/NAME"
        ) from None
    driver = _DRIVERS.get(parsed.get_backend_name())
    if driver is None:
        raise LedgerError(f"the ledger's URL names {parsed.drivername!r}; write sqlite:///… or postgresql://…")
    if driver.startswith("sqlite") and (parsed.database or ":memory:") == ":memory:":
        raise LedgerError(
            "a ledger in memory would be empty for every connection: name a file, sqlite:///PATH/ledger.db"
        )
    return parsed.set(drivername=driver)


class Database:
    """One ledger's connections. Work is a plain function of a connection; `read` and `write` run it as one transaction.

    SQLite lets one writer into a file, so this process has one writing thread, and waits in SQLite only for other
    processes. A transaction runs there without coming back to the event loop between its statements: the file is locked
    for as short as can be, a cancelled activity leaves all or nothing, and it is three to four times as fast as a driver
    that crosses threads for each statement. PostgreSQL has a pool of threads for the same reasons. Readers never wait for
    writers.
    """

    def __init__(self, url: URL, runner: "_Threads | _Pool") -> None:
        """Use `connect`."""
        self.url = url
        self._runner = runner
        self._closed = False

    @classmethod
    def connect(cls, url: str) -> Self:
        """Prepare the connections; nothing is opened before the first transaction.

        Raises:
            LedgerError: the URL is wrong.
        """
        parsed = parse_url(url)
        return cls(parsed, _Threads(parsed) if is_sqlite(parsed) else _Pool(parsed))

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run work in a transaction that is committed at its end and rolled back by any error.

        Raises:
            LedgerError: says where the ledger is and what to do. A LedgerError of `work` comes through as it is.
        """
        with translated(self.url):
            return await self._open_runner().write(work)

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run work over one consistent view of what is committed.

        Raises:
            LedgerError: as for `write`.
        """
        with translated(self.url):
            return await self._open_runner().read(work)

    async def scrub(self) -> None:
        """Rid the database's own files of rows that were deleted or changed, as far as other processes let it."""
        with translated(self.url):
            await self._open_runner().scrub()

    async def aclose(self) -> None:
        """Finish what runs and close every connection."""
        self._closed = True
        await self._runner.aclose()

    def _open_runner(self) -> "_Threads | _Pool":
        if self._closed:
            raise LedgerError(f"the ledger {shown(self.url)} is closed: this process is ending, or closed it too early")
        return self._runner


class _Threads:
    """SQLite: one writing thread and a few that read."""

    def __init__(self, url: URL) -> None:
        self._writer, self._readers = _sqlite_engine(url, readers=False), _sqlite_engine(url, readers=True)
        self._writing = ThreadPoolExecutor(1, thread_name_prefix="ledger-write")
        self._reading = ThreadPoolExecutor(_READERS, thread_name_prefix="ledger-read")

    async def write(self, work: Callable[[Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._writing, self._transact, self._writer, work)

    async def read(self, work: Callable[[Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._reading, self._transact, self._readers, work)

    @staticmethod
    def _transact(engine: Engine, work: Callable[[Connection], T]) -> T:
        with engine.begin() as connection:
            return work(connection)

    async def scrub(self) -> None:
        # Old pages stay in the log until it is emptied; where somebody still reads from it, the next one does.
        await asyncio.get_running_loop().run_in_executor(
            self._writing, outside_transaction, self._writer, "PRAGMA wal_checkpoint(TRUNCATE)"
        )

    async def aclose(self) -> None:
        for pool, engine in ((self._writing, self._writer), (self._reading, self._readers)):
            await asyncio.to_thread(pool.shutdown)
            engine.dispose()


class _Pool:
    """PostgreSQL: as many threads as connections, so that nobody waits for a connection with a thread in hand."""

    def __init__(self, url: URL) -> None:
        self._engine = create_engine(
            url, pool_size=POOL_SIZE, max_overflow=0, pool_recycle=1800, hide_parameters=True, connect_args=_CONNECT
        )
        # What is read belongs together; what is written must see what another writer committed while it waited.
        self._readers = self._engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self._threads = ThreadPoolExecutor(POOL_SIZE, thread_name_prefix="ledger")

    async def write(self, work: Callable[[Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._transact, self._engine, work)

    async def read(self, work: Callable[[Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._transact, self._readers, work)

    @staticmethod
    def _transact(engine: Engine, work: Callable[[Connection], T]) -> T:
        try:
            with engine.begin() as connection:
                return work(connection)
        except DBAPIError as error:
            # A pooled connection may have died since its last use. All work may be repeated: a fresh one is tried once,
            # which costs nothing as long as nothing is wrong. A look at the connection before each use would.
            if not error.connection_invalidated:
                raise
        with engine.begin() as connection:
            return work(connection)

    async def scrub(self) -> None:
        await asyncio.get_running_loop().run_in_executor(
            self._threads, outside_transaction, self._engine, "VACUUM data_keys, bodies, feedback"
        )

    async def aclose(self) -> None:
        await asyncio.to_thread(self._threads.shutdown)
        self._engine.dispose()


def outside_transaction(engine: Engine, statement: str) -> None:
    """Run a statement that may not be part of a transaction."""
    raw = engine.raw_connection()
    try:
        driver = raw.driver_connection
        assert driver is not None
        before = getattr(driver, "autocommit", None)
        if engine.dialect.name == "postgresql":
            driver.autocommit = True
        try:
            driver.execute(statement)
        finally:
            if engine.dialect.name == "postgresql":
                driver.autocommit = before
    finally:
        raw.close()


def insert_new(connection: Connection, table: type[Base], values: Mapping[str, object]) -> bool:
    """Insert a row unless its key is taken, and tell whether this call was the one that did."""
    return connection.execute(_insert_once(table, connection.dialect.name), dict(values)).rowcount > 0


def matching(table: type[Base], *names: str) -> tuple[ColumnElement[bool], ...]:
    """Match rows by columns whose values are given by name when the statement runs.

    For statements that every investigation runs many times: to build one anew costs ten times as much as to run it.
    """
    return tuple(getattr(table, name) == bindparam(name) for name in names)


@cache
def _insert_once(table: type[Base], dialect: str) -> Insert:
    insert = postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
    # Without the option PostgreSQL's driver is not asked how many rows an INSERT made.
    return insert.on_conflict_do_nothing().execution_options(preserve_rowcount=True)


def is_sqlite(url: URL) -> bool:
    """Whether the ledger is a file."""
    return url.get_backend_name() == "sqlite"


def shown(url: URL) -> str:
    """Return the path of a file, or the URL without its password."""
    return repr(url.database) if is_sqlite(url) else url.render_as_string(hide_password=True)


def create_file(url: URL) -> None:
    """Make the file of a SQLite ledger and its folder, for this user alone: it will hold customers' data."""
    path = Path(url.database or "")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600, exist_ok=True)
    except OSError as error:
        raise LedgerError(
            f"the ledger {shown(url)} cannot be created: {error.strerror}; choose a path that can be"
        ) from error


def _sqlite_engine(url: URL, *, readers: bool) -> Engine:
    """Return an engine of one writing connection, or of several that SQLite itself keeps from writing."""
    engine = create_engine(
        url,
        pool_size=_READERS if readers else 1,
        max_overflow=0,
        hide_parameters=True,
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
    )
    pragmas = ["foreign_keys=ON", "synchronous=NORMAL", "temp_store=MEMORY"]
    if readers:
        pragmas.append("query_only=ON")

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
        # The driver's own transactions begin as readers and fail with "locked" when they turn into writers.
        connection.isolation_level = None
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN" if readers else "BEGIN IMMEDIATE")

    return engine


@contextmanager
def translated(url: URL) -> Iterator[None]:
    """Turn what the database raises into a LedgerError that says where it is and what to do."""
    try:
        yield
    except IntegrityError as error:
        if "foreign key" in str(error.orig).lower():
            raise LedgerError("this revision was never opened: claim its delivery first") from error
        raise LedgerError(f"the ledger {shown(url)} refused a row: {remedy(error)}") from error
    except (DBAPIError, sqlite3.Error) as error:
        raise LedgerError(f"the ledger {shown(url)} failed: {remedy(error)}") from error
    except (SQLAlchemyError, OSError) as error:
        raise LedgerError(
            f"the ledger {shown(url)} failed: {error}; check that it can be reached, then try again"
        ) from error
