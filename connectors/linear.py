"""Linear, read-only: issues by search and by identifier, over its GraphQL API.

GraphQL reads by POST, so a method tells nothing. The transport lets a POST pass only to the one GraphQL address, and only if
its document is, to the letter, one of connectors/linear_documents.py.
"""

import json
import math
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Literal, NamedTuple
from urllib.parse import quote, urlsplit

import httpx
from pydantic import Field, JsonValue

from connectors.answers import answer, iso, iso_text, no_answer, time_limit
from connectors.base import Operation, Plugin, RateLimited, Secrets, Unavailable, operation
from connectors.http import Declined, ReadOnlyHttp, Reply, raise_for_status, retry_after
from connectors.linear_documents import DOCUMENTS
from connectors.parameters import TextList, ask_together, read_parameters
from models.base import Moment, Row, Strict
from models.evidence import Answer, SourceRequest
from models.tenant import LinearConfig
from models.vocabulary import EvidenceStatus, Scope, Source

_TERMS = 4
"""Searches for one question: Linear takes 30 a minute from a key, all investigations together."""
_PAGE = 50
_STEP = 60.0
"""Seconds for one step of a request; the question's own limit is what counts."""
_DESCRIPTION = 500
_PULL_REQUEST = re.compile(r"https?://[^/\s]+/\S+/(pull|merge_requests|pull-requests)/\d+")
_WORKSPACE_OF_ISSUE = re.compile(r"^(https?://[^/]+(?:/[^/]+)?)/issue/")
_NOT_FOUND = re.compile(r"^(entity not found|could not find)", re.IGNORECASE)
_READABLE = frozenset({400, 401, 403, 429})
"""Statuses whose body may hold GraphQL errors that say more than the status does."""


class SearchIssues(Strict):
    """Issues that match any of the terms."""

    terms: Annotated[TextList, Field(min_length=1)]
    state_types: (
        list[Literal["triage", "backlog", "unstarted", "started", "completed", "canceled", "duplicate"]] | None
    ) = None
    labels: TextList | None = None
    """Any of these."""
    updated_since: Moment | None = None


class GetIssue(Strict):
    """One issue by its identifier, such as `ENG-123`."""

    id: Annotated[str, Field(min_length=1, max_length=100)]


_OPERATIONS: dict[str, Operation] = {
    "search_issues": operation(
        SearchIssues,
        "identifier title url priority priority_label state state_type labels team created_at updated_at "
        "completed_at canceled_at description fix_urls matched_term",
    ),
    "get_issue": operation(
        GetIssue,
        "identifier title url priority priority_label state state_type labels team created_at updated_at "
        "completed_at canceled_at description fix_urls matched_term",
    ),
}


class _NoSuchEntity(Declined):
    """Linear answered that there is no such thing."""


class _Hit(NamedTuple):
    issue: Mapping[str, JsonValue]
    term: str


class _Search(NamedTuple):
    hits: list[_Hit]
    total: int | None


class LinearConnector:
    """One Linear workspace by a read-only API key, over one pooled client."""

    source = Source.LINEAR

    def __init__(
        self, config: LinearConfig, api_key: str, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        """Open nothing yet; `transport` replaces the network in tests."""
        self._url = str(config.url)
        parts = urlsplit(self._url)
        self._home = "https://linear.app" if parts.hostname == "api.linear.app" else None
        self._team = config.team
        # Linear takes its own API keys bare and OAuth tokens as bearers.
        credential = f"Bearer {api_key}" if api_key.startswith("lin_oauth_") else api_key
        self._http = ReadOnlyHttp(
            self._url,
            headers={"Authorization": credential},
            posts={self._url: is_stored_query},
            timeout=_STEP,
            transport=transport,
        )

    async def fetch(self, request: SourceRequest) -> Answer:
        """Ask Linear; rows are issues.

        Raises:
            ConnectorError: see connectors.base.
            ValueError: an unknown operation or parameter.
        """
        parameters = read_parameters(request, _OPERATIONS)
        sent: list[str] = []
        try:
            async with time_limit(request):
                if isinstance(parameters, SearchIssues):
                    return await self._search(request, parameters, sent)
                assert isinstance(parameters, GetIssue)
                return await self._get(request, parameters, sent)
        except Declined as no:
            return no_answer(no.status, no.reason, asked="\n".join(sent), url=self._home)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def _search(self, request: SourceRequest, wanted: SearchIssues, sent: list[str]) -> Answer:
        terms = list(dict.fromkeys(term.strip() for term in wanted.terms if term.strip()))
        if not terms:
            raise Declined(EvidenceStatus.FAILED, "there is no term to search for")
        asked_terms = terms[:_TERMS]
        issue_filter = self._filter(wanted)
        searches = await ask_together(self._search_term(request, term, issue_filter, sent) for term in asked_terms)
        rows = [_row(hit.issue, hit.term) for hit in _merged(search.hits for search in searches)]
        reason = f"searched for the first {_TERMS} of {len(terms)} terms" if len(terms) > _TERMS else ""
        return answer(
            request,
            rows,
            asked="\n".join(sent),
            url=self._search_url(rows, asked_terms),
            total=searches[0].total if len(searches) == 1 else None,
            reason=reason,
        )

    async def _search_term(
        self, request: SourceRequest, term: str, issue_filter: dict[str, JsonValue], sent: list[str]
    ) -> _Search:
        hits: list[_Hit] = []
        total: int | None = None
        after: str | None = None
        while True:
            first = min(_PAGE, request.row_limit + 1 - len(hits))
            variables: dict[str, JsonValue] = {"term": term, "first": first, "after": after, "filter": issue_filter}
            page = _object(await self._query("SearchIssues", variables, sent), "searchIssues")
            nodes, info = page.get("nodes"), _object(page, "pageInfo")
            if not isinstance(nodes, list):
                raise Unavailable("Linear answered without the list of issues")
            hits += [_Hit(_issue(node), term) for node in nodes]
            total = _whole(page.get("totalCount"))
            cursor = info.get("endCursor")
            if not info.get("hasNextPage") or len(hits) > request.row_limit:
                return _Search(hits, total)
            if not nodes or not isinstance(cursor, str) or cursor == after:
                raise Unavailable("Linear says that there is a next page, and not where")
            after = cursor

    async def _get(self, request: SourceRequest, wanted: GetIssue, sent: list[str]) -> Answer:
        try:
            issue = (await self._query("Issue", {"id": wanted.id}, sent)).get("issue")
        except _NoSuchEntity:
            issue = None
        rows = [] if issue is None else [_row(_issue(issue), "")]
        if self._team:
            rows = [row for row in rows if row["team"] == self._team]
        link = rows[0]["url"] if rows else None
        return answer(request, rows, asked="\n".join(sent), url=link if isinstance(link, str) else self._home)

    async def _query(self, name: str, variables: dict[str, JsonValue], sent: list[str]) -> Mapping[str, JsonValue]:
        sent.append(f"{name} {json.dumps(variables, ensure_ascii=False)}")
        body: dict[str, JsonValue] = {"query": DOCUMENTS[name], "operationName": name, "variables": variables}
        reply = await self._http.post("", body, accept=_READABLE)
        return _data(reply)

    def _filter(self, wanted: SearchIssues) -> dict[str, JsonValue]:
        found: dict[str, JsonValue] = {}
        if self._team:
            found["team"] = {"key": {"eq": self._team}}
        if wanted.state_types:
            found["state"] = {"type": {"in": list(wanted.state_types)}}
        if wanted.labels:
            found["labels"] = {"name": {"in": list(wanted.labels)}}
        if wanted.updated_since:
            found["updatedAt"] = {"gte": iso(wanted.updated_since)}
        return found

    def _search_url(self, rows: list[Row], terms: list[str]) -> str | None:
        # The workspace's name is in no configuration, but in every issue's address; an empty answer needs it too.
        known = _WORKSPACE_OF_ISSUE.match(str(rows[0]["url"])) if rows else None
        if known:
            self._home = known[1]
        return f"{self._home}/search?q={quote(terms[0])}" if self._home else None


def is_stored_query(body: bytes) -> bool:
    """Whether a request's body is one of the stored documents with its variables, and nothing else."""
    try:
        request = json.loads(body)
    except (ValueError, RecursionError):
        return False
    if not isinstance(request, dict) or set(request) - {"query", "operationName", "variables"}:
        return False
    # JSON may name a key twice, and two parsers may then read two different documents.
    if json.dumps(request, separators=(",", ":")).encode() != body:
        return False
    name = request.get("operationName")
    return isinstance(name, str) and name in DOCUMENTS and request.get("query") == DOCUMENTS[name]


def _data(reply: Reply) -> Mapping[str, JsonValue]:
    if reply.status == 429:
        raise RateLimited("Linear asks to slow down", retry_after=_reset_in(reply.headers))
    answered = _errors_or_none(reply)
    if answered is None:
        raise_for_status(reply.status, reply.headers, "Linear")
        raise Unavailable("Linear answered with something that is no GraphQL answer")
    errors = answered.get("errors")
    if isinstance(errors, list) and errors:
        _raise_for_error(errors[0], reply)
    raise_for_status(reply.status, reply.headers, "Linear")
    return _object(answered, "data")


def _errors_or_none(reply: Reply) -> dict[str, JsonValue] | None:
    if reply.status in _READABLE:
        try:
            body = reply.json()
        except Unavailable:
            return None
    else:
        body = reply.json()
    return body if isinstance(body, dict) else None


def _raise_for_error(error: JsonValue, reply: Reply) -> None:
    """Raise what the first GraphQL error means. Its message may quote the question, so only its code is told on."""
    details = error if isinstance(error, dict) else {}
    extensions = details.get("extensions")
    extensions = extensions if isinstance(extensions, dict) else {}
    code, kind = str(extensions.get("code") or ""), str(extensions.get("type") or "").lower()
    if code == "RATELIMITED" or kind == "ratelimited":
        raise RateLimited("Linear asks to slow down", retry_after=_reset_in(reply.headers))
    if code in ("AUTHENTICATION_ERROR", "FORBIDDEN") or kind in ("authentication error", "forbidden"):
        raise Declined(EvidenceStatus.DENIED, f"Linear does not let this key read ({code or kind}); check the API key")
    if reply.status in (401, 403):
        raise Declined(EvidenceStatus.DENIED, f"Linear does not let this key read ({reply.status}); check the API key")
    if code == "INTERNAL_SERVER_ERROR" or kind in ("internal error", "network error", "lock timeout"):
        raise Unavailable(f"Linear failed inside ({code or kind})")
    if _NOT_FOUND.match(str(details.get("message") or "")):
        raise _NoSuchEntity(EvidenceStatus.FAILED, "Linear does not have something that the question refers to")
    told = next((word for word in (code, kind) if re.fullmatch(r"[\w ]{1,60}", word)), "no code")
    raise Declined(EvidenceStatus.FAILED, f"Linear does not take the question ({told})")


def _reset_in(headers: httpx.Headers, now: datetime | None = None) -> float | None:
    """Return the seconds until the limit that is used up starts anew: Linear gives the moment in milliseconds."""
    asked = retry_after(headers)
    if asked is not None:
        return asked
    waits = []
    for limit in ("x-ratelimit-requests", "x-ratelimit-endpoint-requests", "x-ratelimit-complexity"):
        reset, remaining = headers.get(f"{limit}-reset", ""), headers.get(f"{limit}-remaining", "")
        if re.fullmatch(r"\d{10,16}", reset) and (remaining in ("", "0") or limit == "x-ratelimit-complexity"):
            waits.append(int(reset) / 1000 - (now or datetime.now(UTC)).timestamp())
    return max(0.0, min(waits)) if waits else None


def _merged(lists: Iterable[list[_Hit]]) -> list[_Hit]:
    """Take the best of every search, then the second best …: no term's hits push out another's."""
    searches = list(lists)
    merged: dict[str, _Hit] = {}
    for rank in range(max((len(hits) for hits in searches), default=0)):
        for hits in searches:
            if rank < len(hits):
                merged.setdefault(str(hits[rank].issue["identifier"]), hits[rank])
    return list(merged.values())


def _row(issue: Mapping[str, JsonValue], term: str) -> Row:
    fixes = [url for url in _names(issue, "attachments", "url") if _PULL_REQUEST.fullmatch(url)]
    return {
        "identifier": _text(issue, "identifier"),
        "title": _text(issue, "title"),
        "url": _text(issue, "url"),
        "priority": _whole(issue.get("priority")),
        "priority_label": _text(issue, "priorityLabel"),
        "state": _text(issue.get("state"), "name"),
        "state_type": _text(issue.get("state"), "type"),
        "labels": ", ".join(_names(issue, "labels", "name")),
        "team": _text(issue.get("team"), "key"),
        "created_at": iso_text(issue.get("createdAt")),
        "updated_at": iso_text(issue.get("updatedAt")),
        "completed_at": iso_text(issue.get("completedAt")),
        "canceled_at": iso_text(issue.get("canceledAt")),
        "description": _text(issue, "description")[:_DESCRIPTION],
        "fix_urls": ", ".join(fixes),
        "matched_term": term,
    }


def _issue(node: JsonValue) -> Mapping[str, JsonValue]:
    if not isinstance(node, dict) or not isinstance(node.get("identifier"), str):
        raise Unavailable("Linear answered with an issue that has no identifier")
    return node


def _object(value: Mapping[str, JsonValue], key: str) -> Mapping[str, JsonValue]:
    inner = value.get(key)
    if not isinstance(inner, dict):
        raise Unavailable(f"Linear answered without {key!r}")
    return inner


def _text(thing: JsonValue | Mapping[str, JsonValue], key: str) -> str:
    value = thing.get(key) if isinstance(thing, Mapping) else None
    return value if isinstance(value, str) else ""


def _whole(value: JsonValue) -> int | None:
    # GraphQL's Float, which Linear uses for counts too.
    return int(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _names(issue: Mapping[str, JsonValue], key: str, name: str) -> list[str]:
    inner = issue.get(key)
    nodes = inner.get("nodes") if isinstance(inner, dict) else None
    return [text for node in nodes if (text := _text(node, name))] if isinstance(nodes, list) else []


def _make(config: LinearConfig, secret: Secrets) -> LinearConnector:
    return LinearConnector(config, secret(config.api_key))


PLUGIN = Plugin(
    config=LinearConfig,
    make=_make,
    scopes=frozenset({Scope.SHARED}),
    operations=_OPERATIONS,
)
