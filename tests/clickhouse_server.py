"""A ClickHouse of the tests' own: the real engine in a child process, with a company's tables, and what they should show.

`prod.*` are the company's tables, in its own names and units. `default.*` and `prod.secret` hold rows that nobody may see.
`mine.*` are the logical tables as one customer (`cus_1`) may see them, `fleet.*` all of them: written by hand as views, as a
second opinion on the guard.
"""

import functools
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

from models.base import Row
from models.tables import TableMapping

USER = "reader"
PASSWORD = "wire-word"
CUSTOMER = "cus_1"
TABLES = {
    "requests": TableMapping(
        table="prod.api_log",
        columns={
            "ts": "event_time",
            "customer": "org_id",
            "request_id": "req",
            "method": "verb",
            "route": "attrs['route']",
            "status": "http_status",
            "error_code": "transform(err, ['429', 'E500'], ['rate_limited', 'internal_error'], err)",
            "duration_ms": "latency_s * 1000",
            "region": "dc",
            "version": "build",
            "key_id": "api_key",
            "rate_limit": "rpm",
        },
    ),
    "usage": TableMapping(table="prod.meters"),
    "accounts": TableMapping(table="prod.orgs", columns={"customer": "id", "rate_limit": "rpm"}),
}
_FILL = """
CREATE DATABASE prod;
CREATE DATABASE mine;
CREATE DATABASE fleet;
CREATE TABLE prod.api_log (event_time DateTime64(3, 'UTC'), org_id String, req String, verb String, attrs Map(String, String),
    http_status UInt16, err String, latency_s Float64, dc String, build String, api_key String, rpm UInt32)
    ENGINE = MergeTree ORDER BY (org_id, event_time);
INSERT INTO prod.api_log SELECT
    toDateTime64('2026-03-01 10:00:00', 3, 'UTC') + toIntervalSecond(number), concat('cus_', toString(number % 12)),
    concat('req-', toString(number)), if(number % 3 = 0, 'POST', 'GET'),
    map('route', multiIf(number % 240 < 3, '/rare', number % 5 = 0, '/orders', '/items')),
    multiIf(number % 12 = 1 AND number > 3000, 500, number % 50 = 7, 429, 200) AS status,
    multiIf(status = 500, 'E500', status = 429, '429', ''), (number % 97) / 100,
    if(number % 2 = 0, 'eu', 'us'), if(number > 3000, 'v2', 'v1'), concat('key-', toString(number % 24)), 600
    FROM numbers(7200);
CREATE TABLE prod.meters (ts DateTime64(3, 'UTC'), customer String, meter String, route String, quantity UInt64)
    ENGINE = MergeTree ORDER BY (customer, ts);
INSERT INTO prod.meters SELECT toDateTime64('2026-03-01 00:00:00', 3, 'UTC') + toIntervalHour(number % 48),
    concat('cus_', toString(number % 12)), if(number % 2 = 0, 'calls', 'tokens'), '/items', number % 100 FROM numbers(1200);
CREATE TABLE prod.orgs (id String, name String, domain String, plan String, region String, rpm UInt32, monthly_quota UInt64,
    created_at DateTime64(3, 'UTC')) ENGINE = MergeTree ORDER BY id;
INSERT INTO prod.orgs SELECT concat('cus_', toString(number)), concat('Company ', toString(number)),
    concat('company', toString(number), '.example.com'), if(number < 3, 'enterprise', 'team'), 'eu', 600, 10000,
    toDateTime64('2025-01-01 00:00:00', 3, 'UTC') FROM numbers(12);
CREATE TABLE prod.secret (v String) ENGINE = MergeTree ORDER BY v;
INSERT INTO prod.secret VALUES ('hidden');
CREATE TABLE prod.odd (n Nullable(Float64), d Decimal(9, 2), t DateTime, a Array(String), m Map(String, UInt8), u UUID, b Bool,
    big UInt64, i IPv4, day Date) ENGINE = MergeTree ORDER BY big;
INSERT INTO prod.odd VALUES (NULL, 12.30, '2026-03-01 10:00:00', ['x', 'y'], {'k': 1}, '00000000-0000-0000-0000-000000000001',
    true, 18446744073709551615, '192.0.2.1', '2026-03-01'), (nan, 0.10, '2026-03-02 10:00:00', [], {},
    '00000000-0000-0000-0000-000000000002', false, 1, '192.0.2.2', '2026-03-02');
CREATE TABLE default.requests (ts DateTime64(3, 'UTC'), customer String, route String, status UInt16)
    ENGINE = MergeTree ORDER BY ts;
INSERT INTO default.requests VALUES ('2026-03-01 10:00:00', 'cus_1', 'hidden', 500);
CREATE VIEW fleet.requests AS SELECT event_time AS ts, org_id AS customer, req AS request_id, verb AS method,
    attrs['route'] AS route, http_status AS status, multiIf(err = '429', 'rate_limited', err = 'E500', 'internal_error', err)
    AS error_code, latency_s * 1000 AS duration_ms, dc AS region, build AS version, api_key AS key_id, rpm AS rate_limit
    FROM prod.api_log;
CREATE VIEW fleet.usage AS SELECT * FROM prod.meters;
CREATE VIEW fleet.accounts AS SELECT id AS customer, name, domain, plan, region, rpm AS rate_limit, monthly_quota, created_at
    FROM prod.orgs;
CREATE VIEW mine.requests AS SELECT * FROM fleet.requests WHERE customer = 'cus_1';
CREATE VIEW mine.usage AS SELECT * FROM fleet.usage WHERE customer = 'cus_1';
CREATE VIEW mine.accounts AS SELECT * FROM fleet.accounts WHERE customer = 'cus_1'
"""


@dataclass(frozen=True)
class ClickHouseServer:
    """Where the engine answers."""

    url: str

    def rows(self, sql: str, database: str = "default", parameters: Mapping[str, str] | None = None) -> list[Row]:
        """Ask over plain HTTP, with no client and no guard between."""
        bound = {f"param_{name}": value for name, value in (parameters or {}).items()}
        reply = httpx.post(
            self.url,
            params={"database": database, "default_format": "JSON", **bound},
            content=sql,
            auth=(USER, PASSWORD),
            timeout=30,
        )
        if reply.status_code != 200:
            raise ValueError(f"{reply.text.strip()}\n{sql}")
        data: list[Row] = reply.json()["data"]
        return data

    def lines(self, sql: str, parameters: Mapping[str, str] | None = None) -> list[str]:
        """Ask for EXPLAIN and return its lines."""
        return [str(next(iter(row.values()))) for row in self.rows(sql, parameters=parameters)]

    def asked(self) -> list[dict[str, object]]:
        """Return all questions since the last `forget`."""
        queries: list[dict[str, object]] = httpx.get(f"{self.url}/_sandbox/queries").json()["queries"]
        return queries

    def forget(self) -> None:
        """Start the list of questions anew."""
        httpx.delete(f"{self.url}/_sandbox/queries")


@functools.cache
def clickhouse_server() -> ClickHouseServer:
    """Start the engine once for the whole test run; it ends with the process that started it."""
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.clickhouse_server"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdout is not None
    line = child.stdout.readline()
    assert line, "the engine's process ended before it was ready"
    _CHILDREN.append(child)
    return ClickHouseServer(f"http://127.0.0.1:{json.loads(line)['port']}")


_CHILDREN: list[subprocess.Popen[bytes]] = []
"""Kept so that their pipes stay open as long as this process lives."""


def main() -> None:
    """Serve until standard input closes, which it does when the parent ends, however that happens."""
    # Only the child loads the engine: it may be opened once per process, and costs 300 MB.
    import uvicorn  # noqa: PLC0415  # as said above

    from sandbox.clickhouse import ClickHouse  # noqa: PLC0415  # as said above
    from sandbox.engine import Engine  # noqa: PLC0415  # as said above

    with tempfile.TemporaryDirectory() as folder:
        engine = Engine(Path(folder))
        for statement in _FILL.split(";"):
            engine.write(statement)
        bound = socket.create_server(("127.0.0.1", 0), backlog=128)
        config = uvicorn.Config(
            ClickHouse(engine, USER, PASSWORD).app, lifespan="off", log_config=None, access_log=False
        )
        threading.Thread(target=uvicorn.Server(config).run, kwargs={"sockets": [bound]}, daemon=True).start()
        sys.stdout.write(json.dumps({"port": bound.getsockname()[1]}) + "\n")
        sys.stdout.flush()
        sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    main()
