"""Rows from what status pages answer, with the regions that their components serve."""

from collections.abc import Iterable
from datetime import UTC, datetime

from connectors.answers import iso
from connectors.statuspage_shapes import Component, Incident, PageAnswer, Touched
from models.base import Row
from models.evidence import SourceRequest
from models.tenant import StatusPage

INCIDENT_COLUMNS = (
    "page upstream id name status impact components regions created_at updated_at resolved_at url last_update"
)
COMPONENT_COLUMNS = "page upstream id name group status regions updated_at url"
MAINTENANCE_COLUMNS = "page upstream id name status impact components regions scheduled_for scheduled_until url"


def page_rows(page: StatusPage, found: PageAnswer, request: SourceRequest) -> list[Row]:
    """Return the rows of the request's operation, within its window, newest first."""
    if request.operation == "list_components":
        groups = {component.id: component.name for component in found.components if component.group}
        return [_component_row(page, each, groups) for each in found.components if not each.group]
    window = request.window
    now = datetime.now(UTC)
    make = _incident_row if request.operation == "list_incidents" else _maintenance_row
    kept = [each for each in found.incidents if window is None or each.overlaps(window.start, window.end, now)]
    kept.sort(key=lambda each: each.started or now, reverse=True)
    return [make(page, each) for each in kept]


def regions_of(page: StatusPage, components: Iterable[Touched | Component]) -> str:
    """Return the regions that components serve, joined by ", "; empty if one of them is not mapped, for it may serve all."""
    regions: list[str] = []
    for each in components:
        names = (each.id, each.name, each.group_id or "")
        mapped = next((page.regions[name] for name in names if name in page.regions), None)
        if mapped is None:
            return ""
        regions += mapped
    return ", ".join(dict.fromkeys(regions))


def unmapped(page: StatusPage, components: Iterable[Component]) -> list[str]:
    """Return what the mapping names and the page has not, neither as a component's name or id nor as a group's id."""
    known = {name for each in components for name in ((each.id,) if each.group else (each.id, each.name))}
    return sorted(set(page.regions) - known)


def _incident_row(page: StatusPage, incident: Incident) -> Row:
    return {
        **_outline(page, incident),
        "created_at": iso(incident.created_at or incident.started_at),
        "updated_at": iso(incident.updated_at),
        "resolved_at": iso(incident.ended),
        "url": incident.link(str(page.url)),
        "last_update": incident.last_update,
    }


def _maintenance_row(page: StatusPage, incident: Incident) -> Row:
    return {
        **_outline(page, incident),
        "scheduled_for": iso(incident.scheduled_for),
        "scheduled_until": iso(incident.scheduled_until),
        "url": incident.link(str(page.url)),
    }


def _outline(page: StatusPage, incident: Incident) -> Row:
    touched = [component for component in incident.components if not component.group]
    return {
        "page": page.name,
        "upstream": page.upstream,
        "id": incident.id,
        "name": incident.name,
        "status": incident.status,
        "impact": incident.impact,
        "components": ", ".join(incident.component_names),
        "regions": regions_of(page, touched),
    }


def _component_row(page: StatusPage, component: Component, groups: dict[str, str]) -> Row:
    return {
        "page": page.name,
        "upstream": page.upstream,
        "id": component.id,
        "name": component.name,
        "group": groups.get(component.group_id or ""),
        "status": component.status,
        "regions": regions_of(page, [component]),
        "updated_at": iso(component.updated_at),
        "url": str(page.url),
    }
