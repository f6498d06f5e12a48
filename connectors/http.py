"""The one httpx posture of all connectors: nothing but reads leaves, answers are bounded, failures follow connectors.base.

    http = ReadOnlyHttp("https://api.example.com", headers={"Authorization": "Bearer …"})
    reply = await http.get("/v1/things", params={"limit": "10"})      # raises ConnectorError or Declined
    rows = reply.json()
    findings = observed_findings(http.observed)

What may pass is raised as `ConnectorError`. What is an answer, only not the one hoped for (401, 403, another 4xx, an
answer too large to hold), is raised as `Declined`, which a connector turns into its `Answer`.
"""

import json
import re
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, replace
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx
from pydantic import JsonValue

from connectors.base import Unavailable, WriteRefused
from connectors.http_bounded import read_bounded
from connectors.http_failures import Declined, SchemaDrift, place, raise_for_status, retry_after, translate
from connectors.http_network import OPEN_NETWORK, Network, make_transport, network_of
from connectors.http_observed import Observed, RateLimit, finding_for, observe, observed_findings

__all__ = [
    "OPEN_NETWORK",
    "Declined",
    "Network",
    "Observed",
    "PostGuard",
    "RateLimit",
    "ReadOnlyHttp",
    "ReadOnlyTransport",
    "Reply",
    "SchemaDrift",
    "finding_for",
    "network_of",
    "observed_findings",
    "raise_for_status",
    "read_bounded",
    "retry_after",
    "translate",
]
from models.vocabulary import EvidenceStatus

PostGuard = Callable[[bytes], bool]
"""Whether the body of a POST only reads, such as a GraphQL query without a mutation."""

_READS = frozenset({"GET", "HEAD"})
_OVERRIDES = ("x-http-method-override", "x-http-method", "x-method-override")
_DEFAULT_CAP = 8 * 1024 * 1024
_REDIRECTED = frozenset({301, 302, 303, 307, 308})
_REDIRECTS = 5
_SENT_ON = frozenset({"if-none-match", "if-modified-since"})


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
            raise Unavailable(f"{place(self.url)} answered {self.status} with something that is not JSON") from None
        return value

    @property
    def text(self) -> str:
        """The body in the charset that the server names, else UTF-8; bytes that do not fit are replaced."""
        named = re.search(r"charset=\"?([\w-]+)", self.headers.get("content-type", ""))
        try:
            return self.content.decode(named[1] if named else "utf-8", errors="replace")
        except LookupError:
            return self.content.decode("utf-8", errors="replace")


SENT: ContextVar[list[None] | None] = ContextVar("SENT", default=None)
"""Where the requests of the question at hand are counted, if anybody does."""


class ReadOnlyTransport(httpx.AsyncBaseTransport):
    """Refuses every request that could write, below whatever SDK built it.

    GET and HEAD without a body pass. POST passes to the exact URLs given (query string aside), if the guard of that URL
    finds that the body only reads. A header that asks the server to take GET for another method is refused.
    """

    def __init__(self, inner: httpx.AsyncBaseTransport, posts: Mapping[str, PostGuard] | None = None) -> None:
        """Wrap a transport; `posts` maps a full URL to the guard of its bodies."""
        self._inner = inner
        self._posts = {str(httpx.URL(url)): guard for url, guard in (posts or {}).items()}
        self.observed = Observed()
        """What the last answer told beside its content."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a read.

        Raises:
            WriteRefused: anything else; nothing was sent.
        """
        await self._check(request)
        counted = SENT.get()
        if counted is not None:
            counted.append(None)
        started = time.monotonic()
        response = await self._inner.handle_async_request(request)
        seen = observe(response.headers, time.monotonic() - started)
        # Some answers, such as 304s and errors, leave the limits out.
        self.observed = replace(seen, rate_limits=seen.rate_limits or self.observed.rate_limits)
        return response

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

    `byte_cap` bounds each answer after decompression. With `follow_redirects` a GET is sent on within its host alone, never
    from https to http, and without the client's own headers, which hold its keys.
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
        network: Network = OPEN_NETWORK,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Open nothing yet.

        `posts` maps a path ("" is the base URL itself) to its guard; `transport` replaces the network in tests.

        Raises:
            ValueError: the network's CA file or proxy cannot be used.
        """
        base = httpx.URL(base_url)
        inner = transport or make_transport(network, max_connections)
        self._cap = byte_cap
        self._headers = dict(headers or {})
        self._follows = follow_redirects
        self._base = base
        urls = {str(self._url(path)): guard for path, guard in (posts or {}).items()}
        self._transport = ReadOnlyTransport(inner, urls)
        self._client = httpx.AsyncClient(
            transport=self._transport,
            headers={"User-Agent": "whydesk (read-only)", "Accept-Encoding": "gzip"},
            timeout=timeout,
            follow_redirects=False,
            trust_env=False,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        )

    @property
    def observed(self) -> Observed:
        """What the far end's last answer told beside its content."""
        return self._transport.observed

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
            if method in _READS and _origin(url) != _origin(self._base):
                raise Declined(
                    EvidenceStatus.FAILED,
                    f"{place(str(url))} is not the configured {place(str(self._base))} and is not asked; check its url",
                )
            request = self._client.build_request(
                method,
                url,
                params=params or None,
                headers={**self._headers, **(headers or {})},
                content=content,
                timeout=limit,
            )
            reply = await self._read(request)
            for _ in range(_REDIRECTS):
                if not (self._follows and method in _READS and reply.status in _REDIRECTED):
                    break
                sent_on = {name: value for name, value in request.headers.items() if name in _SENT_ON}
                reply = await self._read(
                    self._client.build_request(method, _target(reply), headers=sent_on, timeout=limit)
                )
            else:
                if reply.status in _REDIRECTED:
                    raise httpx.TooManyRedirects("too many")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise translate(error, place(path if "://" in path else str(self._base))) from None
        if reply.status not in accept:
            raise_for_status(reply.status, reply.headers, place(reply.url))
        return reply

    async def _read(self, request: httpx.Request) -> Reply:
        response = await self._client.send(request, stream=True)
        try:
            content = await read_bounded(response, self._cap)
        finally:
            await response.aclose()
        return Reply(response.status_code, response.headers, content, str(request.url))

    def _url(self, path: str) -> httpx.URL:
        if "://" in path:
            return httpx.URL(path)
        # `join` would drop the base's own path, which gateways and enterprise installs have.
        return httpx.URL(str(self._base).rstrip("/") + "/" + path.lstrip("/")) if path else self._base


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _target(reply: Reply) -> httpx.URL:
    """Return where a redirect leads.

    Raises:
        Declined: to another host or port, or from https to http.
    """
    here = httpx.URL(reply.url)
    there = here.join(reply.headers.get("location", ""))
    secured = (here.scheme, there.scheme) == ("http", "https") and here.port is None and there.port is None
    same = (here.scheme, here.port) == (there.scheme, there.port) or secured
    if there.host != here.host or not same:
        leads = f"{there.scheme}://{there.host}" + (f":{there.port}" if there.port else "")
        raise Declined(
            EvidenceStatus.FAILED,
            f"{place(reply.url)} redirects to {leads!r}, which is not followed; set that url if it is the right one",
            http_status=reply.status,
        )
    return there.copy_with(fragment=None, userinfo=b"")
