"""The ClickHouse connector: the real client against the real engine."""

import asyncio
from datetime import UTC, datetime

import pytest

from connectors.base import SlowAnswer
from connectors.clickhouse import ClickHouseConnector
from models.customer import Window
from models.vocabulary import EvidenceStatus, Scope
from reasoning.sql import check_query, scope_query
from tests.clickhouse_server import CUSTOMER, TABLES, ClickHouseServer
from tests.connectors.clickhouse_far_end import ask, opened

WINDOW = Window(start=datetime(2026, 3, 1, 10, tzinfo=UTC), end=datetime(2026, 3, 1, 11, tzinfo=UTC))


async def test_a_guarded_query_answers_rows(clickhouse_connector: ClickHouseConnector) -> None:
    sql = (
        "select toStartOfHour(ts) as hour, countIf(error_code in {codes:Array(String)}) as n from requests "
        "where ts >= {start:DateTime64(3)} and ts < {end:DateTime64(3)} group by hour"
    )
    text = scope_query(check_query(sql, Scope.CUSTOMER), TABLES, Scope.CUSTOMER, 200)
    request = ask(text, {"codes": ["internal_error", "it's"]}, scope=Scope.CUSTOMER, customer=CUSTOMER, window=WINDOW)
    answer = await clickhouse_connector.fetch(request)
    assert answer.status is EvidenceStatus.FOUND
    assert answer.rows == ({"hour": "2026-03-01T10:00:00Z", "n": 50},)
    assert answer.asked == text
    assert not answer.truncated
    assert answer.reason == ""


async def test_the_window_is_utc_whatever_zone_it_is_written_in(clickhouse_connector: ClickHouseConnector) -> None:
    sql = (
        "SELECT count() AS n FROM prod.api_log "
        "WHERE event_time >= {a:DateTime64(3, 'UTC')} AND event_time < {b:DateTime('UTC')}"
    )
    request = ask(sql, {"a": "2026-03-01T12:30:00+02:00", "b": "2026-03-01T11:00:00Z"})
    assert (await clickhouse_connector.fetch(request)).rows == ({"n": 1800},)
    sql = "SELECT {day:Date} AS day, {none:Nullable(String)} AS none, {ok:Bool} AS ok, {n:UInt64} AS n"
    request = ask(sql, {"day": "2026-03-01T23:30:00-02:00", "none": None, "ok": True, "n": 2**63})
    assert (await clickhouse_connector.fetch(request)).rows == (
        {"day": "2026-03-02", "none": None, "ok": True, "n": 2**63},
    )


async def test_values_become_json_scalars(clickhouse_connector: ClickHouseConnector) -> None:
    answer = await clickhouse_connector.fetch(ask("SELECT * FROM prod.odd ORDER BY day"))
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
    odd = await clickhouse_connector.fetch(
        ask("SELECT 1 / 0 AS inf, now64(3, 'Asia/Tokyo') AS there, [NULL, 1] AS some, 'a%b' AS percent")
    )
    row = odd.rows[0]
    assert row["inf"] is None
    assert str(row["there"]).endswith("Z")
    assert (row["some"], row["percent"]) == (", 1", "a%b")


async def test_no_rows_is_empty_and_one_too_many_is_truncated(clickhouse_connector: ClickHouseConnector) -> None:
    empty = await clickhouse_connector.fetch(ask("SELECT id FROM prod.orgs WHERE id = 'nobody' LIMIT 4"))
    assert (empty.status, empty.rows, empty.truncated) == (EvidenceStatus.EMPTY, (), False)
    full = await clickhouse_connector.fetch(ask("SELECT id FROM prod.orgs LIMIT 3", row_limit=3))
    assert (len(full.rows), full.truncated) == (3, False)
    cut = await clickhouse_connector.fetch(ask("SELECT id FROM prod.orgs LIMIT 4", row_limit=3))
    assert (len(cut.rows), cut.truncated) == (3, True)
    heavy = await clickhouse_connector.fetch(
        ask("SELECT req FROM prod.api_log LIMIT 101", row_limit=100, byte_limit=200)
    )
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
    clickhouse_connector: ClickHouseConnector, sql: str, status: EvidenceStatus, reason: str
) -> None:
    answer = await clickhouse_connector.fetch(ask(sql))
    assert answer.status is status
    with pytest.raises(AssertionError, match=reason):
        raise AssertionError(answer.reason)


async def test_a_refusal_repeats_no_value(clickhouse_connector: ClickHouseConnector) -> None:
    answer = await clickhouse_connector.fetch(ask("SELECT toUInt8(concat('secret-', id)) AS x FROM prod.orgs LIMIT 3"))
    assert answer.status is EvidenceStatus.FAILED
    assert "secret" not in answer.reason
    assert "cus_" not in answer.reason


async def test_a_wrong_password_is_denied_and_never_shown(server: ClickHouseServer) -> None:
    async with opened(server.url, password="pass-phrase-77") as connector:
        answer = await connector.fetch(ask("SELECT 1 AS x"))
        assert "pass-phrase-77" not in repr(connector.__dict__["_config"])
    assert answer.status is EvidenceStatus.DENIED
    assert "pass-phrase-77" not in answer.model_dump_json()


async def test_a_slow_query_is_slow_on_either_clock(clickhouse_connector: ClickHouseConnector) -> None:
    endless = "SELECT count() AS n FROM system.numbers"
    with pytest.raises(SlowAnswer):
        await clickhouse_connector.fetch(ask(endless, time_limit=0.4))
    # The pool of connections is as good as before.
    assert (await clickhouse_connector.fetch(ask("SELECT 1 AS x"))).rows == ({"x": 1},)


async def test_questions_run_side_by_side(clickhouse_connector: ClickHouseConnector) -> None:
    answers = await asyncio.gather(*(clickhouse_connector.fetch(ask(f"SELECT {number} AS x")) for number in range(20)))
    assert [answer.rows for answer in answers] == [({"x": number},) for number in range(20)]


async def test_the_request_must_be_whole(clickhouse_connector: ClickHouseConnector) -> None:
    with pytest.raises(ValueError, match="no operation 'tables'"):
        await clickhouse_connector.fetch(ask("SELECT 1 AS x").model_copy(update={"operation": "tables"}))
    with pytest.raises(ValueError, match="needs the parameter 'code'"):
        await clickhouse_connector.fetch(ask("SELECT {code:String} AS x"))
    with pytest.raises(ValueError, match="is no time"):
        await clickhouse_connector.fetch(ask("SELECT {at:DateTime64(3, 'UTC')} AS x", {"at": "soon"}))


@pytest.mark.parametrize("customer", [None, ""])
async def test_a_customer_query_never_runs_without_its_customer(
    clickhouse_connector: ClickHouseConnector, customer: str | None
) -> None:
    with pytest.raises(ValueError, match="never run without"):
        await clickhouse_connector.fetch(
            ask("SELECT {whydesk_customer:String} AS x", scope=Scope.CUSTOMER, customer=customer)
        )
    with pytest.raises(ValueError, match="never run without"):
        await clickhouse_connector.fetch(
            ask("SELECT '{whydesk_customer:String}' AS x", scope=Scope.CUSTOMER, customer="cus_1")
        )


async def test_parameters_cannot_name_another_customer(clickhouse_connector: ClickHouseConnector) -> None:
    request = ask(
        "SELECT {whydesk_customer:String} AS x", {"whydesk_customer": "cus_2"}, scope=Scope.CUSTOMER, customer="cus_1"
    )
    assert (await clickhouse_connector.fetch(request)).rows == ({"x": "cus_1"},)


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


async def test_the_link_holds_the_query(server: ClickHouseServer) -> None:
    async with opened(server.url, link="https://play.example.com/#{query}") as connector:
        answer = await connector.fetch(ask("SELECT 1 AS x"))
    assert answer.url == "https://play.example.com/#SELECT%201%20AS%20x"
