"""What GitHub can be asked, with the columns of each answer."""

from typing import Annotated, Literal

from pydantic import Field

from connectors.base import Operation, operation
from connectors.parameters import TextList
from models.base import Moment, Strict

_END = r"^[\w][\w./+-]{0,199}$"


class Asked(Strict):
    """What every question may name: repositories, services of the configuration, or neither for all."""

    repositories: TextList | None = None
    services: TextList | None = None


class ListDeployments(Asked):
    """To the configured environment, created in the window."""


class ListChanges(Asked):
    """The commits between two deployments (their ids) or two commits, tags or branches of one repository."""

    base: Annotated[str, Field(pattern=_END)]
    head: Annotated[str, Field(pattern=_END)]


class ListCommits(Asked):
    """On the default branch, committed in the window."""


class ListReleases(Asked):
    """Published in the window."""


class ListPulls(Asked):
    """Merged in the window; or closed, or opened in it and open still."""

    state: Literal["merged", "closed", "open"] = "merged"


class ListWorkflowRuns(Asked):
    """Of GitHub Actions, created in the window."""

    branch: Annotated[str, Field(pattern=_END)] | None = None
    event: Annotated[str, Field(pattern=r"^[a-z_]{1,50}$")] | None = None
    status: (
        Literal[
            "action_required",
            "cancelled",
            "completed",
            "failure",
            "in_progress",
            "neutral",
            "pending",
            "queued",
            "requested",
            "skipped",
            "stale",
            "success",
            "timed_out",
            "waiting",
        ]
        | None
    ) = None
    """Or a conclusion."""


class SearchMentions(Asked):
    """Pull requests and issues that hold any of the terms, as a phrase, in title, body or comments."""

    terms: Annotated[TextList, Field(min_length=1)]
    kind: Literal["pull", "issue"] | None = None
    updated_since: Moment | None = None


OPERATIONS: dict[str, Operation] = {
    "list_deployments": operation(
        ListDeployments,
        "id repository service sha short_sha ref environment description creator state states first_status_at "
        "last_status_at failed failed_at created_at finished_at url changes pulls files",
    ),
    "list_changes": operation(
        ListChanges,
        "repository service sha short_sha subject author committed_at url pull title rolled_back base head",
    ),
    "list_commits": operation(ListCommits, "repository service sha short_sha subject author committed_at url"),
    "list_releases": operation(
        ListReleases, "repository service tag name prerelease author created_at published_at url body"
    ),
    "list_pulls": operation(ListPulls, "repository service number title merged_at url labels author"),
    "list_workflow_runs": operation(
        ListWorkflowRuns,
        "repository service id workflow title event status conclusion branch sha short_sha attempt actor created_at "
        "started_at updated_at url",
    ),
    "search_mentions": operation(
        SearchMentions,
        "repository service kind number title state labels author created_at updated_at closed_at merged_at url "
        "matched_term",
    ),
}
