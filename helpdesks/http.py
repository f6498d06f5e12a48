"""The one httpx posture of all helpdesks: reads and one named write leave, answers are bounded, failures follow helpdesks.base.

http = HelpdeskHttp("Zendesk", reads=base_url, write=only_a_private_note, headers={...})
page = await http.get(f"{base_url}/api/v2/tickets/4711", Page)      # raises HelpdeskError
status, body = await http.write("PUT", url, {...})
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from math import isfinite
from ssl import SSLContext
from typing import NamedTuple, TypeVar

import httpx
from pydantic import BaseModel, JsonValue, ValidationError

from helpdesks.base import (
    HelpdeskDenied,
    HelpdeskError,
    HelpdeskUnavailable,
    NoteConflict,
    TicketClosed,
    TicketNotFound,
    WriteRefused,
)

Objection = str
"""Why a write must not leave; empty if it may."""
WriteCheck = Callable[[httpx.Request, bytes], Objection]

Model = TypeVar("Model", bound=BaseModel)

TIMEOUT = 10.0
"""Seconds for one whole request; what retries a write waits longer."""
_LONGEST_WAIT = 3600.0
_ANSWER_CAP = 16 * 1024 * 1024
_CLOSED = (b"closed", b"maximum number of comments")
"""How a refusal says that nothing can be added any more; a status of its own there is not."""
_OVERRIDES = ("x-http-method-override", "x-http-method", "x-method-override")


class Reply(NamedTuple):
    """A whole answer of any status."""

    status: int
    headers: httpx.Headers
    body: bytes


class Looked(NamedTuple):
    """An answer to an examination, and when it came."""

    reply: Reply
    took: float
    """Seconds for the whole of it."""
    at: datetime


class GuardedTransport(httpx.AsyncBaseTransport):
    """Lets pass a GET without a body below one address, and whatever the write check finds harmless. Nothing else leaves."""

    def __init__(self, inner: httpx.AsyncBaseTransport, reads: httpx.URL, write: WriteCheck) -> None:
        """Wrap a transport. `reads` is the address whose scheme, host and port a GET may go to."""
        self._inner = inner
        self._reads = reads
        self._write = write

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a read or the one write.

        Raises:
            WriteRefused: anything else; nothing was sent.
        """
        # Reading the body here replaces a stream by what was read: what is judged is what is sent.
        objection = self._objection(request, await request.aread())
        if objection:
            raise WriteRefused(
                f"{request.method} {request.url.path!r} at {request.url.host!r} was stopped: {objection}"
            )
        return await self._inner.handle_async_request(request)

    def _objection(self, request: httpx.Request, body: bytes) -> Objection:
        if any(name in request.headers for name in (*_OVERRIDES, "content-encoding")):
            return "a header changes what the method or the body means"
        if request.method != "GET":
            if request.headers.get("content-type") != "application/json":
                return "a write is JSON and says so"
            return self._write(request, body)
        if body:
            return "a read has no body"
        return "" if same_origin(request.url, self._reads) else f"reads go to {self._reads.host!r} only"

    async def aclose(self) -> None:
        """Close the wrapped transport."""
        await self._inner.aclose()


class HelpdeskHttp:
    """A pooled client of one helpdesk: no retries, no redirects, no cookies, no proxy from the environment."""

    def __init__(
        self,
        name: str,
        *,
        reads: str,
        write: WriteCheck,
        headers: Mapping[str, str],
        timeout: float = TIMEOUT,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Open nothing yet. `headers` go with reads alone; `transport` replaces the network below the guard."""
        self._name = name
        self._timeout = timeout
        self._headers = dict(headers)
        inner = transport or httpx.AsyncHTTPTransport(
            verify=_tls(), retries=0, limits=httpx.Limits(max_connections=20, keepalive_expiry=60), trust_env=False
        )
        self._client = httpx.AsyncClient(
            transport=GuardedTransport(inner, httpx.URL(reads), write),
            # Compressed answers cannot be bounded before they are unpacked.
            headers={"User-Agent": "whydesk", "Accept": "application/json", "Accept-Encoding": "identity"},
            timeout=timeout,
            follow_redirects=False,
            trust_env=False,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        )

    async def get(self, url: str, model: type[Model], params: Mapping[str, str | int] | None = None) -> Model:
        """Read one page as a model.

        Raises:
            HelpdeskError: by status; HelpdeskUnavailable for an answer that the model cannot read.
        """
        reply = await self._send("GET", url, headers=self._headers, params=params)
        raise_for_status(self._name, "GET", url, reply)
        return self.read(model, reply, "GET", url)

    async def look(self, url: str) -> Looked:
        """Read with the answer's status left to judge.

        Raises:
            HelpdeskUnavailable: no whole answer.
        """
        began = time.perf_counter()
        reply = await self._send("GET", url, headers=self._headers)
        return Looked(reply, time.perf_counter() - began, datetime.now(UTC))

    async def write(self, method: str, url: str, content: bytes, headers: Mapping[str, str]) -> Reply:
        """Send the one write, with JSON.

        Raises:
            HelpdeskError: by status, for all but 2xx.
        """
        reply = await self._send(method, url, headers={"Content-Type": "application/json", **headers}, content=content)
        raise_for_status(self._name, method, url, reply)
        return reply

    def read(self, model: type[Model], reply: Reply, method: str, url: str) -> Model:
        """Read an answer as a model; HelpdeskUnavailable names the fields that do not fit, never what is in them."""
        try:
            return model.model_validate_json(reply.body)
        except ValidationError as error:
            wrong = error.errors(include_input=False, include_url=False, include_context=False)
        fields = ", ".join(".".join(map(str, one["loc"])) or "the body" for one in wrong[:5])
        raise HelpdeskUnavailable(
            f"{self._name} answered {method} {_path(url)!r} with {reply.status} and an unreadable {fields}; "
            "see whether something stands between, such as a proxy or a login page"
        )

    async def aclose(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def _send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        params: Mapping[str, str | int] | None = None,
        content: bytes | None = None,
    ) -> Reply:
        asked = f"{self._name} {method} {_path(url)!r}"
        try:
            # httpx bounds each step; a far end that drips bytes would hold a worker for ever.
            async with (
                asyncio.timeout(self._timeout),
                self._client.stream(method, url, headers=headers, params=params, content=content) as response,
            ):
                return Reply(response.status_code, response.headers, await _read_bounded(response, asked))
        except (httpx.TimeoutException, TimeoutError):
            raise HelpdeskUnavailable(f"{asked}: no whole answer within {self._timeout:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            # The exception itself holds the request with its credentials.
            kind = type(error).__name__
        raise HelpdeskUnavailable(f"{asked}: no connection or a cut answer ({kind}); is the address right and up?")


@lru_cache(maxsize=1)
def _tls() -> SSLContext:
    # Reading the trust store takes longer than most requests; one context serves every client.
    return httpx.create_ssl_context(trust_env=False)


async def _read_bounded(response: httpx.Response, asked: str) -> bytes:
    encoding = response.headers.get("content-encoding", "identity")
    if encoding != "identity":
        raise HelpdeskUnavailable(f"{asked}: the answer is packed as {encoding!r}, which was not asked for")
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > _ANSWER_CAP:
            raise HelpdeskUnavailable(f"{asked}: the answer is larger than {_ANSWER_CAP} bytes")
    return bytes(body)


def raise_for_status(name: str, method: str, url: str, reply: Reply) -> None:
    """Raise the HelpdeskError that a status stands for; 2xx passes."""
    status = reply.status
    if 200 <= status < 300:
        return
    asked = f"{name} answered {method} {_path(url)!r} with {status}"
    if status in (408, 423, 425, 429) or status >= 500:
        raise HelpdeskUnavailable(asked, retry_after=retry_after(reply.headers, datetime.now(UTC)))
    if status in (401, 403):
        raise HelpdeskDenied(f"{asked}: the key is wrong or may not do this; check the token and its agent's role")
    if status == 404:
        raise TicketNotFound(f"{asked}: deleted, or never there")
    if status in (400, 409, 410, 422) and any(words in reply.body.lower() for words in _CLOSED):
        raise TicketClosed(f"{asked}: the ticket takes no more comments")
    if status == 409:
        raise NoteConflict(f"{asked}: the ticket changed since it was read")
    if 300 <= status < 400:
        raise HelpdeskError(f"{asked}: it wants another address; check the configured URL")
    raise HelpdeskError(f"{asked}: it refuses what was asked{_error_keys(reply.body)}")


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Read `Retry-After`, seconds or an HTTP date, as seconds from now between 0 and an hour; None if absent or unreadable."""
    text = headers.get("retry-after", "").strip()
    try:
        seconds = float(text)
    except ValueError:
        try:
            date = parsedate_to_datetime(text)
        except ValueError:
            return None
        # RFC 9110: an HTTP date is in GMT, whether it says so or not.
        seconds = ((date if date.tzinfo else date.replace(tzinfo=UTC)) - now).total_seconds()
    return min(max(seconds, 0.0), _LONGEST_WAIT) if isfinite(seconds) else None


def same_origin(one: httpx.URL, other: httpx.URL) -> bool:
    """Whether scheme, host and port are the same."""
    return (one.scheme, one.host, _port(one)) == (other.scheme, other.host, _port(other))


def parse_unambiguous(body: bytes) -> JsonValue:
    """Parse JSON that every reader understands alike.

    Raises:
        ValueError: not JSON, or an object names a key twice: which one counts differs from reader to reader.
    """
    value: JsonValue = json.loads(body, object_pairs_hook=_unique)
    return value


@asynccontextmanager
async def at_once() -> AsyncIterator[asyncio.TaskGroup]:
    """A task group whose first failure comes out as itself, after the other tasks were cancelled."""
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None


def _unique(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _port(url: httpx.URL) -> int | None:
    return url.port or {"https": 443, "http": 80}.get(url.scheme)


def _path(url: str) -> str:
    # The query of a read may hold more than ids.
    return httpx.URL(url).path


def _error_keys(body: bytes) -> str:
    try:
        details = json.loads(body)["details"]
        keys = ", ".join(sorted(str(key) for key in details))[:120]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    return f"; it names {keys}" if keys else ""
