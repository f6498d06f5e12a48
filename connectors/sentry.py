"""Sentry, read-only: issues, the events of one customer, and releases, over its web API (version 0).

    search_issues   {terms?, level?, release?, first_release?, tags?}: shared, or of one customer
    list_events     {issue?, level?, release?, tags?}: of one customer alone
    list_releases   {}: shared; those made within the window

A question of scope `customer` is bound by `customer_tag`, the tag under which events carry our customer id. A playbook cannot
name that tag itself: what is about one customer is said to be so. The token needs event:read, org:read and project:read.
"""

import asyncio
from collections.abc import Iterable
from typing import Annotated, NamedTuple
from urllib.parse import quote, urlencode

import httpx
from pydantic import Field, HttpUrl

from connectors.answers import answer, iso, no_answer, time_limit
from connectors.base import (
    ConnectorError,
    Finding,
    FindingStatus,
    Operation,
    Plugin,
    RateLimited,
    Secrets,
    SlowAnswer,
    operation,
)
from connectors.http import Declined, SchemaDrift, finding_for, observed_findings
from connectors.parameters import ask_together, read_parameters
from connectors.sentry_query import (
    ListEvents,
    ListReleases,
    SearchIssues,
    filters,
    of_events,
    page_size,
    period,
    quoted,
    too_old,
    within,
    words,
)
from connectors.sentry_wire import (
    DETAIL,
    EVENTS,
    INDEX,
    ISSUES,
    NEEDS,
    RELEASES,
    Auth,
    Detail,
    Event,
    Issue,
    Listed,
    Release,
    SentryApi,
    shaped,
)
from models.base import Row, Strict
from models.evidence import Answer, SourceRequest
from models.tenant import SecretRef
from models.vocabulary import EvidenceStatus, Scope, Source

_TERMS = 4
"""Searches for one question: the search of issues knows no OR."""
_DETAILED = 5
"""Issues whose first release is read, one request each: Sentry gives five of these a second to a token."""
_EXAMINATION = 10.0
_SIGN_IN = frozenset({"openid", "profile", "email"})
_Slug = Annotated[str, Field(pattern=r"^[a-z0-9_][a-z0-9_-]{0,99}$")]


class SentryConfig(Strict):
    """A Sentry organization, by a token that only reads."""

    url: HttpUrl = HttpUrl("https://sentry.io")
    organization: _Slug
    projects: list[_Slug] = []
    """Slugs; all that the token sees if empty."""
    token: SecretRef
    environment: str = "production"
    """All environments if empty."""
    customer_tag: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{0,200}$")] = ""
    """The tag of events that holds our customer id; without it nothing can be asked about one customer."""


_OPERATIONS: dict[str, Operation] = {
    "search_issues": operation(
        SearchIssues,
        "short_id title culprit level status project first_seen last_seen events users release_first url matched_term",
    ),
    "list_events": operation(
        ListEvents,
        "id issue title level project release transaction occurred_at url",
        scopes=frozenset({Scope.CUSTOMER}),
    ),
    "list_releases": operation(
        ListReleases,
        "version projects created_at released_at deployed_at new_issues commits url",
        scopes=frozenset({Scope.SHARED}),
    ),
}


class _Hit(NamedTuple):
    issue: Issue
    term: str


class _Search(NamedTuple):
    hits: list[_Hit]
    listed: Listed


class SentryConnector:
    """One Sentry organization, over one pooled client."""

    source = Source.SENTRY

    def __init__(self, config: SentryConfig, token: str, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        """Open nothing yet; `transport` replaces the network in tests."""
        self._config = config
        self._web = f"{str(config.url).rstrip('/')}/organizations/{config.organization}"
        self._api = SentryApi(str(config.url), config.organization, token, transport)

    async def fetch(self, request: SourceRequest) -> Answer:
        """Ask Sentry.

        Raises:
            ConnectorError: see connectors.base.
            ValueError: an unknown operation or parameter, or a scope that the operation cannot have.
        """
        parameters = read_parameters(request, _OPERATIONS)
        allowed = _OPERATIONS[request.operation].scopes or PLUGIN.scopes
        if request.scope not in allowed:
            raise ValueError(f"{request.operation!r} takes the scope {' or '.join(sorted(allowed))}")
        sent: list[str] = []
        try:
            async with time_limit(request):
                if isinstance(parameters, SearchIssues):
                    return await self._search_issues(request, parameters, sent)
                if isinstance(parameters, ListEvents):
                    return await self._list_events(request, parameters, sent)
                return await self._list_releases(request, sent)
        except Declined as no:
            return no_answer(no.status, no.reason, asked="\n".join(sent), url=f"{self._web}/issues/")

    async def examine(self) -> list[Finding]:
        """Look whether the token is taken and allows what is needed and no more, and whether the lists have their shape."""
        try:
            async with asyncio.timeout(_EXAMINATION):
                reply = await self._api.get("/api/0/", {}, [])
                rights = _rights(shaped(INDEX, reply.json(), "the root of the API").auth)
                await self._probe([])
        except TimeoutError:
            return [self._finding(SlowAnswer(f"Sentry did not answer within {_EXAMINATION:g} s"))]
        except (ConnectorError, Declined) as error:
            return [self._finding(error)]
        ok = FindingStatus.OK
        return [
            Finding("reach", ok, f"the organization {self._config.organization!r} answers"),
            Finding("key", ok, "the token is taken"),
            rights,
            Finding("shape", ok, "issues, events and releases have the expected fields"),
            self._customer_finding(),
            *observed_findings(self._api.http.observed),
        ]

    async def aclose(self) -> None:
        """Close all connections."""
        await self._api.http.aclose()

    async def _search_issues(self, request: SourceRequest, wanted: SearchIssues, sent: list[str]) -> Answer:
        chosen = filters(request, wanted, self._config.customer_tag)
        if wanted.first_release:
            chosen.append(f"firstRelease:{quoted(wanted.first_release)}")
        terms = list(dict.fromkeys(term.strip() for term in wanted.terms or [] if term.strip()))
        if wanted.terms is not None and not terms:
            raise Declined(EvidenceStatus.FAILED, "there is no term to search for")
        searches = await ask_together(self._search(request, chosen, term, sent) for term in terms[:_TERMS] or [""])
        hits = [hit for hit in _merged(search.hits for search in searches) if self._counts(hit.issue.project.slug)]
        detailed = [hit.issue.id for hit in hits[: min(_DETAILED, request.row_limit)]]
        details = dict(
            zip(detailed, await ask_together(self._first_release(one, sent) for one in detailed), strict=True)
        )
        unread = len(hits) - sum(isinstance(one, Detail) for one in details.values())
        remarks = [
            f"searched for the first {_TERMS} of {len(terms)} terms" if len(terms) > _TERMS else "",
            f"the first release was not read of {unread} of {len(hits)} issues" if unread else "",
            too_old(request.window),
            _CUT if any(search.listed.cut for search in searches) else "",
        ]
        query = " ".join(words(chosen, terms[0] if terms else ""))
        return answer(
            request,
            [self._issue_row(hit, details.get(hit.issue.id)) for hit in hits],
            asked="\n".join(sent),
            url=f"{self._web}/issues/?{urlencode({'query': query, **period(request.window), **self._environment()})}",
            total=searches[0].listed.total if len(searches) == 1 else None,
            truncated=any(remarks),
            reason="; ".join(remark for remark in remarks if remark),
        )

    async def _search(self, request: SourceRequest, chosen: list[str], term: str, sent: list[str]) -> _Search:
        query = " ".join(words(chosen, term))
        asked = {"query": query, "limit": page_size(request), **period(request.window), **self._common()}
        listed = await self._api.read_list("issues", asked, page_size(request), request.row_limit, sent)
        issues = shaped(ISSUES, listed.items, "issues")
        if request.scope is Scope.CUSTOMER:
            for place, issue in enumerate(issues):
                # Without it the counts would be those of all customers.
                if issue.filtered is None:
                    raise SchemaDrift(f"issues[{place}].filtered is missing")
        return _Search([_Hit(issue, term) for issue in issues], listed)

    async def _first_release(self, issue: str, sent: list[str]) -> Detail | None:
        """Read what the list of issues does not tell; None where Sentry does not give it now."""
        try:
            reply = await self._api.get(f"{self._api.base}/issues/{issue}/", {}, sent)
            return shaped(DETAIL, reply.json(), f"issue {issue}")
        except SchemaDrift:
            raise
        except (Declined, RateLimited):
            return None

    async def _list_events(self, request: SourceRequest, wanted: ListEvents, sent: list[str]) -> Answer:
        chosen = filters(request, wanted, self._config.customer_tag)
        if wanted.issue:
            chosen.append(f"issue:{wanted.issue}")
        asked = {
            **of_events(" ".join(chosen)),
            "per_page": page_size(request),
            **period(request.window),
            **self._common(),
        }
        listed = await self._api.read_list("events", asked, page_size(request), request.row_limit, sent)
        events = [one for one in shaped(EVENTS, listed.items, "events") if self._counts(one.project)]
        remarks = [too_old(request.window), _CUT if listed.cut else ""]
        return answer(
            request,
            [self._event_row(one) for one in events if within(one.timestamp, request.window)],
            asked="\n".join(sent),
            url=f"{self._web}/issues/?{urlencode({'query': ' '.join(chosen), **period(request.window)})}",
            truncated=any(remarks),
            reason="; ".join(remark for remark in remarks if remark),
        )

    async def _list_releases(self, request: SourceRequest, sent: list[str]) -> Answer:
        asked = {"per_page": page_size(request), **(period(request.window) if request.window else {}), **self._common()}
        listed = await self._api.read_list("releases", asked, page_size(request), request.row_limit, sent)
        found = shaped(RELEASES, listed.items, "releases")
        kept = [
            one
            for one in found
            if within(one.created, request.window) and any(self._counts(project.slug) for project in one.projects)
        ]
        return answer(
            request,
            [self._release_row(one) for one in kept],
            asked="\n".join(sent),
            url=f"{self._web}/releases/",
            truncated=listed.cut,
            reason=_CUT if listed.cut else "",
        )

    def _environment(self) -> dict[str, str]:
        return {"environment": self._config.environment} if self._config.environment else {}

    def _common(self) -> dict[str, str | list[str]]:
        # -1 stands for all that the token may read; without it a person's token is asked for that person's own projects.
        projects = {"projectSlug": self._config.projects} if self._config.projects else {"project": "-1"}
        return {**projects, **self._environment()}

    def _counts(self, project: str) -> bool:
        return not self._config.projects or project in self._config.projects

    async def _probe(self, sent: list[str]) -> None:
        asked = {"statsPeriod": "24h", **self._common()}
        issues = await self._api.read_list("issues", {"query": "", "limit": 1, **asked}, 1, 0, sent)
        shaped(ISSUES, issues.items, "issues")
        events = await self._api.read_list("events", {**of_events(""), "per_page": 1, **asked}, 1, 0, sent)
        shaped(EVENTS, events.items, "events")
        releases = await self._api.read_list("releases", {"per_page": 1, **asked}, 1, 0, sent)
        shaped(RELEASES, releases.items, "releases")

    def _finding(self, error: ConnectorError | Declined) -> Finding:
        if isinstance(error, Declined) and error.http_status == 404:
            remedy = "check `connectors.sentry.organization` and `connectors.sentry.environment`"
            return Finding("reach", FindingStatus.FAILURE, error.reason, remedy)
        return finding_for(error, url="connectors.sentry.url", key="connectors.sentry.token", needs=", ".join(NEEDS))

    def _customer_finding(self) -> Finding:
        if self._config.customer_tag:
            return Finding(
                "customer", FindingStatus.OK, f"customers are known by the tag {self._config.customer_tag!r}"
            )
        return Finding(
            "customer",
            FindingStatus.WARNING,
            "nothing can be asked about one customer",
            "set `connectors.sentry.customer_tag` to the tag that holds the customer's id",
        )

    def _issue_row(self, hit: _Hit, detail: Detail | None) -> Row:
        issue = hit.issue
        seen, life = issue.filtered or issue, issue.lifetime or issue
        return {
            "short_id": issue.short_id,
            "title": issue.title,
            "culprit": issue.culprit or "",
            "level": issue.level,
            "status": issue.status,
            "project": issue.project.slug,
            "first_seen": iso(life.first_seen),
            "last_seen": iso(life.last_seen),
            "events": seen.count,
            "users": seen.users,
            "release_first": detail.first_release.version if detail and detail.first_release else None,
            "url": f"{self._web}/issues/{issue.id}/",
            "matched_term": hit.term,
        }

    def _event_row(self, event: Event) -> Row:
        return {
            "id": event.id,
            "issue": event.issue,
            "title": event.title,
            "level": event.level,
            "project": event.project,
            "release": event.release,
            "transaction": event.transaction,
            "occurred_at": iso(event.timestamp),
            "url": f"{self._web}/projects/{quote(event.project, safe='')}/events/{event.id}/",
        }

    def _release_row(self, release: Release) -> Row:
        deploy, environment = release.last_deploy, self._config.environment
        here = deploy is not None and environment in ("", deploy.environment)
        return {
            "version": release.version,
            "projects": ", ".join(project.slug for project in release.projects),
            "created_at": iso(release.created),
            "released_at": iso(release.released),
            "deployed_at": iso(deploy.finished) if deploy and here else None,
            "new_issues": release.new_groups,
            "commits": release.commits,
            "url": f"{self._web}/releases/{quote(release.version, safe='')}/",
        }


_CUT = "the list may go on: Sentry does not tell whether there is a next page"


def _merged(searches: Iterable[list[_Hit]]) -> list[_Hit]:
    """Take the first of every search, then the second …: no term's hits push out another's."""
    ranked = list(searches)
    merged: dict[str, _Hit] = {}
    for rank in range(max((len(hits) for hits in ranked), default=0)):
        for hits in ranked:
            if rank < len(hits):
                merged.setdefault(hits[rank].issue.id, hits[rank])
    return list(merged.values())


def _rights(auth: Auth | None) -> Finding:
    if auth is None:
        return Finding("rights", FindingStatus.UNKNOWN, "Sentry does not tell what the token allows")
    kinds = {scope.split(":")[0] for scope in auth.scopes}
    missing = [scope for scope in NEEDS if scope.split(":")[0] not in kinds]
    more = sorted(scope for scope in set(auth.scopes) - _SIGN_IN if not scope.endswith(":read"))
    remedy = f"make a token with {', '.join(NEEDS)} alone and set `connectors.sentry.token` to it"
    if missing:
        return Finding("rights", FindingStatus.FAILURE, f"the token lacks {', '.join(missing)}", remedy)
    if more:
        return Finding(
            "rights", FindingStatus.WARNING, f"the token allows more than to read: {', '.join(more)}", remedy
        )
    return Finding("rights", FindingStatus.OK, "the token only reads")


def _make(config: SentryConfig, secret: Secrets) -> SentryConnector:
    return SentryConnector(config, secret(config.token))


PLUGIN = Plugin(
    config=SentryConfig,
    make=_make,
    scopes=frozenset({Scope.SHARED, Scope.CUSTOMER}),
    operations=_OPERATIONS,
)
