"""The connections of a ledger: SQLite with one writing thread and a few readers, or a PostgreSQL pool; errors in our words."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Self, TypeVar

from sqlalchemy import URL, Connection, Engine, Insert, create_engine, event, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from ledger.base import LedgerError
from ledger.tables import Base

T = TypeVar("T")

BUSY_SECONDS = 30.0
"""How long a writer waits for another process's writer before it gives up."""
_READERS = 4
_DRIVERS = {"sqlite": "sqlite+pysqlite", "postgresql": "postgresql+asyncpg"}

_REMEDIES = (
    ("disk is full", "the disk is full: free space there and try again; nothing that was stored is lost"),
    ("readonly", "it cannot be written: give this user write access to the file and its folder"),
    ("unable to open", "it cannot be opened: check that the folder exists and that this user may read and write there"),
    (
        "locked",
        f"another process held it for {BUSY_SECONDS:.0f} s: look for a backup or a long query on it, then try again",
    ),
    ("not a database", "it is not a SQLite database: point WHYDESK_LEDGER_URL elsewhere or move the file away"),
    ("malformed", "it is damaged: stop the workers and restore it from a backup"),
    ("disk i/o", "the disk fails or the file was removed while in use: check both, then start again"),
    ("no such table", "it lacks a table: stop all workers and start again, so that migrations run"),
    ("no such column", "it is of another version: stop all workers and start again, so that migrations run"),
)


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
    that crosses threads for each statement. PostgreSQL has a pool and an async driver. Readers never wait for writers.
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
            LedgerError: the URL is wrong or its driver is not installed.
        """
        parsed = parse_url(url)
        try:
            return cls(parsed, _Threads(parsed) if is_sqlite(parsed) else _Pool(parsed))
        except ModuleNotFoundError as error:
            raise LedgerError(f"the ledger at {shown(parsed)} needs the package {error.name!r}: install it") from error

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

    async def aclose(self) -> None:
        for pool, engine in ((self._writing, self._writer), (self._reading, self._readers)):
            await asyncio.to_thread(pool.shutdown)
            engine.dispose()


class _Pool:
    """PostgreSQL."""

    def __init__(self, url: URL) -> None:
        self._engine = create_async_engine(url, pool_size=10, pool_pre_ping=True, hide_parameters=True)

    async def write(self, work: Callable[[Connection], T]) -> T:
        async with self._engine.begin() as connection:
            return await connection.run_sync(work)

    async def read(self, work: Callable[[Connection], T]) -> T:
        return await self.write(work)

    async def aclose(self) -> None:
        await self._engine.dispose()


def insert_new(connection: Connection, table: type[Base], values: Mapping[str, object]) -> bool:
    """Insert a row unless its key is taken, and tell whether this call was the one that did."""
    return connection.execute(_insert_once(table, connection.dialect.name), dict(values)).rowcount > 0


@cache
def _insert_once(table: type[Base], dialect: str) -> Insert:
    if dialect == "postgresql":
        return postgresql.insert(table).on_conflict_do_nothing()
    return sqlite.insert(table).on_conflict_do_nothing()


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
        raise LedgerError(f"the ledger {shown(url)} refused a row: {error.orig}") from error
    except (DBAPIError, sqlite3.Error) as error:
        raise LedgerError(f"the ledger {shown(url)} failed: {_remedy(error)}") from error
    except (SQLAlchemyError, OSError) as error:
        raise LedgerError(
            f"the ledger {shown(url)} failed: {error}; check that it can be reached, then try again"
        ) from error


def _remedy(error: Exception) -> str:
    said = str(error.orig if isinstance(error, DBAPIError) else error)
    return next((remedy for sign, remedy in _REMEDIES if sign in said.lower()), f"{said}; check it, then try again")
