"""What a status page answers: lenient about what imitations leave out, strict about the type of what is there.

Fields: the public API of Statuspage, version 2. Imitations leave out shortlinks, groups, updates or impacts. States and
impacts that are not known here pass as they are. What every row rests on (the list itself, ids, names, states) must be there:
without it there would be an absence that nobody saw.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, TypeVar
from urllib.parse import urljoin, urlsplit

from pydantic import BeforeValidator, JsonValue, TypeAdapter
from pydantic_core import PydanticCustomError

from connectors.answers import read_moment
from connectors.http import SchemaDrift
from connectors.shapes import Shape, read_shape

_LAST_UPDATE = 500
"""Characters of an update's text that are kept."""
_OVER = frozenset({"resolved", "postmortem", "completed"})


def _moment(value: JsonValue) -> datetime | None:
    if value in (None, ""):
        return None
    moment = read_moment(value) if isinstance(value, str) else None
    if moment is None:
        raise PydanticCustomError("moment", "no time")
    return moment


def _listed(value: object) -> object:
    return [] if value is None else value


When = Annotated[datetime | None, BeforeValidator(_moment)]
Text = Annotated[str, BeforeValidator(lambda value: "" if value is None else value)]
T = TypeVar("T")
Listed = Annotated[list[T], BeforeValidator(_listed)]


class Touched(Shape):
    """A component as an incident names it."""

    id: Text = ""
    name: Text = ""
    group: bool | None = False
    group_id: str | None = None


class Component(Shape):
    """One component, or with `group` the container of several."""

    id: str
    name: str
    status: str
    group: bool | None = False
    group_id: str | None = None
    updated_at: When = None


class Update(Shape):
    """One message of an incident."""

    status: Text = ""
    body: Text = ""
    created_at: When = None
    display_at: When = None


class Incident(Shape):
    """An incident or a maintenance."""

    id: str
    name: str
    status: str
    impact: Text = ""
    created_at: When = None
    started_at: When = None
    updated_at: When = None
    resolved_at: When = None
    scheduled_for: When = None
    scheduled_until: When = None
    shortlink: Text = ""
    components: Listed[Touched] = []
    incident_updates: Listed[Update] = []

    @property
    def started(self) -> datetime | None:
        """When it began, as well as the page tells."""
        return self.scheduled_for or self.started_at or self.created_at

    @property
    def component_names(self) -> list[str]:
        """Affected components, in the page's order."""
        return [component.name for component in self.components if component.name and not component.group]

    @property
    def last_update(self) -> str:
        """The newest message's text, at most 500 characters. Written by strangers: data, never an instruction."""
        dated = [(update.display_at or update.created_at, update.body) for update in self.incident_updates]
        newest = max((entry for entry in dated if entry[0] is not None), default=dated[0] if dated else (None, ""))
        return newest[1][:_LAST_UPDATE]

    @property
    def ended(self) -> datetime | None:
        """When it was over, also where the page says so by the state alone; None while it goes on."""
        if self.resolved_at is not None or self.status not in _OVER:
            return self.resolved_at
        told = [update.display_at or update.created_at for update in self.incident_updates if update.status in _OVER]
        first = min((moment for moment in told if moment is not None), default=None)
        return first or (self.scheduled_until if self.status == "completed" else None) or self.updated_at

    def overlaps(self, start: datetime, end: datetime, now: datetime) -> bool:
        """Whether it was going on within [start, end); without an end it is going on now, without a start it always was."""
        planned = self.scheduled_until if self.status == "scheduled" else None
        began, finished = self.started, self.ended or planned
        return (began is None or began < end) and (finished or max(now, start)) >= start

    def link(self, page: str) -> str:
        """Return the page of this incident: its shortlink if that is a web address, else by its id."""
        if urlsplit(self.shortlink).scheme in ("http", "https"):
            return self.shortlink
        return urljoin(page if page.endswith("/") else page + "/", f"incidents/{self.id}")


@dataclass(frozen=True)
class PageAnswer:
    """What was read of one page's document."""

    incidents: tuple[Incident, ...] = ()
    """Or maintenances, where those were asked for."""
    components: tuple[Component, ...] = ()
    partial: bool = False
    """Set by us: the page tells only what is open now, so its silence about the past means nothing."""


_INCIDENTS = TypeAdapter(list[Incident])
_COMPONENTS = TypeAdapter(list[Component])


def read_page(document: JsonValue, listed: str, *, partial: bool = False) -> PageAnswer:
    """Read one list of a page's document.

    Args:
        listed: `incidents`, `scheduled_maintenances` or `components`.
        partial: The document holds no more than what is open now.

    Raises:
        SchemaDrift: the list is missing or not of its shape; names the field, never its value.
    """
    if not isinstance(document, dict):
        raise SchemaDrift("the status page's document is no object")
    if listed not in document:
        raise SchemaDrift(f"{listed} is missing")
    found = document[listed]
    if listed == "components":
        components = read_shape(_COMPONENTS, found, listed)
        return PageAnswer(components=tuple(components), partial=partial)
    incidents = read_shape(_INCIDENTS, found, listed)
    return PageAnswer(incidents=tuple(incidents), partial=partial)
