"""ClickHouse in a process of its own: the real engine, filled with a world's logs, behind ClickHouse's HTTP interface.

`python -m sandbox.clickhouse --world PATH --ready-file FILE`; the ready file appears, as JSON, when queries are answered.
"""

import argparse
import asyncio
import base64
import binascii
import contextlib
import json
import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
import uuid
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Message
from uvicorn import Config, Server

from sandbox.engine import Engine, EngineError, Question, Result
from sandbox.logs import logs_sql
from sandbox.world_files import WorldError, load_world

USER = "support_reader"
PASSWORD = "sandbox-clickhouse"  # noqa: S105  # the sandbox's own, on loopback
_SESSIONS = 3
_LEAVES_WITHIN = 0.8
"""Seconds."""
_HTTP_ONLY = frozenset(
    {
        *("query", "query_id", "database", "default_format", "user", "password", "role", "quota_key"),
        *("session_id", "session_timeout", "session_check", "compress", "decompress", "stacktrace"),
        *("client_protocol_version", "wait_end_of_query", "buffer_size"),
    }
)
"""URL parameters that are no settings."""
_STATUSES = {
    **dict.fromkeys((6, 26, 27, 36, 38, 41, 43, 44, 53, 62, 69, 70, 72, 130, 131, 167, 168, 386, 456, 457), 400),
    **dict.fromkeys((46, 47, 50, 56, 60, 63, 73, 81, 115), 404),
    **dict.fromkeys((192, 193, 497, 516), 403),
    194: 401,
    48: 501,
    159: 408,
}
"""HTTP status by exception code, as the real server answers; 500 for all others."""


class ClickHouse:
    """The HTTP interface of one engine."""

    def __init__(self, engine: Engine, user: str = USER, password: str = PASSWORD) -> None:
        """Serve an engine to one user."""
        self._engine = engine
        self._credentials = (user, password)
        # More sessions than cores only take the processor from each other.
        self._sessions = ThreadPoolExecutor(_SESSIONS, thread_name_prefix="session")
        self._asked: deque[dict[str, object]] = deque(maxlen=2_000)
        self.app = Starlette(
            routes=[
                Route("/ping", _ping, methods=["GET", "HEAD"]),
                Route("/_sandbox/queries", self._queries, methods=["GET", "DELETE"]),
                Route("/", self._query, methods=["GET", "POST"]),
            ]
        )

    async def _queries(self, request: Request) -> Response:
        if request.method == "DELETE":
            self._asked.clear()
        return JSONResponse({"queries": list(self._asked)})

    async def _query(self, request: Request) -> Response:
        arguments = dict(request.query_params)
        body = (await request.body()).decode("utf-8", "replace")
        sql = "\n".join(part for part in (arguments.get("query", ""), body) if part)
        if request.method == "GET" and not sql:
            return await _ping(request)
        query_id = arguments.get("query_id") or str(uuid.uuid4())
        question = Question(
            sql=sql,
            settings={k: v for k, v in arguments.items() if k not in _HTTP_ONLY and not k.startswith("param_")},
            parameters={k.removeprefix("param_"): v for k, v in arguments.items() if k.startswith("param_")},
            database=arguments.get("database") or request.headers.get("x-clickhouse-database", ""),
            format=arguments.get("default_format") or request.headers.get("x-clickhouse-format") or "TabSeparated",
        )
        entry = _entry(request, question, query_id)
        headers = {"X-ClickHouse-Query-Id": query_id, "X-ClickHouse-Timezone": "UTC"}
        self._asked.append(entry)
        try:
            self._check_user(request, arguments)
            if request.headers.get("content-encoding"):
                # Clients compress what they insert and nothing else, so it need not be read to be refused.
                raise EngineError(164, "Cannot execute query in readonly mode.", "READONLY")
            result = await self._answer(request, question)
        except EngineError as error:
            entry["exception_code"] = error.code
            headers |= {"X-ClickHouse-Exception-Code": str(error.code)}
            return PlainTextResponse(str(error) + "\n", _STATUSES.get(error.code, 500), headers)
        entry |= {"result_rows": result.result_rows, "read_rows": result.read_rows, "elapsed_ns": result.elapsed_ns}
        headers |= {"X-ClickHouse-Format": result.format, "X-ClickHouse-Summary": _summary(result)}
        return Response(result.data, 200, headers, media_type="application/octet-stream")

    def _check_user(self, request: Request, arguments: Mapping[str, str]) -> None:
        user = request.headers.get("x-clickhouse-user") or arguments.get("user") or ""
        password = request.headers.get("x-clickhouse-key") or arguments.get("password") or ""
        scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic":
            with contextlib.suppress(binascii.Error, UnicodeDecodeError):
                user, _, password = base64.b64decode(encoded).decode().partition(":")
        if (user, password) != self._credentials:
            message = "Authentication failed: password is incorrect, or there is no user with such name."
            raise EngineError(516, f"{user or 'default'}: {message}", "AUTHENTICATION_FAILED")

    async def _answer(self, request: Request, question: Question) -> Result:
        """Run a question; a client that hangs up has its query stopped, as the real server does for read-only ones."""
        job = self._sessions.submit(self._engine.ask, question)
        running = asyncio.wrap_future(job)
        gone = asyncio.ensure_future(request.receive())
        either: list[asyncio.Future[Result] | asyncio.Future[Message]] = [running, gone]
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        # A query that waits for a session, or has only just begun, is not there to be stopped yet.
        while not job.done() and not job.cancel():
            await asyncio.to_thread(self._engine.stop, question)
            await asyncio.wait([running], timeout=0.2)
        gone.cancel()
        if job.cancelled():
            raise EngineError(394, "Query was cancelled", "QUERY_WAS_CANCELLED")
        return await running


async def _ping(request: Request) -> Response:
    return PlainTextResponse("Ok.\n")


def _entry(request: Request, question: Question, query_id: str) -> dict[str, object]:
    return {
        "query_id": query_id,
        "query": question.sql,
        "parameters": question.parameters,
        "settings": question.settings,
        "log_comment": question.settings.get("log_comment", ""),
        "user_agent": request.headers.get("user-agent", ""),
        "asked_at": datetime.now(UTC).isoformat(),
        "exception_code": 0,
    }


def _summary(result: Result) -> str:
    numbers = {
        "read_rows": result.read_rows,
        "read_bytes": result.read_bytes,
        "written_rows": 0,
        "written_bytes": 0,
        "total_rows_to_read": result.read_rows,
        "result_rows": result.result_rows,
        "result_bytes": len(result.data),
        "elapsed_ns": result.elapsed_ns,
    }
    return json.dumps({name: str(number) for name, number in numbers.items()})


class _QuietServer(Server):
    """uvicorn without its signal handlers: the process has its own way to end."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _leave(folder: Path) -> None:
    """End at once, whatever the engine is doing, and leave no file behind."""
    # The engine's threads go on writing until the process ends, so one pass may leave what came after it.
    doomed = folder.with_name(f"{folder.name}-ended")
    with contextlib.suppress(OSError):
        folder.rename(doomed)
    deadline = time.monotonic() + _LEAVES_WITHIN
    while (doomed.exists() or folder.exists()) and time.monotonic() < deadline:
        shutil.rmtree(doomed, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)


def _watch_parent(parent: int, folder: Path) -> None:
    direct = os.getppid() == parent
    while True:
        if direct and os.getppid() != parent:
            _leave(folder)
        try:
            os.kill(parent, 0)
        except ProcessLookupError:
            _leave(folder)
        except PermissionError:
            pass
        time.sleep(0.2)


def _fill(engine: Engine, options: argparse.Namespace) -> None:
    # One statement for each customer: compiling its expressions would cost more than it saves over so few rows.
    engine.write("SET compile_expressions = 0")
    for statement in logs_sql(options.loaded, options.now, options.rows):
        engine.write(statement)


async def _serve(options: argparse.Namespace, folder: Path) -> None:
    began = time.monotonic()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _leave, folder)
    engine = await asyncio.to_thread(Engine, folder)
    await asyncio.to_thread(_fill, engine, options)
    app = ClickHouse(engine, options.user, options.password).app
    config = Config(app, lifespan="off", ws="none", log_config=None, access_log=False, timeout_keep_alive=75)
    bound = socket.create_server(("127.0.0.1", options.port), backlog=512)
    ready = {"port": bound.getsockname()[1], "pid": os.getpid(), "seconds": round(time.monotonic() - began, 2)}
    loop.call_later(0.01, partial(_announce, options.ready_file, ready))
    await _QuietServer(config).serve([bound])


def _announce(file: Path | None, ready: Mapping[str, object]) -> None:
    """Write the ready file in one step, so that nobody reads half of it."""
    if file is None:
        return
    draft = file.with_suffix(".tmp")
    draft.write_text(json.dumps(ready))
    draft.replace(file)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def main() -> None:
    """Fill an engine with a world's logs and serve it until the parent ends or SIGTERM comes."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.clickhouse", description=__doc__)
    parser.add_argument("--world", type=Path, required=True, help="the world's folder")
    parser.add_argument("--rows", type=int, help="rows of baseline traffic; the world's own number by default")
    parser.add_argument("--now", type=_moment, default=datetime.now(UTC), help="what times count from, ISO 8601")
    parser.add_argument("--port", type=int, default=0, help="0 for a free one")
    parser.add_argument(
        "--data", type=Path, help="where the engine's own folder is made; beside the ready file if left out"
    )
    parser.add_argument("--ready-file", type=Path, help="written when queries are answered: port, pid, seconds")
    parser.add_argument("--parent-pid", type=int, help="end when this process ends")
    parser.add_argument("--user", default=USER)
    parser.add_argument("--password", default=PASSWORD)
    options = parser.parse_args()
    try:
        options.loaded = load_world(options.world)
    except WorldError as error:
        sys.exit(str(error))
    # By default beside the ready file, so that whoever made that folder also clears up after a process that was killed.
    beside = options.data or (options.ready_file.parent if options.ready_file else None)
    folder = Path(tempfile.mkdtemp(prefix="sandbox-clickhouse-", dir=beside))
    if options.parent_pid:
        threading.Thread(target=_watch_parent, args=(options.parent_pid, folder), daemon=True).start()
    try:
        asyncio.run(_serve(options, folder))
    except EngineError as error:
        # A column's type or value of logs.yaml that the engine does not take.
        sys.exit(f"{options.world}: the engine refused the logs: {error}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
