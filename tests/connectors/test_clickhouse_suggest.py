"""Proposing a mapping from column names and types, and that the real engine takes what is proposed."""

import asyncio

import pytest
import yaml

from connectors.clickhouse import ClickHouseConnector
from connectors.clickhouse_suggest import ServerColumn, as_yaml, family_of, match_table, score_column, suggest
from models.tables import LOGICAL_TABLES, TableMapping
from models.tenant import ClickHouseConfig
from models.vocabulary import Scope
from reasoning.sql import check_mapping, check_query, scope_query
from tests.clickhouse_server import CUSTOMER, PASSWORD, USER, ClickHouseServer


def column(name: str, kind: str, table: str = "http_log", database: str = "edge") -> ServerColumn:
    return ServerColumn(database, table, name, kind)


def table(name: str, /, **kinds: str) -> list[ServerColumn]:
    return [column(key, kind, name) for key, kind in kinds.items()]


@pytest.mark.parametrize(
    ("wanted", "name", "kind", "expression"),
    [
        ("duration_ms", "duration_ms", "Float64", "duration_ms"),
        ("duration_ms", "latency_s", "Float64", "latency_s * 1000"),
        ("duration_ms", "elapsed_us", "UInt64", "elapsed_us / 1000"),
        ("duration_ms", "took_ns", "UInt64", "took_ns / 1000000"),
        ("duration_ms", "latencyMs", "Decimal(9, 3)", "toFloat64(latencyMs)"),
        ("ts", "event_time", "DateTime", "event_time"),
        ("ts", "timestamp", "LowCardinality(String)", "parseDateTime64BestEffort(timestamp, 3, 'UTC')"),
        ("ts", "timestamp_ms", "Int64", "fromUnixTimestamp64Milli(toInt64(timestamp_ms), 'UTC')"),
        ("ts", "timestamp", "UInt32", "toDateTime64(timestamp, 3, 'UTC')"),
        ("status", "http_status", "String", "toUInt16OrZero(http_status)"),
        ("status", "response_code", "Nullable(UInt16)", "ifNull(response_code, 0)"),
        ("rate_limit", "rps", "UInt32", "rps * 60"),
        ("rate_limit", "rpm", "UInt32", "rpm"),
        ("customer", "org_id", "UInt64", "org_id"),
        ("customer", "tenant_id", "UUID", "tenant_id"),
        ("method", "verb", "Enum8('GET' = 1, 'POST' = 2)", "toString(verb)"),
        ("region", "dc", "Nullable(String)", "ifNull(dc, '')"),
        ("key_id", "api-key", "String", "`api-key`"),
    ],
)
def test_units_and_types_are_turned_into_ours(wanted: str, name: str, kind: str, expression: str) -> None:
    offer = score_column("requests", wanted, column(name, kind))
    assert offer is not None
    assert offer.expression == expression
    check_mapping("requests", TableMapping(table="edge.http_log", columns={wanted: offer.expression}))


@pytest.mark.parametrize(
    ("wanted", "name", "kind"),
    [
        ("ts", "event_time", "Date"),
        ("status", "status", "DateTime"),
        ("duration_ms", "latency_s", "String"),
        ("customer", "org_id", "Float64"),
        ("route", "path", "Array(String)"),
        ("status", "colour", "UInt16"),
        ("region", "a`b", "String"),
    ],
)
def test_what_does_not_fit_is_not_offered(wanted: str, name: str, kind: str) -> None:
    assert score_column("requests", wanted, column(name, kind)) is None


def test_the_same_name_beats_a_synonym_and_doubt_is_said() -> None:
    same, other = (score_column("requests", "route", column(name, "String")) for name in ("route", "path"))
    assert same is not None
    assert other is not None
    assert same.score > other.score
    unitless = score_column("requests", "duration_ms", column("latency", "Float64"))
    assert unitless is not None
    assert "no unit" in unitless.check
    codes = score_column("requests", "error_code", column("err", "String"))
    assert codes is not None
    assert "transform(" in codes.check


def test_a_column_serves_one_logical_column() -> None:
    found = match_table("webhook_attempts", "edge.hooks", table("hooks", id="String", org_id="String", ts="DateTime"))
    assert found.columns["delivery_id"].expression == "id"
    assert found.columns["customer"].expression == "org_id"
    assert "endpoint_id" in found.unmatched


def test_a_map_is_named_where_a_column_is_missing() -> None:
    found = match_table("requests", "edge.x", table("x", org_id="String", ts="DateTime", attrs="Map(String, String)"))
    assert "attrs['route']" in found.unmatched["route"]


def test_each_table_is_proposed_once_and_the_servers_own_never() -> None:
    columns = [
        *table("api_log", ts="DateTime", org_id="String", path="String", status="UInt16", latency_ms="Float64"),
        *table("webhook_deliveries", ts="DateTime", org_id="String", event_type="String", status="UInt16"),
        *table("companies", id="UInt64", name="String", plan="String"),
        ServerColumn("system", "requests", "ts", "DateTime"),
        ServerColumn("system", "requests", "customer", "String"),
        ServerColumn("edge", "odd name; drop", "customer", "String"),
    ]
    found = suggest(columns)
    assert {name: one.table for name, one in found.items()} == {
        "requests": "edge.api_log",
        "webhook_attempts": "edge.webhook_deliveries",
        "usage": "",
        "accounts": "edge.companies",
    }
    assert found["usage"].mapping is None
    assert "quantity" in found["usage"].unmatched


ANOTHER_COMPANY = [
    *(
        column(name, kind, "calls", "api")
        for name, kind in {
            "at": "DateTime64(3, 'UTC')", "account": "LowCardinality(String)", "call": "String", "verb": "String",
            "path": "String", "http": "UInt16", "err": "String", "took_s": "Float32", "pop": "LowCardinality(String)",
            "build": "String", "api_key": "String", "limit_rpm": "UInt32",
        }.items()
    ),
    *(
        column(name, kind, "callbacks", "api")
        for name, kind in {
            "at": "DateTime64(3, 'UTC')", "account": "String", "delivery": "String", "hook": "String",
            "hook_host": "String", "topic": "String", "http": "UInt16", "failure": "String", "took_s": "Float32",
        }.items()
    ),
    *(
        column(name, kind, "hours", "counting")
        for name, kind in {
            "hour_at": "DateTime64(3, 'UTC')", "account": "String", "unit": "String", "path": "String",
            "units": "UInt64",
        }.items()
    ),
    *(
        column(name, kind, "accounts", "office")
        for name, kind in {
            "account": "String", "title": "String", "mail_domain": "String", "plan_name": "String",
            "home_pop": "String", "rpm": "UInt32", "included_units": "UInt64", "joined_at": "DateTime64(3, 'UTC')",
        }.items()
    ),
]  # fmt: skip


@pytest.mark.parametrize("prefix", ["", "x_", "evt_"])
def test_short_names_of_a_company_are_known_with_or_without_a_prefix(prefix: str) -> None:
    found = suggest([ServerColumn(one.database, one.table, prefix + one.name, one.type) for one in ANOTHER_COMPANY])
    assert {name: one.table for name, one in found.items()} == {
        "requests": "api.calls",
        "webhook_attempts": "api.callbacks",
        "usage": "counting.hours",
        "accounts": "office.accounts",
    }
    assert {name: one.unmatched for name, one in found.items() if one.unmatched} == {}
    read = {name: {key: offer.expression for key, offer in one.columns.items()} for name, one in found.items()}
    assert read["requests"]["status"] == f"{prefix}http"
    assert read["requests"]["region"] == f"{prefix}pop"
    assert read["requests"]["duration_ms"] == f"{prefix}took_s * 1000"
    assert read["accounts"]["customer"] == f"{prefix}account"
    assert read["accounts"]["created_at"] == f"{prefix}joined_at"


def test_an_accounts_table_is_read_by_its_id_before_another_name_of_a_customer() -> None:
    found = match_table("accounts", "crm.companies", table("companies", id="UInt64", company="String", org="String"))
    assert found.columns["customer"].expression == "id"


def test_a_word_before_some_of_the_names_alone_is_part_of_them() -> None:
    mixed = table("hooks", org_id="String", ts="DateTime", org_at="DateTime")
    assert match_table("webhook_attempts", "edge.hooks", mixed).columns["ts"].expression == "ts"
    unlike = table("y", org_id="String", org_at="DateTime", other="String")
    assert "ts" in match_table("requests", "edge.y", unlike).unmatched


def test_nothing_is_proposed_from_nothing() -> None:
    found = suggest([])
    assert set(found) == set(LOGICAL_TABLES)
    assert all(one.mapping is None for one in found.values())
    assert "# requests: no table found" in as_yaml(found)
    assert yaml.safe_load(as_yaml(found)) == {"tables": None}


@pytest.mark.parametrize(
    ("kind", "family"),
    [
        ("LowCardinality(Nullable(String))", "text"),
        ("DateTime64(3, 'UTC')", "time"),
        ("Decimal(9, 2)", "number"),
        ("Array(UInt8)", "other"),
        ("FixedString(16)", "text"),
    ],
)
def test_types_have_families(kind: str, family: str) -> None:
    assert family_of(kind) == family


async def test_the_proposal_for_a_real_server_answers_as_the_hand_written_one(server: ClickHouseServer) -> None:
    config = ClickHouseConfig.model_validate({"url": server.url, "user": USER})
    connector = ClickHouseConnector(config, PASSWORD)
    try:
        columns = await connector.columns()
    finally:
        await connector.aclose()
    assert not {one.database for one in columns} & {"system", "INFORMATION_SCHEMA"}
    found = suggest([one for one in columns if one.database == "prod"])
    assert {name: one.table for name, one in found.items()} == {
        "requests": "prod.api_log",
        "webhook_attempts": "",
        "usage": "prod.meters",
        "accounts": "prod.orgs",
    }
    written = yaml.safe_load(as_yaml(found))["tables"]
    tables = {name: TableMapping.model_validate(one) for name, one in written.items()}
    assert tables["requests"].columns["duration_ms"] == "latency_s * 1000"
    for name, mapping in tables.items():
        check_mapping(name, mapping)
    assert "attrs['route']" in found["requests"].unmatched["route"]
    sql = (
        "select count() as n, sum(status) as s, round(avg(duration_ms), 3) as d, min(ts) as first, "
        "uniqExact(key_id, version, region, method, request_id) as u, max(rate_limit) as r from requests"
    )
    sent = scope_query(check_query(sql, Scope.CUSTOMER), tables, Scope.CUSTOMER, 5)
    guarded = await asyncio.to_thread(server.rows, sent, "default", {"whydesk_customer": CUSTOMER})
    assert guarded == await asyncio.to_thread(server.rows, sql, "mine")
    assert guarded[0]["n"] == 600
