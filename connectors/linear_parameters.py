"""What Linear can be asked, with the columns of each answer, and how a question becomes Linear's own filter."""

from typing import Annotated, Literal

from pydantic import Field, JsonValue

from connectors.answers import iso
from connectors.base import Operation, operation
from connectors.parameters import TextList
from models.base import Moment, Strict

_FIX_PATHS = ("/pull/", "/merge_requests/", "/pull-requests/")
"""Parts of the addresses of pull requests: GitHub's, GitLab's, Bitbucket's."""
_COLUMNS = (
    "identifier title url priority priority_label state state_type labels team created_at updated_at completed_at "
    "canceled_at due_date cycle_ends_at eta eta_source description fix_urls ticket_urls matched_term"
)


class Filtered(Strict):
    """What both a search and a list can be narrowed by; all that is given must hold."""

    state_types: (
        list[Literal["triage", "backlog", "unstarted", "started", "completed", "canceled", "duplicate"]] | None
    ) = None
    states: TextList | None = None
    """Any of these, by the team's own names, such as `In Review`."""
    labels: TextList | None = None
    """Any of these."""
    priorities: list[Annotated[int, Field(ge=0, le=4)]] | None = None
    """Any of these: 0 none, 1 urgent, 2 high, 3 medium, 4 low."""
    has_fix: bool | None = None
    """Whether a pull request is attached."""
    link: Annotated[str, Field(min_length=3, max_length=500)] | None = None
    """Part of the address of anything attached: of a pull request, a support ticket."""
    updated_since: Moment | None = None

    def as_filter(self, team: str) -> dict[str, JsonValue]:
        """Return Linear's `IssueFilter`; `team` is a team's key, or empty for all."""
        found: dict[str, JsonValue] = {}
        if team:
            found["team"] = {"key": {"eq": team}}
        state: dict[str, JsonValue] = {}
        if self.state_types:
            state["type"] = {"in": list(self.state_types)}
        if self.states:
            state["name"] = {"in": list(self.states)}
        if state:
            found["state"] = state
        if self.labels:
            found["labels"] = {"name": {"in": list(self.labels)}}
        if self.priorities:
            found["priority"] = {"in": list(self.priorities)}
        if attached := self._attached():
            found["and"] = attached
        if self.updated_since:
            found["updatedAt"] = {"gte": iso(self.updated_since)}
        return found

    def _attached(self) -> list[JsonValue]:
        wanted: list[JsonValue] = []
        if self.has_fix:
            wanted.append({"attachments": {"some": {"or": [{"url": {"contains": part}} for part in _FIX_PATHS]}}})
        elif self.has_fix is False:
            none: list[JsonValue] = [{"url": {"notContains": part}} for part in _FIX_PATHS]
            wanted.append({"attachments": {"every": {"and": none}}})
        if self.link:
            wanted.append({"attachments": {"some": {"url": {"contains": self.link}}}})
        return wanted


class SearchIssues(Filtered):
    """Issues that match any of the terms, best match first."""

    terms: Annotated[TextList, Field(min_length=1)]


class ListIssues(Filtered):
    """Issues by what they are rather than by words, the last touched first."""


class GetIssue(Strict):
    """One issue by its identifier, such as `ENG-123`."""

    id: Annotated[str, Field(min_length=1, max_length=100)]


OPERATIONS: dict[str, Operation] = {
    "search_issues": operation(SearchIssues, _COLUMNS),
    "list_issues": operation(ListIssues, _COLUMNS),
    "get_issue": operation(GetIssue, _COLUMNS),
}
