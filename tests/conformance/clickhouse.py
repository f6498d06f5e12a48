"""ClickHouse's HTTP interface, scripted: the driver's opening questions, and one query's blocks in its Native format.

What the engine itself answers is in tests/connectors/test_clickhouse.py; here it answers what an engine seldom does.
"""

from base64 import b64encode
from collections.abc import Sequence

from connectors.base import Connector, WriteRefused
from connectors.clickhouse import ClickHouseConnector
from connectors.clickhouse_guard import read_statement
from models.tenant import ClickHouseConfig
from models.vocabulary import Scope, Source
from tests.conformance.frame import Case, Condition, Instead, Outcome, Place, Subject
from tests.connectors.far_end import Handler, Reply, Seen

USER, PASSWORD = "whydesk", "SecretSecretSecret"
SQL = "SELECT route, errors FROM prod.by_route ORDER BY route LIMIT 201"


def connect(place: Place) -> Connector:
    config = ClickHouseConfig.model_validate({"url": place.url, "user": USER, "password": "env:CLICKHOUSE_PASSWORD"})
    return ClickHouseConnector(config, PASSWORD)


def reads(seen: Seen) -> bool:
    try:
        read_statement(seen.body, {}, None)
    except WriteRefused:
        return False
    return seen.method == "POST" and not seen.one("query")


def text(value: str) -> bytes:
    """Write a short string as Native does: its length, then itself."""
    encoded = value.encode()
    assert len(encoded) < 128
    return bytes([len(encoded)]) + encoded


def block(columns: dict[str, str], rows: Sequence[tuple[str | int, ...]]) -> bytes:
    """Write one block of Native: for each column its name, its type (String or UInt8) and its values."""
    written = bytes([len(columns), len(rows)])
    for place, (name, kind) in enumerate(columns.items()):
        written += text(name) + text(kind)
        for row in rows:
            value = row[place]
            written += text(value) if isinstance(value, str) else bytes([value])
    return written


ROWS: Sequence[tuple[str | int, ...]] = [("/items", 7), ("/orders", 50)]
COLUMNS = {"route": "String", "errors": "UInt8"}


def answering(main: Reply) -> Handler:
    """Answer the query with that, and the driver's opening questions well."""

    def handler(seen: Seen) -> Reply:
        if b"version()" in seen.body:
            return Reply(b"25.8.1.1\tUTC\n")
        if b"system.settings" in seen.body:
            return Reply(block({"name": "String", "value": "String", "readonly": "UInt8"}, [("readonly", "2", 1)]))
        if b"AS check" in seen.body:
            return Reply(block({"check": "UInt8"}, [(1,)]))
        return main

    return handler


def exception(code: int, status: int, said: str) -> Reply:
    body = f"Code: {code}. DB::Exception: {said}".encode()
    return Reply(body, status=status, headers={"X-ClickHouse-Exception-Code": str(code)})


def refusal(status: int, quoted: str) -> Reply:
    codes = {401: 516, 403: 497, 404: 60}
    if status in codes:
        return exception(codes[status], status, quoted)
    return Reply(quoted.encode(), status=status)


SUBJECT = Subject(
    source=Source.CLICKHOUSE,
    connect=connect,
    secrets=[PASSWORD, b64encode(f"{USER}:{PASSWORD}".encode()).decode()],
    reads=reads,
    refusal=refusal,
    cases=[
        Case(
            "sql",
            text=SQL,
            scope=Scope.FLEET,
            ok=answering(Reply(block(COLUMNS, ROWS))),
            rows=2,
            empty=answering(Reply(b"", headers={"X-ClickHouse-Query-Id": "whydesk-1"})),
            next_page=answering(Reply(block(COLUMNS, ROWS) + block(COLUMNS, [("/users", 1)]))),
            rows_of_both=3,
            answers={
                Condition.OVERSIZE: answering(exception(396, 500, "Limit for result exceeded, max bytes: 8.00 MiB")),
                Condition.WRONG_TYPE: answering(exception(53, 500, "Type mismatch in comparison of errors")),
            },
            instead={
                Condition.NOT_THERE: Instead(Outcome.DRIFT, "ClickHouse answers 404 where a table is missing"),
            },
            not_applicable={Condition.EXTRA_FIELDS: "a query names its columns, and gets no others"},
        )
    ],
)
