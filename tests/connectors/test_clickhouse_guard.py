"""Nothing that writes reaches ClickHouse: one readable statement that selects is all that the client may send."""

from collections.abc import Awaitable, Callable

import pytest
from clickhouse_connect.driver.asyncclient import AsyncClient

from connectors.base import WriteRefused
from connectors.clickhouse_guard import read_statement
from tests.clickhouse_server import ClickHouseServer
from tests.connectors.clickhouse_far_end import ask, far_end, ok, opened

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


async def test_a_user_who_may_write_is_made_read_only(server: ClickHouseServer) -> None:
    async with opened(server.url) as connector:
        client = await connector._open()
        client.server_settings["readonly"] = client.server_settings["readonly"].__class__("readonly", "0", 0)
        server.forget()
        assert (await connector.fetch(ask("SELECT 3 AS x"))).rows == ({"x": 3},)
        sent = server.asked()[-1]["settings"]
        assert isinstance(sent, dict)
        assert sent["readonly"] == "2"
