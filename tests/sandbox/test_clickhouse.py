"""The ClickHouse process, driven by the real asynchronous client."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import clickhouse_connect
import httpx
import pytest
import pytest_asyncio
from clickhouse_connect.driver.asyncclient import AsyncClient
from clickhouse_connect.driver.exceptions import DatabaseError

from sandbox.clickhouse import PASSWORD, USER
from sandbox.world_files import load_world
from tests.sandbox.engine_process import CHECKOUT, ROWS, WORLD, EngineProcess, command, running


async def connect(company: EngineProcess, password: str = PASSWORD, **settings: object) -> AsyncClient:
    return await clickhouse_connect.get_async_client(
        host="127.0.0.1",
        port=company.port,
        username=USER,
        password=password,
        client_name="sandbox-tests",
        query_retries=0,
        connect_timeout=5,
        send_receive_timeout=60,
        settings={"max_execution_time": 30, "max_memory_usage": 500_000_000, **settings},
    )


@pytest_asyncio.fixture
async def client(company: EngineProcess) -> AsyncIterator[AsyncClient]:
    client = await connect(company)
    yield client
    await client.close()


async def refusal(client: AsyncClient, sql: str, **settings: object) -> int:
    with pytest.raises(DatabaseError) as caught:
        await client.query(sql, settings=settings)
    assert caught.value.code is not None
    return caught.value.code


async def test_health(company: EngineProcess) -> None:
    async with httpx.AsyncClient() as http:
        answer = await http.get(f"{company.address}/ping")
    assert (answer.status_code, answer.text) == (200, "Ok.\n")


async def test_select_binds_parameters_and_names_the_query(client: AsyncClient) -> None:
    result = await client.query(
        "SELECT count() AS n, uniqExact(account) AS accounts, min(logged_at) AS first FROM edge.http_log "
        "WHERE account = {account:String} AND http_status IN {statuses:Array(UInt16)}",
        parameters={"account": "ac_brightwater", "statuses": [200, 429]},
        settings={"query_id": "inv-1-E3"},
    )
    count, accounts, first = result.result_rows[0]
    assert count > 100
    assert accounts == 1
    assert first.year == 2026
    assert result.query_id == "inv-1-E3"
    assert int(result.summary["read_rows"]) > 0


@pytest.mark.parametrize(
    "value", ["it's", 'say "x"', "back\\slash", "new\nline\ttab", "{n:UInt8}", "‘curly’; --", "é✓"]
)
async def test_parameters_are_data(client: AsyncClient, value: str) -> None:
    result = await client.query("SELECT {v:String} AS v", parameters={"v": value})
    assert result.result_rows == [(value,)]


async def test_the_database_of_the_connection_counts(company: EngineProcess, client: AsyncClient) -> None:
    result = await client.query("SELECT count() FROM http_log", settings={"database": "edge"})
    assert result.result_rows[0][0] > ROWS


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO crm.accounts (account) VALUES ('x')",
        "INSERT INTO edge.http_log SELECT * FROM edge.http_log",
        "CREATE TABLE default.mine (a UInt8) ENGINE = Memory",
        "CREATE TEMPORARY TABLE mine (a UInt8)",
        "ALTER TABLE crm.accounts DELETE WHERE 1",
        "DROP TABLE crm.accounts",
        "TRUNCATE TABLE crm.accounts",
        "KILL QUERY WHERE 1",
        "SYSTEM FLUSH LOGS",
        "SET max_threads = 1",
        "USE edge",
    ],
)
async def test_writes_are_refused(company: EngineProcess, client: AsyncClient, sql: str) -> None:
    with pytest.raises(DatabaseError) as caught:
        await client.command(sql)
    assert caught.value.code == 164
    assert company.number("SELECT count() FROM crm.accounts") == len(load_world(WORLD).customers)


async def test_an_insert_of_rows_is_refused(company: EngineProcess, client: AsyncClient) -> None:
    with pytest.raises(DatabaseError) as caught:
        await client.insert("crm.accounts", [["ac_x", "X"]], column_names=["account", "display_name"])
    assert caught.value.code == 164
    assert company.number("SELECT count() FROM crm.accounts") == len(load_world(WORLD).customers)


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("SELECT 1; SELECT 2", 62),
        ("SELECT 1; DROP TABLE crm.accounts", 62),
        ("SELECT ‘x -- ’; SELECT 2", 62),
        ("SELEC 1", 62),
        ("SELECT nope", 47),
        ("SELECT * FROM edge.nope", 60),
        ("SELECT {x:String}", 456),
        ("SELECT * FROM file('/etc/passwd')", 497),
        ("SELECT file('/etc/passwd')", 497),
        ("SELECT * FROM URL ('http://127.0.0.1:1/')", 497),
        ("SELECT 1 INTO OUTFILE '/tmp/sandbox-outfile'", 358),
    ],
)
async def test_refusals_carry_the_servers_codes(client: AsyncClient, sql: str, code: int) -> None:
    assert await refusal(client, sql) == code


async def test_quoted_text_is_no_statement_and_no_source(client: AsyncClient) -> None:
    result = await client.query("SELECT 'a; drop table x', 'file(1)', ‘into outfile’ AS `b;c`")
    assert result.result_rows == [("a; drop table x", "file(1)", "into outfile")]


async def test_limits_hold(client: AsyncClient) -> None:
    assert await refusal(client, "SELECT number FROM numbers(100000)", max_result_rows=100) == 396
    assert await refusal(client, "SELECT count() FROM numbers(1000000000000)", max_execution_time=1) == 159
    assert await refusal(client, "SELECT arrayJoin(range(100000000))", max_memory_usage=50_000_000) == 241


async def test_a_setting_of_one_query_does_not_stick(client: AsyncClient) -> None:
    assert await refusal(client, "SELECT number FROM numbers(100000)", max_result_rows=100) == 396
    result = await client.query("SELECT count() FROM (SELECT number FROM numbers(100000))")
    assert result.result_rows == [(100_000,)]


async def test_a_wrong_password_is_refused(company: EngineProcess) -> None:
    with pytest.raises(DatabaseError) as caught:
        await connect(company, password="wrong")
    assert caught.value.code == 516
    async with httpx.AsyncClient() as http:
        answer = await http.post(company.address, content="SELECT 1")
    assert answer.status_code == 403
    assert answer.headers["x-clickhouse-exception-code"] == "516"


async def test_twenty_queries_in_parallel(client: AsyncClient) -> None:
    sql = "SELECT {n:UInt32} AS n, count() AS c FROM edge.http_log WHERE cityHash64(trace_id) % 20 = {n:UInt32}"
    results = await asyncio.gather(*(client.query(sql, parameters={"n": n}) for n in range(20)))
    assert [result.result_rows[0][0] for result in results] == list(range(20))
    whole = await client.query("SELECT count() FROM edge.http_log")
    assert sum(result.result_rows[0][1] for result in results) == whole.result_rows[0][0]


async def test_what_was_asked_is_kept(company: EngineProcess, client: AsyncClient) -> None:
    await client.query("SELECT 'kept'", settings={"query_id": "inv-9-E1", "log_comment": "whose query"})
    async with httpx.AsyncClient() as http:
        queries = (await http.get(f"{company.address}/_sandbox/queries")).json()["queries"]
    entry = next(entry for entry in queries if entry["query_id"] == "inv-9-E1")
    assert entry["log_comment"] == "whose query"
    assert entry["user_agent"].startswith("sandbox-tests")
    assert "SELECT 'kept'" in entry["query"]
    assert entry["exception_code"] == 0


async def test_a_client_that_hangs_up_has_its_query_stopped(company: EngineProcess, client: AsyncClient) -> None:
    with pytest.raises((TimeoutError, asyncio.CancelledError)):
        await asyncio.wait_for(client.query("SELECT count() FROM numbers(1000000000001)"), 0.5)
    sql = "SELECT count() FROM system.processes WHERE query LIKE '%1000000000001%' AND query NOT LIKE '%processes%'"
    deadline = time.monotonic() + 20
    while (await client.query(sql)).result_rows[0][0]:
        assert time.monotonic() < deadline, "the query still runs"
        await asyncio.sleep(0.1)


async def test_read_without_a_body(company: EngineProcess) -> None:
    async with httpx.AsyncClient(auth=(USER, PASSWORD)) as http:
        answer = await http.get(company.address, params={"query": "SELECT 1 + 1"})
        write = await http.get(company.address, params={"query": "DROP TABLE crm.accounts"})
    assert answer.text == "2\n"
    assert answer.headers["x-clickhouse-format"] == "TabSeparated"
    assert write.headers["x-clickhouse-exception-code"] == "164"


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, 0)
            return False
        return True


def eventually(holds: Callable[[], bool], seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_sigterm_ends_it_and_leaves_nothing(tmp_path: Path) -> None:
    with running(tmp_path, rows=2_000) as company:
        assert list(tmp_path.glob("sandbox-clickhouse-*"))
        company.process.send_signal(signal.SIGTERM)
        assert company.process.wait(10) == 0
    assert not list(tmp_path.glob("sandbox-clickhouse-*"))


def test_it_ends_with_its_parent_even_while_it_fills_the_engine(tmp_path: Path) -> None:
    ready, pid_file = tmp_path / "ready.json", tmp_path / "pid"
    arguments = command(WORLD, ready, 5_000_000, 0)[:-1]
    parent = subprocess.Popen(
        [
            *(sys.executable, "-c"),
            "import os, pathlib, subprocess, sys, time\n"
            "child = subprocess.Popen([*sys.argv[2:], str(os.getpid())])\n"
            "pathlib.Path(sys.argv[1]).write_text(str(child.pid))\n"
            "time.sleep(600)",
            *(str(pid_file), *arguments),
        ],
        cwd=CHECKOUT,
    )
    try:
        assert eventually(lambda: bool(list(tmp_path.glob("sandbox-clickhouse-*/*"))))
        pid = int(pid_file.read_text())
        assert not gone(pid)
        assert not ready.exists()
    finally:
        parent.kill()
        parent.wait(10)
    assert eventually(lambda: gone(pid))
    assert eventually(lambda: not list(tmp_path.glob("sandbox-clickhouse-*")))


def test_a_bad_world_is_named(tmp_path: Path) -> None:
    done = subprocess.run(
        command(tmp_path / "nowhere", tmp_path / "ready.json", 1_000, os.getpid()),
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert "no such folder" in done.stderr
    assert not list(tmp_path.iterdir())
