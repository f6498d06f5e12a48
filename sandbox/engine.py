"""The ClickHouse engine (chDB), asked as a server's read-only user would ask: one statement, one fresh session, limits kept."""

import re
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, cast

import chdb
from chdb.state.sqlitelike import Connection

_PROFILE = {"max_memory_usage": "2000000000", "max_execution_time": "60"}
"""The user's own limits; a question may bring others."""
_REMEMBERED = 1_000
"""Parsed statements that are kept: a client asks the same ones again and again."""
_READING = re.compile(r"^[\s(]*(SELECT|WITH|SHOW|DESCRIBE|DESC|EXISTS|EXPLAIN)\b", re.IGNORECASE)
_QUOTED = re.compile(r"'(?:[^'\\]|\\.|'')*'|`(?:[^`\\]|\\.)*`|\"(?:[^\"\\]|\\.)*\"", re.DOTALL)
_SOURCES = re.compile(
    r"\b(file|fileCluster|url|urlCluster|s3|s3Cluster|gcs|hdfs|azureBlobStorage|remote|remoteSecure|cluster|"
    r"clusterAllReplicas|executable|mysql|postgresql|sqlite|mongodb|redis|odbc|jdbc|deltaLake|iceberg|hudi|input|python)\s*\(",
    re.IGNORECASE,
)
"""Sources outside the company's tables, which its read-only user has no grant for."""
_FORMAT = re.compile(r"\bFORMAT\s+(\w+)\s*(?:SETTINGS\b.*)?$", re.IGNORECASE | re.DOTALL)
_CODE = re.compile(r"Code: (\d+)\. (?:DB::Exception: )?(.*?)(?: \((\w+)\))?\s*$", re.DOTALL)


class _Answer(Protocol):
    """What chDB hands back."""

    def bytes(self) -> bytes: ...
    def rows_read(self) -> int: ...
    def storage_rows_read(self) -> int: ...
    def storage_bytes_read(self) -> int: ...


class EngineError(Exception):
    """The engine's refusal or failure, with ClickHouse's own code and name."""

    def __init__(self, code: int, message: str, name: str) -> None:
        """Write it as the server does."""
        super().__init__(f"Code: {code}. DB::Exception: {message} ({name}) (version {VERSION})")
        self.code = code


VERSION = chdb.engine_version if isinstance(getattr(chdb, "engine_version", None), str) else "26.9.2.1"


@dataclass(frozen=True)
class Question:
    """One request: SQL with its bound parameters, settings, database and default format."""

    sql: str
    settings: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    database: str = ""
    format: str = "TabSeparated"
    marker: str = field(default_factory=lambda: uuid.uuid4().hex)
    """Finds the running query again, since this engine drops query ids."""


@dataclass(frozen=True)
class Result:
    """The answer's bytes in its format, and what it took."""

    data: bytes
    format: str
    result_rows: int
    read_rows: int
    read_bytes: int
    elapsed_ns: int


class Engine:
    """One engine over one folder; there can be only one such folder in a process."""

    def __init__(self, folder: Path) -> None:
        """Open the engine."""
        self._path = str(folder)
        self._writer = chdb.connect(self._path)
        self._parsed: dict[str, str] = {}

    def write(self, sql: str) -> None:
        """Run a statement of the sandbox itself, with all rights."""
        _run(self._writer, sql, "Null")

    def ask(self, question: Question) -> Result:
        """Run a question as the read-only user.

        Raises:
            EngineError: refused or failed; 164 for a write, 62 for more than one statement, 497 for a foreign source.
        """
        session = chdb.connect(self._path)
        try:
            return self._ask(session, question)
        finally:
            session.close()

    def _ask(self, session: Connection, question: Question) -> Result:
        statement = self._parse(question.sql)
        _permit(statement)
        # Under readonly=2 limits may still be changed, but never readonly itself; 1 allows no setting in the SQL either.
        settings = {**_PROFILE, **question.settings}
        readonly = settings.pop("readonly", "2")
        if readonly not in ("1", "2"):
            raise EngineError(164, "Cannot modify 'readonly' setting in readonly mode.", "READONLY")
        unknown = next((name for name in settings if not re.fullmatch(r"\w+", name)), None)
        if unknown is not None:
            raise EngineError(115, f"Unknown setting '{unknown}'.", "UNKNOWN_SETTING")
        wanted = [f"{name} = {_quote(value)}" for name, value in settings.items()]
        _run(session, f"SET {', '.join([*wanted, f'readonly = {readonly}'])}", "Null")
        if question.database:
            _run(session, f"USE {_identifier(question.database)}", "Null")
        marked = f"{question.sql.rstrip().rstrip(';')}\n/* {question.marker} */"
        began = time.perf_counter_ns()
        answer = _run(session, marked, question.format, question.parameters)
        written = _FORMAT.search(statement)
        return Result(
            data=answer.bytes() or b"",
            format=written[1] if written else question.format,
            result_rows=answer.rows_read(),
            read_rows=answer.storage_rows_read(),
            read_bytes=answer.storage_bytes_read(),
            elapsed_ns=time.perf_counter_ns() - began,
        )

    def _parse(self, sql: str) -> str:
        """Return the statement as the engine's own parser reads it; several statements are a syntax error, as on a server."""
        known = self._parsed.get(sql)
        if known is not None:
            return known
        session = chdb.connect(self._path)
        try:
            answer = _run(session, f"SELECT formatQuerySingleLine({_quote(sql)})", "TSVRaw")
        except EngineError as error:
            message = str(error).partition("DB::Exception: ")[2].partition(": In scope SELECT formatQuery")[0]
            raise EngineError(error.code, message, "SYNTAX_ERROR" if error.code == 62 else "BAD_ARGUMENTS") from None
        finally:
            session.close()
        if len(self._parsed) >= _REMEMBERED:
            self._parsed.clear()
        return self._parsed.setdefault(sql, answer.bytes().decode().strip())

    def stop(self, question: Question) -> None:
        """Stop a running question; nothing happens if it has ended."""
        session = chdb.connect(self._path)
        try:
            _run(session, f"KILL QUERY WHERE query LIKE '%{question.marker}%' AND query NOT LIKE 'KILL%' ASYNC", "Null")
        finally:
            session.close()


def _quote(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _identifier(name: str) -> str:
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def _run(session: Connection, sql: str, format: str, parameters: dict[str, str] | None = None) -> _Answer:
    try:
        return cast(_Answer, session.query(sql, format, params=parameters or None))
    except chdb.ChdbError as error:
        found = _CODE.match(str(error))
        if found is None:
            raise EngineError(1001, str(error), "STD_EXCEPTION") from None
        raise EngineError(int(found[1]), found[2], found[3] or "UNKNOWN_EXCEPTION") from None


def _permit(statement: str) -> None:
    bare = _QUOTED.sub("''", statement)
    if not _READING.match(bare):
        raise EngineError(164, "Cannot execute query in readonly mode.", "READONLY")
    if re.search(r"\bINTO OUTFILE\b", bare, re.IGNORECASE):
        raise EngineError(358, "INTO OUTFILE is not allowed", "INTO_OUTFILE_NOT_ALLOWED")
    source = _SOURCES.search(bare)
    if source:
        raise EngineError(
            497, f"Not enough privileges. The grant READ ON {source[1].upper()} is needed.", "ACCESS_DENIED"
        )
