"""What is read of one GitHub repository. Synchronous: each function runs in a thread, with a client of its own."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import NamedTuple, Protocol

from github import Github, GithubException
from github.Commit import Commit
from github.Comparison import Comparison
from github.Deployment import Deployment
from github.PullRequest import PullRequest

from connectors.answers import iso
from models.base import Row
from models.customer import Window

_SCANNED = 500
"""Entries looked through per repository, newest first: deployments and releases cannot be asked for by time."""
FAILED_STATES = frozenset({"failure", "error"})
_BASES = 4
_COMMITS = 250
_FILES = 50
_CHANGES = 50
_BODY = 500
_RELEASE_LAG = timedelta(days=30)
"""A release is listed by the date of its commit, and may be published this much later."""
_DEPLOYMENT_ID = re.compile(r"[1-9][0-9]{0,19}")
_MERGED = re.compile(r"^Merge pull request #(\d+) from ")
_SQUASHED = re.compile(r"^(?P<title>.*\S)\s*\(#(?P<number>\d+)\)$")


class Deployed(NamedTuple):
    """One deployment, as listed."""

    repository: str
    id: int
    sha: str
    ref: str
    environment: str
    description: str
    creator: str
    created_at: datetime


class Deployments(NamedTuple):
    """Those of one repository in the window, newest first, and the next older ones to compare with."""

    inside: list[Deployed]
    older: list[Deployed]
    truncated: bool


class Rollout(NamedTuple):
    """How a deployment went: its latest state (empty if it has none), when it came to an end, and how it got there."""

    state: str
    finished_at: datetime | None
    states: tuple[str, ...]
    """All, oldest first."""
    first_at: datetime | None
    last_at: datetime | None
    failed_at: datetime | None
    """When it first failed, also if a later try went well."""


class Changes(NamedTuple):
    """What a deployment brought."""

    titles: list[str]
    pulls: list[int]
    files: list[str]


class Merged(NamedTuple):
    """A pull request that was merged."""

    number: int
    title: str


class Rows(NamedTuple):
    """Rows of one repository."""

    rows: list[Row]
    truncated: bool = False


def list_deployments(client: Github, repository: str, environment: str, window: Window, limit: int) -> Deployments:
    """Read the deployments of an environment, newest first, until some are older than the window."""
    inside: list[Deployed] = []
    older: list[Deployed] = []
    entries = client.get_repo(repository).get_deployments(environment=environment)
    for number, entry in enumerate(entries):
        if number >= _SCANNED or len(inside) > limit:
            return Deployments(inside, older, True)
        deployment = _deployed(repository, entry)
        if deployment.created_at < window.start:
            older.append(deployment)
        elif deployment.created_at < window.end:
            inside.append(deployment)
        if len(older) >= _BASES:
            break
    return Deployments(inside, older, False)


def read_rollout(client: Github, deployment: Deployed) -> Rollout:
    """Read how a deployment went. A later success elsewhere makes it `inactive`; it ended when its own rollout did."""
    found = list(islice(client.get_repo(deployment.repository).get_deployment(deployment.id).get_statuses(), 100))
    statuses = sorted(found, key=lambda status: (status.created_at, status.id))
    failed = [status.created_at for status in statuses if status.state in FAILED_STATES]
    ended = [status.created_at for status in statuses if status.state in ("success", *FAILED_STATES)]
    moments = [status.created_at for status in statuses]
    return Rollout(
        state=statuses[-1].state if statuses else "",
        finished_at=max(ended, default=None),
        states=tuple(status.state for status in statuses),
        first_at=min(moments, default=None),
        last_at=max(moments, default=None),
        failed_at=min(failed, default=None),
    )


def read_merged(client: Github, repository: str) -> dict[str, Merged]:
    """Return the lately merged pull requests by the commit that each became."""
    pulls = client.get_repo(repository).get_pulls(state="closed", sort="updated", direction="desc")
    return {
        pull.merge_commit_sha: Merged(pull.number, pull.title)
        for pull in islice(pulls, 100)
        if pull.merged_at and pull.merge_commit_sha
    }


def read_changes(client: Github, deployment: Deployed, base: str, merged: Mapping[str, Merged]) -> Changes:
    """Compare a deployment with the commit that ran before it. One that goes back tells what it takes away."""
    if base == deployment.sha:
        return Changes([], [], [])
    comparison = _compare(client, deployment.repository, base, deployment.sha)
    back = comparison.ahead_by == 0 and comparison.behind_by > 0
    if back:
        comparison = _compare(client, deployment.repository, deployment.sha, base)
    head = base if back else deployment.sha
    commits = list(islice(comparison.commits, _COMMITS))
    entries = [_entry(commit, merged) for commit in _mainline(commits, head)]
    titles = [f"{'Rolls back: ' if back else ''}{title}" for title, _ in entries[:_CHANGES]]
    left_out = len(entries) - len(titles) + max(0, comparison.total_commits - len(commits))
    if left_out > 0:
        titles.append(f"and {left_out} more")
    files = [file.filename for file in comparison.files[:_FILES]]
    return Changes(titles, [number for _, number in entries if number is not None], files)


def list_changes(client: Github, repository: str, base: str, head: str, limit: int) -> Rows:
    """Read the commits between two deployments (by id) or commits, tags or branches, each with its pull request."""
    ends = [_commit_of(client, repository, end) for end in (base, head)]
    if ends[0] == ends[1]:
        return Rows([])
    comparison = _compare(client, repository, *ends)
    back = comparison.ahead_by == 0 and comparison.behind_by > 0
    if back:
        comparison = _compare(client, repository, ends[1], ends[0])
    commits = list(islice(comparison.commits, min(_COMMITS, limit + 1)))
    try:
        merged = read_merged(client, repository)
    except GithubException as error:
        # Without leave to read pull requests, the commits' own subjects have to do.
        if error.status not in (403, 404):
            raise
        merged = {}
    rows: list[Row] = []
    for commit in commits:
        title, number = _entry(commit, merged)
        pull: Row = {"pull": number, "title": title, "rolled_back": back}
        rows.append({**_commit_row(repository, commit), **pull, "base": ends[0], "head": ends[1]})
    return Rows(rows, comparison.total_commits > len(commits))


def _commit_of(client: Github, repository: str, end: str) -> str:
    return client.get_repo(repository).get_deployment(int(end)).sha if _DEPLOYMENT_ID.fullmatch(end) else end


def list_commits(client: Github, repository: str, window: Window, limit: int) -> Rows:
    """Read the commits of the default branch in the window, newest first."""
    found = list(islice(client.get_repo(repository).get_commits(since=window.start, until=window.end), limit + 1))
    return Rows([_commit_row(repository, commit) for commit in found if commit.commit.committer.date < window.end])


def list_releases(client: Github, repository: str, window: Window, limit: int) -> Rows:
    """Read the releases published in the window, newest first; drafts are not published."""
    rows: list[Row] = []
    for number, release in enumerate(client.get_repo(repository).get_releases()):
        if number >= _SCANNED:
            return Rows(rows, True)
        if len(rows) > limit or release.created_at < window.start - _RELEASE_LAG:
            break
        published: datetime | None = release.published_at
        if published is None or not window.start <= published < window.end:
            continue
        rows.append(
            {
                "repository": repository,
                "tag": release.tag_name,
                "name": _said(release.name),
                "prerelease": release.prerelease,
                "author": _login(release.author),
                "created_at": iso(release.created_at),
                "published_at": iso(published),
                "url": release.html_url,
                "body": _said(release.body)[:_BODY],
            }
        )
    return Rows(rows)


def list_pulls(client: Github, repository: str, state: str, window: Window, limit: int) -> Rows:
    """Read the pull requests that were merged (or closed, or opened) in the window, the last touched first."""
    pulls = client.get_repo(repository).get_pulls(
        state="open" if state == "open" else "closed", sort="updated", direction="desc"
    )
    rows: list[Row] = []
    for number, pull in enumerate(pulls):
        if number >= _SCANNED:
            return Rows(rows, True)
        # Merging touches a pull request, so none beyond this one was merged in the window.
        touched: datetime | None = pull.updated_at
        if len(rows) > limit or (touched is not None and touched < window.start):
            break
        moments: dict[str, datetime | None] = {
            "merged": pull.merged_at,
            "closed": pull.closed_at,
            "open": pull.created_at,
        }
        moment = moments[state]
        if moment is not None and window.start <= moment < window.end:
            rows.append(_pull_row(repository, pull))
    return Rows(rows)


def _deployed(repository: str, entry: Deployment) -> Deployed:
    return Deployed(
        repository=repository,
        id=entry.id,
        sha=entry.sha,
        ref=entry.ref,
        environment=entry.environment,
        description=_said(entry.description),
        creator=_login(entry.creator),
        created_at=entry.created_at,
    )


def _compare(client: Github, repository: str, base: str, head: str) -> Comparison:
    return client.get_repo(repository).compare(base, head, comparison_commits_per_page=_COMMITS)


def _mainline(commits: list[Commit], head: str) -> Iterable[Commit]:
    """Return newest first what landed on the branch itself: of a merge its commit, not those that it brought along."""
    by_sha = {commit.sha: commit for commit in commits}
    return list(_first_parents(by_sha, head)) if head in by_sha else reversed(commits)


def _first_parents(by_sha: dict[str, Commit], sha: str) -> Iterator[Commit]:
    seen: set[str] = set()
    while sha in by_sha and sha not in seen:
        seen.add(sha)
        yield by_sha[sha]
        parents = by_sha[sha].parents
        sha = parents[0].sha if parents else ""


def _entry(commit: Commit, merged: Mapping[str, Merged]) -> tuple[str, int | None]:
    if pull := merged.get(commit.sha):
        return pull.title, pull.number
    subject, _, rest = commit.commit.message.partition("\n")
    if by_merge := _MERGED.match(subject):
        return next((line for line in rest.splitlines() if line.strip()), subject).strip(), int(by_merge[1])
    if squashed := _SQUASHED.match(subject):
        return squashed["title"], int(squashed["number"])
    return subject.strip(), None


def _commit_row(repository: str, commit: Commit) -> Row:
    return {
        "repository": repository,
        "sha": commit.sha,
        "short_sha": commit.sha[:7],
        "subject": commit.commit.message.partition("\n")[0],
        "author": _login(commit.author) or commit.commit.author.name or "",
        "committed_at": iso(commit.commit.committer.date),
        "url": commit.html_url,
    }


def _pull_row(repository: str, pull: PullRequest) -> Row:
    return {
        "repository": repository,
        "number": pull.number,
        "title": pull.title,
        "merged_at": iso(pull.merged_at),
        "url": pull.html_url,
        "labels": ", ".join(label.name for label in pull.labels),
        "author": _login(pull.user),
    }


class _User(Protocol):
    @property
    def login(self) -> str: ...


def _said(text: str | None) -> str:
    return text or ""


def _login(user: _User | None) -> str:
    # PyGithub's annotations promise a user; GitHub gives none once an account is deleted.
    return user.login if user is not None else ""


EVER = Window(start=datetime(1970, 1, 1, tzinfo=UTC), end=datetime(9999, 12, 31, tzinfo=UTC))
"""For a question without a window."""
