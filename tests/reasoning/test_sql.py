"""The SQL guard: what it refuses, and that what it lets through answers as a careful person's query would, on the real engine."""

import asyncio
import re

import pytest
from sqlglot import exp

from models.base import Row
from models.tables import LOGICAL_TABLES, TableMapping
from models.vocabulary import Scope
from reasoning.sql import SqlRefused, TableNotMapped, check_mapping, check_query, scope_query
from tests.clickhouse_server import CUSTOMER, TABLES, ClickHouseServer, clickhouse_server

HOSTILE = {
    "curly quotes hide a union": "select ‘x -- ’ as q union all select v from secret",
    "comment": "select count() as n from requests -- where",
    "nested comment": "select count() as n /* /* */ */ from requests",
    "hash comment": "select count() as n from requests # x",
    "slash comment": "select count() as n from requests // x",
    "heredoc": "select $a$x$a$ as q, count() as n from requests",
    "two statements": "select count() as n from requests; drop table requests",
    "trailing semicolon": "select count() as n from requests;",
    "backslash": r"select count() as n from requests where route = 'a\'b'",
    "backtick": "select count() as n from `requests`",
    "double quotes": 'select count() as n from "requests"',
    "non-breaking space": "select\u00a0count() as n from requests",
    "null character": "select count() as n from requests where route = '\0'",
    "alias shadows the customer": "select {c:String} as customer, route from requests where customer = {c:String}",
    "constant shadows the customer": "select 'a' customer, route from requests",
    "upper-case shadow": "select 'a' as Customer, route from requests",
    "sub-select shadows the customer": "select route from (select 'a' as customer, route from requests)",
    "array join": "select route from requests array join ['a'] as customer",
    "array join of a column": "select x from requests array join splitByChar('/', route) as x",
    "arrayJoin": "select arrayJoin([1, 2]) as x, route from requests",
    "tuple in a table": "select route from requests where (route, method) in secret",
    "in another database": "select route from requests where route in other.secret",
    "in a bare name": "select route from requests where route in secret",
    "in a name in parentheses": "select route from requests where route in (secret)",
    "in a column in parentheses": "select route from requests where route in (method)",
    "in function": "select in(route, secret) as x from requests",
    "not in a name": "select route from requests where route not in secret",
    "global in": "select route from requests where route global in (select route from usage)",
    "joinGet": "select joinGet('jt', 'v', route) as x from requests",
    "dictGet": "select dictGet('d', 'v', route) as x from requests",
    "scalar file": "select file('/etc/passwd') as x from requests",
    "hasColumnInTable": "select hasColumnInTable('prod', 'secret', 'v') as x from requests",
    "WITH name is a logical table": "with requests as (select v from secret) select v from requests",
    "WITH reads a real table": "with x as (select v from secret) select v from x",
    "WITH reads itself": "with secret as (select v from secret) select v from secret",
    "WITH name used outside": "select a.n, s.v from (with secret as (select 1 as v from usage) select v as n from "
    "secret) a "
    "cross join secret s",
    "WITH used before it is given": "with a as (select n from b), b as (select count() as n from requests) select n "
    "from a",
    "recursive WITH": "with recursive x as (select count() as n from requests) select n from x",
    "scalar WITH": "with 'a' as customer select route from requests",
    "scalar WITH over a table": "with (select v from secret) as x select x, count() as n from requests",
    "merge()": "select * from merge('prod', '.*')",
    "view()": "select * from view(select 1 as x)",
    "numbers()": "select number from numbers(10)",
    "remote()": "select * from remote('192.0.2.1', prod.secret)",
    "url()": "select * from url('http://example.com/x', CSV)",
    "s3()": "select * from s3('http://example.com/x')",
    "input()": "select * from input('x String')",
    "executable()": "select * from executable('x', CSV, 'x String')",
    "table function in a join": "select count() as n from requests cross join numbers(10)",
    "dictionary()": "select * from dictionary('d')",
    "parameter names a table": "select count() as n from {requests:Identifier}",
    "parameter names a column": "select {x:Identifier} as x from requests",
    "parameter of the guard": "select count() as n from requests where route = {whydesk_customer:String}",
    "name of the guard": "select __whydesk_customer as x from requests",
    "reads the real table": "select count() as n from prod.api_log",
    "system table": "select name from system.tables",
    "information schema": "select table_name from information_schema.tables",
    "logical table with a database": "select count() as n from default.requests",
    "unknown table": "select count() as n from secret",
    "join with a real table": "select count() as n from requests join secret on requests.route = secret.v",
    "scalar sub-select of a real table": "select (select max(v) from secret) as x, count() as n from requests",
    "union with a real table": "select route from requests union all select v from secret",
    "sub-select of a real table": "select v from (select v from secret)",
    "EXPLAIN": "explain select count() as n from requests",
    "SHOW": "show tables",
    "DESCRIBE": "describe table requests",
    "SYSTEM": "system flush logs",
    "OPTIMIZE": "optimize table requests",
    "USE": "use prod",
    "SET": "set readonly = 0",
    "KILL": "kill query where 1",
    "INSERT": "insert into requests values (1)",
    "INSERT FUNCTION": "insert into function file('x') select 1",
    "DROP": "drop table requests",
    "ALTER": "alter table requests delete where 1",
    "table statement": "table requests",
    "parentheses around": "(select count() as n from requests)",
    "FINAL": "select count() as n from requests final",
    "SAMPLE": "select count() as n from requests sample 0.1",
    "FINAL SAMPLE": "select count() as n from requests final sample 0.1",
    "PREWHERE": "select count() as n from requests prewhere status = 500",
    "SETTINGS": "select count() as n from requests settings max_result_rows = 0",
    "SETTINGS inside": "select n from (select count() as n from requests settings max_memory_usage = 0)",
    "FORMAT": "select count() as n from requests format JSON",
    "INTO OUTFILE": "select count() as n from requests into outfile '/tmp/x'",
    "SELECT INTO": "select route into x from requests",
    "WITH FILL": "select toStartOfDay(ts) as d, count() as n from requests group by d order by d with fill",
    "LIMIT BY": "select route from requests limit 1 by route",
    "LIMIT WITH TIES": "select route from requests order by route limit 1 with ties",
    "LIMIT by an expression": "select route from requests limit 1 + 1",
    "LIMIT by a parameter": "select route from requests limit {n:UInt64}",
    "negative LIMIT": "select route from requests limit -1",
    "FOR UPDATE": "select route from requests for update",
    "QUALIFY": "select route from requests qualify 1",
    "PIVOT": "select route from requests pivot(count() for route in ('x'))",
    "TOTALS": "select route, count() as n from requests group by route with totals",
    "ROLLUP": "select route, count() as n from requests group by rollup(route)",
    "GROUP BY ALL": "select route, count() as n from requests group by all",
    "ASOF JOIN": "select route from requests asof join usage using (route)",
    "NATURAL JOIN": "select count() as n from requests natural join usage",
    "comma join of real tables": "select count() as n from requests, secret",
    "VALUES": "select count() as n from (values (1))",
    "LATERAL": "select n from lateral (select count() as n from requests)",
    "no logical table": "select 1 as x",
    "unknown column": "select v as x from requests",
    "unknown source": "select x.route from requests r",
    "column of a column": "select ts.size0 as x from requests",
    "correlated sub-select": "select route, (select count() from usage where usage.route = r.route) as n from requests "
    "r",
    "ambiguous column": "select route from requests cross join usage",
    "nameless column": "select count() from requests",
    "two columns of one name": "select route, method as route from requests",
    "alias of an inner expression": "select (route as x) || 'a' as y from requests",
    "alias replaces a column in WHERE": "select 500 as status, count() as n from requests where status = 500",
    "alias is its own source": "select count() as requests from requests where requests.status = 500",
    "alias is a joined source": "select count() as u from requests r join usage u on r.customer = u.customer",
    "WITH name is another logical table": "with usage as (select count() as n from requests) select n from usage",
    "source alias is a logical table": "select count() as n from requests usage",
    "lambda parameter shadows": "select arrayMap(customer -> 'a', [1]) as x, route from requests",
    "unknown function": "select sleep(3) as x, route from requests",
    "currentUser": "select currentUser() as x, route from requests",
    "getSetting": "select getSetting('readonly') as x, route from requests",
    "hostName": "select hostName() as x, route from requests",
    "unbounded result": "select range(100000000) as x, route from requests",
    "repeat": "select repeat('x', 1000000000) as x, route from requests",
    "columns()": "select columns('.*') from requests",
    "star modifiers": "select * except(route) from requests",
    "star in a function": "select tuple(*) as x from requests",
    "aggregate state": "select sumState(duration_ms) as x from requests",
    "window function without a window": "select row_number() as x from requests",
    "cast to a table's type": "select cast(route as AggregateFunction(sum, UInt64)) as x from requests",
    "deep nesting": "select " + "(" * 2000 + "1" + ")" * 2000 + " as x from requests",
    "very long": "select count() as n from requests where route = '" + "x" * 30_000 + "'",
    "nothing": "",
    "no SQL": "how many requests failed?",
    "variable": "select @@version as x, route from requests",
    "question mark parameter": "select route from requests where route = ?",
    "colon parameter": "select route from requests where route = :x",
    "one parameter, two types": "select count() as n from requests where route = {x:String} or status = {x:UInt16}",
}
HOSTILE_FLEET = {
    "shows customers": "select customer, count() as n from requests group by customer",
    "filters by a customer": "select count() as n from requests where customer = 'cus_1'",
    "filters by a customer's aggregate": "select countIf(customer = 'cus_1') as n from requests",
    "distinct customers that are one": "select uniqExactIf(customer, customer = 'cus_1') as n from requests",
    "orders by customer": "select count() as n from requests group by route order by customer",
    "shows one customer": "select any(customer) as x from requests",
    "shows the last customer": "select max(customer) as x from requests",
    "customer in a function": "select uniqExact(upper(customer)) as x from requests",
    "customer in HAVING": "select route, count() as n from requests group by route having any(customer) = 'cus_1'",
    "customer by name of the source": "select r.customer as x, count() as n from requests r group by x",
    "customer inside IN": "select count() as n from requests where customer in (select customer from accounts)",
    "customer as a join's filter": "select count() as n from requests r join accounts a on r.customer = a.customer and "
    "a.customer = 'x'",
    "customer joined with itself": "select count() as n from requests r join accounts a on r.customer = r.customer",
    "customer compared outside a join": "select count() as n from requests r join accounts a on r.customer = "
    "a.customer "
    "where r.customer = a.customer",
    "USING customer": "select count() as n from requests join accounts using (customer)",
    "raw rows": "select route, status from requests",
    "every column": "select * from requests",
    "raw rows in a sub-select": "select route, count() as n from (select route from requests) group by route",
    "raw rows in WITH": "with x as (select route from requests) select route, count() as n from x group by route",
    "raw rows in IN": "select count() as n from requests where route in (select route from usage)",
    "raw rows in a union": "select route, count() as n from requests group by route union all select route, quantity "
    "from usage",
    "distinct": "select distinct route from requests",
    "groups by request": "select request_id, count() as n from requests group by request_id",
    "groups by key": "select key_id, count() as n from requests group by key_id",
    "groups by endpoint": "select endpoint_host, count() as n from webhook_attempts group by endpoint_host",
    "groups by company": "select name, count() as n from accounts group by name",
    "filters by request": "select count() as n from requests where request_id = 'req-1'",
    "one row's value": "select argMax(route, duration_ms) as x from requests",
    "all values": "select groupArray(duration_ms) as x from requests",
    "all distinct values": "select groupUniqArray(route) as x from requests",
    "frequent values": "select topK(3)(route) as x from requests",
    "any value": "select any(route) as x from requests",
    "window over rows": "select count() over (partition by route) as n from requests",
    "condition in disguise": "select sum(duration_ms * (route = '/rare')) as x from requests",
    "condition in an if": "select avg(if(route = '/rare', duration_ms, null)) as x from requests",
    "condition in a case": "select max(case when route = '/rare' then duration_ms end) as x from requests",
    "condition behind an alias": "select if(route = '/rare', duration_ms, 0) as x, sum(x) as y from requests",
    "array of conditional quantiles": "select quantilesIf(0.5, 0.9)(duration_ms, route = '/rare') as x from requests",
    "hidden column": "select __whydesk_customer as x, count() as n from requests group by x",
    "HAVING by the group's own name": "select customer as c, count() as n from requests group by c",
}


@pytest.fixture(scope="module")
def server() -> ClickHouseServer:
    return clickhouse_server()


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("scope", [Scope.CUSTOMER, Scope.FLEET])
def test_hostile_queries_are_refused(name: str, scope: Scope) -> None:
    with pytest.raises(SqlRefused) as refused:
        check_query(HOSTILE[name], scope)
    assert len(str(refused.value)) > 20


@pytest.mark.parametrize("name", HOSTILE_FLEET)
def test_fleet_queries_never_reach_a_customer(name: str) -> None:
    with pytest.raises(SqlRefused):
        check_query(HOSTILE_FLEET[name], Scope.FLEET)


def test_a_fleet_refusal_says_what_to_write_instead() -> None:
    with pytest.raises(SqlRefused, match="uniqExact"):
        check_query("select customer, count() as n from requests group by customer", Scope.FLEET)
    with pytest.raises(SqlRefused, match="countIf"):
        check_query("select sum(a) filter (where b) as x from requests", Scope.CUSTOMER)
    with pytest.raises(SqlRefused, match="accounts, requests, usage"):
        check_query("select count() as n from secret", Scope.CUSTOMER)


@pytest.mark.parametrize("scope", [Scope.SHARED])
def test_a_query_without_a_customer_or_a_fleet_has_no_scope(scope: Scope) -> None:
    with pytest.raises(SqlRefused, match="customer or fleet"):
        check_query("select count() as n from requests", scope)


WINDOW = {"start": "2026-03-01 10:00:00.000", "end": "2026-03-01 12:00:00.000"}
IN_WINDOW = "ts >= {start:DateTime64(3)} and ts < {end:DateTime64(3)}"
CUSTOMER_QUERIES = {
    "error rate by minute": f"select toStartOfMinute(ts) as minute, countIf(status >= 500) / count() as rate from "
    "requests "
    f"where {IN_WINDOW} group by minute order by minute",
    "error rate by five minutes": "select toStartOfInterval(ts, interval 5 minute) as at, round(avg(status >= 500), 4) "
    "as rate, "
    "count(*) as n from requests group by at order by at",
    "status by route": "select route, status, count() as n from requests group by route, status order by n desc, "
    "route, status",
    "share by version": "select version, countIf(status >= 500) as failed, count() as n, failed / n as share from "
    "requests "
    "group by version order by version",
    "top error codes": "select error_code, count() as n from requests where error_code != '' group by error_code order "
    "by n desc limit 3",
    "given codes": "select count() as n from requests where error_code in {codes:Array(String)}",
    "quantiles before and after": "select quantileExactIf(0.5)(duration_ms, ts < {start:DateTime64(3)} + interval 1 "
    "hour) as before, "
    "quantileExactIf(0.5)(duration_ms, ts >= {start:DateTime64(3)} + interval 1 hour) as after, "
    "quantilesExact(0.5, 0.95)(duration_ms)[2] as p95 from requests",
    "first failure": "select min(ts) as first, max(ts) as last, argMin(version, ts) as version_then from requests "
    "where status = 500",
    "alias like a table": "select count() as requests, max(ts) as usage from requests",
    "keys": "select key_id, uniqExact(route) as routes, groupUniqArray(method) as methods from requests group by "
    "key_id order by key_id",
    "one request": "select ts, request_id, status, error_code from requests where request_id = {id:String}",
    "newest failures": "select ts, route, status from requests where status >= 500 order by ts desc limit 5",
    "usage by day": "select toDate(ts) as day, meter, sum(quantity) as used from usage group by day, meter order by "
    "day, meter",
    "usage against the quota": "select a.monthly_quota as quota, sum(u.quantity) as used from usage u join accounts a "
    "on u.customer = a.customer group by quota",
    "the account": "select name, plan, region, monthly_quota from accounts",
    "everything of the account": "select * from accounts",
    "gaps": "select ts, dateDiff('second', lagInFrame(ts) over (order by ts), ts) as gap from requests order by ts "
    "limit 20",
    "running sum": "with hourly as (select toStartOfHour(ts) as hour, count() as n from requests group by hour) "
    "select hour, sum(n) over (order by hour) as total from hourly order by hour",
    "two WITH names": "with a as (select route, count() as n from requests group by route), b as (select max(n) as "
    "most from a) "
    "select a.route, a.n / b.most as share from a cross join b order by share",
    "routes that are also metered": "select count() as n from requests where route in (select route from usage)",
    "side by side": "select 'requests' as what, count() as n from requests union all select 'usage' as what, count() "
    "as n from usage",
    "scalar sub-select": "select count() / (select count() from usage) as ratio from requests",
    "case and if": "select case when status >= 500 then 'server' when status >= 400 then 'client' else 'fine' end as "
    "kind, "
    "sum(if(method = 'GET', 1, 0)) as gets from requests group by kind order by kind",
    "distinct": "select distinct route, region from requests order by route, region",
    "lambda": "select arraySum(x -> x * 2, groupArray(status)) as total from requests",
    "not like": "select count() as n from requests where route not like '%order%' and not (status between 400 and 499)",
    "casts": "select cast(status as Nullable(UInt64)) as s, toString(status) as t, count() as n from requests group by "
    "s, t order by s",
    "more rows than the limit": "select request_id from requests order by ts",
}
FLEET_QUERIES = {
    "alias like the table": "select count() as requests, uniqExact(customer) as customers from requests",
    "error rate": f"select countIf(status >= 500) / count() as rate from requests where {IN_WINDOW}",
    "error rate by minute": "select toStartOfMinute(ts) as minute, countIf(status >= 500) / count() as rate from "
    "requests "
    "group by minute order by minute limit 30",
    "affected customers": "select uniqExactIf(customer, status >= 500) / uniqExact(customer) as ratio, count(distinct "
    "customer) as n "
    "from requests",
    "quantile by region": "select region, quantileExact(0.95)(duration_ms) as p95 from requests group by region order "
    "by region",
    "share of the groups": "select version, n / sum(n) over () as share from (select version, count() as n from "
    "requests "
    "group by version) order by version",
    "usage by meter": "select meter, sum(quantity) as used, avg(quantity) as mean from usage group by meter order by "
    "meter",
}


def _by_hand(server: ClickHouseServer, sql: str, database: str, parameters: dict[str, str]) -> list[Row]:
    return server.rows(re.sub(r"DateTime64\(3\)", "DateTime64(3, 'UTC')", sql), database, parameters)


def _parameters(sql: str) -> dict[str, str]:
    given = {**WINDOW, "codes": "['rate_limited','internal_error']", "id": "req-13"}
    return {name: value for name, value in given.items() if f"{{{name}:" in sql}


@pytest.mark.parametrize("name", CUSTOMER_QUERIES)
async def test_a_customer_query_answers_as_one_restricted_by_hand(server: ClickHouseServer, name: str) -> None:
    sql = CUSTOMER_QUERIES[name]
    checked = check_query(sql, Scope.CUSTOMER)
    parameters = _parameters(sql)
    sent = scope_query(checked, TABLES, Scope.CUSTOMER, 50)
    guarded = await asyncio.to_thread(server.rows, sent, "default", {**parameters, "whydesk_customer": CUSTOMER})
    expected = await asyncio.to_thread(_by_hand, server, sql, "mine", parameters)
    assert expected
    if name in ("side by side", "everything of the account"):
        guarded.sort(key=str)
        expected = sorted(({key: row[key] for key in guarded[0]} for row in expected), key=str)
    assert guarded == expected[:51]
    assert tuple(guarded[0]) == checked.columns


@pytest.mark.parametrize("name", FLEET_QUERIES)
async def test_a_fleet_query_answers_as_one_by_hand_where_groups_are_large(server: ClickHouseServer, name: str) -> None:
    sql = FLEET_QUERIES[name]
    parameters = _parameters(sql)
    sent = scope_query(check_query(sql, Scope.FLEET), TABLES, Scope.FLEET, 50)
    guarded = await asyncio.to_thread(server.rows, sent, "default", parameters)
    assert guarded == await asyncio.to_thread(_by_hand, server, sql, "fleet", parameters)


@pytest.mark.parametrize("name", [*CUSTOMER_QUERIES, *FLEET_QUERIES])
async def test_the_engine_resolves_exactly_the_tables_that_the_guard_saw(server: ClickHouseServer, name: str) -> None:
    scope = Scope.CUSTOMER if name in CUSTOMER_QUERIES else Scope.FLEET
    sql = (CUSTOMER_QUERIES if scope is Scope.CUSTOMER else FLEET_QUERIES)[name]
    checked = check_query(sql, scope)
    sent = scope_query(checked, TABLES, scope, 50)
    parameters = {**_parameters(sql), "whydesk_customer": CUSTOMER}
    plan = await asyncio.to_thread(server.lines, f"EXPLAIN QUERY TREE {sent}", parameters)
    # Common sub-selects are listed by name once more, as their own sources.
    tables = set(re.findall(r"\btable_name: ([\w.]+)", "\n".join(plan)))
    assert tables == {TABLES[table].table for table in checked.tables}
    assert not re.search(r"table_function_name", "\n".join(plan))


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


def test_every_customer_query_filters_in_every_sub_select() -> None:
    for sql in CUSTOMER_QUERIES.values():
        sent = scope_query(check_query(sql, Scope.CUSTOMER), TABLES, Scope.CUSTOMER, 10)
        assert sent.count("AS __whydesk_source") == sent.count("= {whydesk_customer: String})") > 0


def test_the_tree_is_kept_private() -> None:
    checked = check_query("select route from requests", Scope.CUSTOMER)
    assert "tree" not in repr(checked)
    assert isinstance(checked.tree, exp.Select)
