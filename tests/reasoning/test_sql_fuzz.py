"""Random queries from hostile and honest fragments, run on the real engine: whatever is accepted stays inside its scope."""

import asyncio
import random
import re

import pytest

from models.vocabulary import Scope
from reasoning.sql import SqlRefused, check_query, scope_query
from tests.clickhouse_server import CUSTOMER, TABLES, ClickHouseServer, clickhouse_server

SEEDS = range(6)
ROUNDS = 40
"""Queries for each seed and scope."""
FOREIGN = re.compile(r"cus_(?!1\b)\d+|Company (?!1\b)\d+|company(?!1\.)\d+\.|hidden")
"""What only rows of other customers hold, and of tables that are not mapped."""
IDENTITY = re.compile(r"cus_\d|Company \d|company\d|req-\d|key-\d|hidden")
# Each pair: what an honest query would hold, and what it would not, at least in a fleet query.
MEASURES = (
    ("count()", "uniqExact(customer)", "countIf(status >= 500)", "avg(duration_ms)", "max(status)"),
    (
        *("any(request_id)", "groupArray(customer)", "min(customer)", "argMax(customer, ts)", "topK(3)(customer)"),
        *("maxIf(duration_ms, route = '/rare')", "groupUniqArray(key_id)", "sum(duration_ms * (route = '/rare'))"),
        *("uniqExactIf(customer, route = '/rare')", "sumIf(status, customer = 'cus_2')", "any(route)"),
    ),
)
KEYS = (
    ("route", "region", "version", "status", "toStartOfHour(ts)", "concat(route, region)"),
    ("customer", "key_id", "request_id", "upper(customer)"),
)
SOURCES = (
    (
        *("requests", "requests r", "requests r join accounts a on r.customer = a.customer"),
        *("(select * from requests) as s", "requests r cross join accounts a"),
    ),
    (
        *("requests final", "prod.api_log", "fleet.requests", "default.requests", "secret", "numbers(5)"),
        *("(select 'cus_2' as customer, * from requests)", "requests sample 0.5", "merge('prod', '.*')"),
        *("requests r left join accounts a on a.customer != r.customer", "requests r join fleet.accounts a on 1"),
    ),
)
FILTERS = (
    ("", "where 1", "where route = '/rare'", "where status = 429", "where r.status = 200"),
    (
        *("where customer = 'cus_2' or 1", "where not customer = 'cus_1'", "prewhere status = 500"),
        *("where customer in (select customer from accounts)", "where customer in fleet.accounts"),
        *("where route in (select route from usage where customer = 'cus_3')", "where route in secret"),
        *("where (select max(v) from prod.secret) != ''", "where 1 settings max_threads = 1"),
    ),
)
TAILS = (
    ("", "order by 1", "limit 5", "limit 3, 4"),
    ("limit 1 by route", "having uniqExact(customer) < 3", "format JSON", "with totals"),
)
JOINS = ((" union all ", " except ", " intersect "), ("; ",))


def pick(dice: random.Random, kinds: tuple[tuple[str, ...], tuple[str, ...]]) -> str:
    """Mostly what is honest, so that what is not stands alone and is the only reason for a refusal."""
    return dice.choice(kinds[dice.random() < 0.22])


def build(dice: random.Random) -> str:
    """One random query, half of them an aggregate by a key."""

    def select() -> str:
        key, measure = pick(dice, KEYS), pick(dice, MEASURES)
        where = f"from {pick(dice, SOURCES)} {pick(dice, FILTERS)}"
        form = dice.randrange(8)
        if form == 0:
            return f"select {key} as k, request_id as m {where}"
        if form == 1:
            return f"select * {where}"
        if form == 2:
            return f"select k, max(m) as m from (select {key} as k, {measure} as m {where} group by k) group by k"
        name = dice.choice(("k", "k", "customer", "status"))
        return f"select {key} as {name}, {measure} as m {where} group by {name}"

    sql = select()
    if dice.random() < 0.2:
        sql += pick(dice, JOINS) + select()
    if dice.random() < 0.15:
        sql = f"with w as ({sql}) select * from w"
    return f"{sql} {pick(dice, TAILS)}"


def accepted(seed: int, scope: Scope) -> list[str]:
    """What the guard lets through, as it would be sent."""
    dice = random.Random(seed)
    sent = []
    for _ in range(ROUNDS):
        sql = build(dice)
        try:
            checked = check_query(sql, scope)
        except SqlRefused:
            continue
        sent.append(scope_query(checked, TABLES, scope, 500))
    return sent


@pytest.fixture(scope="module")
def server() -> ClickHouseServer:
    return clickhouse_server()


async def answers(server: ClickHouseServer, sql: str, parameters: dict[str, str]) -> str | None:
    """The rows as text; None where the engine itself refuses."""
    try:
        rows = await asyncio.to_thread(server.rows, sql, "default", parameters)
    except ValueError:
        return None
    return "\n".join(str(list(row.values())) for row in rows)


async def check_reach(server: ClickHouseServer, sql: str, parameters: dict[str, str]) -> None:
    tree = "\n".join(await asyncio.to_thread(server.lines, f"EXPLAIN QUERY TREE {sql}", parameters))
    assert set(re.findall(r"\btable_name: ([\w.]+)", tree)) <= {mapping.table for mapping in TABLES.values()}, sql
    assert "table_function_name" not in tree, sql


@pytest.mark.parametrize("seed", SEEDS)
async def test_an_accepted_customer_query_shows_one_customer(server: ClickHouseServer, seed: int) -> None:
    for sql in accepted(seed, Scope.CUSTOMER):
        parameters = {"whydesk_customer": CUSTOMER}
        text = await answers(server, sql, parameters)
        if text is None:
            continue
        # A text that the query itself holds says nothing of what was read.
        told = re.sub("|".join(map(re.escape, re.findall(r"'(cus_\d+)'", sql))) or "(?!)", "", text)
        assert not FOREIGN.search(told), sql
        await check_reach(server, sql, parameters)


@pytest.mark.parametrize("seed", SEEDS)
async def test_an_accepted_fleet_query_shows_no_identity_and_no_small_group(
    server: ClickHouseServer, seed: int
) -> None:
    for sql in accepted(seed + 1000, Scope.FLEET):
        text = await answers(server, sql, {})
        if text is None:
            continue
        assert not IDENTITY.search(text), sql
        # Three customers alone ever called this route.
        assert "/rare" not in text, sql
        await check_reach(server, sql, {})


async def test_the_generator_reaches_both_sides(server: ClickHouseServer) -> None:
    for scope, seeds in ((Scope.CUSTOMER, SEEDS), (Scope.FLEET, range(1000, 1006))):
        let_through = [sql for seed in seeds for sql in accepted(seed, scope)]
        assert 20 <= len(let_through) <= len(SEEDS) * ROUNDS * 0.75
        ran = [
            sql for sql in let_through[:20] if await answers(server, sql, {"whydesk_customer": CUSTOMER}) is not None
        ]
        assert len(ran) >= 5


async def test_the_signs_of_a_leak_are_seen_without_the_guard(server: ClickHouseServer) -> None:
    assert FOREIGN.search(await answers(server, "select org_id from prod.api_log limit 50", {}) or "")
    assert IDENTITY.search(await answers(server, "select id, name from prod.orgs", {}) or "")
    assert FOREIGN.search(await answers(server, "select v from prod.secret", {}) or "")
