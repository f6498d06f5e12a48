"""Status pages that answer /api/v2/summary.json: Statuspage's own, and those that imitate it.

    list_incidents      {upstream?, pages?} and the window: every incident that overlaps it
    list_components     {upstream?}: now; containers of a group are left out, their members are not
    list_maintenances   {upstream?} and the window: every maintenance that overlaps it

Pages are asked together. One that fails while others answer leaves `truncated` and its name in `reason`: no absence can rest on
that answer.
"""

import asyncio
from datetime import UTC, datetime

from connectors.answers import answer, iso, no_answer, time_limit
from connectors.base import ConnectorError, Operation, Plugin, Secrets, SlowAnswer, Unavailable, operation
from connectors.http import Declined, ReadOnlyHttp
from connectors.parameters import TextList, read_parameters
from connectors.statuspage_shapes import Component, Incident, PageAnswer, read_page
from models.base import Row, Strict
from models.evidence import Answer, SourceRequest
from models.tenant import StatusPage, StatusPageConfig
from models.vocabulary import EvidenceStatus, Scope, Source

_PATHS = {
    "list_incidents": ("/api/v2/incidents.json",),
    "list_components": ("/api/v2/summary.json",),
    "list_maintenances": ("/api/v2/scheduled-maintenances.json",),
}
_FALLBACK = "/api/v2/summary.json"
"""Imitations often answer this alone; it holds what is open now."""
_RECENT = 50
"""A list of this length or more may have been cut by the page."""
_PATIENCE = 0.8
"""The part of the time limit that a page may take, so that one slow page does not cost the others' answers."""


class _Incidents(Strict):
    upstream: bool | None = None
    pages: TextList | None = None


class _Upstream(Strict):
    upstream: bool | None = None


_OPERATIONS: dict[str, Operation] = {
    "list_incidents": operation(
        _Incidents,
        "page upstream id name status impact components created_at updated_at resolved_at url last_update",
    ),
    "list_components": operation(
        _Upstream,
        "page upstream id name group status updated_at url",
    ),
    "list_maintenances": operation(
        _Upstream,
        "page upstream id name status impact scheduled_for scheduled_until url",
    ),
}


class StatusPageConnector:
    """All status pages of one tenant, each over its own pooled client."""

    source = Source.STATUSPAGE

    def __init__(self, config: StatusPageConfig) -> None:
        """Open nothing yet."""
        self._pages = {page.name: page for page in config.pages}
        # A page may move to another host of its vendor; it is public and gets no credentials.
        self._clients = {name: ReadOnlyHttp(str(page.url), follow_redirects=True) for name, page in self._pages.items()}

    async def fetch(self, request: SourceRequest) -> Answer:
        """Ask all pages that the request is about.

        Raises:
            ConnectorError: none of them answered. A ValueError names known operations, parameters and pages.
        """
        parameters = read_parameters(request, _OPERATIONS)
        pages = self._chosen(parameters)
        asked = " and ".join(_PATHS[request.operation]) + " of " + ", ".join(page.name for page in pages)
        if not pages:
            return no_answer(EvidenceStatus.FAILED, "no status page of that kind is configured", asked="GET nothing")
        async with time_limit(request):
            results = await asyncio.gather(*(self._read(page, request) for page in pages))
        answered = [
            (page, result) for page, result in zip(pages, results, strict=True) if isinstance(result, PageAnswer)
        ]
        failed = [
            (page, result) for page, result in zip(pages, results, strict=True) if not isinstance(result, PageAnswer)
        ]
        if not answered:
            return _none_answered(failed, asked=f"GET {asked}")
        rows = [row for page, result in answered for row in _rows(page, result, request)]
        partial = [page.name for page, result in answered if result.partial]
        reason = "; ".join(
            [f"{page.name} did not answer: {error}" for page, error in failed]
            + [f"{name} tells only what is open now" for name in partial]
            + [f"{page.name} lists nothing so old" for page, result in answered if _reaches_not(result, request)]
        )
        url = str(answered[0][0].url) if len(pages) == 1 else None
        return answer(request, rows, asked=f"GET {asked}", url=url, truncated=bool(reason), reason=reason)

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
        client = self._clients[page.name]
        try:
            async with asyncio.timeout(request.time_limit * _PATIENCE):
                for path in _PATHS[request.operation]:
                    reply = await client.get(path, accept=frozenset({404, 410}))
                    if reply.status < 400:
                        return read_page(reply.json(), page.name)
                fallback = read_page((await client.get(_FALLBACK)).json(), page.name)
                return fallback.model_copy(update={"partial": True})
        except TimeoutError:
            return SlowAnswer("no answer in time")
        except (ConnectorError, Declined) as error:
            return error


def _reaches_not(found: PageAnswer, request: SourceRequest) -> bool:
    """Whether the page's list of recent incidents is full and begins after the window does."""
    listed = found.incidents if request.operation == "list_incidents" else found.maintenances
    if request.operation == "list_components" or request.window is None or len(listed) < _RECENT:
        return False
    oldest = min((each.started for each in listed if each.started is not None), default=None)
    return oldest is None or oldest > request.window.start


def _none_answered(failed: list[tuple[StatusPage, ConnectorError | Declined]], asked: str) -> Answer:
    passing = [error for _, error in failed if isinstance(error, ConnectorError)]
    said = "; ".join(f"{page.name}: {error}" for page, error in failed)
    if passing:
        delays = [error.retry_after for error in passing if error.retry_after is not None]
        kind = SlowAnswer if all(isinstance(error, SlowAnswer) for error in passing) else Unavailable
        raise kind(f"no status page answered ({said})", retry_after=max(delays, default=None))
    denied = all(isinstance(error, Declined) and error.status is EvidenceStatus.DENIED for _, error in failed)
    return no_answer(EvidenceStatus.DENIED if denied else EvidenceStatus.FAILED, said, asked=asked)


def _rows(page: StatusPage, found: PageAnswer, request: SourceRequest) -> list[Row]:
    if request.operation == "list_components":
        groups = {component.id: component.name for component in found.components if component.group}
        return [_component_row(page, each, groups) for each in found.components if not each.group]
    window = request.window
    now = datetime.now(UTC)
    incidents = found.incidents if request.operation == "list_incidents" else found.maintenances
    make = _incident_row if request.operation == "list_incidents" else _maintenance_row
    kept = [each for each in incidents if window is None or each.overlaps(window.start, window.end, now)]
    kept.sort(key=lambda each: each.started or now, reverse=True)
    return [make(page, each) for each in kept]


def _incident_row(page: StatusPage, incident: Incident) -> Row:
    return {
        "page": page.name,
        "upstream": page.upstream,
        "id": incident.id,
        "name": incident.name,
        "status": incident.status,
        "impact": incident.impact,
        "components": ", ".join(incident.component_names),
        "created_at": iso(incident.created_at),
        "updated_at": iso(incident.updated_at),
        "resolved_at": iso(incident.resolved_at),
        "url": incident.link(str(page.url)),
        "last_update": incident.last_update,
    }


def _maintenance_row(page: StatusPage, incident: Incident) -> Row:
    return {
        "page": page.name,
        "upstream": page.upstream,
        "id": incident.id,
        "name": incident.name,
        "status": incident.status,
        "impact": incident.impact,
        "scheduled_for": iso(incident.scheduled_for),
        "scheduled_until": iso(incident.scheduled_until),
        "url": incident.link(str(page.url)),
    }


def _component_row(page: StatusPage, component: Component, groups: dict[str, str]) -> Row:
    return {
        "page": page.name,
        "upstream": page.upstream,
        "id": component.id,
        "name": component.name,
        "group": groups.get(component.group_id or ""),
        "status": component.status,
        "updated_at": iso(component.updated_at),
        "url": str(page.url),
    }


def _make(config: StatusPageConfig, _secret: Secrets) -> StatusPageConnector:
    return StatusPageConnector(config)


PLUGIN = Plugin(
    config=StatusPageConfig,
    make=_make,
    scopes=frozenset({Scope.SHARED}),
    operations=_OPERATIONS,
)
