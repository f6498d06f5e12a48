"""Hundreds of hostile queries that are refused, and dozens of honest ones that answer as a careful person's would.

The queries are data: `tests/data/sql/`. The real engine is the judge: what it resolves must be what the guard saw.
"""

import asyncio
import re
from collections import Counter
from pathlib import Path
from typing import TypedDict

import pytest
import yaml

from models.base import Row
from models.vocabulary import Scope
from reasoning.sql import SqlRefused, check_query, scope_query
from reasoning.sql_functions import canonical_name
from tests.clickhouse_server import CUSTOMER, TABLES, ClickHouseServer, clickhouse_server

DATA = Path(__file__).parent.parent / "data" / "sql"


class Hostile(TypedDict):
    name: str
    scope: str
    sql: str
    reason: str
    remedy: str


class Legitimate(TypedDict, total=False):
    name: str
    scope: str
    sql: str
    unordered: bool


HOSTILE: list[Hostile] = yaml.safe_load((DATA / "hostile.yaml").read_text())
LEGITIMATE: list[Legitimate] = yaml.safe_load((DATA / "legitimate.yaml").read_text())
WINDOW = {"start": "2026-03-01 10:00:00.000", "end": "2026-03-01 12:00:00.000"}
REMEDY = re.compile(
    r"\b(write|use|leave|filter|rank|name|pass|choose|give|map|put|compare|aggregate|join|count|"
    r"there are|takes?|needs?|is a|must)\b"
)
"""Words of an advice."""
ENGINE_OWN = frozenset(
    {"_CAST", "tuple", "toIntervalMinute", "toIntervalHour", "concatWithSeparator", "exists", "greater", "sumCount"}
)
"""Functions that the engine's analyser puts in for others: casts, `HAVING n > 1`, a `sum` beside an `avg`."""
OPERATORS = frozenset(
    {"in", "notIn", "nullIn", "isDistinctFrom", "CAST", "singleValueOrNull", "arrayElement", "isNull"}
)


@pytest.fixture(scope="module")
def server() -> ClickHouseServer:
    return clickhouse_server()


def named(query: Hostile | Legitimate) -> str:
    return query["name"]


def test_the_corpora_are_large_and_without_repetition() -> None:
    assert len(HOSTILE) >= 150
    assert len(LEGITIMATE) >= 40
    for corpus in ([query["sql"] for query in HOSTILE], [query["sql"] for query in LEGITIMATE]):
        assert [sql for sql, times in Counter(corpus).items() if times > 1] == []


@pytest.mark.parametrize("query", HOSTILE, ids=named)
def test_a_hostile_query_is_refused_with_what_to_write_instead(query: Hostile) -> None:
    scopes = [Scope.FLEET] if query["scope"] == "fleet" else [Scope.CUSTOMER, Scope.FLEET]
    said = []
    for scope in scopes:
        with pytest.raises(SqlRefused) as refused:
            check_query(query["sql"], scope)
        said.append(str(refused.value))
    assert query["reason"] in said[0]
    assert query["remedy"] in said[0]
    for words in said:
        assert REMEDY.search(words), f"no advice in {words!r}"


def _by_hand(server: ClickHouseServer, sql: str, database: str, parameters: dict[str, str]) -> list[Row]:
    return server.rows(re.sub(r"DateTime64\(3\)", "DateTime64(3, 'UTC')", sql), database, parameters)


def _parameters(sql: str) -> dict[str, str]:
    given = {**WINDOW, "codes": "['rate_limited','internal_error']", "id": "req-13"}
    return {name: value for name, value in given.items() if f"{{{name}:" in sql}


@pytest.mark.parametrize("query", LEGITIMATE, ids=named)
async def test_an_honest_query_answers_as_one_restricted_by_hand(server: ClickHouseServer, query: Legitimate) -> None:
    scope = Scope(query["scope"])
    checked = check_query(query["sql"], scope)
    parameters = _parameters(query["sql"])
    sent = scope_query(checked, TABLES, scope, 50)
    guarded = await asyncio.to_thread(server.rows, sent, "default", {**parameters, "whydesk_customer": CUSTOMER})
    database = "mine" if scope is Scope.CUSTOMER else "fleet"
    expected = await asyncio.to_thread(_by_hand, server, query["sql"], database, parameters)
    assert expected
    assert tuple(guarded[0]) == checked.columns
    if query.get("unordered"):
        guarded.sort(key=str)
        expected = sorted(({key: row[key] for key in guarded[0]} for row in expected), key=str)
    assert guarded == expected[:51]


@pytest.mark.parametrize("query", LEGITIMATE, ids=named)
async def test_the_engine_resolves_exactly_what_the_guard_saw(server: ClickHouseServer, query: Legitimate) -> None:
    scope = Scope(query["scope"])
    checked = check_query(query["sql"], scope)
    sent = scope_query(checked, TABLES, scope, 50)
    parameters = {**_parameters(query["sql"]), "whydesk_customer": CUSTOMER}
    tree = "\n".join(await asyncio.to_thread(server.lines, f"EXPLAIN QUERY TREE {sent}", parameters))
    # Common sub-selects are listed by name once more, as their own sources.
    assert set(re.findall(r"\btable_name: ([\w.]+)", tree)) == {TABLES[table].table for table in checked.tables}
    assert "table_function_name" not in tree
    called = set(re.findall(r"\bfunction_name: (\w+)", tree))
    assert {name for name in called if canonical_name(name) is None} <= ENGINE_OWN | OPERATORS


def test_every_customer_query_filters_in_every_sub_select() -> None:
    for query in LEGITIMATE:
        if query["scope"] == "customer":
            sent = scope_query(check_query(query["sql"], Scope.CUSTOMER), TABLES, Scope.CUSTOMER, 10)
            assert sent.count("AS __whydesk_source") == sent.count("= {whydesk_customer: String})") > 0
