"""The parts of GitHub's answers that are looked at, held against its answers before anything is made of them."""

import re

from pydantic import Field, JsonValue, TypeAdapter

from connectors.shapes import Moment, Shape, read_shape


class User(Shape):
    """Whoever did it; GitHub gives an empty object where a commit's author has no account."""

    login: str = ""


class Label(Shape):
    """A label of an issue or a pull request."""

    name: str | None = None


class _Sha(Shape):
    sha: str


class _Signature(Shape):
    name: str | None = None
    date: Moment


class _Message(Shape):
    message: str
    author: _Signature
    committer: _Signature


class _Deployment(Shape):
    id: int
    url: str
    sha: str
    ref: str
    environment: str
    description: str | None
    creator: User | None
    created_at: Moment


class _Status(Shape):
    id: int
    state: str
    created_at: Moment


class _Commit(Shape):
    sha: str
    html_url: str
    commit: _Message
    author: User | None
    parents: list[_Sha]


class _File(Shape):
    filename: str


class _Comparison(Shape):
    ahead_by: int
    behind_by: int
    total_commits: int
    commits: list[_Commit]
    files: list[_File] = []


class _Pull(Shape):
    number: int
    title: str
    state: str
    html_url: str
    user: User | None
    labels: list[Label]
    created_at: Moment
    updated_at: Moment
    merged_at: Moment | None
    merge_commit_sha: str | None


class _Release(Shape):
    tag_name: str
    name: str | None
    body: str | None
    prerelease: bool
    html_url: str
    author: User | None
    created_at: Moment
    published_at: Moment | None


class Run(Shape):
    """A run of a workflow of GitHub Actions."""

    id: int
    name: str | None = None
    display_title: str
    event: str
    status: str | None
    conclusion: str | None
    head_branch: str | None
    head_sha: str
    run_attempt: int | None = None
    html_url: str
    created_at: Moment
    updated_at: Moment
    run_started_at: Moment | None = None
    actor: User | None = None


class Runs(Shape):
    """A page of runs, newest first."""

    total_count: int
    workflow_runs: list[Run]


class _Merge(Shape):
    merged_at: Moment | None = None


class FoundIssue(Shape):
    """An issue or a pull request, as the search shows it."""

    number: int
    title: str
    state: str
    html_url: str
    user: User | None
    labels: list[Label]
    created_at: Moment
    updated_at: Moment
    closed_at: Moment | None
    pull_request: _Merge | None = None


class FoundIssues(Shape):
    """A page of what a search found."""

    total_count: int
    incomplete_results: bool
    items: list[FoundIssue]


class Repository(Shape):
    """A repository, with what its reader may do there, where GitHub tells."""

    full_name: str
    archived: bool = False
    permissions: dict[str, bool] | None = None


class Limit(Shape):
    """One allowance."""

    limit: int
    remaining: int
    reset: int


class _Limits(Shape):
    core: Limit
    search: Limit


class RateLimits(Shape):
    """All allowances that matter."""

    resources: _Limits


class Installation(Shape):
    """Where a GitHub App is installed and what it was given there, such as `contents: read`."""

    permissions: dict[str, str]
    suspended_at: Moment | None = None


class InstallationToken(Shape):
    """A token that lives an hour."""

    token: str = Field(min_length=1, repr=False)
    expires_at: Moment


RUNS = TypeAdapter(Runs)
FOUND_ISSUES = TypeAdapter(FoundIssues)
REPOSITORY = TypeAdapter(Repository)
RATE_LIMITS = TypeAdapter(RateLimits)
INSTALLATION = TypeAdapter(Installation)
INSTALLATION_TOKEN = TypeAdapter(InstallationToken)
_OBJECTS: TypeAdapter[list[dict[str, JsonValue]]] = TypeAdapter(list[dict[str, JsonValue]])

_LISTS: tuple[tuple[re.Pattern[str], str, TypeAdapter[object]], ...] = tuple(
    (re.compile(pattern), what, TypeAdapter(shape))
    for pattern, what, shape in (
        (r"/deployments/\d+/statuses$", "statuses", list[_Status]),
        (r"/deployments$", "deployments", list[_Deployment]),
        (r"/deployments/\d+$", "deployment", _Deployment),
        (r"/compare/[^/]+$", "comparison", _Comparison),
        (r"/commits$", "commits", list[_Commit]),
        (r"/pulls$", "pulls", list[_Pull]),
        (r"/releases$", "releases", list[_Release]),
    )
)


def check_body(path: str, body: JsonValue) -> None:
    """Hold the answer to a GET of a path against its shape: PyGithub itself would take much for what it is not.

    Raises:
        SchemaDrift: it does not fit.
    """
    for pattern, what, shape in _LISTS:
        if pattern.search(path):
            read_shape(shape, body, what)
            return
    read_shape(_OBJECTS, body, "answer")
