"""From a request to what Sentry is asked: its search syntax, its times, and the customer that a question is bound to."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from connectors.http import Declined
from connectors.parameters import TextList
from models.base import Strict
from models.customer import Window
from models.evidence import SourceRequest
from models.vocabulary import EvidenceStatus, Scope

_PAGE = 100
_RETENTION = timedelta(days=90)
"""Sentry keeps events so long at most; a window that begins before is answered as if nothing had been there."""
_EVENT_FIELDS = ["id", "issue", "title", "level", "project", "release", "transaction", "timestamp"]
_Text = Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S")]
_TagName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,200}$")]
_Level = Literal["fatal", "error", "warning", "info", "debug", "sample"]
_Levels = Annotated[list[_Level], BeforeValidator(lambda value: [value] if isinstance(value, str) else value)]


class SearchIssues(Strict):
    """Issues with events in the window; with terms, those whose message contains any of them."""

    terms: TextList | None = None
    level: _Levels | None = None
    release: _Text | None = None
    """Seen in this release."""
    first_release: _Text | None = None
    """Seen in this release first."""
    tags: dict[_TagName, _Text] = {}


class ListEvents(Strict):
    """Single events in the window, newest first."""

    issue: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,128}$")] | None = None
    """An issue's short id, such as `API-7Q`."""
    level: _Levels | None = None
    release: _Text | None = None
    tags: dict[_TagName, _Text] = {}


class ListReleases(Strict):
    """Releases, newest first."""


def filters(request: SourceRequest, wanted: SearchIssues | ListEvents, customer_tag: str) -> list[str]:
    """Return the words of a search, without its terms; a question of scope `customer` is bound to that customer.

    Raises:
        Declined: Sentry or the configuration cannot have it so.
        ValueError: the playbook cannot have it so.
    """
    if customer_tag and customer_tag in wanted.tags:
        raise ValueError(f"the tag {customer_tag!r} is set by the scope: give the query scope: customer")
    found = (
        [f"tags[{customer_tag}]:{quoted(_customer(request, customer_tag))}"] if request.scope is Scope.CUSTOMER else []
    )
    found += [f"tags[{name}]:{quoted(value)}" for name, value in sorted(wanted.tags.items())]
    if wanted.level:
        found.append(f"level:[{','.join(wanted.level)}]")
    if wanted.release:
        found.append(f"release:{quoted(wanted.release)}")
    return found


def _customer(request: SourceRequest, customer_tag: str) -> str:
    if not request.customer or not request.customer.strip():
        raise ValueError("a question of scope customer comes without its customer")
    if not customer_tag:
        reason = "which tag holds the customer is not configured; set connectors.sentry.customer_tag"
        raise Declined(EvidenceStatus.FAILED, reason)
    return request.customer


def words(chosen: list[str], term: str) -> list[str]:
    """Return the words of a search for a term; an empty term adds none."""
    return [*chosen, *([f"message:{quoted(term)}"] if term else [])]


def quoted(text: str) -> str:
    """Return a value as it is meant, whatever it holds."""
    # Sentry reads a backslash before the last quotation mark as its escape, so that the value would run on into what follows.
    if "\\" in text:
        raise Declined(EvidenceStatus.FAILED, "Sentry's search takes no backslash; ask for a part without one")
    escaped = text.replace('"', '\\"').replace("*", "\\*")
    return f'"{escaped}"'


def of_events(query: str) -> dict[str, str | list[str]]:
    """Return what a search for events asks for."""
    return {"dataset": "errors", "field": _EVENT_FIELDS, "query": query, "sort": "-timestamp"}


def page_size(request: SourceRequest) -> int:
    """Return how many items a page has: one more than wanted tells that there are more."""
    return min(_PAGE, request.row_limit + 1)


def period(window: Window | None) -> dict[str, str]:
    """Return the time of a search; without a window all that is kept."""
    if window is None:
        return {"statsPeriod": f"{_RETENTION.days}d"}
    # Sentry takes times without a zone, as UTC.
    return {"start": window.start.replace(tzinfo=None).isoformat(), "end": window.end.replace(tzinfo=None).isoformat()}


def too_old(window: Window | None) -> str:
    """Return why a window cannot be seen whole; empty where it can."""
    if window is None or window.start >= datetime.now(UTC) - _RETENTION:
        return ""
    return f"the window begins before the {_RETENTION.days} days for which Sentry keeps events"


def within(moment: datetime, window: Window | None) -> bool:
    """Whether a window holds a moment."""
    return window is None or window.start <= moment <= window.end
