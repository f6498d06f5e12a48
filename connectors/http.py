"""The one httpx posture of all connectors: nothing but reads leaves, answers are bounded, failures follow connectors.base.

    http = ReadOnlyHttp("https://api.example.com", headers={"Authorization": "Bearer …"})
    reply = await http.get("/v1/things", params={"limit": "10"})      # raises ConnectorError or Declined
    rows = reply.json()

What may pass is raised as `ConnectorError`. What is an answer, only not the one hoped for (401, 403, another 4xx, an
answer too large to hold), is raised as `Declined`, which a connector turns into its `Answer`.
"""

import json
import re
import zlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from ssl import SSLContext
from typing import TypeVar

import httpx
from pydantic import JsonValue

from connectors.base import RateLimited, SlowAnswer, Unavailable, WriteRefused
from models.vocabulary import EvidenceStatus

PostGuard = Callable[[bytes], bool]
"""Whether the body of a POST only reads, such as a GraphQL query without a mutation."""

Body = TypeVar("Body", bytes, bytearray)

_READS = frozenset({"GET", "HEAD"})
_OVERRIDES = ("x-http-method-override", "x-http-method", "x-method-override")
_DEFAULT_CAP = 8 * 1024 * 1024
_CHUNK = 64 * 1024


class Declined(Exception):
    """The far end answered, and the answer is no: never retried, always told.

    `reason` is for people and holds neither a secret nor any part of the body. `http_status` is 0 where no status says it.
    """

    def __init__(self, status: EvidenceStatus, reason: str, *, http_status: int = 0) -> None:
        """Keep what the `Answer` needs: `failed` or `denied`, and why."""
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.http_status = http_status


class SchemaDrift(Declined):
    """The far end answered in another shape than the one that it is known for: not looked at, and told."""

    def __init__(self, what: str) -> None:
        """Name the field and what it holds instead, never a value: `"invoices[0].total is text, not a whole number"`."""
        super().__init__(EvidenceStatus.FAILED, f"schema drift: {what}")


@dataclass(frozen=True)
class Reply:
    """A whole answer, already bounded and decompressed."""

    status: int
    headers: httpx.Headers
    content: bytes
    url: str
    """Where the answer came from, redirects followed."""

    def json(self) -> JsonValue:
        """Parse the body.

        Raises:
            Unavailable: cut off or not JSON, as a proxy's error page is.
        """
        try:
            value: JsonValue = json.loads(self.content, parse_constant=lambda _: None)
        except (ValueError, RecursionError):
            raise Unavailable(f"{_place(self.url)} answered {self.status} with something that is not JSON") from None
        return value

    @property
    def text(self) -> str:
        """The body in the charset that the server names, else UTF-8; bytes that do not fit are replaced."""
        named = re.search(r"charset=\"?([\w-]+)", self.headers.get("content-type", ""))
        try:
            return self.content.decode(named[1] if named else "utf-8", errors="replace")
        except LookupError:
            return self.content.decode("utf-8", errors="replace")


class ReadOnlyTransport(httpx.AsyncBaseTransport):
    """Refuses every request that could write, below whatever SDK built it.

    GET and HEAD without a body pass. POST passes to the exact URLs given (query string aside), if the guard of that URL
    finds that the body only reads. A header that asks the server to take GET for another method is refused.
    """

    def __init__(self, inner: httpx.AsyncBaseTransport, posts: Mapping[str, PostGuard] | None = None) -> None:
        """Wrap a transport; `posts` maps a full URL to the guard of its bodies."""
        self._inner = inner
        self._posts = {str(httpx.URL(url)): guard for url, guard in (posts or {}).items()}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a read.

        Raises:
            WriteRefused: anything else; nothing was sent.
        """
        await self._check(request)
        return await self._inner.handle_async_request(request)

    async def _check(self, request: httpx.Request) -> None:
        body = await request.aread()
        what = f"{request.method} {request.url.path!r} at {request.url.host!r}"
        if any(name in request.headers for name in _OVERRIDES):
            raise WriteRefused(f"{what} asks for another method by a header; connectors only read")
        if request.method in _READS:
            if body:
                raise WriteRefused(f"{what} has a body; connectors only read")
            return
        guard = self._posts.get(str(request.url.copy_with(query=None, fragment=None)))
        if request.method != "POST" or guard is None:
            raise WriteRefused(
                f"{what} is not a read; connectors send GET and HEAD, and POST only where it is allow-listed"
            )
        if not guard(body):
            raise WriteRefused(f"{what} has a body that may write; connectors only read")

    async def aclose(self) -> None:
        """Close the wrapped transport."""
        await self._inner.aclose()


class ReadOnlyHttp:
    """A pooled client of one far end: no retries, no cookies, no proxy from the environment.

    `byte_cap` bounds each answer after decompression. `follow_redirects` is for public pages only; credentials are not
    sent on to another host.
    """

    def __init__(
        self,
        base_url: str,
        *,
        headers: Mapping[str, str] | None = None,
        posts: Mapping[str, PostGuard] | None = None,
        byte_cap: int = _DEFAULT_CAP,
        timeout: float = 10.0,
        follow_redirects: bool = False,
        max_connections: int = 20,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Open nothing yet.

        `posts` maps a path ("" is the base URL itself) to its guard; `transport` replaces the network in tests.
        """
        base = httpx.URL(base_url)
        inner = transport or httpx.AsyncHTTPTransport(
            verify=_tls(), limits=httpx.Limits(max_connections=max_connections, keepalive_expiry=60), retries=0
        )
        self._cap = byte_cap
        self._base = base
        urls = {str(self._url(path)): guard for path, guard in (posts or {}).items()}
        self._client = httpx.AsyncClient(
            transport=ReadOnlyTransport(inner, urls),
            headers={"User-Agent": "whydesk (read-only)", "Accept-Encoding": "gzip", **(headers or {})},
            timeout=timeout,
            follow_redirects=follow_redirects,
            max_redirects=5,
            trust_env=False,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        )

    async def get(
        self,
        path: str,
        *,
        params: Mapping[str, str | int | list[str]] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        accept: frozenset[int] = frozenset(),
    ) -> Reply:
        """GET a path below the base URL ("" is the base URL itself), or a full URL.

        Args:
            params: The query string; a list repeats its name.
            timeout: Seconds for each step of this request; the whole question's limit is the caller's (`time_limit`).
            accept: Statuses beside 2xx to return rather than raise, such as 304 or 404.

        Raises:
            ConnectorError, Declined: see the module.
        """
        return await self._send("GET", path, params=params, headers=headers, timeout=timeout, accept=accept)

    async def post(
        self,
        path: str,
        body: JsonValue,
        *,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        accept: frozenset[int] = frozenset(),
    ) -> Reply:
        """POST JSON to an allow-listed path; otherwise as `get`."""
        content = json.dumps(body, separators=(",", ":")).encode()
        sent = {"Content-Type": "application/json", **(headers or {})}
        return await self._send("POST", path, headers=sent, content=content, timeout=timeout, accept=accept)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def _send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int | list[str]] | None = None,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        timeout: float | None = None,
        accept: frozenset[int] = frozenset(),
    ) -> Reply:
        limit = httpx.USE_CLIENT_DEFAULT if timeout is None else timeout
        try:
            url = self._url(path)
            async with self._client.stream(
                method, url, params=params or None, headers=headers, content=content, timeout=limit
            ) as response:
                content_read = await read_bounded(response, self._cap)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise translate(error, _place(path if "://" in path else str(self._base))) from None
        reply = Reply(response.status_code, response.headers, content_read, str(response.url))
        if reply.status not in accept:
            raise_for_status(reply.status, reply.headers, _place(reply.url))
        return reply

    def _url(self, path: str) -> httpx.URL:
        if "://" in path:
            return httpx.URL(path)
        # `join` would drop the base's own path, which gateways and enterprise installs have.
        return httpx.URL(str(self._base).rstrip("/") + "/" + path.lstrip("/")) if path else self._base


async def read_bounded(response: httpx.Response, cap: int) -> bytes:
    """Read a streamed response, never holding more than `cap` decompressed bytes.

    Raises:
        Declined: larger than the cap.
        Unavailable: a compression that was not asked for, or a stream that does not decompress.
    """
    encoding = response.headers.get("content-encoding", "identity").lower()
    if response.is_stream_consumed:
        return _within(await response.aread(), cap)
    if encoding not in ("identity", "", "gzip", "x-gzip"):
        raise Unavailable(f"{_place(str(response.url))} answered in encoding {encoding!r}; gzip was asked for")
    body = bytearray()
    chunks = response.aiter_raw(_CHUNK)
    async for part in _inflate(chunks) if encoding in ("gzip", "x-gzip") else chunks:
        body += part
        _within(body, cap)
    return bytes(body)


def _within(body: Body, cap: int) -> Body:
    if len(body) > cap:
        raise Declined(EvidenceStatus.FAILED, f"the answer is larger than {cap} bytes; ask for less")
    return body


async def _inflate(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    # httpx would inflate a whole chunk at once, and 64 KiB can hold 64 MiB of zeros.
    inflate = zlib.decompressobj(wbits=31)
    try:
        async for chunk in chunks:
            while chunk:
                yield inflate.decompress(chunk, _CHUNK)
                chunk = inflate.unconsumed_tail
        yield inflate.flush()
    except zlib.error:
        raise Unavailable("the answer does not decompress; it was cut or mangled on the way") from None
    if not inflate.eof:
        raise Unavailable("the compressed answer was cut off")


def translate(error: Exception, what: str) -> Exception:
    """Return the `ConnectorError` or `Declined` that an httpx error stands for. `what` names the far end, without secrets."""
    kind = type(error).__name__
    if isinstance(error, httpx.TimeoutException):
        return SlowAnswer(f"{what} gave no answer in time ({kind})")
    if isinstance(error, httpx.UnsupportedProtocol | httpx.InvalidURL | httpx.LocalProtocolError):
        return Declined(
            EvidenceStatus.FAILED, f"{what} cannot be asked ({kind}); check its url and key in the configuration"
        )
    if isinstance(error, httpx.TooManyRedirects):
        return Declined(EvidenceStatus.FAILED, f"{what} redirects in circles; check its url in the configuration")
    return Unavailable(f"{what} could not be reached or cut its answer ({kind})")


def raise_for_status(status: int, headers: Mapping[str, str], what: str) -> None:
    """Raise what an HTTP status stands for; 2xx passes.

    Args:
        headers: Looked up in lower case, so give `httpx.Headers` or lower-case names.
        what: Names the far end, without secrets.
    """
    if 200 <= status < 300:
        return
    delay = retry_after(headers)
    said = f"{what} answered {status}"
    if status == 429 or (status == 403 and (delay is not None or headers.get("x-ratelimit-remaining") == "0")):
        raise RateLimited(f"{said}: too many requests", retry_after=delay)
    if status == 408:
        raise SlowAnswer(said, retry_after=delay)
    if status >= 500 or status == 425:
        raise Unavailable(said, retry_after=delay)
    if status in (401, 403, 407):
        raise Declined(EvidenceStatus.DENIED, f"{said}: the key is wrong or may not read this", http_status=status)
    if 300 <= status < 400:
        raise Declined(EvidenceStatus.FAILED, f"{said}, a redirect; set the url that it points to", http_status=status)
    raise Declined(EvidenceStatus.FAILED, f"{said}: it does not take the question", http_status=status)


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Return the seconds that `retry-after` asks to wait: from a number or an HTTP date; None if absent or unreadable."""
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,9}(\.\d{1,6})?", value):
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    # RFC 5322 lets "-0000" mean a time of unknown zone, which Python reads as naive; HTTP dates are always GMT.
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - (now or datetime.now(UTC))).total_seconds())


def _place(url: str) -> str:
    try:
        return repr(httpx.URL(url).host)
    except httpx.InvalidURL:
        return "the configured url"


@lru_cache(maxsize=1)
def _tls() -> SSLContext:
    # Loading the certificates takes tens of milliseconds; all clients share one context.
    return httpx.create_ssl_context()
