"""The ClickHouse connector: the real client against the real engine, and against servers that misbehave."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from clickhouse_connect.driver.asyncclient import AsyncClient
from pydantic import HttpUrl, JsonValue

from connectors.base import ConnectorError, RateLimited, SlowAnswer, Unavailable, WriteRefused
from connectors.clickhouse import ClickHouseConnector
from connectors.clickhouse_guard import read_statement
from models.customer import Window
from models.evidence import SourceRequest
from models.tenant import ClickHouseConfig
from models.vocabulary import EvidenceStatus, Scope, Source
from reasoning.sql import check_query, scope_query
from tests.clickhouse_server import CUSTOMER, PASSWORD, TABLES, USER, ClickHouseServer, clickhouse_server
from tests.connectors.web_server import listening

Respond = Callable[[str, bytes], Awaitable[bytes] | bytes]


@pytest.fixture(scope="module")
def server() -> ClickHouseServer:
    return clickhouse_server()


@asynccontextmanager
async def opened(url: str, password: str = PASSWORD, **config: object) -> AsyncIterator[ClickHouseConnector]:
    settings = {"url": url, "user": USER, **config}
    connector = ClickHouseConnector(ClickHouseConfig.model_validate(settings), password)
    try:
        yield connector
    finally:
        await connector.aclose()


@pytest.fixture
async def connector(server: ClickHouseServer) -> AsyncIterator[ClickHouseConnector]:
    async with opened(server.url) as connector:
        yield connector


def ask(
    sql: str,
    parameters: dict[str, JsonValue] | None = None,
    *,
    scope: Scope = Scope.FLEET,
    customer: str | None = None,
    row_limit: int = 200,
    byte_limit: int = 262_144,
    time_limit: float = 20.0,
    window: Window | None = None,
) -> SourceRequest:
    return SourceRequest(
        source=Source.CLICKHOUSE,
        operation="sql",
        scope=scope,
        customer=customer,
        text=sql,
        parameters=parameters or {},
        window=window,
        row_limit=row_limit,
        byte_limit=byte_limit,
        time_limit=time_limit,
        label="inv-abc/1/E3",
    )


WINDOW = Window(start=datetime(2026, 3, 1, 10, tzinfo=UTC), end=datetime(2026, 3, 1, 11, tzinfo=UTC))


async def test_a_guarded_query_answers_rows(connector: ClickHouseConnector) -> None:
    sql = (
        "select toStartOfHour(ts) as hour, countIf(error_code in {codes:Array(String)}) as n from requests "
        "where ts >= {start:DateTime64(3)} and ts < {end:DateTime64(3)} group by hour"
    )
    text = scope_query(check_query(sql, Scope.CUSTOMER), TABLES, Scope.CUSTOMER, 200)
    request = ask(text, {"codes": ["internal_error", "it's"]}, scope=Scope.CUSTOMER, customer=CUSTOMER, window=WINDOW)
    answer = await connector.fetch(request)
    assert answer.status is EvidenceStatus.FOUND
    assert answer.rows == ({"hour": "2026-03-01T10:00:00Z", "n": 50},)
    assert answer.asked == text
    assert not answer.truncated
    assert answer.reason == ""


async def test_the_window_is_utc_whatever_zone_it_is_written_in(connector: ClickHouseConnector) -> None:
    sql = (
        "SELECT count() AS n FROM prod.api_log "
        "WHERE event_time >= {a:DateTime64(3, 'UTC')} AND event_time < {b:DateTime('UTC')}"
    )
    request = ask(sql, {"a": "2026-03-01T12:30:00+02:00", "b": "2026-03-01T11:00:00Z"})
    assert (await connector.fetch(request)).rows == ({"n": 1800},)
    sql = "SELECT {day:Date} AS day, {none:Nullable(String)} AS none, {ok:Bool} AS ok, {n:UInt64} AS n"
    request = ask(sql, {"day": "2026-03-01T23:30:00-02:00", "none": None, "ok": True, "n": 2**63})
    assert (await connector.fetch(request)).rows == ({"day": "2026-03-02", "none": None, "ok": True, "n": 2**63},)


async def test_values_become_json_scalars(connector: ClickHouseConnector) -> None:
    answer = await connector.fetch(ask("SELECT * FROM prod.odd ORDER BY day"))
    assert answer.rows == (
        {
            "n": None,
            "d": "12.30",
            "t": "2026-03-01T10:00:00Z",
            "a": "x, y",
            "m": "k=1",
            "u": "00000000-0000-0000-0000-000000000001",
            "b": True,
            "big": 18446744073709551615,
            "i": "192.0.2.1",
            "day": "2026-03-01",
        },
        {
            "n": None,
            "d": "0.10",
            "t": "2026-03-02T10:00:00Z",
            "a": "",
            "m": "",
            "u": "00000000-0000-0000-0000-000000000002",
            "b": False,
            "big": 1,
            "i": "192.0.2.2",
            "day": "2026-03-02",
        },
    )
    odd = await connector.fetch(
        ask("SELECT 1 / 0 AS inf, now64(3, 'Asia/Tokyo') AS there, [NULL, 1] AS some, 'a%b' AS percent")
    )
    row = odd.rows[0]
    assert row["inf"] is None
    assert str(row["there"]).endswith("Z")
    assert (row["some"], row["percent"]) == (", 1", "a%b")


async def test_no_rows_is_empty_and_one_too_many_is_truncated(connector: ClickHouseConnector) -> None:
    empty = await connector.fetch(ask("SELECT id FROM prod.orgs WHERE id = 'nobody' LIMIT 4"))
    assert (empty.status, empty.rows, empty.truncated) == (EvidenceStatus.EMPTY, (), False)
    full = await connector.fetch(ask("SELECT id FROM prod.orgs LIMIT 3", row_limit=3))
    assert (len(full.rows), full.truncated) == (3, False)
    cut = await connector.fetch(ask("SELECT id FROM prod.orgs LIMIT 4", row_limit=3))
    assert (len(cut.rows), cut.truncated) == (3, True)
    heavy = await connector.fetch(ask("SELECT req FROM prod.api_log LIMIT 101", row_limit=100, byte_limit=200))
    assert 0 < len(heavy.rows) < 100
    assert heavy.truncated


async def test_limits_and_names_travel_with_every_query(server: ClickHouseServer) -> None:
    async with opened(server.url, max_memory_bytes=123_000_000) as connector:
        server.forget()
        for _ in range(2):
            await connector.fetch(ask("SELECT 1 AS marked_once", row_limit=7, time_limit=9))
        asked = [entry for entry in server.asked() if "marked_once" in str(entry["query"])]
        assert connector.dropped_settings == set()
    first, second = asked
    assert str(first["query_id"]).startswith("whydesk-inv-abc-1-E3-")
    assert first["query_id"] != second["query_id"]
    assert first["log_comment"] == "whydesk inv-abc/1/E3"
    settings = first["settings"]
    assert isinstance(settings, dict)
    assert settings["max_memory_usage"] == "123000000"
    assert settings["max_result_rows"] == "8"
    assert settings["max_result_bytes"] == str(262_144 * 32)
    assert settings["result_overflow_mode"] == "throw"
    assert float(str(settings["max_execution_time"])) == 9
    # The user's profile is readonly=2 already, and refuses any change of that.
    assert "readonly" not in settings
    assert str(first["user_agent"]).startswith("whydesk")


REFUSALS = [
    (
        "SELECT nothing_here FROM prod.orgs",
        EvidenceStatus.FAILED,
        r"schema drift: column 'nothing_here' is missing; correct it under `tables` in whydesk.yaml",
    ),
    ("SELECT 1 AS x FROM prod.gone", EvidenceStatus.FAILED, r"schema drift: table 'gone' is missing"),
    ("SELECT 1 AS x FROM elsewhere.orgs", EvidenceStatus.FAILED, "schema drift: database 'elsewhere' is missing"),
    (
        "SELECT t.id * 1000 AS x FROM prod.orgs AS t",
        EvidenceStatus.FAILED,
        r"schema drift: column .* \(multiply with String and UInt16\)",
    ),
    ("SELECT o.id * 1000 AS x FROM prod.orgs AS o WHERE o.rpm >= 'x'", EvidenceStatus.FAILED, "schema drift: column"),
    (
        "SELECT count() AS n FROM (SELECT __whydesk_source.id AS status FROM prod.orgs AS __whydesk_source) AS r "
        "WHERE r.status >= 500",
        EvidenceStatus.FAILED,
        r"schema drift: column '(id|status)' has another type \(greaterOrEquals with String and UInt16\)",
    ),
    (
        "SELECT avg(plan) AS x FROM prod.orgs",
        EvidenceStatus.FAILED,
        r"has another type \(avg with String\)",
    ),
    (
        "SELECT toStartOfHour(__whydesk_source.plan) AS x FROM prod.orgs AS __whydesk_source",
        EvidenceStatus.FAILED,
        r"column 'plan' has another type \(toStartOfHour with String",
    ),
    (
        "SELECT __whydesk_source.plan['k'] AS x FROM prod.orgs AS __whydesk_source",
        EvidenceStatus.FAILED,
        "column 'plan' has another type",
    ),
    ("SELECT [rpm, plan] + 1 AS x FROM prod.orgs", EvidenceStatus.FAILED, "schema drift: column"),
    (
        "SELECT toUInt16(__whydesk_source.plan) AS x FROM prod.orgs AS __whydesk_source",
        EvidenceStatus.FAILED,
        "schema drift: column 'plan' holds what does not convert",
    ),
    (
        "SELECT toUInt16(substring(__whydesk_source.plan, 100)) AS x FROM prod.orgs AS __whydesk_source",
        EvidenceStatus.FAILED,
        "schema drift: column 'plan' holds what does not convert",
    ),
    (
        "SELECT count() AS n FROM prod.odd AS __whydesk_source WHERE (__whydesk_source.u) = 'cus_1'",
        EvidenceStatus.FAILED,
        "column 'u' .* customer's id does not fit",
    ),
    ("SELECT FROM WHERE", EvidenceStatus.FAILED, "62"),
    ("SELECT id, count() AS n FROM prod.orgs", EvidenceStatus.FAILED, "neither grouped nor aggregated"),
    ("SELECT number AS x FROM system.numbers LIMIT 100000", EvidenceStatus.FAILED, "aggregate in the query"),
    (
        "SELECT groupArray(number) AS x FROM numbers(100000000)",
        EvidenceStatus.FAILED,
        "narrow the window, or raise max_memory_bytes",
    ),
    ("SELECT * FROM url('http://192.0.2.1/x', CSV, 'a String')", EvidenceStatus.DENIED, "may not read this"),
]


@pytest.mark.parametrize(("sql", "status", "reason"), REFUSALS)
async def test_the_engines_refusals_are_answers(
    connector: ClickHouseConnector, sql: str, status: EvidenceStatus, reason: str
) -> None:
    answer = await connector.fetch(ask(sql))
    assert answer.status is status
    with pytest.raises(AssertionError, match=reason):
        raise AssertionError(answer.reason)


async def test_a_refusal_repeats_no_value(connector: ClickHouseConnector) -> None:
    answer = await connector.fetch(ask("SELECT toUInt8(concat('secret-', id)) AS x FROM prod.orgs LIMIT 3"))
    assert answer.status is EvidenceStatus.FAILED
    assert "secret" not in answer.reason
    assert "cus_" not in answer.reason


async def test_a_wrong_password_is_denied_and_never_shown(server: ClickHouseServer) -> None:
    async with opened(server.url, password="pass-phrase-77") as connector:
        answer = await connector.fetch(ask("SELECT 1 AS x"))
        assert "pass-phrase-77" not in repr(connector.__dict__["_config"])
    assert answer.status is EvidenceStatus.DENIED
    assert "pass-phrase-77" not in answer.model_dump_json()


async def test_a_slow_query_is_slow_on_either_clock(connector: ClickHouseConnector) -> None:
    endless = "SELECT count() AS n FROM system.numbers"
    with pytest.raises(SlowAnswer):
        await connector.fetch(ask(endless, time_limit=0.4))
    # The pool of connections is as good as before.
    assert (await connector.fetch(ask("SELECT 1 AS x"))).rows == ({"x": 1},)


async def test_questions_run_side_by_side(connector: ClickHouseConnector) -> None:
    answers = await asyncio.gather(*(connector.fetch(ask(f"SELECT {number} AS x")) for number in range(20)))
    assert [answer.rows for answer in answers] == [({"x": number},) for number in range(20)]


async def test_the_request_must_be_whole(connector: ClickHouseConnector) -> None:
    with pytest.raises(ValueError, match="no operation 'tables'"):
        await connector.fetch(ask("SELECT 1 AS x").model_copy(update={"operation": "tables"}))
    with pytest.raises(ValueError, match="needs the parameter 'code'"):
        await connector.fetch(ask("SELECT {code:String} AS x"))
    with pytest.raises(ValueError, match="is no time"):
        await connector.fetch(ask("SELECT {at:DateTime64(3, 'UTC')} AS x", {"at": "soon"}))


@pytest.mark.parametrize("customer", [None, ""])
async def test_a_customer_query_never_runs_without_its_customer(
    connector: ClickHouseConnector, customer: str | None
) -> None:
    with pytest.raises(ValueError, match="never run without"):
        await connector.fetch(ask("SELECT {whydesk_customer:String} AS x", scope=Scope.CUSTOMER, customer=customer))
    with pytest.raises(ValueError, match="never run without"):
        await connector.fetch(ask("SELECT '{whydesk_customer:String}' AS x", scope=Scope.CUSTOMER, customer="cus_1"))


async def test_parameters_cannot_name_another_customer(connector: ClickHouseConnector) -> None:
    request = ask(
        "SELECT {whydesk_customer:String} AS x", {"whydesk_customer": "cus_2"}, scope=Scope.CUSTOMER, customer="cus_1"
    )
    assert (await connector.fetch(request)).rows == ({"x": "cus_1"},)


WRITES: dict[str, Callable[[AsyncClient], Awaitable[object]]] = {
    "insert": lambda client: client.insert("prod.secret", [["x"]], column_names=["v"]),
    "raw insert": lambda client: client.raw_insert("prod.secret", ["v"], "x", fmt="CSV"),
    "command": lambda client: client.command("DROP TABLE prod.secret"),
    "command with data": lambda client: client.command("INSERT INTO prod.secret FORMAT CSV", data="x"),
    "query": lambda client: client.query("ALTER TABLE prod.secret DELETE WHERE 1"),
    "raw query": lambda client: client.raw_query("CREATE TABLE prod.x (a Int8) ENGINE = Memory"),
    "truncate": lambda client: client.raw_query("TRUNCATE TABLE prod.secret"),
    "two statements": lambda client: client.raw_query("SELECT 1; DROP TABLE prod.secret"),
    "behind a WITH": lambda client: client.raw_query("WITH 1 AS x INSERT INTO prod.secret SELECT 'x'"),
    "behind a comment": lambda client: client.raw_query("/* SELECT */ DROP TABLE prod.secret"),
    "into a file": lambda client: client.raw_query("SELECT 1 INTO OUTFILE '/tmp/x'"),
    "system": lambda client: client.command("SYSTEM SHUTDOWN"),
    "set": lambda client: client.command("SET readonly = 0"),
    "kill": lambda client: client.command("KILL QUERY WHERE 1"),
}


@pytest.mark.parametrize("name", WRITES)
async def test_nothing_that_writes_reaches_the_wire(name: str) -> None:
    async with far_end(lambda head, body: ok(b"")) as (url, heard), opened(url) as connector:
        client = connector._guarded()
        client._backend.ensure_session()
        try:
            with pytest.raises(WriteRefused):
                await WRITES[name](client)
        finally:
            await client.close()
        assert heard == []


@pytest.mark.parametrize(
    ("data", "params", "files"),
    [
        ("SELECT 1", {"query": "SELECT 2"}, None),
        ("SELECT 1", {}, {"x": b"y"}),
        (None, {}, None),
        (b"\xff\xfe", {}, None),
        (iter(["SELECT 1"]), {}, None),
        ("SELECT 1 " + "x" * 300_000, {}, None),
        ("SELECT $$;$$", {}, None),
    ],
)
def test_a_request_is_one_readable_statement(data: object, params: dict[str, object], files: object) -> None:
    with pytest.raises(WriteRefused):
        read_statement(data, params, files)


def test_of_all_that_is_no_select_only_ones_own_grants_are_asked_for() -> None:
    assert read_statement("SHOW GRANTS\n FORMAT Native", {}, None)
    for text in ("SHOW GRANTS FOR admin", "SHOW GRANTS; DROP TABLE x", "SHOW USERS", "show create table prod.secret"):
        with pytest.raises(WriteRefused):
            read_statement(text, {}, None)


def test_words_inside_strings_are_text() -> None:
    sql = "SELECT count() AS n FROM t WHERE message IN ('INSERT INTO x; DROP', 'it''s') AND updated_at > 1"
    assert read_statement(sql, {}, None) == sql


@asynccontextmanager
async def far_end(respond: Respond) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A server of raw bytes that answers the client's opening questions as `respond` says, and keeps all that it hears."""
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                heard.append(head)
                lines = head.decode().lower().split("\r\n")
                length = next((int(line.split(":")[1]) for line in lines if line.startswith("content-length:")), 0)
                body = await reader.readexactly(length)
                heard.append(body)
                made = respond(head.decode(), body)
                reply = made if isinstance(made, bytes) else await made
                writer.write(reply)
                await writer.drain()
                # What is cut off, or not HTTP at all, ends with the connection.
                if b"Content-Length" not in reply or b"short" in reply:
                    return

    async with listening(serve) as url:
        yield url, heard


def ok(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


def failure(status: int, code: int = 0, text: bytes = b"") -> bytes:
    header = b"X-ClickHouse-Exception-Code: %d\r\n" % code if code else b""
    return b"HTTP/1.1 %d X\r\n%sContent-Length: %d\r\n\r\n%s" % (status, header, len(text), text)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (failure(503, 0, b"<html>no upstream</html>"), Unavailable),
        (failure(502), Unavailable),
        (failure(429), RateLimited),
        (failure(500, 202, b"Code: 202. DB::Exception: Too many simultaneous queries"), RateLimited),
        (failure(500, 745, b"Code: 745. DB::Exception: overloaded"), RateLimited),
        (failure(500, 210, b"Code: 210. DB::NetException"), Unavailable),
        (failure(500, 241, b"Code: 241. DB::Exception: Memory limit (total) exceeded: would use 9 GiB"), Unavailable),
        (failure(408, 159, b"Code: 159. DB::Exception: Timeout exceeded"), SlowAnswer),
        (b"", Unavailable),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", Unavailable),
        (b"this is not HTTP\r\n\r\n", Unavailable),
    ],
)
async def test_trouble_that_may_pass_is_raised(reply: bytes, kind: type[ConnectorError]) -> None:
    async with far_end(lambda head, body: reply) as (url, heard), opened(url) as connector:
        with pytest.raises(Unavailable) as raised:
            await connector.fetch(ask("SELECT 1 AS x", time_limit=3))
        assert type(raised.value) is kind or (reply[9:12] == b"200" and isinstance(raised.value, Unavailable))
        # One question, however it failed: the client does not try again by itself.
        assert len([part for part in heard if part.startswith(b"POST")]) == 1


@pytest.mark.parametrize("status", [401, 403])
async def test_a_proxy_that_says_no_is_denied(status: int) -> None:
    async with far_end(lambda head, body: failure(status, 0, b"no")) as (url, _), opened(url) as connector:
        assert (await connector.fetch(ask("SELECT 1 AS x"))).status is EvidenceStatus.DENIED


async def test_no_server_prints_nothing_where_no_logging_is_set_up(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    async with opened("http://127.0.0.1:9") as connector:
        with pytest.raises(Unavailable):
            await connector.fetch(ask("SELECT 1 AS x"))
    assert capsys.readouterr().err == ""


async def test_no_server_is_unavailable_and_a_later_one_is_found(server: ClickHouseServer) -> None:
    async with opened("http://127.0.0.1:9") as connector:
        with pytest.raises(Unavailable):
            await connector.fetch(ask("SELECT 1 AS x"))
        connector._config = connector._config.model_copy(update={"url": HttpUrl(server.url)})
        assert (await connector.fetch(ask("SELECT 1 AS x"))).status is EvidenceStatus.FOUND


async def test_a_server_that_never_answers_is_slow() -> None:
    never = asyncio.Event()

    async def hang(head: str, body: bytes) -> bytes:
        await never.wait()
        return b""

    async with far_end(hang) as (url, _), opened(url) as connector:
        with pytest.raises(SlowAnswer):
            await connector.fetch(ask("SELECT 1 AS x", time_limit=0.3))
        never.set()


async def test_settings_that_the_server_refuses_are_dropped(server: ClickHouseServer) -> None:
    async with opened(server.url) as connector:
        client = await connector._open()
        client.server_settings["max_memory_usage"] = client.server_settings["max_memory_usage"].__class__(
            "max_memory_usage", "0", 1
        )
        assert (await connector.fetch(ask("SELECT 1 AS x"))).rows == ({"x": 1},)
        assert connector.dropped_settings == {"max_memory_usage"}
        client.server_settings["readonly"] = client.server_settings["readonly"].__class__("readonly", "1", 1)
        server.forget()
        assert (await connector.fetch(ask("SELECT 2 AS x"))).rows == ({"x": 2},)
        sent = server.asked()[-1]["settings"]
        assert isinstance(sent, dict)
        assert not {"max_execution_time", "max_result_rows", "readonly", "log_comment"} & set(sent)


async def test_a_user_who_may_write_is_made_read_only(server: ClickHouseServer) -> None:
    async with opened(server.url) as connector:
        client = await connector._open()
        client.server_settings["readonly"] = client.server_settings["readonly"].__class__("readonly", "0", 0)
        server.forget()
        assert (await connector.fetch(ask("SELECT 3 AS x"))).rows == ({"x": 3},)
        sent = server.asked()[-1]["settings"]
        assert isinstance(sent, dict)
        assert sent["readonly"] == "2"


async def test_the_link_holds_the_query(server: ClickHouseServer) -> None:
    async with opened(server.url, link="https://play.example.com/#{query}") as connector:
        answer = await connector.fetch(ask("SELECT 1 AS x"))
    assert answer.url == "https://play.example.com/#SELECT%201%20AS%20x"
