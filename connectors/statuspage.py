"""Status pages that answer /api/v2/summary.json: Statuspage's own, and those that imitate it.

    list_incidents      {upstream?, pages?} and the window: every incident that overlaps it
    list_components     {upstream?}: now; containers of a group are left out, their members are not
    list_maintenances   {upstream?} and the window: every maintenance that overlaps it

Pages are asked together. One that fails while others answer leaves `truncated` and its name in `reason`: no absence can rest on
that answer. The column `regions` holds what the configuration says that the components serve; it is empty for what may be
anywhere.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from connectors.answers import answer, no_answer, time_limit
from connectors.base import (
    ConnectorError,
    Finding,
    FindingStatus,
    Operation,
    Plugin,
    Secrets,
    SlowAnswer,
    Unavailable,
    operation,
)
from connectors.http import Declined, ReadOnlyHttp, finding_for, network_of, observed_findings
from connectors.parameters import TextList, read_parameters
from connectors.statuspage_rows import (
    COMPONENT_COLUMNS,
    INCIDENT_COLUMNS,
    MAINTENANCE_COLUMNS,
    page_rows,
    unmapped,
)
from connectors.statuspage_shapes import PageAnswer, read_page
from models.base import Strict
from models.evidence import Answer, SourceRequest
from models.tenant import StatusPage, StatusPageConfig
from models.vocabulary import EvidenceStatus, Scope, Source

_SUMMARY = "/api/v2/summary.json"
"""Imitations often answer this alone; it holds what is open now."""
_RECENT = 50
"""A list of this length or more may have been cut by the page."""
_PATIENCE = 0.8
"""The part of the time limit that a page may take, so that one slow page does not cost the others' answers."""
_EXAMINATION = 10.0
"""Seconds for the examination of one page."""
_GONE = frozenset({404, 410})


@dataclass(frozen=True)
class _Document:
    """Where an operation's list is, and what it is called there."""

    path: str
    listed: str


_DOCUMENTS = {
    "list_incidents": _Document("/api/v2/incidents.json", "incidents"),
    "list_components": _Document(_SUMMARY, "components"),
    "list_maintenances": _Document("/api/v2/scheduled-maintenances.json", "scheduled_maintenances"),
}


class _Incidents(Strict):
    upstream: bool | None = None
    pages: TextList | None = None


class _Upstream(Strict):
    upstream: bool | None = None


_OPERATIONS: Mapping[str, Operation] = {
    "list_incidents": operation(_Incidents, INCIDENT_COLUMNS),
    "list_components": operation(_Upstream, COMPONENT_COLUMNS),
    "list_maintenances": operation(_Upstream, MAINTENANCE_COLUMNS),
}


class StatusPageConnector:
    """All status pages of one tenant, each over its own pooled client."""

    source = Source.STATUSPAGE

    def __init__(self, config: StatusPageConfig) -> None:
        """Open nothing yet.

        Raises:
            ValueError: two pages have one name, or the CA's file or the proxy cannot be used.
        """
        self._pages = {page.name: page for page in config.pages}
        if len(self._pages) < len(config.pages):
            raise ValueError("two status pages have the same `name`; rows name their page by it")
        # The pages are others', and where they send us on is theirs to say.
        self._clients = {
            page.name: ReadOnlyHttp(
                str(page.url), follow_redirects=True, network=network_of(config, allow_private=page.allow_private)
            )
            for page in config.pages
        }

    async def fetch(self, request: SourceRequest) -> Answer:
        """Ask all pages that the request is about.

        Raises:
            ConnectorError: none of them answered. A ValueError names known operations, parameters and pages.
        """
        parameters = read_parameters(request, _OPERATIONS)
        pages = self._chosen(parameters)
        asked = f"GET {_DOCUMENTS[request.operation].path} of {', '.join(page.name for page in pages)}"
        if not pages:
            return no_answer(EvidenceStatus.FAILED, "no status page of that kind is configured", asked="GET nothing")
        async with time_limit(request):
            results = await asyncio.gather(*(self._read(page, request) for page in pages))
        both = list(zip(pages, results, strict=True))
        answered = [(page, result) for page, result in both if isinstance(result, PageAnswer)]
        failed = [(page, result) for page, result in both if not isinstance(result, PageAnswer)]
        if not answered:
            return _none_answered(failed, asked)
        reason = "; ".join(
            [f"{page.name} did not answer: {error}" for page, error in failed]
            + [f"{page.name} tells only what is open now" for page, result in answered if result.partial]
            + [f"{page.name} lists nothing so old" for page, result in answered if _reaches_not(result, request)]
        )
        return answer(
            request,
            [row for page, result in answered for row in page_rows(page, result, request)],
            asked=asked,
            url=str(pages[0].url) if len(pages) == 1 else None,
            truncated=bool(reason),
            reason=reason,
        )

    async def examine(self) -> list[Finding]:
        """Read each page's summary once, and look whether the list of past incidents is there."""
        examined = await asyncio.gather(*(self._examine(number) for number in range(len(self._pages))))
        return [finding for findings in examined for finding in findings]

    async def aclose(self) -> None:
        """Close all clients."""
        await asyncio.gather(*(client.aclose() for client in self._clients.values()))

    def _chosen(self, parameters: Strict) -> list[StatusPage]:
        names = getattr(parameters, "pages", None)
        upstream = getattr(parameters, "upstream", None)
        unknown = sorted(set(names or ()) - set(self._pages))
        if unknown:
            raise ValueError(f"there is no status page {unknown[0]!r}; there are {', '.join(sorted(self._pages))}")
        return [
            page
            for page in self._pages.values()
            if (names is None or page.name in names) and (upstream is None or page.upstream is upstream)
        ]

    async def _read(self, page: StatusPage, request: SourceRequest) -> PageAnswer | ConnectorError | Declined:
        """Read one page; a failure is returned, so that it does not cost the others' answers."""
        client, document = self._clients[page.name], _DOCUMENTS[request.operation]
        try:
            async with asyncio.timeout(request.time_limit * _PATIENCE):
                reply = await client.get(document.path, accept=_GONE)
                partial = reply.status in _GONE
                if partial:
                    reply = await client.get(_SUMMARY)
                return read_page(reply.json(), document.listed, partial=partial)
        except TimeoutError:
            return SlowAnswer("no answer in time")
        except (ConnectorError, Declined) as error:
            return error

    async def _examine(self, number: int) -> list[Finding]:
        page = list(self._pages.values())[number]
        client, at = self._clients[page.name], f"connectors.statuspage.pages[{number}]"
        try:
            async with asyncio.timeout(_EXAMINATION):
                summary = (await client.get(_SUMMARY)).json()
                components = read_page(summary, "components").components
                incidents = read_page(summary, "incidents").incidents
                past = await client.get(_DOCUMENTS["list_incidents"].path, accept=_GONE)
                if past.status not in _GONE:
                    read_page(past.json(), "incidents")
        except TimeoutError:
            found = [finding_for(SlowAnswer(f"no answer within {_EXAMINATION:g} s"), url=f"{at}.url")]
        except (ConnectorError, Declined) as error:
            found = [finding_for(error, url=f"{at}.url")]
        else:
            detail = f"{len(components)} components, {len(incidents)} open incidents"
            found = [
                Finding("reach", FindingStatus.OK, detail),
                _past_finding(past.status in _GONE, at),
                *_mapping_findings(unmapped(page, components), at),
            ]
        return [
            Finding(each.check, each.status, f"{page.name}: {each.detail}", each.remedy)
            for each in [*found, *observed_findings(client.observed)]
        ]


def _past_finding(missing: bool, at: str) -> Finding:
    if not missing:
        return Finding("shape", FindingStatus.OK, "lists past incidents too")
    return Finding(
        "shape",
        FindingStatus.WARNING,
        f"tells only what is open now: {_DOCUMENTS['list_incidents'].path} is not there",
        f"nothing, if this vendor has no such list; else check that `{at}.url` is the page's root",
    )


def _mapping_findings(unknown: list[str], at: str) -> list[Finding]:
    if not unknown:
        return []
    return [
        Finding(
            "regions",
            FindingStatus.WARNING,
            f"no component has the name or id {', '.join(map(repr, unknown))}",
            f"write the names in `{at}.regions` as the page writes them",
        )
    ]


def _reaches_not(found: PageAnswer, request: SourceRequest) -> bool:
    """Whether the page's list of recent incidents is full and begins after the window does."""
    if request.operation == "list_components" or request.window is None or len(found.incidents) < _RECENT:
        return False
    oldest = min((each.started for each in found.incidents if each.started is not None), default=None)
    return oldest is None or oldest > request.window.start


def _none_answered(failed: list[tuple[StatusPage, ConnectorError | Declined]], asked: str) -> Answer:
    passing = [error for _, error in failed if isinstance(error, ConnectorError)]
    said = "; ".join(f"{page.name}: {error}" for page, error in failed)
    if passing:
        delays = [error.retry_after for error in passing if error.retry_after is not None]
        kinds = {type(error) for error in passing}
        kind = kinds.pop() if len(kinds) == 1 else Unavailable
        raise kind(f"no status page answered ({said})", retry_after=max(delays, default=None))
    denied = all(isinstance(error, Declined) and error.status is EvidenceStatus.DENIED for _, error in failed)
    return no_answer(EvidenceStatus.DENIED if denied else EvidenceStatus.FAILED, said, asked=asked)


def _make(config: StatusPageConfig, _secret: Secrets) -> StatusPageConnector:
    return StatusPageConnector(config)


PLUGIN = Plugin(
    config=StatusPageConfig,
    make=_make,
    scopes=frozenset({Scope.SHARED}),
    operations=_OPERATIONS,
)
