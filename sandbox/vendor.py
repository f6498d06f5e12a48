"""What every vendor of the sandbox has: routes, auth, faults, latency and the journal, in one ASGI application."""

import asyncio
import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast
from urllib.parse import urlencode

from pydantic import JsonValue
from starlette.datastructures import Headers, QueryParams
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from sandbox.clock import Latency, wall_clock
from sandbox.faults import BODIES, Fault, FaultBoard, break_connection
from sandbox.journal import BODY_KEPT, Journal, Request, Write

type_json = "application/json; charset=utf-8"
BODY_CAP = 5_000_000
"""Bytes of a request; nothing that we are sent comes near."""


@dataclass(slots=True)
class Stage:
    """What the vendors of one run share."""

    journal: Journal
    faults: FaultBoard
    latency: Latency
    started: datetime
    """The instant that the world's relative times are counted from."""


@dataclass(slots=True)
class Asked:
    """One request, whole."""

    method: str
    path: str
    query: QueryParams
    headers: Headers
    body: bytes
    at: datetime
    values: dict[str, str]
    """What the route's placeholders matched."""
    raw_query: str
    """As sent."""
    base: str
    """`http://127.0.0.1:PORT`, for links in answers."""
    gone: Receive
    """Returns when the caller hangs up."""
    operation: str = ""

    def json(self) -> JsonValue:
        """Return the body as JSON.

        Raises:
            ValueError: it is none.
        """
        return cast(JsonValue, json.loads(self.body))

    def query_url(self, **changes: str) -> str:
        """Return this request's address with some query parameters changed, for links to further pages."""
        query = {name: self.query[name] for name in self.query} | changes
        return f"{self.base}{self.path}?{urlencode(query)}"


Handler = Callable[[Asked], Response]


@dataclass(frozen=True, slots=True)
class Route:
    """A method, a path with `{placeholders}` (`{name:path}` also takes slashes), and what answers."""

    method: str
    pattern: re.Pattern[str]
    handler: Handler


def route(method: str, path: str, handler: Handler) -> Route:
    """Build a route."""
    pattern = re.sub(r"\{(\w+):path\}", r"(?P<\1>.+)", path)
    pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", pattern)
    return Route(method, re.compile(pattern), handler)


def json_response(content: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return an answer in JSON, without spaces."""
    body = json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()
    return Response(body, status_code=status, headers=headers, media_type=type_json)


class Vendor:
    """One vendor's far end. A subclass gives routes, auth and the vendor's own error shape."""

    name: str
    routes: Sequence[Route]

    def __init__(self, stage: Stage) -> None:
        """Join the run."""
        self.stage = stage

    # The vendor's own manner, overridden below.

    def admit(self, asked: Asked) -> Response | None:
        """Return the vendor's refusal of a bad credential, or None."""
        return None

    def error(self, status: int, message: str = "") -> Response:
        """Return an error as the vendor writes it."""
        return json_response({"error": message or f"status {status}"}, status)

    def rate_limited(self) -> Response:
        """Return the vendor's own way of saying slow down."""
        return self.error(429, "Too many requests")

    def headers(self, asked: Asked) -> Mapping[str, str]:
        """Return headers that go with every answer, such as what is left of the rate limit."""
        return {}

    def refuse_write(self, asked: Asked) -> Response:
        """Answer a method other than GET and HEAD for which there is no route."""
        self.record_write(asked, what=f"{asked.method} {asked.path}", accepted=False)
        return self.error(403, "this credential may only read")

    # The same for all.

    def record_write(self, asked: Asked, *, what: str, accepted: bool) -> None:
        """Keep an attempt to write, so that a run can show there was none."""
        body = asked.body.decode("utf-8", "replace")[:BODY_KEPT]
        self.stage.journal.writes.append(
            Write(asked.at, self.name, asked.method, asked.path, what=what, accepted=accepted, body=body)
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        began = time.perf_counter()
        asked = await _read(scope, receive)
        fault = self.stage.faults.take(self.name, asked.path)
        await self.stage.latency.pause()
        if fault is not None and fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
        if fault is not None and fault.kind == "reset":
            break_connection(scope["state"]["transport"])
            self._record(asked, None, fault, began)
            await _until_gone(receive)
            return
        response = await self._answer(asked, fault)
        self._record(asked, response, fault, began)
        if fault is not None and fault.kind == "cut":
            await _send_half(response, send)
            cast(asyncio.Transport, scope["state"]["transport"]).close()
            await _until_gone(receive)
            return
        await response(scope, receive, send)

    async def respond(self, asked: Asked) -> Response:
        """Answer a request that is let in. Whoever has to wait for somebody else overrides this."""
        return self._dispatch(asked)

    async def _answer(self, asked: Asked, fault: Fault | None) -> Response:
        if fault is not None and fault.kind in ("status", "rate-limit"):
            response = self.rate_limited() if fault.kind == "rate-limit" else self.error(fault.status)
            response.headers.update(fault.retry_after_header(asked.at))
        else:
            response = self.admit(asked) or await self.respond(asked)
        for name, value in self.headers(asked).items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("date", asked.at.strftime("%a, %d %b %Y %H:%M:%S GMT"))
        return BODIES[fault.kind](response) if fault is not None and fault.kind in BODIES else response

    def _dispatch(self, asked: Asked) -> Response:
        method = "GET" if asked.method == "HEAD" else asked.method
        for candidate in self.routes:
            if candidate.method != method:
                continue
            match = candidate.pattern.fullmatch(asked.path)
            if match is not None:
                asked.values = match.groupdict()
                return candidate.handler(asked)
        if method != "GET":
            return self.refuse_write(asked)
        return self.error(404, f"no route for {asked.path}")

    def _record(self, asked: Asked, response: Response | None, fault: Fault | None, began: float) -> None:
        self.stage.journal.record(
            Request(
                at=asked.at,
                vendor=self.name,
                method=asked.method,
                path=asked.path,
                query=re.sub(r"(?<![^&])(password=)[^&]*", r"\1…", asked.raw_query),
                operation=asked.operation,
                status=response.status_code if response is not None else 0,
                bytes=len(response.body) if response is not None else 0,
                milliseconds=round((time.perf_counter() - began) * 1000, 3),
                fault=fault.kind if fault is not None else "",
            )
        )


class Allowance:
    """What is left of a rate limit, counted down over a fixed window and never below one: the sandbox tells, and only
    refuses when a `rate-limit` fault says so, because a load test on one machine would meet limits made for a planet."""

    def __init__(self, limit: int, seconds: int) -> None:
        """Take the requests per window and the window's length in seconds."""
        self.limit = limit
        self.seconds = seconds
        self._window = 0
        self._used = 0

    def spend(self, at: datetime) -> int:
        """Count one request and return how many are left."""
        self._turn(at)
        self._used += 1
        return self.left(at)

    def is_spent(self, at: datetime) -> bool:
        """Count one request, and tell whether it is one too many."""
        self._turn(at)
        self._used += 1
        return self._used > self.limit

    def left(self, at: datetime) -> int:
        """Return how many are left."""
        self._turn(at)
        return max(1, self.limit - self._used)

    def _turn(self, at: datetime) -> None:
        window = int(at.timestamp()) // self.seconds
        if window != self._window:
            self._window, self._used = window, 0

    def resets_at(self, at: datetime) -> int:
        """Return the epoch second at which the window ends."""
        return (int(at.timestamp()) // self.seconds + 1) * self.seconds


async def _read(scope: Scope, receive: Receive) -> Asked:
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            break
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size <= BODY_CAP:
            chunks.append(chunk)
        if not message.get("more_body", False):
            break
    host, port = scope["server"]
    return Asked(
        method=scope["method"],
        path=scope["path"],
        query=QueryParams(scope["query_string"]),
        headers=Headers(scope=scope),
        body=b"".join(chunks),
        at=wall_clock().astimezone(UTC),
        values={},
        raw_query=scope["query_string"].decode("ascii", "replace"),
        base=f"http://{host}:{port}",
        gone=receive,
    )


async def _send_half(response: Response, send: Send) -> None:
    body = bytes(response.body)
    start: Message = {"type": "http.response.start", "status": response.status_code, "headers": response.raw_headers}
    await send(start)
    await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
