"""Linear's answers as their shapes, and an issue as a flat row."""

import re
from datetime import date
from typing import Annotated, NamedTuple

from pydantic import AfterValidator, ConfigDict, TypeAdapter
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from connectors.answers import iso
from connectors.shapes import Moment, Shape
from models.base import Row

_DESCRIPTION = 500
_PULL_REQUEST = re.compile(r"https?://[^/\s]+/\S+/(pull|merge_requests|pull-requests)/\d+")
_HELPDESKS = frozenset({"zendesk", "intercom", "front", "freshdesk", "helpscout", "plain", "hubspot", "salesforce"})
"""Kinds of attachments, in Linear's words, that are support tickets."""
_TICKET = re.compile(
    r"https?://(?:[^/\s]+\.zendesk\.com/agent/tickets/|app(?:\.[a-z]+)?\.intercom\.(?:com|io)/|app\.frontapp\.com/open/"
    r"|[^/\s]+\.freshdesk\.com/(?:a|helpdesk)/tickets/|secure\.helpscout\.net/conversation/|app\.plain\.com/)\S+"
)
_CLOSED = frozenset({"completed", "canceled", "duplicate"})


def _whole_number(value: float) -> float:
    if not value.is_integer():
        raise PydanticCustomError("int_type", "no whole number")
    return value


def _day(value: str) -> str:
    try:
        return date.fromisoformat(value).isoformat()
    except ValueError:
        raise PydanticCustomError("moment", "no day") from None


Whole = Annotated[float, AfterValidator(_whole_number)]
"""GraphQL's Float, which Linear uses for counts too."""
Day = Annotated[str, AfterValidator(_day)]
"""Linear's TimelessDate: `2026-01-31`."""


class _Shape(Shape):
    model_config = ConfigDict(alias_generator=to_camel)


class _State(_Shape):
    name: str
    type: str


class _Team(_Shape):
    key: str


class _Cycle(_Shape):
    ends_at: Moment


class _Project(_Shape):
    target_date: Day | None


class _Label(_Shape):
    name: str


class _Labels(_Shape):
    nodes: list[_Label]


class _Attachment(_Shape):
    url: str
    source_type: str | None


class _More(_Shape):
    has_next_page: bool


class _Attachments(_Shape):
    nodes: list[_Attachment]
    page_info: _More


class Issue(_Shape):
    """One issue, as the documents ask for it."""

    identifier: str
    title: str
    description: str | None
    url: str
    priority: Whole
    priority_label: str
    due_date: Day | None
    created_at: Moment
    updated_at: Moment
    completed_at: Moment | None
    canceled_at: Moment | None
    state: _State
    team: _Team
    cycle: _Cycle | None
    project: _Project | None
    labels: _Labels
    attachments: _Attachments


class _PageInfo(_More):
    end_cursor: str | None


class IssuePage(_Shape):
    """A page of issues."""

    page_info: _PageInfo
    nodes: list[Issue]


class SearchPage(IssuePage):
    """A page of what a search found."""

    total_count: Whole


class _Viewer(_Shape):
    admin: bool
    guest: bool


class _Organization(_Shape):
    url_key: str


class Who(_Shape):
    """Whose key it is."""

    viewer: _Viewer
    organization: _Organization


class _Teams(_Shape):
    nodes: list[_Team]


class Teams(_Shape):
    """The teams that the key can see."""

    teams: _Teams


class Limit(_Shape):
    """One allowance; `reset` in milliseconds since 1970."""

    type: str
    allowed_amount: float
    remaining_amount: float
    reset: float


class _Limits(_Shape):
    limits: list[Limit]


class RateLimits(_Shape):
    """What is left of the key's allowances."""

    rate_limit_status: _Limits


ISSUE_PAGE = TypeAdapter(IssuePage)
SEARCH_PAGE = TypeAdapter(SearchPage)
WHO = TypeAdapter(Who)
TEAMS = TypeAdapter(Teams)
RATE_LIMITS = TypeAdapter(RateLimits)


class Eta(NamedTuple):
    """When a fix is to be expected, as a day, and what says so."""

    day: str | None = None
    source: str | None = None


def eta_of(issue: Issue) -> Eta:
    """Return the nearest promise about the issue itself: its due date, its cycle's end, its project's target.

    One that is closed has none. A day that is past stays: it tells that the promise was not kept.
    """
    if issue.state.type in _CLOSED:
        return Eta()
    if issue.due_date:
        return Eta(issue.due_date, "due date")
    if issue.cycle:
        return Eta(issue.cycle.ends_at.date().isoformat(), "cycle")
    if issue.project and issue.project.target_date:
        return Eta(issue.project.target_date, "project")
    return Eta()


def row_of(issue: Issue, term: str) -> Row:
    """Return an issue as a row; `term` is the search that found it."""
    attached = issue.attachments.nodes
    fixes = [one.url for one in attached if _PULL_REQUEST.fullmatch(one.url)]
    tickets = [one.url for one in attached if one.source_type in _HELPDESKS or _TICKET.fullmatch(one.url)]
    eta = eta_of(issue)
    return {
        "identifier": issue.identifier,
        "title": issue.title,
        "url": issue.url,
        "priority": int(issue.priority),
        "priority_label": issue.priority_label,
        "state": issue.state.name,
        "state_type": issue.state.type,
        "labels": ", ".join(label.name for label in issue.labels.nodes),
        "team": issue.team.key,
        "created_at": iso(issue.created_at),
        "updated_at": iso(issue.updated_at),
        "completed_at": iso(issue.completed_at),
        "canceled_at": iso(issue.canceled_at),
        "due_date": issue.due_date,
        "cycle_ends_at": iso(issue.cycle.ends_at) if issue.cycle else None,
        "eta": eta.day,
        "eta_source": eta.source,
        "description": (issue.description or "")[:_DESCRIPTION],
        "fix_urls": ", ".join(fixes),
        "ticket_urls": ", ".join(tickets),
        "matched_term": term,
    }
