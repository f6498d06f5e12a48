"""Anthropic's far end on loopback: scripted answers in the vendor's own event stream, and a record of what was asked."""

import json
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

from anthropic.types import ErrorResponse, RawMessageStreamEvent
from pydantic import JsonValue, TypeAdapter

from models.diagnosis import Draft
from tests.aws_event_stream import aws_error, aws_event

_EVENT: TypeAdapter[RawMessageStreamEvent] = TypeAdapter(RawMessageStreamEvent)
_ERROR = TypeAdapter(ErrorResponse)
Event = Mapping[str, JsonValue]


@dataclass(frozen=True)
class Answer:
    """What the server does with one request."""

    events: tuple[Event, ...] = ()
    status: int = 200
    error: str = ""
    """Type of an error: the body of a bad status, or the last event of a stream."""
    headers: Mapping[str, str] = field(default_factory=dict)
    reset: bool = False
    """Break the connection instead of ending the stream."""
    hold: bool = False
    """Send nothing after the events, and keep the stream open until the server is closed."""
    pace: float = 0.0
    """Seconds between two events."""
    page: str = ""
    """A whole body that is no event stream, such as a proxy's page."""
    unchecked: bool = False
    """Send events that the vendor's own types do not know."""


def _events(
    text: str, stop_reason: str | None, usage: Mapping[str, JsonValue], thinking: str, model: str
) -> tuple[Event, ...]:
    message: dict[str, JsonValue] = {
        "id": "msg_loopback",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {**usage, "output_tokens": 1},
    }
    events: list[Event] = [{"type": "message_start", "message": message}]
    blocks: list[tuple[dict[str, JsonValue], list[dict[str, JsonValue]]]] = []
    if thinking:
        blocks.append(
            (
                {"type": "thinking", "thinking": "", "signature": ""},
                [{"type": "thinking_delta", "thinking": thinking}],
            )
        )
    if text:
        # A long answer comes in longer parts: ten thousand events would test nothing but patience.
        size = max(40, len(text) // 100)
        parts = [text[start : start + size] for start in range(0, len(text), size)]
        blocks.append(({"type": "text", "text": ""}, [{"type": "text_delta", "text": part} for part in parts]))
    for index, (start, deltas) in enumerate(blocks):
        events.append({"type": "content_block_start", "index": index, "content_block": start})
        events.extend({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas)
        events.append({"type": "content_block_stop", "index": index})
    if stop_reason is not None:
        tokens = usage.get("output_tokens", 60)
        delta: dict[str, JsonValue] = {"stop_reason": stop_reason, "stop_sequence": None}
        events.append({"type": "message_delta", "delta": delta, "usage": {"output_tokens": tokens}})
        events.append({"type": "message_stop"})
    return tuple(events)


def says(
    draft: Draft | str,
    *,
    stop_reason: str | None = "end_turn",
    usage: Mapping[str, JsonValue] | None = None,
    thinking: str = "",
    model: str = "claude-haiku-5-5",
) -> Answer:
    """Answer with a draft, or with any text instead of one."""
    text = draft.model_dump_json() if isinstance(draft, Draft) else draft
    return Answer(events=_events(text, stop_reason, usage or {"input_tokens": 900}, thinking, model))


def cut(draft: Draft, *, reset: bool = False) -> Answer:
    """Stop in the middle of a draft: quietly, or by breaking the connection."""
    events = _events(draft.model_dump_json(), None, {"input_tokens": 900}, "", "claude-haiku-5-5")
    return Answer(events=events[: len(events) // 2], reset=reset)


def refuses() -> Answer:
    """Decline."""
    return says("", stop_reason="refusal")


def status(code: int, kind: str, **headers: str) -> Answer:
    """Answer with an HTTP error; `retry_after="7"` is the header `retry-after: 7`."""
    return Answer(status=code, error=kind, headers={name.replace("_", "-"): value for name, value in headers.items()})


def breaks_off(kind: str = "overloaded_error") -> Answer:
    """Begin a stream, then send an error event."""
    return Answer(events=_events("{", None, {"input_tokens": 900}, "", "claude-haiku-5-5")[:2], error=kind)


def hangs() -> Answer:
    """Begin a stream, then say nothing more."""
    return Answer(events=_events("{", None, {"input_tokens": 900}, "", "claude-haiku-5-5"), hold=True)


@dataclass(frozen=True)
class Recorded:
    """One request as it came."""

    path: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: str

    @property
    def json(self) -> dict[str, JsonValue]:
        """The body, parsed."""
        parsed: dict[str, JsonValue] = json.loads(self.body)
        return parsed


Script = Iterable[Answer] | Callable[[Recorded], Answer]


class AnthropicServer:
    """POST /v1/messages on a free loopback port, and the same as Bedrock and Vertex have it.

    The script is a list of answers, one per request, whose last one stays; or a function from the request to its answer.
    Every event and error is checked against the SDK's own types before it is sent.
    """

    def __init__(self, script: Script) -> None:
        """Keep the script; `with` starts the server."""
        self._answers = None if callable(script) else list(script)
        self._decide = script if callable(script) else None
        self.requests: list[Recorded] = []
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = False
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def address(self) -> str:
        """The base URL."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        """Serve."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of what hangs, and stop."""
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def assert_absent(self, *values: str) -> None:
        """Fail if any request holds one of these values: what was to be redacted."""
        assert self.requests, "no request came, so nothing was shown"
        for number, request in enumerate(self.requests, 1):
            said = json.dumps(request.json, ensure_ascii=False).casefold()
            for value in values:
                assert value.casefold() not in said, f"request {number} holds {value!r}"

    def _next(self, request: Recorded) -> Answer:
        with self._lock:
            self.requests.append(request)
            if self._decide is not None:
                return self._decide(request)
            assert self._answers, "the script is empty"
            return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
                headers = {name.lower(): value for name, value in self.headers.items()}
                answer = owner._next(Recorded(path=self.path, headers=headers, body=body))
                self.close_connection = True
                # A client that was cut off by its own timeout is one of the cases.
                with suppress(ConnectionError):
                    if answer.page:
                        self._show(answer)
                    else:
                        self._refuse(answer) if answer.status != 200 else self._stream(answer)

            def _show(self, answer: Answer) -> None:
                body = answer.page.encode()
                self.send_response(answer.status)
                self.send_header("content-type", "text/html")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def _refuse(self, answer: Answer) -> None:
                body = _error_body(answer.error)
                self.send_response(answer.status)
                for name, value in {**answer.headers, "content-type": "application/json"}.items():
                    self.send_header(name, value)
                self.send_header("request-id", "req_loopback")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def _stream(self, answer: Answer) -> None:
                on_bedrock = self.path.startswith("/model/")
                framed = aws_event if on_bedrock else _sse
                self.protocol_version = "HTTP/1.1"
                self.send_response(200)
                kind = "application/vnd.amazon.eventstream" if on_bedrock else "text/event-stream"
                self.send_header("content-type", kind)
                self.send_header("request-id", "req_loopback")
                self.send_header("transfer-encoding", "chunked")
                self.end_headers()
                for event in answer.events:
                    if not answer.unchecked:
                        _EVENT.validate_python(event)
                    if answer.pace and owner._closing.wait(answer.pace):
                        return
                    self._chunk(framed(event))
                if answer.error:
                    self._chunk(aws_error(answer.error) if on_bedrock else _sse_error(answer.error))
                if answer.hold:
                    owner._closing.wait(60)
                if not answer.reset:
                    self.wfile.write(b"0\r\n\r\n")

            def _chunk(self, data: bytes) -> None:
                self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
                self.wfile.flush()

            def log_message(self, format: str, *args: object) -> None:
                """Stay quiet: the record is what tests look at."""

        return Handler


def _sse(event: Event) -> bytes:
    return f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()


def _sse_error(kind: str) -> bytes:
    return b"event: error\ndata: " + _error_body(kind) + b"\n\n"


def _error_body(kind: str) -> bytes:
    body = {"type": "error", "error": {"type": kind, "message": "the far end says no, quoting: jane@acme.example"}}
    _ERROR.validate_python(body)
    return json.dumps(body).encode()
