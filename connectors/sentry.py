"""Sentry, read-only: issues and releases, over its web API (version 0).

    search_issues   {terms?, level?, release?, first_release?, tags?}: shared, or of one customer
    list_releases   {}: shared; those made within the window

A question of scope `customer` is bound by `customer_tag`, the tag under which events carry our customer id. A playbook cannot
name that tag itself: what is about one customer is said to be so. The token needs event:read, org:read and project:read.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import zip_longest
from typing import Annotated, Literal
from urllib.parse import quote, urlencode

import httpx
from pydantic import BeforeValidator, ConfigDict, Field, HttpUrl, JsonValue, TypeAdapter
from pydantic.alias_generators import to_camel

from connectors.answers import answer, iso, no_answer, time_limit
from connectors.base import ConnectorError, Finding, FindingStatus, Plugin, RateLimited, WriteRefused, operation
from connectors.http import Declined, ReadOnlyHttp, Reply, SchemaDrift, finding_for, observed_findings, retry_after
from connectors.http_network import network_of
from connectors.http_observed import observe
from connectors.parameters import TextList, ask_together, read_parameters
from connectors.shapes import Moment, Shape, read_shape
from models.base import Row, Strict
from models.customer import Window
from models.evidence import Answer, SourceRequest
from models.tenant import Reached, SecretRef
from models.vocabulary import EvidenceStatus, Scope, Source

_NEEDS = "event:read, org:read and project:read"
_TERMS = 4
"""Searches for one question: the search of issues knows no OR."""
_PAGE = 100
_PAGES = 20
_RETENTION = timedelta(days=90)
"""Sentry keeps events so long at most; a window that begins before is answered as if nothing had been there."""
_Asked = Mapping[str, str | int | list[str]]
_Slug = Annotated[str, Field(pattern=r"^[a-z0-9_][a-z0-9_-]{0,99}$")]
_Text = Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S")]
_TagName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,200}$")]
_Level = Literal["fatal", "error", "warning", "info", "debug", "sample"]
_Levels = Annotated[list[_Level], BeforeValidator(lambda value: [value] if isinstance(value, str) else value)]


class SentryConfig(Reached):
    """A Sentry organization, by a token that only reads."""

    url: HttpUrl = HttpUrl("https://sentry.io")
    """Sentry, or a server of your own."""
    organization: _Slug
    """Its slug."""
    projects: list[_Slug] = []
    """Slugs; all that the token sees if empty."""
    token: SecretRef
    """With event:read, org:read and project:read alone."""
    environment: str = "production"
    """All environments if empty."""
    customer_tag: _TagName | Literal[""] = ""
    """The tag of events that holds our customer id; without it nothing can be asked about one customer."""


class _SearchIssues(Strict):
    terms: TextList | None = None
    """Any of them in the message."""
    level: _Levels | None = None
    release: _Text | None = None
    first_release: _Text | None = None
    tags: dict[_TagName, _Text] = {}


_OPERATIONS = {
    "search_issues": operation(
        _SearchIssues,
        "short_id title culprit level status project first_seen last_seen events users url matched_term",
    ),
    "list_releases": operation(
        Strict,
        "version projects created_at released_at deployed_at new_issues commits url",
        scopes=frozenset({Scope.SHARED}),
    ),
}


def _counted(value: JsonValue) -> JsonValue:
    # Sentry writes the counts of issues as text.
    return int(value) if isinstance(value, str) and re.fullmatch(r"\d{1,15}", value) else value


_Count = Annotated[int, BeforeValidator(_counted)]


class _Camel(Shape):
    model_config = ConfigDict(alias_generator=to_camel)


class _Project(_Camel):
    slug: str


class _Seen(_Camel):
    count: _Count
    user_count: _Count


class _Lifetime(_Camel):
    first_seen: Moment
    last_seen: Moment


class _Issue(_Seen, _Lifetime):
    id: Annotated[str, Field(pattern=r"^\d+$")]
    short_id: str
    title: str
    culprit: str | None = None
    level: str
    status: str
    project: _Project
    filtered: _Seen | None = None
    """Of the events that match the query; absent where the query names no property of events."""
    lifetime: _Lifetime | None = None
    """Where it is absent, the issue's own times are of its lifetime; else they may be of the window."""


class _CustomersIssue(_Issue):
    filtered: _Seen
    """Without it the counts would be those of all customers."""


class _Deploy(_Camel):
    environment: str
    date_finished: Moment | None


class _Release(_Camel):
    version: str
    date_created: Moment
    date_released: Moment | None
    new_groups: int
    commit_count: int | None = None
    last_deploy: _Deploy | None = None
    projects: list[_Project]


class _Auth(_Camel):
    scopes: list[str]


class _Root(_Camel):
    auth: _Auth | None = None


_ISSUES, _CUSTOMERS_ISSUES = TypeAdapter(list[_Issue]), TypeAdapter(list[_CustomersIssue])
_RELEASES, _ROOT = TypeAdapter(list[_Release]), TypeAdapter(_Root)


class SentryConnector:
    """One Sentry organization, over one pooled client; nothing but its root and two lists is read."""

    source = Source.SENTRY

    def __init__(self, config: SentryConfig, token: str, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        """Open nothing yet; `transport` replaces the network in tests."""
        self._config = config
        self._web = f"{str(config.url).rstrip('/')}/organizations/{config.organization}"
        self._base = f"/api/0/organizations/{config.organization}"
        # -1 stands for all that the token may read; without it a person's token is asked for that person's own projects.
        self._place: dict[str, str | list[str]] = (
            {"projectSlug": config.projects} if config.projects else {"project": "-1"}
        )
        if config.environment:
            self._place["environment"] = config.environment
        self._paths = frozenset({"/api/0/"} | {f"{self._base}/{name}/" for name in ("issues", "releases")})
        headers = {"Authorization": f"Bearer {token}"}
        self._http = ReadOnlyHttp(str(config.url), headers=headers, transport=transport, network=network_of(config))

    async def fetch(self, request: SourceRequest) -> Answer:
        """Ask Sentry.

        Raises:
            ConnectorError: see connectors.base.
            ValueError: an unknown operation or parameter, or a scope that the operation cannot have.
        """
        wanted = read_parameters(request, _OPERATIONS)
        allowed = _OPERATIONS[request.operation].scopes or PLUGIN.scopes
        if request.scope not in allowed:
            raise ValueError(f"{request.operation!r} takes the scope {' or '.join(sorted(allowed))}")
        sent: list[str] = []
        try:
            async with time_limit(request):
                if isinstance(wanted, _SearchIssues):
                    return await self._search_issues(request, wanted, sent)
                return await self._list_releases(request, sent)
        except Declined as no:
            return no_answer(no.status, no.reason, asked="\n".join(sent), url=f"{self._web}/issues/")

    async def examine(self) -> list[Finding]:
        """Look whether the token is taken and allows no more than is needed, and whether the lists have their shape."""
        day = Window(start=datetime.now(UTC) - timedelta(days=1), end=datetime.now(UTC))
        probe = SourceRequest(
            source=self.source, operation="search_issues", scope=Scope.SHARED, window=day, row_limit=1, time_limit=10.0
        )
        try:
            async with time_limit(probe):
                root = read_shape(_ROOT, (await self._get("/api/0/", {}, [])).json(), "the root of the API")
                await self._search_issues(probe, _SearchIssues(), [])
                await self._list_releases(probe, [])
        except (ConnectorError, Declined) as error:
            gone = isinstance(error, Declined) and error.http_status == 404
            url = "connectors.sentry.organization" if gone else "connectors.sentry.url"
            return [finding_for(error, url=url, key="connectors.sentry.token", needs=_NEEDS)]
        return [
            Finding("reach", FindingStatus.OK, f"the organization {self._config.organization!r} answers"),
            Finding("key", FindingStatus.OK, "the token is taken and reads what is needed"),
            _rights(root.auth),
            Finding("shape", FindingStatus.OK, "issues and releases have the expected fields"),
            *observed_findings(self._http.observed),
        ]

    async def aclose(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def _search_issues(self, request: SourceRequest, wanted: _SearchIssues, sent: list[str]) -> Answer:
        chosen = _filters(request, wanted, self._config.customer_tag)
        if wanted.first_release:
            chosen.append(f"firstRelease:{_quoted(wanted.first_release)}")
        terms = list(dict.fromkeys(term.strip() for term in wanted.terms or [] if term.strip()))
        if wanted.terms is not None and not terms:
            raise Declined(EvidenceStatus.FAILED, "there is no term to search for")
        searched = terms[:_TERMS] or [""]
        queries = [" ".join([*chosen, f"message:{_quoted(term)}"] if term else chosen) for term in searched]
        found = await ask_together(self._search(request, query, sent) for query in queries)
        hits = _merged([(issue, term) for issue in issues] for term, (issues, _) in zip(searched, found, strict=True))
        rows = [self._issue_row(issue, term) for issue, term in hits if self._counts(issue.project.slug)]
        left_out = f"searched for the first {_TERMS} of {len(terms)} terms" if len(terms) > _TERMS else ""
        remarks = [left_out, _too_old(request.window), *dict.fromkeys(why for _, why in found)]
        reason = "; ".join(remark for remark in remarks if remark)
        url = f"{self._web}/issues/?{urlencode({'query': queries[0], **_period(request.window)})}"
        return answer(request, rows, asked="\n".join(sent), url=url, truncated=bool(reason), reason=reason)

    async def _search(self, request: SourceRequest, query: str, sent: list[str]) -> tuple[list[_Issue], str]:
        items, goes_on = await self._read_list("issues", {"query": query}, request, sent)
        if request.scope is Scope.CUSTOMER:
            return [*read_shape(_CUSTOMERS_ISSUES, items, "issues")], goes_on
        return read_shape(_ISSUES, items, "issues"), goes_on

    async def _list_releases(self, request: SourceRequest, sent: list[str]) -> Answer:
        items, goes_on = await self._read_list("releases", {}, request, sent)
        found, window = read_shape(_RELEASES, items, "releases"), request.window
        made = [one for one in found if window is None or window.start <= one.date_created <= window.end]
        rows = [self._release_row(one) for one in made if any(self._counts(of.slug) for of in one.projects)]
        return answer(
            request, rows, asked="\n".join(sent), url=f"{self._web}/releases/", truncated=bool(goes_on), reason=goes_on
        )

    async def _read_list(
        self, name: str, asked: _Asked, request: SourceRequest, sent: list[str]
    ) -> tuple[list[JsonValue], str]:
        """Read pages until there are more items than the request takes; with why they may not be all, empty if they are."""
        # One more than wanted tells that there are more.
        size = min(_PAGE, request.row_limit + 1)
        query = {**asked, "limit" if name == "issues" else "per_page": size, **_period(request.window), **self._place}
        items: list[JsonValue] = []
        cursor = ""
        for _ in range(_PAGES):
            reply = await self._get(f"{self._base}/{name}/", {**query, "cursor": cursor} if cursor else query, sent)
            page = reply.json()
            if not isinstance(page, list):
                raise SchemaDrift(f"{name} is no list")
            items += page
            # Sentry always names a next page, and tells whether it has results.
            following = httpx.Response(200, headers={"link": reply.headers.get("link", "")}).links.get("next", {})
            if following.get("results") == "false":
                return items, ""
            before, cursor = cursor, following.get("cursor", "")
            if not cursor or cursor == before:
                return items, "Sentry does not tell how its list goes on"
            if len(items) > request.row_limit:
                break
        return items, f"Sentry has more than the first {len(items)} {name}"

    async def _get(self, path: str, asked: _Asked, sent: list[str]) -> Reply:
        if path not in self._paths:
            raise WriteRefused(f"GET {path!r} is none of the paths that are read at Sentry")
        sent.append(f"GET {path}" + (f"?{urlencode(asked, doseq=True)}" if asked else ""))
        reply = await self._http.get(path, params=asked, accept=frozenset({429}))
        if reply.status == 429:
            raise RateLimited("Sentry asks to slow down", retry_after=_delay(reply.headers))
        return reply

    def _counts(self, project: str) -> bool:
        return not self._config.projects or project in self._config.projects

    def _issue_row(self, issue: _Issue, term: str) -> Row:
        seen, life = issue.filtered or issue, issue.lifetime or issue
        return {
            **issue.model_dump(include={"short_id", "title", "culprit", "level", "status"}),
            "project": issue.project.slug,
            "first_seen": iso(life.first_seen),
            "last_seen": iso(life.last_seen),
            "events": seen.count,
            "users": seen.user_count,
            "url": f"{self._web}/issues/{issue.id}/",
            "matched_term": term,
        }

    def _release_row(self, release: _Release) -> Row:
        deploy = release.last_deploy
        here = deploy is not None and self._config.environment in ("", deploy.environment)
        return {
            "version": release.version,
            "projects": ", ".join(project.slug for project in release.projects),
            "created_at": iso(release.date_created),
            "released_at": iso(release.date_released),
            "deployed_at": iso(deploy.date_finished) if deploy and here else None,
            "new_issues": release.new_groups,
            "commits": release.commit_count,
            "url": f"{self._web}/releases/{quote(release.version, safe='')}/",
        }


def _filters(request: SourceRequest, wanted: _SearchIssues, customer_tag: str) -> list[str]:
    """Return the words of a search, without its terms; a question of scope `customer` is bound to that customer."""
    found: list[str] = []
    if customer_tag and customer_tag in wanted.tags:
        raise ValueError(f"the tag {customer_tag!r} is set by the scope: give the query scope: customer")
    if request.scope is Scope.CUSTOMER:
        if not request.customer or not request.customer.strip():
            raise ValueError("a question of scope customer comes without its customer")
        if not customer_tag:
            reason = "which tag holds the customer is not configured; set connectors.sentry.customer_tag"
            raise Declined(EvidenceStatus.FAILED, reason)
        found.append(f"tags[{customer_tag}]:{_quoted(request.customer)}")
    found += [f"tags[{name}]:{_quoted(value)}" for name, value in sorted(wanted.tags.items())]
    if wanted.level:
        found.append(f"level:[{','.join(wanted.level)}]")
    if wanted.release:
        found.append(f"release:{_quoted(wanted.release)}")
    return found


def _quoted(text: str) -> str:
    # Sentry reads a backslash before the last quotation mark as its escape, so that the value would run on into what follows.
    if "\\" in text:
        raise Declined(EvidenceStatus.FAILED, "Sentry's search takes no backslash; ask for a part without one")
    escaped = text.replace('"', '\\"').replace("*", "\\*")
    return f'"{escaped}"'


def _period(window: Window | None) -> dict[str, str]:
    if window is None:
        return {"statsPeriod": f"{_RETENTION.days}d"}
    # Sentry takes times without a zone, as UTC.
    return {"start": window.start.replace(tzinfo=None).isoformat(), "end": window.end.replace(tzinfo=None).isoformat()}


def _too_old(window: Window | None) -> str:
    if window is None or window.start >= datetime.now(UTC) - _RETENTION:
        return ""
    return f"the window begins before the {_RETENTION.days} days for which Sentry keeps events"


def _merged(searches: Iterable[list[tuple[_Issue, str]]]) -> Iterable[tuple[_Issue, str]]:
    """Take the first of every search, then the second …: no term's hits push out another's."""
    merged: dict[str, tuple[_Issue, str]] = {}
    for hit in (hit for same_rank in zip_longest(*searches) for hit in same_rank if hit):
        merged.setdefault(hit[0].id, hit)
    return merged.values()


def _delay(headers: httpx.Headers) -> float | None:
    asked = retry_after(headers)
    # With requests left, it is too many at once that was refused, and the end of the period says nothing.
    resets = [limit.reset for limit in observe(headers, 0.0).rate_limits if limit.reset and limit.left == 0]
    if asked is None and resets:
        return max(0.0, (max(resets) - datetime.now(UTC)).total_seconds())
    return asked


def _rights(auth: _Auth | None) -> Finding:
    if auth is None:
        return Finding("rights", FindingStatus.UNKNOWN, "Sentry does not tell what the token allows")
    more = sorted(scope for scope in auth.scopes if not scope.endswith(":read"))
    if more:
        detail = f"the token allows more than to read: {', '.join(more)}"
        remedy = f"make a token with {_NEEDS} alone and set `connectors.sentry.token` to it"
        return Finding("rights", FindingStatus.WARNING, detail, remedy)
    return Finding("rights", FindingStatus.OK, "the token only reads")


PLUGIN = Plugin(
    config=SentryConfig,
    make=lambda config, secret: SentryConnector(config, secret(config.token)),
    scopes=frozenset({Scope.SHARED, Scope.CUSTOMER}),
    operations=_OPERATIONS,
)
