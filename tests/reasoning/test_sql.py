"""The SQL guard: what a scoped query can reach, and which mappings it takes; test_sql_corpus.py holds the queries."""

import asyncio
import re

import pytest
from sqlglot import exp

from models.tables import LOGICAL_TABLES, TableMapping
from models.vocabulary import Scope
from reasoning.sql import SqlRefused, TableNotMapped, check_mapping, check_query, scope_query
from tests.clickhouse_server import CUSTOMER, TABLES, ClickHouseServer, clickhouse_server


@pytest.fixture(scope="module")
def server() -> ClickHouseServer:
    return clickhouse_server()


def test_a_fleet_refusal_says_what_to_write_instead() -> None:
    with pytest.raises(SqlRefused, match="uniqExact"):
        check_query("select customer, count() as n from requests group by customer", Scope.FLEET)
    with pytest.raises(SqlRefused, match="countIf"):
        check_query("select sum(a) filter (where b) as x from requests", Scope.CUSTOMER)
    with pytest.raises(SqlRefused, match="accounts, requests, usage"):
        check_query("select count() as n from secret", Scope.CUSTOMER)


@pytest.mark.parametrize(
    "sql",
    [
        "select " + "(" * 2000 + "1" + ")" * 2000 + " as x from requests",
        "select " + "abs(" * 1500 + "1" + ")" * 1500 + " as x from requests",
        "select count() as n from requests where route = '" + "x" * 30_000 + "'",
    ],
)
def test_text_that_is_too_deep_or_too_long_is_refused(sql: str) -> None:
    with pytest.raises(SqlRefused, match="write"):
        check_query(sql, Scope.CUSTOMER)


@pytest.mark.parametrize("scope", [Scope.SHARED])
def test_a_query_without_a_customer_or_a_fleet_has_no_scope(scope: Scope) -> None:
    with pytest.raises(SqlRefused, match="customer or fleet"):
        check_query("select count() as n from requests", scope)


async def test_small_groups_of_a_fleet_are_suppressed(server: ClickHouseServer) -> None:
    sent = scope_query(
        check_query("select route, count() as n from requests group by route", Scope.FLEET), TABLES, Scope.FLEET, 50
    )
    rows = await asyncio.to_thread(server.rows, sent)
    assert {row["route"] for row in rows} == {"/items", "/orders"}


async def test_a_fleet_filter_that_leaves_few_customers_answers_nothing(server: ClickHouseServer) -> None:
    sent = scope_query(
        check_query("select count() as n, avg(duration_ms) as mean from requests where route = '/rare'", Scope.FLEET),
        TABLES,
        Scope.FLEET,
        50,
    )
    assert await asyncio.to_thread(server.rows, sent) == []


async def test_a_conditional_measure_of_few_customers_is_unknown(server: ClickHouseServer) -> None:
    sql = (
        "select maxIf(duration_ms, route = '/rare') as rare, maxIf(duration_ms, route = '/items') as items, "
        "uniqExactIf(customer, route = '/rare') as customers from requests"
    )
    rows = await asyncio.to_thread(server.rows, scope_query(check_query(sql, Scope.FLEET), TABLES, Scope.FLEET, 50))
    assert rows == [{"rare": None, "items": pytest.approx(960), "customers": 3}]


async def test_groups_over_a_join_are_suppressed_by_every_table_of_it(server: ClickHouseServer) -> None:
    sql = "select a.plan, count() as n from requests r join accounts a on r.customer = a.customer group by a.plan"
    rows = await asyncio.to_thread(server.rows, scope_query(check_query(sql, Scope.FLEET), TABLES, Scope.FLEET, 50))
    assert rows == [{"plan": "team", "n": 5400}]


async def test_a_foreign_id_as_the_customer_sees_nothing(server: ClickHouseServer) -> None:
    sent = scope_query(check_query("select request_id from requests", Scope.CUSTOMER), TABLES, Scope.CUSTOMER, 50)
    for foreign in ("", "nobody", "cus_1' or '1'='1", "cus_%"):
        assert await asyncio.to_thread(server.rows, sent, "default", {"whydesk_customer": foreign}) == []


@pytest.mark.parametrize(
    "sql",
    [
        "select request_id from requests where customer = 'cus_2' or 1",
        "select request_id from requests where not customer = 'cus_1' or customer != ''",
        "select r.request_id, b.request_id as other from requests r cross join requests b where b.request_id != r.request_id",
        "select request_id from requests union all select request_id from requests where 1",
        "select r.request_id, a.name from requests r left join accounts a on a.customer = r.customer and a.plan != 'enterprise'",
        "select request_id from (select * from requests) where customer in ('cus_2', 'cus_3') or 1",
    ],
)
async def test_no_predicate_gets_out_of_the_customer(server: ClickHouseServer, sql: str) -> None:
    sent = scope_query(check_query(sql, Scope.CUSTOMER), TABLES, Scope.CUSTOMER, 1000)
    rows = await asyncio.to_thread(server.rows, sent, "default", {"whydesk_customer": CUSTOMER})
    ids = {int(str(value).removeprefix("req-")) for row in rows for name, value in row.items() if name != "name"}
    assert ids
    assert all(number % 12 == 1 for number in ids)
    assert {row["name"] for row in rows if "name" in row} <= {""}


def test_a_limit_is_always_there_and_lets_a_cut_be_seen() -> None:
    def tail(sql: str, rows: int) -> str:
        return scope_query(check_query(sql, Scope.CUSTOMER), TABLES, Scope.CUSTOMER, rows).rpartition("LIMIT ")[2]

    assert tail("select route from requests", 10) == "11"
    assert tail("select route from requests limit 3", 10) == "3"
    assert tail("select route from requests limit 5000", 10) == "11"
    assert tail("select route from requests limit 10 offset 4", 10) == "10 OFFSET 4"
    assert tail("select route from requests union all select route from usage", 10) == "11"


def test_times_without_a_zone_are_read_as_utc() -> None:
    sql = (
        "select count() as n from requests "
        "where ts >= {a:DateTime64(3)} and ts < {b:DateTime} and ts > {c:DateTime64(6, 'UTC')}"
    )
    checked = check_query(sql, Scope.CUSTOMER)
    assert checked.parameters == {"a": "DateTime64(3, 'UTC')", "b": "DateTime('UTC')", "c": "DateTime64(6, 'UTC')"}
    assert "{a: DateTime64(3, 'UTC')}" in scope_query(checked, TABLES, Scope.CUSTOMER, 10)


def test_only_the_columns_that_are_read_are_mapped() -> None:
    sent = scope_query(check_query("select status from requests", Scope.CUSTOMER), TABLES, Scope.CUSTOMER, 10)
    assert "http_status" in sent
    assert "api_key" not in sent
    # A fleet query's sub-select has no identity but the hidden one.
    sent = scope_query(check_query("select count() as n from requests", Scope.FLEET), TABLES, Scope.FLEET, 10)
    assert "req" not in re.findall(r'"(\w+)"', sent)


def test_scoping_leaves_the_checked_query_as_it_was() -> None:
    checked = check_query("select route from requests union all select route from usage", Scope.CUSTOMER)
    first = scope_query(checked, TABLES, Scope.CUSTOMER, 10)
    assert scope_query(checked, TABLES, Scope.CUSTOMER, 10) == first
    with pytest.raises(SqlRefused, match="check it anew"):
        scope_query(checked, TABLES, Scope.FLEET, 10)


def test_a_table_that_the_tenant_lacks_is_told_apart() -> None:
    checked = check_query("select count() as n from webhook_attempts", Scope.CUSTOMER)
    with pytest.raises(TableNotMapped, match="webhook_attempts"):
        scope_query(checked, TABLES, Scope.CUSTOMER, 10)


@pytest.mark.parametrize(
    ("column", "expression"),
    [
        ("customer", "'cus_1'"),
        ("customer", "1"),
        ("route", "(select v from prod.secret)"),
        ("route", "file('/etc/passwd')"),
        ("route", "dictGet('d', 'v', x)"),
        ("route", "joinGet('j', 'v', x)"),
        ("status", "count()"),
        ("status", "max(http_status)"),
        ("route", "a, b"),
        ("route", "a as b"),
        ("route", "*"),
        ("route", "a from prod.secret"),
        ("route", "a -- "),
        ("route", "a; drop table x"),
        ("route", "{x:Identifier}"),
        ("route", "arrayJoin(tags)"),
        ("route", "a in (select v from prod.secret)"),
        ("route", "a in secret"),
        ("route", "row_number() over ()"),
        ("route", ""),
        ("colour", "a"),
    ],
)
def test_a_mapping_takes_scalar_expressions_over_columns(column: str, expression: str) -> None:
    mapping = TableMapping(table="prod.api_log", columns={column: expression})
    with pytest.raises(SqlRefused):
        check_mapping("requests", mapping)


@pytest.mark.parametrize(
    "table", ["", "a.b.c", "prod.`x`", "prod.x final", "numbers(10)", "system.tables", "x; drop table y", "x as y"]
)
def test_a_mapping_names_one_table(table: str) -> None:
    with pytest.raises(SqlRefused):
        check_mapping("requests", TableMapping(table=table))
    with pytest.raises(SqlRefused):
        scope_query(
            check_query("select count() as n from requests", Scope.CUSTOMER),
            {"requests": TableMapping(table=table)},
            Scope.CUSTOMER,
            10,
        )


async def test_mapped_names_that_cross_do_not_take_each_others_place(server: ClickHouseServer) -> None:
    # The customer's id is in `v2`, and what is called `customer` in the real table is something else.
    swapped = TableMapping(
        table="prod.orgs", columns={"customer": "id", "name": "plan", "plan": "name", "rate_limit": "rpm"}
    )
    sent = scope_query(
        check_query("select name, plan from accounts where plan like 'Company%'", Scope.CUSTOMER),
        {"accounts": swapped},
        Scope.CUSTOMER,
        10,
    )
    rows = await asyncio.to_thread(server.rows, sent, "default", {"whydesk_customer": CUSTOMER})
    assert rows == [{"name": "enterprise", "plan": "Company 1"}]


async def test_a_customer_may_be_a_number(server: ClickHouseServer) -> None:
    mapping = {"usage": TableMapping(table="prod.meters", columns={"customer": "toUInt64(substring(customer, 5))"})}
    sent = scope_query(check_query("select count() as n from usage", Scope.CUSTOMER), mapping, Scope.CUSTOMER, 10)
    assert await asyncio.to_thread(server.rows, sent, "default", {"whydesk_customer": "1"}) == [{"n": 100}]
    fleet = check_query(
        "select uniqExact(customer) as n, maxIf(quantity, meter = 'calls') as most from usage", Scope.FLEET
    )
    rows = await asyncio.to_thread(server.rows, scope_query(fleet, mapping, Scope.FLEET, 10))
    assert rows == [{"n": 12, "most": 98}]


async def test_quoted_and_nested_columns_can_be_mapped(server: ClickHouseServer) -> None:
    mapping = TableMapping(
        table="prod.api_log", columns={"customer": "`org_id`", "route": "upper(attrs['route'])", "ts": "event_time"}
    )
    sent = scope_query(
        check_query("select distinct route from requests", Scope.CUSTOMER), {"requests": mapping}, Scope.CUSTOMER, 10
    )
    rows = await asyncio.to_thread(server.rows, sent, "default", {"whydesk_customer": CUSTOMER})
    assert {row["route"] for row in rows} == {"/ITEMS", "/ORDERS", "/RARE"}


def test_every_logical_table_and_column_can_be_read() -> None:
    identity = {name: TableMapping(table=f"prod.{name}") for name in LOGICAL_TABLES}
    for name, columns in LOGICAL_TABLES.items():
        check_mapping(name, identity[name])
        checked = check_query(f"select {', '.join(columns)} from {name}", Scope.CUSTOMER)
        assert checked.columns == tuple(columns)
        assert "whydesk_customer" in scope_query(checked, identity, Scope.CUSTOMER, 10)


def test_the_tree_is_kept_private() -> None:
    checked = check_query("select route from requests", Scope.CUSTOMER)
    assert "tree" not in repr(checked)
    assert isinstance(checked.tree, exp.Select)


async def test_a_view_and_tables_in_other_units_answer_the_same(server: ClickHouseServer) -> None:
    sql = (
        "select route, count() as n, round(max(duration_ms)) as most, min(ts) as first from requests "
        "group by route order by route"
    )
    in_nanoseconds = TABLES["requests"].columns | {"duration_ms": "latency_s * 1000000000 / 1000000"}
    from_seconds = TABLES["requests"].columns | {"ts": "toDateTime64(toUnixTimestamp(event_time), 3, 'UTC')"}
    mappings = [
        TABLES["requests"],
        TableMapping(table="fleet.requests"),
        TableMapping(table="prod.api_log", columns=in_nanoseconds),
        TableMapping(table="prod.api_log", columns=from_seconds),
    ]
    expected = await asyncio.to_thread(server.rows, sql, "mine")
    assert len(expected) == 3
    for mapping in mappings:
        check_mapping("requests", mapping)
        sent = scope_query(check_query(sql, Scope.CUSTOMER), {"requests": mapping}, Scope.CUSTOMER, 50)
        assert await asyncio.to_thread(server.rows, sent, "default", {"whydesk_customer": CUSTOMER}) == expected
