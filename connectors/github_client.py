"""PyGithub over this product's own HTTP client: GET alone, bounded, cancellable, and safe in threads.

PyGithub is synchronous, sleeps and polls by itself, and keeps the request that it is about to send on a connection object
that all threads of a client share, so that one thread can get another's answer. Its connection classes are therefore
replaced, for the whole process while a connector is open, by two that hand each GET to the event loop and refuse all else
before a byte leaves. Each thread makes a client of its own: that is free, since the connections are pooled below.
"""

import asyncio
import threading
from concurrent.futures import Future
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import ClassVar, cast
from urllib.parse import urlsplit

import github
import httpx
from github.Requester import (
    HTTPRequestsConnectionClass,
    HTTPSRequestsConnectionClass,
    Requester,
    RequestsResponse,
)

from connectors.base import RateLimited, SlowAnswer, Unavailable, WriteRefused
from connectors.github_shapes import check_body
from connectors.http import Declined, ReadOnlyHttp, Reply, SchemaDrift, retry_after
from models.vocabulary import EvidenceStatus

CLIENT_ERRORS = frozenset(range(400, 500)) - {408, 425}
"""Left to PyGithub, which knows what GitHub means by them."""
_SECONDARY_LIMIT = 60.0
"""Seconds that GitHub asks to wait after a secondary limit that names none."""


class Question:
    """The requests of one fetch: they go out on the event loop, are written down in `sent`, and stop when it is closed."""

    def __init__(self, http: ReadOnlyHttp, base_url: str) -> None:
        """Belong to the running event loop."""
        self.sent: list[str] = []
        self._http = http
        self._loop = asyncio.get_running_loop()
        self._origin = urlsplit(base_url)[:2]
        self._lock = threading.Lock()
        self._open: set[Future[Reply]] = set()
        self._closed = False

    def get(self, url: str, headers: dict[str, str]) -> Reply:
        """GET from a thread; waits for the whole answer.

        Raises:
            ConnectorError, Declined: as connectors.http.
        """
        parts = urlsplit(url)
        if parts[:2] != self._origin:
            raise Declined(
                EvidenceStatus.FAILED, f"GitHub refers to another host, {parts.netloc!r}, which is not asked"
            )
        with self._lock:
            if self._closed:
                raise SlowAnswer("the question to GitHub is over")
            answer = asyncio.run_coroutine_threadsafe(
                self._http.get(url, headers=headers, accept=CLIENT_ERRORS), self._loop
            )
            self._open.add(answer)
            self.sent.append(f"GET {parts.path}{'?' + parts.query if parts.query else ''}")
        try:
            return answer.result()
        finally:
            with self._lock:
                self._open.discard(answer)

    def close(self) -> None:
        """Stop what is under way, so that no thread outlives its question."""
        with self._lock:
            self._closed = True
            under_way = list(self._open)
        for answer in under_way:
            answer.cancel()


question_at_hand: ContextVar[Question | None] = ContextVar("github_question", default=None)


class _Answered(RequestsResponse):
    """What PyGithub reads an answer from."""

    def __init__(self, reply: Reply, text: str) -> None:
        self.status = reply.status
        self.headers = reply.headers  # type: ignore[assignment]  # a mapping with items(), all that is used of it
        self._text = text

    def read(self) -> str:
        return self._text


class ReadOnlyConnection:
    """Stands in for PyGithub's connections. Both halves of a request come from one thread, so it is kept per thread."""

    protocol: ClassVar[str] = "https"

    def __init__(self, host: str, port: int | None = None, *_: object, **__: object) -> None:
        """Open nothing: the pool lies below."""
        self.host = host
        self.port = port
        self._asked = threading.local()

    def request(self, verb: str, url: str, input: object, headers: dict[str, str], stream: bool = False) -> None:
        """Take a GET.

        Raises:
            WriteRefused: anything else; nothing was sent.
        """
        if verb != "GET" or input is not None:
            raise WriteRefused(f"{verb} {urlsplit(url).path!r} is not a read; this connector sends GET alone")
        self._asked.url, self._asked.headers = url, dict(headers)

    def getresponse(self) -> RequestsResponse:
        """Send what `request` took and check that the answer has the outline that PyGithub relies on.

        Raises:
            ConnectorError, Declined: as connectors.http.
        """
        question = question_at_hand.get()
        if question is None:
            raise RuntimeError("GitHub is asked only from within GitHubConnector.fetch")
        port = f":{self.port}" if self.port else ""
        url = f"{self.protocol}://{self.host}{port}{self._asked.url}"
        reply = question.get(url, self._asked.headers)
        return _Answered(reply, _checked_text(reply, url))

    def close(self) -> None:
        """Keep the pool: PyGithub closes a connection after each request, other threads' too."""


class _PlainReadOnlyConnection(ReadOnlyConnection):
    protocol = "http"


class ProcessGuard:
    """Makes every PyGithub client that is built anywhere in this process read-only, as long as a connector holds it."""

    def __init__(self) -> None:
        """Guard nothing yet."""
        self._lock = threading.RLock()
        self._holders = 0

    def hold(self) -> None:
        """Guard until `release` was called as often."""
        with self._lock:
            self._holders += 1
            self._put_on()

    def release(self) -> None:
        """Let go; without holders PyGithub is as it was, and clients of `make_client` stay guarded."""
        with self._lock:
            self._holders -= 1
            self._take_off()

    def make_client(self, base_url: str, token: str) -> github.Github:
        """Return a client for one thread: no sleeping, no retrying, no look-ups that were not asked for."""
        with self._lock:
            # Again for each client, so that nobody's reset of PyGithub in between opens a way around the guard.
            self._put_on()
            try:
                return github.Github(
                    base_url=base_url,
                    auth=github.Auth.Token(token),
                    lazy=True,
                    per_page=100,
                    retry=None,
                    seconds_between_requests=None,
                    seconds_between_writes=None,
                    user_agent="whydesk (read-only)",
                )
            finally:
                self._take_off()

    def _put_on(self) -> None:
        Requester.injectConnectionClasses(
            cast(type[HTTPRequestsConnectionClass], _PlainReadOnlyConnection),
            cast(type[HTTPSRequestsConnectionClass], ReadOnlyConnection),
        )

    def _take_off(self) -> None:
        if self._holders == 0:
            Requester.resetConnectionClasses()


GUARD = ProcessGuard()
"""PyGithub keeps its connection classes per process, so there is one guard per process."""


def _checked_text(reply: Reply, url: str) -> str:
    if reply.status == 202:
        # PyGithub would ask again every two seconds, for ever.
        raise Unavailable("GitHub is still computing the answer (202)")
    if reply.status >= 400:
        try:
            return reply.text if isinstance(reply.json(), dict) else ""
        except Unavailable:
            return ""
    # PyGithub reads an object in the place of a list as a list of its keys, and a page of HTML as an object.
    check_body(urlsplit(url).path, reply.json())
    return reply.text


def read_failure(error: github.GithubException, now: datetime | None = None) -> Exception:
    """Return the `ConnectorError` or `Declined` that an answer of PyGithub's error classes means; never its message."""
    if isinstance(error, github.IncompletableObject):
        return SchemaDrift("an answer lacks what PyGithub needs to go on")
    headers = httpx.Headers({str(name): str(value) for name, value in (error.headers or {}).items()})
    return failure(error.status, headers, isinstance(error, github.RateLimitExceededException), now)


def failure(status: int, headers: httpx.Headers, told: bool = False, now: datetime | None = None) -> Exception:
    """Return what a client error means; `told` where the body speaks of a rate limit."""
    used_up = headers.get("x-ratelimit-remaining") == "0"
    limited = told or used_up or "retry-after" in headers
    if status == 429 or (status == 403 and limited):
        return RateLimited(f"GitHub asks to slow down ({status})", retry_after=_delay(headers, used_up, now))
    if status == 401:
        return _declined(EvidenceStatus.DENIED, "GitHub does not take the token; check that it is not expired", 401)
    if status in (403, 451):
        return _declined(EvidenceStatus.DENIED, "the token may not read this", status)
    if status == 404:
        return _declined(EvidenceStatus.DENIED, "not visible to this token: absent, or private and not granted", 404)
    return _declined(EvidenceStatus.FAILED, f"GitHub does not take the question ({status})", status)


def _declined(status: EvidenceStatus, reason: str, http_status: int) -> Declined:
    return Declined(status, reason, http_status=http_status)


def _delay(headers: httpx.Headers, used_up: bool, now: datetime | None) -> float | None:
    asked = retry_after(headers)
    if asked is not None:
        return asked
    reset = headers.get("x-ratelimit-reset", "")
    if used_up and reset.isdigit() and len(reset) <= 12:
        return max(0.0, int(reset) - (now or datetime.now(UTC)).timestamp())
    return _SECONDARY_LIMIT
