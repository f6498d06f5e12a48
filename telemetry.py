"""One stream of log lines with nothing personal in it, and the metrics of a process. Set up once, by an entry point."""

import atexit
import json
import logging
import socket
import sys
import threading
import time
import urllib.request
from collections.abc import Mapping, MutableMapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import TextIO

import structlog
import temporalio.activity
import temporalio.workflow
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from temporalio.runtime import (
    LogForwardingConfig,
    LoggingConfig,
    PrometheusConfig,
    Runtime,
    TelemetryConfig,
    TelemetryFilter,
)
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from metrics import REGISTRY, record_result, record_step
from models.run import RecordRequest
from scrubbing import scrub

Event = MutableMapping[str, object]

_HTTP_CLIENTS = ("httpx", "httpx2", "httpcore", "httpcore2", "urllib3", "stripe", "github")
_QUIET = (*_HTTP_CLIENTS, "alembic", "sqlalchemy", "asyncio", "uvicorn.access")
"""Their informative lines hold addresses with query strings, or say nothing."""

_IDS = frozenset(
    (
        "timestamp",
        "level",
        "logger",
        "ticket",
        "investigation",
        "workflow_id",
        "run_id",
        "activity_id",
        "task_queue",
        "delivery",
    )
)
"""Ours: numbers stay in them, or a line could not be found again."""


def _scrubbed(value: object, numbers: bool) -> object:
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, str):
        return scrub(value, numbers=numbers)
    if isinstance(value, int):
        return value if not numbers or abs(value) < 10**9 else "<number>"
    if isinstance(value, Mapping):
        return {scrub(str(key)): _scrubbed(item, numbers) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_scrubbed(item, numbers) for item in value]
    return scrub(repr(value), numbers=numbers)


def _scrub_event(_: object, __: str, event: Event) -> Event:
    return {key: _scrubbed(value, key not in _IDS) for key, value in event.items()}


def _fill_in(_: object, __: str, event: Event) -> Event:
    """Put positional arguments into the message; a message that they do not fit must not end the caller."""
    arguments = event.pop("positional_args", None)
    try:
        return {**event, "event": str(event["event"]) % arguments} if arguments else event
    except (TypeError, ValueError):
        return {**event, "arguments": arguments}


def _flatten_temporal(_: object, __: str, event: Event) -> Event:
    """Replace what Temporal attaches to a record by the ids that a person searches for."""
    activity, workflow = event.pop("temporal_activity", None), event.pop("temporal_workflow", None)
    details = activity if isinstance(activity, Mapping) else workflow
    if isinstance(details, Mapping):
        for key, name in _TEMPORAL_IDS.items():
            if key in details:
                event.setdefault(name, details[key])
    core = event.pop("temporal_log", None)
    fields = getattr(core, "fields", None)
    if isinstance(fields, Mapping):
        # The other fields hold whole failures: messages and stacks of people's data.
        event.update({key: fields[key] for key in ("run_id", "workflow_id", "task_queue", "attempt") if key in fields})
    for key in ("activity_info", "workflow_info", "color_message", "__temporal_error_identifier"):
        event.pop(key, None)
    return event


_TEMPORAL_IDS = {
    "workflow_id": "workflow_id",
    "workflow_run_id": "run_id",
    "run_id": "run_id",
    "workflow_type": "workflow",
    "activity_type": "activity",
    "attempt": "attempt",
    "task_queue": "task_queue",
}


class _Handler(logging.StreamHandler[TextIO]):
    """The standard handler prints message and arguments as they are when a line cannot be formatted; this one does not."""

    def handleError(self, record: logging.LogRecord) -> None:
        kind = sys.exc_info()[0]
        line = {"event": "a log line could not be written", "level": "error", "logger": record.name}
        line |= {"place": f"{record.pathname}:{record.lineno}", "problem": kind.__name__ if kind else ""}
        self.stream.write(json.dumps(line) + "\n")
        self.flush()


def configure_logging(level: str = "info", format: str = "json", stream: TextIO | None = None) -> None:
    """Join structlog, the standard library's logging, warnings and uncaught exceptions in one stream of scrubbed lines.

    Args:
        level: `debug`, `info`, `warning` or `error`.
        format: `json` for one object per line, `console` for people.
        stream: Standard output if left out. Give uvicorn `log_config=None`, so that its lines come here too.
    """
    stream = stream or sys.stdout
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            _fill_in,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    renderer: structlog.types.Processor = structlog.processors.JSONRenderer(ensure_ascii=False)
    if format == "console":
        renderer = structlog.dev.ConsoleRenderer(colors=stream.isatty())
    handler = _Handler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _flatten_temporal,
                structlog.processors.format_exc_info,
                _scrub_event,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    logging.captureWarnings(True)
    temporalio.activity.logger.activity_info_on_message = False
    temporalio.workflow.logger.workflow_info_on_message = False
    sys.excepthook = _log_uncaught
    threading.excepthook = lambda args: _log_uncaught(args.exc_type, args.exc_value, args.exc_traceback)


def _log_uncaught(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt | SystemExit):
        return
    known = (kind, error or kind(), trace)
    logging.getLogger("whydesk").critical("ended by an error that nobody expected", exc_info=known)


def bind(*, tenant: str = "", ticket: str = "", investigation: str = "", workflow_id: str = "") -> None:
    """Put ids on every further line of this task. An activity is a task of its own, so nothing has to be undone."""
    ids = {"tenant": tenant, "ticket": ticket, "investigation": investigation, "workflow_id": workflow_id}
    structlog.contextvars.bind_contextvars(**{name: value for name, value in ids.items() if value})


def make_runtime(metrics_address: str | None = None) -> Runtime:
    """Return Temporal's runtime: its core logs warnings into our stream and serves metrics where it is told.

    Make one for a process, before the first client, after `configure_logging`.

    Args:
        metrics_address: `host:port` for Prometheus, see `free_address`; None for no metrics.
    """
    atexit.unregister(_let_core_finish)
    atexit.register(_let_core_finish)
    forwarding = LogForwardingConfig(
        logger=logging.getLogger("temporalio.core"),
        append_target_to_name=False,
        prepend_target_on_message=False,
        append_log_fields_to_message=False,
    )
    metrics = metrics_address and PrometheusConfig(
        bind_address=metrics_address, counters_total_suffix=True, unit_suffix=True, durations_as_seconds=True
    )
    return Runtime(
        telemetry=TelemetryConfig(
            logging=LoggingConfig(TelemetryFilter(core_level="WARN", other_level="ERROR"), forwarding=forwarding),
            metrics=metrics or None,
        )
    )


def _let_core_finish() -> None:
    """Core's threads still hand over lines and answers for a moment; into an interpreter that is gone they abort."""
    time.sleep(0.3)


def free_address() -> str:
    """Return a loopback `host:port` that is free now; the runtime cannot tell which port it chose itself."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


_log = structlog.get_logger("whydesk.worker")


class ActivityTelemetry(Interceptor):
    """Give it to the worker: every activity's lines carry its ids, and every activity is timed and counted."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        """Wrap one activity."""
        return _TimedActivity(next)


class _TimedActivity(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> object:
        info = temporalio.activity.info()
        workflow_id = info.workflow_id or ""
        tenant, _, rest = workflow_id.partition("/")
        bind(tenant=tenant if rest else "", ticket=rest.partition("/")[2], workflow_id=workflow_id)
        started = time.perf_counter()
        try:
            result: object = await super().execute_activity(input)
        except BaseException:
            record_step(info.activity_type, time.perf_counter() - started, "failed")
            raise
        record_step(info.activity_type, time.perf_counter() - started, "done")
        for counted in (result, *input.args):
            record_result(counted)
            if isinstance(counted, RecordRequest):
                _log_revision(counted)
        return result


def _log_revision(ended: RecordRequest) -> None:
    """One line for each revision that ended: ids, words from fixed lists and numbers."""
    _log.info(
        "investigated",
        investigation=ended.key.investigation,
        revision=ended.key.revision,
        gaps=list(ended.gaps),
        **ended.model_dump(mode="json", include={"outcome", "playbook_label", "reasoner", "note_status", "problem"}),
        seconds=round((ended.finished_at - ended.started_at).total_seconds(), 3),
    )


class MetricsServer:
    """Serves our metrics, and Temporal's with them, until it is closed."""

    def __init__(self, port: int, host: str, runtime_address: str | None) -> None:
        """Use `serve_metrics`."""
        self._server = ThreadingHTTPServer((host, port), _handler(runtime_address))
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, name="metrics", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def serve_metrics(port: int, host: str = "127.0.0.1", runtime_address: str | None = None) -> MetricsServer:
    """Serve `/metrics` for Prometheus on one port.

    Args:
        port: 0 takes a free one; see `MetricsServer.port`.
        runtime_address: Where Temporal's runtime serves its own (`make_runtime`); they are appended.
    """
    return MetricsServer(port, host, runtime_address)


def _handler(runtime_address: str | None) -> type[BaseHTTPRequestHandler]:
    class Metrics(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.partition("?")[0] != "/metrics":
                self.send_error(404)
                return
            body = generate_latest(REGISTRY) + _runtime_metrics(runtime_address)
            self.send_response(200)
            self.send_header("Content-Type", CONTENT_TYPE_PLAIN_0_0_4)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """A scrape every few seconds is no news."""

    return Metrics


def _runtime_metrics(address: str | None) -> bytes:
    if address is None:
        return b""
    try:
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=2) as answer:
            return bytes(answer.read())
    except OSError as error:
        logging.getLogger("whydesk").warning(
            "Temporal's metrics cannot be read", extra={"problem": type(error).__name__}
        )
        return b""
