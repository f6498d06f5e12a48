"""Linear, read-only: issues by search, by filter and by identifier, over its GraphQL API.

GraphQL reads by POST, so a method tells nothing. The transport lets a POST pass only to the one GraphQL address, and only if
its document is, to the letter, one of connectors/linear_documents.py.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import quote, urlsplit

import httpx
from pydantic import JsonValue, TypeAdapter

from connectors.answers import answer, no_answer, time_limit
from connectors.base import Finding, Plugin, Secrets, Unavailable
from connectors.http import Declined, network_of
from connectors.linear_client import LinearClient, NoSuchEntity, is_stored_query
from connectors.linear_examine import examine
from connectors.linear_parameters import OPERATIONS, GetIssue, ListIssues, SearchIssues
from connectors.linear_rows import ISSUE_PAGE, SEARCH_PAGE, Issue, IssuePage, SearchPage, row_of
from connectors.parameters import ask_together, read_parameters
from connectors.shapes import read_shape
from models.base import Row
from models.evidence import Answer, SourceRequest
from models.tenant import LinearConfig
from models.vocabulary import EvidenceStatus, Scope, Source

__all__ = ["PLUGIN", "LinearConnector", "is_stored_query"]

_TERMS = 8
"""Searches for one question: Linear takes 30 a minute from a key, all investigations together. Terms after these are
looked for to the letter, so the ones that matter most come first."""
_PAGE = 50
_ATTACHMENTS = "an issue has more attachments than the 20 that were read"
_WORKSPACE_OF_ISSUE = re.compile(r"^(https?://[^/]+(?:/[^/]+)?)/issue/")


class _Hit(NamedTuple):
    issue: Issue
    term: str


class _Found(NamedTuple):
    hits: list[_Hit]
    total: int | None


class LinearConnector:
    """One Linear workspace by a read-only API key, over one pooled client."""

    source = Source.LINEAR

    def __init__(
        self, config: LinearConfig, api_key: str, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        """Open nothing yet; `transport` replaces the network in tests."""
        url = str(config.url)
        self._home = "https://linear.app" if urlsplit(url).hostname == "api.linear.app" else None
        self._team = config.team
        self._client = LinearClient(url, api_key, transport, network_of(config))

    async def fetch(self, request: SourceRequest) -> Answer:
        """Ask Linear; rows are issues.

        Raises:
            ConnectorError: see connectors.base.
            ValueError: an unknown operation or parameter.
        """
        parameters = read_parameters(request, OPERATIONS)
        sent: list[str] = []
        try:
            async with time_limit(request):
                if isinstance(parameters, SearchIssues):
                    return await self._search(request, parameters, sent)
                if isinstance(parameters, ListIssues):
                    return await self._list(request, parameters, sent)
                assert isinstance(parameters, GetIssue)
                return await self._get(request, parameters, sent)
        except Declined as no:
            return no_answer(no.status, no.reason, asked="\n".join(sent), url=self._home)

    async def examine(self) -> list[Finding]:
        """Look at reach, key, rights, the team, shape and limits with a few cheap reads."""
        return await examine(self._client, self._team)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._client.http.aclose()

    async def _search(self, request: SourceRequest, wanted: SearchIssues, sent: list[str]) -> Answer:
        terms = list(dict.fromkeys(term.strip() for term in wanted.terms if term.strip()))
        if not terms:
            raise Declined(EvidenceStatus.FAILED, "there is no term to search for")
        asked_terms = terms[:_TERMS]
        wanted_filter = wanted.as_filter(self._team)
        questions = [
            self._pages(request, "SearchIssues", {"term": term, "filter": wanted_filter}, sent) for term in asked_terms
        ]
        if left := terms[_TERMS:]:
            questions.append(self._containing(request, left, wanted_filter, sent))
        searches = await ask_together(questions)
        return self._answer(
            request,
            _merged(found.hits for found in searches),
            sent,
            url=self._search_url(searches, asked_terms),
            total=searches[0].total if len(terms) == 1 else None,
        )

    async def _containing(
        self, request: SourceRequest, terms: list[str], wanted: dict[str, JsonValue], sent: list[str]
    ) -> _Found:
        """Look for terms to the letter, in one request: no list's reading counts as a search."""
        either: list[JsonValue] = [
            {part: {"containsIgnoreCase": term}} for term in terms for part in ("title", "description")
        ]
        found = await self._pages(request, "Issues", {"filter": {**wanted, "or": either}}, sent)
        return _Found([_Hit(hit.issue, _first_in(hit.issue, terms)) for hit in found.hits], None)

    async def _list(self, request: SourceRequest, wanted: ListIssues, sent: list[str]) -> Answer:
        found = await self._pages(request, "Issues", {"filter": wanted.as_filter(self._team)}, sent)
        return self._answer(request, found.hits, sent, url=self._workspace([found]))

    async def _pages(
        self, request: SourceRequest, document: str, variables: dict[str, JsonValue], sent: list[str]
    ) -> _Found:
        """Read a list page by page until one row more is there than may be kept."""
        hits: list[_Hit] = []
        after: str | None = None
        while True:
            first = min(_PAGE, request.row_limit + 1 - len(hits))
            page = await self._page(document, {**variables, "first": first, "after": after}, sent)
            hits += [_Hit(issue, str(variables.get("term", ""))) for issue in page.nodes]
            cursor = page.page_info.end_cursor
            if not page.page_info.has_next_page or len(hits) > request.row_limit:
                return _Found(hits, int(page.total_count) if isinstance(page, SearchPage) else None)
            if not page.nodes or cursor is None or cursor == after:
                raise Unavailable("Linear says that there is a next page, and not where")
            after = cursor

    async def _page(self, document: str, variables: dict[str, JsonValue], sent: list[str]) -> IssuePage:
        data = await self._client.query(document, variables, sent)
        if document == "SearchIssues":
            return read_shape(SEARCH_PAGE, data.get("searchIssues"), "searchIssues")
        return read_shape(ISSUE_PAGE, data.get("issues"), "issues")

    async def _get(self, request: SourceRequest, wanted: GetIssue, sent: list[str]) -> Answer:
        try:
            data = await self._client.query("Issue", {"id": wanted.id}, sent)
            found = read_shape(_MAYBE_ISSUE, data.get("issue"), "issue")
        except NoSuchEntity:
            found = None
        hits = [] if found is None or (self._team and found.team.key != self._team) else [_Hit(found, "")]
        return self._answer(request, hits, sent, url=hits[0].issue.url if hits else self._home)

    def _answer(
        self,
        request: SourceRequest,
        hits: list[_Hit],
        sent: list[str],
        *,
        url: str | None,
        total: int | None = None,
    ) -> Answer:
        rows: list[Row] = [row_of(hit.issue, hit.term) for hit in hits]
        cut = any(hit.issue.attachments.page_info.has_next_page for hit in hits)
        return answer(
            request,
            rows,
            asked="\n".join(sent),
            url=url,
            total=total,
            truncated=cut,
            reason=_ATTACHMENTS if cut else "",
        )

    def _search_url(self, searches: list[_Found], terms: list[str]) -> str | None:
        home = self._workspace(searches)
        return f"{home}/search?q={quote(terms[0])}" if home else None

    def _workspace(self, found: list[_Found]) -> str | None:
        # The workspace's name is in no configuration, but in every issue's address; an empty answer needs it too.
        first = next((one.hits[0].issue.url for one in found if one.hits), "")
        if known := _WORKSPACE_OF_ISSUE.match(first):
            self._home = known[1]
        return self._home


_MAYBE_ISSUE: TypeAdapter[Issue | None] = TypeAdapter(Issue | None)


def _first_in(issue: Issue, terms: list[str]) -> str:
    text = f"{issue.title}\n{issue.description or ''}".casefold()
    return next((term for term in terms if term.casefold() in text), "")


def _merged(lists: Iterable[list[_Hit]]) -> list[_Hit]:
    """Take the best of every search, then the second best …: no term's hits push out another's."""
    searches = list(lists)
    merged: dict[str, _Hit] = {}
    for rank in range(max((len(hits) for hits in searches), default=0)):
        for hits in searches:
            if rank < len(hits):
                merged.setdefault(hits[rank].issue.identifier, hits[rank])
    return list(merged.values())


def _make(config: LinearConfig, secret: Secrets) -> LinearConnector:
    return LinearConnector(config, secret(config.api_key))


PLUGIN = Plugin(
    config=LinearConfig,
    make=_make,
    scopes=frozenset({Scope.SHARED}),
    operations=OPERATIONS,
)
