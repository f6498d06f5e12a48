"""ClickHouse over HTTP: one guarded SELECT at a time, with the server's own limits, through a client that cannot write.

`sql` is the only operation. `request.text` is the final SQL (reasoning/sql.py writes it); its `{name:Type}` are bound on the
server. `{start:…}` and `{end:…}` are the window and `{whydesk_customer:String}` the customer, unless `parameters` give them.

Each query carries its limits as settings. A user whose profile forbids a setting (readonly=1 forbids all, a constraint forbids
one) would fail every query, so settings that the server refuses are dropped, for as long as the connector lives: the profile is
then what holds. Give that user limits of its own; `doctor` shows what was dropped (`dropped_settings`).
"""

import asyncio
import logging
import re
import uuid
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from urllib.parse import quote

from clickhouse_connect.driver.asyncclient import AsyncClient
from clickhouse_connect.driver.exceptions import DatabaseError, ProgrammingError
from clickhouse_connect.driver.query import QueryResult
from pydantic import HttpUrl, JsonValue

from connectors.answers import answer, no_answer, time_limit
from connectors.base import ConnectorError, Finding, FindingStatus, Plugin, Secrets, Unavailable, WriteRefused
from connectors.clickhouse_delay import note_delays
from connectors.clickhouse_examine import (
    GRANTS_SQL,
    LIMITS_SQL,
    SERVER_SQL,
    examine_mapping,
    read_clock,
    read_grants,
    read_limits,
    read_reach,
)
from connectors.clickhouse_guard import refuse_writes
from connectors.clickhouse_suggest import ServerColumn
from connectors.clickhouse_values import bind_value, placeholders, row_of
from connectors.clickhouse_words import explain
from connectors.http import Declined
from models.base import Row
from models.customer import Window
from models.evidence import Answer, SourceRequest
from models.tables import TableMapping
from models.tenant import ClickHouseConfig
from models.vocabulary import EvidenceStatus, Scope, Source

CUSTOMER_PARAMETER = "whydesk_customer"
_RESULT_BYTES = 32
"""How many times the byte limit a result may weigh on the wire before the server stops it: a backstop, rows are cut by us."""
_COLUMN_LIMIT = 20_000
_COLUMNS = (
    "SELECT database, table, name, type FROM system.columns "
    "WHERE lower(database) NOT IN ('system', 'information_schema') "
    "ORDER BY database, table, position LIMIT 20000"
)
# The client logs a connection that it cannot make, with its traceback. Where no logging is set up, as in a command for people,
# Python would print that beside our own message; a worker's logging still gets it.
logging.getLogger("clickhouse_connect").addHandler(logging.NullHandler())
_REFUSED_SETTING = re.compile(r"[Ss]etting '?(\w+)'?")


class ClickHouseConnector:
    """One ClickHouse of one tenant, over one pooled client that opens with the first question."""

    source = Source.CLICKHOUSE

    def __init__(self, config: ClickHouseConfig, password: str | None = None) -> None:
        """Open nothing yet."""
        self._config = config
        self._password = password
        self._client: AsyncClient | None = None
        self._opening = asyncio.Lock()
        self.dropped_settings: set[str] = set()
        """Settings that the server refused so far."""

    async def fetch(self, request: SourceRequest) -> Answer:
        """Ask one query.

        Raises:
            ConnectorError: see connectors/base. A ValueError for another operation, an unbound parameter, or a customer query
                without its customer.
        """
        if request.operation != "sql":
            raise ValueError(f"ClickHouse has no operation {request.operation!r}; it has sql")
        parameters = _bound(request)
        url = self._link(request.text)
        try:
            async with time_limit(request):
                result = await self._ask(request, parameters)
        except Declined as declined:
            return no_answer(declined.status, declined.reason, asked=request.text, url=url)
        rows = (row_of(result.column_names, values) for values in result.result_rows)
        return answer(request, rows, asked=request.text, url=url)

    async def columns(self) -> list[ServerColumn]:
        """Return the columns that the user may read, of all databases but the server's own.

        Raises:
            ConnectorError, Declined: the server cannot be asked, or does not answer that.
        """
        rows = await self._read(_COLUMNS, _COLUMN_LIMIT)
        return [ServerColumn(*(str(value) for value in row.values())) for row in rows]

    async def examine(self) -> list[Finding]:
        """Look at reach, key, clock and rights with four cheap questions; the mapping is `examine_tables`."""
        began = datetime.now(UTC)
        try:
            await self._open()
            sent = datetime.now(UTC)
            (server,) = await self._read(SERVER_SQL)
        except (ConnectorError, Declined) as error:
            return [_unreached(error, self._config.url)]
        received = datetime.now(UTC)
        took = (received - sent).total_seconds() * 1000
        opened = (sent - began).total_seconds() * 1000
        found = [
            Finding("reach", FindingStatus.OK, f"ClickHouse {server['version']} answers"),
            Finding("key", FindingStatus.OK, f"the user {self._config.user!r} may ask"),
            Finding("latency", FindingStatus.OK, f"{took:.0f} ms for a question, {opened:.0f} ms to open"),
            read_clock(server, sent, received),
        ]
        found.append(await self._rights(self._limits))
        found.append(await self._rights(self._grants))
        return found

    async def examine_tables(self, tables: Mapping[str, TableMapping]) -> list[Finding]:
        """Compare a tenant's mapping with the server: tables, columns and types, and grants beyond what is mapped."""
        try:
            columns = await self.columns()
        except (ConnectorError, Declined) as error:
            return [_unreached(error, self._config.url)]
        found = examine_mapping(tables, columns, self._config.database)
        found.append(await self._rights(lambda: self._reach(tables)))
        return found

    async def _limits(self) -> Finding:
        return read_limits(await self._read(LIMITS_SQL))

    async def _grants(self) -> Finding:
        return read_grants(await self._granted())

    async def _reach(self, tables: Mapping[str, TableMapping]) -> Finding:
        return read_reach(await self._granted(), tables, self._config.database)

    async def _granted(self) -> list[str]:
        return [str(value) for row in await self._read(GRANTS_SQL) for value in row.values()]

    async def _rights(self, ask: Callable[[], Awaitable[Finding]]) -> Finding:
        try:
            return await ask()
        except (ConnectorError, Declined) as error:
            return Finding("rights", FindingStatus.UNKNOWN, f"the server does not tell: {error}")

    async def aclose(self) -> None:
        """Close the pooled client; a later question opens another."""
        async with self._opening:
            client, self._client = self._client, None
            if client is not None:
                await client.close()

    async def _read(self, sql: str, row_limit: int = 500) -> list[Row]:
        """Ask a question of our own about the server, with the same limits as any other."""
        request = SourceRequest(
            source=Source.CLICKHOUSE,
            operation="sql",
            scope=Scope.FLEET,
            text=sql,
            row_limit=row_limit,
            byte_limit=row_limit * 256,
            label="doctor",
        )
        async with time_limit(request):
            result = await self._ask(request, _bound(request))
        return [row_of(result.column_names, values) for values in result.result_rows]

    async def _ask(self, request: SourceRequest, parameters: dict[str, object]) -> QueryResult:
        client = await self._open()
        while True:
            settings = self._settings(client, request)
            try:
                # Without placeholders the client would format `%` by itself if parameters were given.
                return _whole(await client.query(request.text, parameters=parameters or None, settings=settings))
            except (WriteRefused, Unavailable):
                raise
            except DatabaseError as error:
                if not self._drop_refused(error, settings):
                    raise explain(error, request.text) from None
            except (OSError, EOFError, ValueError, IndexError) as error:
                raise Unavailable(
                    f"ClickHouse cut its answer or sent one that cannot be read ({type(error).__name__})"
                ) from None

    def _drop_refused(self, error: DatabaseError, settings: dict[str, str | int | float]) -> bool:
        """Note a setting that the server or the client refused; True if the query is worth asking again."""
        forbidden = error.code in (115, 164, 452) or (isinstance(error, ProgrammingError) and error.code is None)
        named = [name for name in _REFUSED_SETTING.findall(str(error)) if name in settings]
        if not forbidden or not named:
            return False
        self.dropped_settings.update(named)
        return True

    async def _open(self) -> AsyncClient:
        async with self._opening:
            if self._client is None:
                self._client = await self._connect()
            return self._client

    def _guarded(self) -> AsyncClient:
        """Return a new client that can only read. The SDK's own factory would send before the guard is in place."""
        url = self._config.url
        client = AsyncClient(
            interface=url.scheme,
            host=url.host or "",
            port=url.port or 8123,
            proxy_path=url.path or "",
            username=self._config.user,
            password=self._password or "",
            database=self._config.database,
            client_name="whydesk",
            connect_timeout=5,
            query_retries=0,
            autogenerate_session_id=False,
            compress=False,
            show_clickhouse_errors="scrub",
            ca_cert=self._config.ca_file or None,
            http_proxy=str(self._config.proxy) if self._config.proxy else None,
        )
        refuse_writes(client)
        note_delays(client)
        return client

    async def _connect(self) -> AsyncClient:
        client = self._guarded()
        try:
            await client._initialize()
        except DatabaseError as error:
            raise explain(error, "") from None
        except (OSError, EOFError, ValueError, IndexError) as error:
            raise Unavailable(
                f"ClickHouse at {self._config.url.host!r} could not be opened ({type(error).__name__})"
            ) from None
        return client

    def _settings(self, client: AsyncClient, request: SourceRequest) -> dict[str, str | int | float]:
        """Return the settings of one query. The profile's own readonly is never touched, only added where there is none."""
        label = re.sub(r"[^A-Za-z0-9_-]+", "-", request.label).strip("-") or "query"
        settings: dict[str, str | int | float] = {
            "query_id": f"whydesk-{label}-{uuid.uuid4().hex[:8]}",
            "log_comment": f"whydesk {request.label}".strip(),
            "max_execution_time": round(request.time_limit, 3),
            "max_memory_usage": self._config.max_memory_bytes,
            "max_result_rows": request.row_limit + 1,
            "max_result_bytes": request.byte_limit * _RESULT_BYTES,
            "result_overflow_mode": "throw",
            "session_timezone": "UTC",
            "readonly": 2,
        }
        profile = client.server_settings.get("readonly")
        level = profile.value if profile else "0"
        if level == "1":
            self.dropped_settings.update(name for name in settings if name != "query_id")
        elif level == "2":
            settings.pop("readonly")
        return {name: value for name, value in settings.items() if name not in self.dropped_settings}

    def _link(self, sql: str) -> str | None:
        return self._config.link.replace("{query}", quote(sql, safe="")) or None


def _whole(result: QueryResult) -> QueryResult:
    """Return a result that can be taken for ClickHouse's. It writes no rows as no bytes, and so does whoever lost its answer.

    Raises:
        Unavailable: nothing came, and nothing of the server's that says so.
    """
    if result.result_rows:
        return result
    # The summary holds what was produced until the headers were sent, so more may have followed, but never less.
    if not result.summary.get("query_id") or str(result.summary.get("result_rows", "0")) != "0":
        raise Unavailable(
            "ClickHouse's answer came without its rows; see whether something stands between, such as a proxy"
        )
    return result


def _unreached(error: ConnectorError | Declined, url: HttpUrl) -> Finding:
    if isinstance(error, Declined) and error.status is EvidenceStatus.DENIED:
        remedy = "check connectors.clickhouse.user and password, and the user's grants"
        return Finding("key", FindingStatus.FAILURE, str(error), remedy)
    where = f"{url.host}:{url.port}"
    remedy = f"check connectors.clickhouse.url, now of {where!r}, and whether this machine may reach it"
    return Finding("reach", FindingStatus.FAILURE, str(error), remedy)


def _window(window: Window) -> dict[str, JsonValue]:
    return {"start": window.start.isoformat(), "end": window.end.isoformat()}


def _bound(request: SourceRequest) -> dict[str, object]:
    """Return the parameters that the text names, each in the form that its type needs.

    Raises:
        ValueError: one is missing, or the customer query is not bound to its customer.
    """
    wanted = placeholders(request.text)
    given: dict[str, JsonValue] = dict(request.parameters)
    if request.window is not None:
        given = {**_window(request.window), **given}
    if request.scope is Scope.CUSTOMER:
        if not request.customer or CUSTOMER_PARAMETER not in wanted:
            raise ValueError(
                "a customer query needs a customer, and SQL scoped by reasoning/sql.py; it is never run without"
            )
        given[CUSTOMER_PARAMETER] = request.customer
    missing = sorted(set(wanted) - set(given))
    if missing:
        raise ValueError(
            f"the query needs the parameter {missing[0]!r}; the request has {', '.join(sorted(given)) or 'none'}"
        )
    return {name: bind_value(name, kind, given[name]) for name, kind in wanted.items()}


def _make(config: ClickHouseConfig, secret: Secrets) -> ClickHouseConnector:
    return ClickHouseConnector(config, secret(config.password) if config.password else None)


PLUGIN = Plugin(
    config=ClickHouseConfig,
    make=_make,
    scopes=frozenset({Scope.CUSTOMER, Scope.FLEET}),
)
