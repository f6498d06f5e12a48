"""What a status page answers: lenient about what is missing, strict about the type of what is there.

Fields: the public API of Statuspage, version 2. Imitations leave out shortlinks, groups, updates or whole lists.
"""

from datetime import datetime
from typing import Annotated, TypeVar
from urllib.parse import urljoin, urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, ValidationError

from connectors.answers import read_moment
from connectors.base import Unavailable

_LAST_UPDATE = 500
"""Characters of an update's text that are kept."""


def _moment(value: JsonValue) -> datetime | None:
    if value in (None, ""):
        return None
    moment = read_moment(value)
    if moment is None:
        raise ValueError("not a time")
    return moment


def _listed(value: object) -> object:
    return [] if value is None else value


When = Annotated[datetime | None, BeforeValidator(_moment)]
Text = Annotated[str, BeforeValidator(lambda value: "" if value is None else value)]
T = TypeVar("T")
Listed = Annotated[list[T], BeforeValidator(_listed)]


class _Shape(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class Component(_Shape):
    """One component, or with `group` the container of several."""

    id: str
    name: Text = ""
    status: Text = ""
    group: bool | None = False
    group_id: str | None = None
    updated_at: When = None


class Update(_Shape):
    """One message of an incident."""

    body: Text = ""
    created_at: When = None
    display_at: When = None


class Incident(_Shape):
    """An incident or a maintenance."""

    id: str
    name: Text = ""
    status: Text = ""
    impact: Text = ""
    created_at: When = None
    started_at: When = None
    updated_at: When = None
    resolved_at: When = None
    scheduled_for: When = None
    scheduled_until: When = None
    shortlink: Text = ""
    components: Listed[Component] = []
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

    def overlaps(self, start: datetime, end: datetime, now: datetime) -> bool:
        """Whether it was going on within [start, end); without an end it is going on now, without a start it always was."""
        finished = self.resolved_at or (self.scheduled_until if self.status in ("completed", "scheduled") else None)
        if finished is None and self.status in ("resolved", "postmortem", "completed"):
            finished = self.updated_at
        began = self.started
        return (began is None or began < end) and (finished or max(now, start)) >= start

    def link(self, page: str) -> str:
        """Return the page of this incident: its shortlink if that is a web address, else by its id."""
        if urlsplit(self.shortlink).scheme in ("http", "https"):
            return self.shortlink
        return urljoin(page if page.endswith("/") else page + "/", f"incidents/{self.id}")


class PageAnswer(_Shape):
    """Any of the page's documents; the lists that it lacks are empty."""

    incidents: Listed[Incident] = []
    maintenances: Listed[Incident] = Field(default=[], alias="scheduled_maintenances")
    components: Listed[Component] = []
    partial: bool = Field(default=False, exclude=True)
    """Set by us: the page tells only what is open now, so its silence about the past means nothing."""


def read_page(document: JsonValue, name: str) -> PageAnswer:
    """Read a page's document.

    Raises:
        Unavailable: not of that shape; names the field, never its value.
    """
    if not isinstance(document, dict):
        raise Unavailable(f"the status page {name!r} answered with something that is no object")
    known = {"incidents", "scheduled_maintenances", "components", "page", "status"}
    if not known & set(document):
        raise Unavailable(f"the status page {name!r} answered with none of {', '.join(sorted(known))}")
    try:
        return PageAnswer.model_validate({key: value for key, value in document.items() if key != "partial"})
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Unavailable(f"the status page {name!r} answered with a {where!r} that is no such thing") from None
