"""Starts the ClickHouse process of the sandbox for tests, and asks it plainly."""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx

from sandbox.clickhouse import PASSWORD, USER

CHECKOUT = Path(__file__).parents[2]
WORLD = CHECKOUT / "sandbox" / "worlds" / "vellumworks"
NOW = datetime(2026, 3, 11, 15, 20, 30, tzinfo=UTC)
"""A Wednesday afternoon."""
ROWS = 50_000
STARTS_WITHIN = 90


@dataclass(frozen=True)
class EngineProcess:
    """A running process and where it listens."""

    process: "subprocess.Popen[bytes]"
    port: int
    folder: Path

    @property
    def address(self) -> str:
        """`http://127.0.0.1:PORT`."""
        return f"http://127.0.0.1:{self.port}"

    def ask(self, sql: str, **parameters: str) -> list[list[object]]:
        """Run a query and return its rows."""
        named = {f"param_{name}": value for name, value in parameters.items()}
        answer = httpx.post(
            self.address,
            content=f"{sql} FORMAT JSONCompact",
            params={**named, "output_format_json_quote_64bit_integers": "0"},
            auth=(USER, PASSWORD),
            timeout=60,
        )
        assert answer.status_code == 200, answer.text
        rows: list[list[object]] = answer.json()["data"]
        return rows

    def number(self, sql: str, **parameters: str) -> float:
        """Run a query that answers one number."""
        value = self.ask(sql, **parameters)[0][0]
        assert isinstance(value, int | float), value
        return value


def command(world: Path, ready: Path, rows: int, parent: int) -> list[str]:
    """The command line of the process."""
    return [
        *(sys.executable, "-m", "sandbox.clickhouse", "--world", str(world), "--rows", str(rows)),
        *("--now", NOW.isoformat(), "--ready-file", str(ready), "--parent-pid", str(parent)),
    ]


@contextlib.contextmanager
def running(folder: Path, world: Path = WORLD, rows: int = ROWS) -> Iterator[EngineProcess]:
    """Run the process until the block ends."""
    ready = folder / "ready.json"
    with (folder / "stderr.txt").open("wb") as stderr:
        process = subprocess.Popen(command(world, ready, rows, os.getpid()), cwd=CHECKOUT, stderr=stderr)
    try:
        wait_for(ready, process)
        yield EngineProcess(process, json.loads(ready.read_text())["port"], folder)
    finally:
        process.terminate()
        process.wait(10)


def wait_for(ready: Path, process: "subprocess.Popen[bytes]") -> None:
    """Wait until the process answers queries."""
    deadline = time.monotonic() + STARTS_WITHIN
    while not ready.exists():
        assert process.poll() is None, (ready.parent / "stderr.txt").read_text()
        assert time.monotonic() < deadline, "the ClickHouse process did not come up"
        time.sleep(0.05)
