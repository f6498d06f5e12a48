"""What Sentry's API answers: its shapes, its pages, and its ways to say no.

Fields: web API version 0. A field that must be there and is not, or is of another type, is schema drift.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, NamedTuple, TypeVar
from urllib.parse import urlencode

import httpx
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, TypeAdapter, ValidationError

from connectors.answers import read_moment
from connectors.base import RateLimited, Unavailable, WriteRefused
from connectors.http import Declined, ReadOnlyHttp, Reply, SchemaDrift, retry_after
from models.vocabulary import EvidenceStatus

NEEDS = ("event:read", "org:read", "project:read")
"""What the token must allow."""
_NEXT = re.compile(r'<[^>]*>((?:\s*;\s*[\w-]+="[^"]*")*)')
_ATTRIBUTE = re.compile(r'([\w-]+)="([^"]*)"')
T = TypeVar("T")
Asked = Mapping[str, str | int | list[str]]
"""A query string; a list repeats its name."""


def _moment(value: JsonValue) -> datetime:
    moment = read_moment(value) if isinstance(value, str) else None
    if moment is None:
        raise ValueError("not a time")
    return moment


def _counted(value: JsonValue) -> JsonValue:
    # Sentry writes the counts of issues as text.
    return int(value) if isinstance(value, str) and re.fullmatch(r"\d{1,15}", value) else value


_When = Annotated[datetime, BeforeValidator(_moment)]
_Count = Annotated[int, BeforeValidator(_counted)]


class _Shape(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class _Project(_Shape):
    slug: str


class _Seen(_Shape):
    count: _Count
    users: _Count = Field(alias="userCount")


class _Lifetime(_Shape):
    first_seen: _When = Field(alias="firstSeen")
    last_seen: _When = Field(alias="lastSeen")


class Issue(_Seen, _Lifetime):
    """One issue of a list; its counts are those of the window."""

    id: Annotated[str, Field(pattern=r"^\d+$")]
    short_id: str = Field(alias="shortId")
    title: str
    culprit: str | None = None
    level: str
    status: str
    project: _Project
    filtered: _Seen | None = None
    """Of the events that match the query; absent where the query names no property of events."""
    lifetime: _Lifetime | None = None
    """Where it is absent, the issue's own times are of its lifetime; else they may be of the window."""


class _Version(_Shape):
    version: str


class Detail(_Shape):
    """What a single issue tells and the list of them does not."""

    first_release: _Version | None = Field(alias="firstRelease")


class Event(_Shape):
    """One event, as asked for by its fields."""

    id: Annotated[str, Field(pattern=r"^[0-9a-fA-F-]{1,64}$")]
    issue: str
    title: str
    level: str
    project: str
    release: str | None
    transaction: str | None
    timestamp: _When


class _Deploy(_Shape):
    environment: str
    finished: _When | None = Field(alias="dateFinished")


class Release(_Shape):
    """One release."""

    version: str
    created: _When = Field(alias="dateCreated")
    released: _When | None = Field(alias="dateReleased")
    new_groups: int = Field(alias="newGroups")
    commits: int | None = Field(default=None, alias="commitCount")
    last_deploy: _Deploy | None = Field(default=None, alias="lastDeploy")
    projects: list[_Project]


class Auth(_Shape):
    """What the token allows."""

    scopes: list[str]


class Index(_Shape):
    """The root of the API."""

    auth: Auth | None = None


ISSUES, EVENTS, RELEASES = TypeAdapter(list[Issue]), TypeAdapter(list[Event]), TypeAdapter(list[Release])
DETAIL, INDEX = TypeAdapter(Detail), TypeAdapter(Index)


class Listed(NamedTuple):
    """What all pages held that were read."""

    items: list[JsonValue]
    cut: bool
    """A full page, and the answer does not tell whether there is another."""
    total: int | None


class SentryApi:
    """One organization's API over one pooled client; nothing but its lists and single issues is asked."""

    def __init__(self, url: str, organization: str, token: str, transport: httpx.AsyncBaseTransport | None) -> None:
        """Open nothing yet."""
        self.base = f"/api/0/organizations/{organization}"
        self._paths = re.compile(rf"/api/0/|{re.escape(self.base)}/(issues/(\d+/)?|events/|releases/)")
        self.http = ReadOnlyHttp(url, headers={"Authorization": f"Bearer {token}"}, transport=transport)

    async def read_list(self, name: str, asked: Asked, size: int, most: int, sent: list[str]) -> Listed:
        """Read pages of `size` items until there are more than `most`."""
        items: list[JsonValue] = []
        cursor, total = "", None
        while True:
            reply = await self.get(f"{self.base}/{name}/", {**asked, **({"cursor": cursor} if cursor else {})}, sent)
            page = items_of(reply.json(), name)
            items += page
            total = _total(reply.headers) if total is None else total
            if "link" not in reply.headers:
                return Listed(items, len(page) >= size, total)
            following = _next_cursor(reply.headers["link"])
            if not following or len(items) > most:
                return Listed(items, False, total)
            if following == cursor:
                raise Unavailable("Sentry says that there is a next page, and names the same one again")
            cursor = following

    async def get(self, path: str, asked: Asked, sent: list[str]) -> Reply:
        """GET one of the known paths.

        Raises:
            ConnectorError, Declined: see connectors.http. WriteRefused for a path that is not known.
        """
        if not self._paths.fullmatch(path):
            raise WriteRefused(f"GET {path!r} is none of the paths that are read at Sentry")
        sent.append(f"GET {path}" + (f"?{urlencode(asked, doseq=True)}" if asked else ""))
        reply = await self.http.get(path, params=asked, accept=frozenset({401, 403, 404, 429}))
        if reply.status == 429:
            raise RateLimited("Sentry asks to slow down", retry_after=_delay(reply.headers))
        if reply.status in (401, 403):
            raise Declined(
                EvidenceStatus.DENIED,
                f"Sentry does not let this token read {path!r} ({reply.status}{_code(reply)}); it needs {', '.join(NEEDS)}",
                http_status=reply.status,
            )
        if reply.status == 404:
            raise Declined(
                EvidenceStatus.FAILED,
                f"Sentry has nothing at {path!r} (404); check its organization and environment in the configuration",
                http_status=404,
            )
        return reply


def items_of(page: JsonValue, name: str) -> list[JsonValue]:
    """Return the items of a page; those of events stand under `data`."""
    items = page.get("data") if name == "events" and isinstance(page, dict) else page
    if not isinstance(items, list):
        raise SchemaDrift(f"{name} is no list")
    return items


def shaped(model: TypeAdapter[T], body: JsonValue, name: str) -> T:
    """Read a body into its shape.

    Raises:
        SchemaDrift: it has another; names the field, never its value.
    """
    try:
        return model.validate_python(body)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"])
        raise SchemaDrift(f"{name}{where}: {first['msg']}") from None


def _next_cursor(link: str) -> str:
    """Return where the next page begins; empty on the last one, which has a next page without results."""
    for one in _NEXT.finditer(link):
        told: dict[str, str] = dict(_ATTRIBUTE.findall(one[1]))
        if told.get("rel") == "next" and told.get("results") == "true":
            if not told.get("cursor"):
                raise Unavailable("Sentry says that there is a next page, and not where")
            return told["cursor"]
    return ""


def _total(headers: httpx.Headers) -> int | None:
    hits, most = headers.get("x-hits", ""), headers.get("x-max-hits", "")
    counted = re.fullmatch(r"\d{1,9}", hits) and not (most.isdigit() and int(hits) >= int(most))
    return int(hits) if counted else None


def _delay(headers: httpx.Headers) -> float | None:
    asked = retry_after(headers)
    reset = headers.get("x-sentry-rate-limit-reset", "")
    # With requests left, it is too many at once that was refused, and the end of the period says nothing.
    if asked is None and headers.get("x-sentry-rate-limit-remaining") == "0" and re.fullmatch(r"\d{9,11}", reset):
        return max(0.0, int(reset) - datetime.now(UTC).timestamp())
    return asked


def _code(reply: Reply) -> str:
    """Return the word with which Sentry tells why, such as `sso-required`, where it is one and not a sentence."""
    try:
        body = reply.json()
    except Unavailable:
        return ""
    detail = body.get("detail") if isinstance(body, dict) else None
    code = detail.get("code") if isinstance(detail, dict) else None
    return f", {code}" if isinstance(code, str) and re.fullmatch(r"[a-z-]{1,40}", code) else ""
