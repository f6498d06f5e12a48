"""GitHub's REST API, read-only: deployments, commits, pull requests, releases and runs, paged by Link headers."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hmac import compare_digest
from typing import TypeVar

from starlette.responses import Response

from sandbox.clock import read_stamp
from sandbox.github_shapes import Body, Change, Shapes
from sandbox.vendor import Allowance, Asked, Handler, Stage, Vendor, json_response, route
from sandbox.world_billing import Commit, Deployment, DeploymentsFile, PullRequest, Release, Repository

REPO = r"/repos/(?P<repository>[^/]+/[^/]+)"
MANUAL = "https://docs.example.com/rest"
COMPARE_CAP = 250
Thing = TypeVar("Thing")


@dataclass(slots=True)
class Repo:
    """What one repository holds, each list newest first."""

    about: Repository
    changes: list[Change] = field(default_factory=list)
    pulls: list[PullRequest] = field(default_factory=list)
    deployments: list[Deployment] = field(default_factory=list)
    releases: list[Release] = field(default_factory=list)

    def change(self, ref: str) -> Change | None:
        """Find a commit by sha, its beginning, a branch or a tag."""
        if ref in (self.about.default_branch, "HEAD"):
            return self.changes[0] if self.changes else None
        tagged = next((one.sha for one in self.releases if one.tag == ref), ref)
        if len(tagged) < 7:
            return None
        return next((one for one in self.changes if one.commit.sha.startswith(tagged)), None)


class Invalid(Exception):
    """A parameter is wrong: 422."""


class GitHub(Vendor):
    """The repositories that one token may read."""

    name = "github"

    def __init__(self, stage: Stage, data: DeploymentsFile, token: str) -> None:
        """Index the repositories."""
        super().__init__(stage)
        self._token = token
        self._allowance = Allowance(15_000, 3_600)
        self._repos = _index(data)
        in_repo: dict[str, Callable[[Asked, Repo, Shapes], Response]] = {
            "": lambda asked, repo, shapes: json_response(shapes.repo(repo.about)),
            "/deployments": self._deployments,
            r"/deployments/{id}": self._deployment,
            r"/deployments/{id}/statuses": self._statuses,
            "/commits": self._commits,
            r"/commits/{ref}": self._commit,
            r"/commits/{ref}/pulls": self._commit_pulls,
            r"/compare/(?P<base>[^/]+?)\.\.\.(?P<head>[^/]+)": self._compare,
            "/pulls": self._pulls,
            r"/pulls/{number}": self._pull,
            r"/pulls/{number}/files": self._pull_files,
            r"/pulls/{number}/commits": self._pull_commits,
            "/releases": self._releases,
            "/releases/latest": self._latest_release,
            r"/releases/tags/{tag}": self._tagged_release,
            "/actions/runs": self._runs,
        }
        self.routes = [
            *(route("GET", REPO + path, self._within(answer)) for path, answer in in_repo.items()),
            route("GET", "/search/issues", self._search),
            route("GET", "/rate_limit", self._rate_limit),
            route(
                "GET", "/user", lambda asked: json_response(Shapes("", asked.base, stage.started).user("whydesk[bot]"))
            ),
        ]

    # Manner

    def admit(self, asked: Asked) -> Response | None:
        """Check the token, with either word before it."""
        _, _, given = asked.headers.get("authorization", "").partition(" ")
        if compare_digest(given.encode(), self._token.encode()):
            return None
        return _message(401, "Bad credentials" if given else "Requires authentication")

    def error(self, status: int, message: str = "") -> Response:
        """Return GitHub's error body."""
        known = {403: "Resource not accessible by personal access token", 404: "Not Found", 500: "Server Error"}
        return _message(status, known.get(status) or message or f"Status {status}")

    def rate_limited(self) -> Response:
        """Return a secondary limit: 403 with Retry-After."""
        response = _message(
            403,
            "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
            f"{MANUAL}/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits",
        )
        response.headers["retry-after"] = "1"
        return response

    def headers(self, asked: Asked) -> Mapping[str, str]:
        """Return the primary limit."""
        left = self._allowance.spend(asked.at)
        return {
            "x-ratelimit-limit": str(self._allowance.limit),
            "x-ratelimit-remaining": str(left),
            "x-ratelimit-used": str(self._allowance.limit - left),
            "x-ratelimit-reset": str(self._allowance.resets_at(asked.at)),
            "x-ratelimit-resource": "search" if asked.path.startswith("/search") else "core",
            "x-github-media-type": "github.v3; format=json",
            "x-github-request-id": f"{id(asked):X}",
        }

    def _within(self, answer: Callable[[Asked, Repo, Shapes], Response]) -> Handler:
        def handle(asked: Asked) -> Response:
            repo = self._repos.get(asked.values["repository"])
            if repo is None:
                return self.error(404)
            try:
                return answer(asked, repo, Shapes(repo.about.name, asked.base, self.stage.started))
            except Invalid as error:
                return _message(422, f"Validation Failed: {error}")

        return handle

    # Deployments

    def _deployments(self, asked: Asked, repo: Repo, shapes: Shapes) -> Response:
        chosen = [one for one in repo.deployments if _equal(asked, one, ("environment", "ref", "sha"))]
        if asked.query.get("task", "deploy") not in ("deploy", "none"):
            chosen = []
        return _paged(asked, chosen, shapes.deployment)

    def _deployment(self, asked: Asked, repo: Repo, shapes: Shapes) -> Response:
        one = next((one for one in repo.deployments if str(one.id) == asked.values["id"]), None)
        return self.error(404) if one is None else json_response(shapes.deployment(one))

    def _statuses(self, asked: Asked, repo: Repo, shapes: Shapes) -> Response:
        one = next((one for one in repo.deployments if str(one.id) == asked.values["id"]), None)
        if one is None:
            return self.error(404)
        numbered = list(enumerate(one.statuses, 1))[::-1]
        return _paged(asked, numbered, lambda pair: shapes.status(one, pair[1], pair[0]))

    def _runs(self, asked: Asked, repo: Repo, shapes: Shapes) -> Response:
        runs = [shapes.run(one) for one in repo.deployments]
        left, right = _range(asked.query.get("created", ""))
        wanted = asked.query.get("status")
        chosen = [
            run
            for run in runs
            if (wanted is None or wanted in (run["status"], run["conclusion"]))
            and asked.query.get("head_sha") in (None, run["head_sha"])
            and asked.query.get("branch") in (None, run["head_branch"])
            and (left is None or read_stamp(str(run["created_at"])) >= left)
            and (right is None or read_stamp(str(run["created_at"])) <= right)
        ]
        return _paged(asked, chosen, lambda run: run, wrapped="workflow_runs")

    # Code

    def _commits(self, asked: Asked, repo: Repo, shapes: Shapes) -> Response:
        chosen = repo.changes
        if "sha" in asked.query:
            head = repo.change(asked.query["sha"])
            if head is None:
                return self.error(404)
            chosen = chosen[chosen.index(head) :]
        since, until = _time(asked, "since"), _time(asked, "until")
        path, author = asked.query.get("path", ""), asked.query.get("author")
        kept = [
            one
            for one in chosen
            if (since is None or self.stage.started + one.commit.created >= since)
            and (until is None or self.stage.started + one.commit.created <= until)
            and (not path or any(name == path or name.startswith(f"{path}/") for name in one.commit.files))
            and author in (None, shapes.user(one.commit.author)["login"], one.commit.author)
        ]
        return _paged(asked, kept, shapes.commit)

    def _commit(self, asked: Asked, repo: Repo, shapes: Shapes) -> Response:
        change = repo.change(asked.values["ref"])
        if change is None:
            return _message(422, f"No commit found for SHA: {asked.values['ref']}")
        return json_response(shapes.whole_commit(change))

    def _commit_pulls(self, asked: Asked, repo: Repo, shapes: Shapes) -> Response:
        change = repo.change(asked.values["ref"])
        if change is None:
            return _message(422, f"No commit found for SHA: {asked.values['ref']}")
        return _paged(asked, [one for one in repo.pulls if one.merge_sha == change.commit.sha], shapes.pull)

    def _compare(self, asked: Asked, repo: Repo, shapes: Shapes) -> Response:
        base, head = repo.change(asked.values["base"]), repo.change(asked.values["head"])
        if base is None or head is None:
            return self.error(404)
        older, newer = repo.changes.index(base), repo.changes.index(head)
        ahead = repo.changes[newer:older][::-1]
        files = {name: one.commit.sha for one in ahead for name in one.commit.files}
        shown, link = _page(asked, ahead, COMPARE_CAP)
        state = "identical" if older == newer else "ahead" if newer < older else "behind"
        body: Body = {
            "url": f"{shapes.api}/compare/{asked.values['base']}...{asked.values['head']}",
            "html_url": f"{shapes.web}/compare/{asked.values['base']}...{asked.values['head']}",
            "base_commit": shapes.commit(base),
            "merge_base_commit": shapes.commit(base if newer <= older else head),
            "status": state,
            "ahead_by": len(ahead),
            "behind_by": max(0, newer - older),
            "total_commits": len(ahead),
            "commits": [shapes.commit(one) for one in shown],
            "files": [file for name, sha in files.items() for file in shapes.files([name], sha)],
        }
        return json_response(body, headers=link)

    # Pull requests and releases

    def _pulls(self, asked: Asked, repo: Repo, shapes: Shapes) -> Response:
        state = asked.query.get("state", "open")
        if state not in ("open", "closed", "all"):
            raise Invalid("state is open, closed or all")
        # A world holds merged pull requests only.
        chosen = [] if state == "open" else repo.pulls
        newest = asked.query.get("direction", "desc") == "desc"
        by_update = asked.query.get("sort") == "updated"
        ordered = sorted(chosen, key=lambda one: one.merged if by_update else one.created, reverse=newest)
        base = asked.query.get("base", repo.about.default_branch)
        return _paged(asked, ordered if base == repo.about.default_branch else [], shapes.pull)

    def _pull(self, asked: Asked, repo: Repo, shapes: Shapes) -> Response:
        one = _numbered(asked, repo)
        return self.error(404) if one is None else json_response(shapes.whole_pull(one))

    def _pull_files(self, asked: Asked, repo: Repo, shapes: Shapes) -> Response:
        one = _numbered(asked, repo)
        return (
            self.error(404) if one is None else _paged(asked, shapes.files(one.files, one.merge_sha), lambda file: file)
        )

    def _pull_commits(self, asked: Asked, repo: Repo, shapes: Shapes) -> Response:
        one = _numbered(asked, repo)
        change = repo.change(one.merge_sha) if one is not None else None
        return self.error(404) if change is None else _paged(asked, [change], shapes.commit)

    def _releases(self, asked: Asked, repo: Repo, shapes: Shapes) -> Response:
        return _paged(asked, repo.releases, shapes.release)

    def _latest_release(self, asked: Asked, repo: Repo, shapes: Shapes) -> Response:
        return json_response(shapes.release(repo.releases[0])) if repo.releases else self.error(404)

    def _tagged_release(self, asked: Asked, repo: Repo, shapes: Shapes) -> Response:
        one = next((one for one in repo.releases if one.tag == asked.values["tag"]), None)
        return self.error(404) if one is None else json_response(shapes.release(one))

    def _search(self, asked: Asked) -> Response:
        """Merged pull requests by `repo:`, `merged:` and words of their titles; other qualifiers are taken and ignored."""
        words: list[str] = []
        repositories: list[str] = []
        left: datetime | None = None
        right: datetime | None = None
        for word in asked.query.get("q", "").split():
            name, colon, value = word.partition(":")
            if name == "repo":
                repositories.append(value)
            elif name == "merged":
                try:
                    left, right = _range(value)
                except Invalid as error:
                    return _message(422, f"Validation Failed: {error}")
            elif not colon:
                words.append(word.casefold().strip('"'))
        found: list[Body] = []
        for repo in self._repos.values():
            if repositories and repo.about.name not in repositories:
                continue
            shapes = Shapes(repo.about.name, asked.base, self.stage.started)
            for one in repo.pulls:
                merged = self.stage.started + one.merged
                inside = (left is None or merged >= left) and (right is None or merged <= right)
                if inside and all(word in one.title.casefold() for word in words):
                    found.append(shapes.found_issue(one))
        return _paged(asked, found, lambda issue: issue, wrapped="items")

    def _rate_limit(self, asked: Asked) -> Response:
        left = self._allowance.spend(asked.at)
        core = {
            "limit": self._allowance.limit,
            "remaining": left,
            "reset": self._allowance.resets_at(asked.at),
            "used": self._allowance.limit - left,
        }
        return json_response({"resources": {"core": core, "search": core}, "rate": core})


def _index(data: DeploymentsFile) -> dict[str, Repo]:
    repos = {one.name: Repo(one) for one in data.repositories}
    commits: dict[str, dict[str, Commit]] = defaultdict(dict)
    for commit in data.commits:
        commits[commit.repository][commit.sha] = commit
    for pull in data.pulls:
        # A pull request whose merge commit the world leaves out has one all the same.
        made = Commit(
            repository=pull.repository,
            sha=pull.merge_sha,
            message=f"{pull.title} (#{pull.number})",
            author=pull.author,
            created=pull.merged,
            files=pull.files,
        )
        commits[pull.repository].setdefault(pull.merge_sha, made)
    for name, repo in repos.items():
        ordered = sorted(commits[name].values(), key=lambda one: one.created)
        parents = ["", *(one.sha for one in ordered)]
        repo.changes = [Change(one, parent) for one, parent in zip(ordered, parents, strict=False)][::-1]
        repo.pulls = sorted((one for one in data.pulls if one.repository == name), key=lambda one: one.merged)[::-1]
        repo.deployments = sorted(
            (one for one in data.deployments if one.repository == name), key=lambda one: (one.created, one.id)
        )[::-1]
        repo.releases = sorted((one for one in data.releases if one.repository == name), key=lambda one: one.published)[
            ::-1
        ]
    return repos


def _message(status: int, message: str, manual: str = MANUAL) -> Response:
    return json_response({"message": message, "documentation_url": manual, "status": str(status)}, status)


def _equal(asked: Asked, one: Deployment, names: Sequence[str]) -> bool:
    return all(asked.query.get(name, "none") in ("none", getattr(one, name)) for name in names)


def _numbered(asked: Asked, repo: Repo) -> PullRequest | None:
    return next((one for one in repo.pulls if str(one.number) == asked.values["number"]), None)


def _time(asked: Asked, name: str) -> datetime | None:
    text = asked.query.get(name)
    try:
        return read_stamp(text) if text else None
    except ValueError:
        raise Invalid(f"{name} is no ISO 8601 time") from None


def _range(text: str) -> tuple[datetime | None, datetime | None]:
    """Read `A..B`, `>=A`, `>A`, `<=B`, `<B`; days and times, `*` for open ends."""
    if not text:
        return None, None
    left, dots, right = text.partition("..")
    if not dots:
        bound = text.lstrip("<>=")
        left, right = ("*", bound) if text.startswith("<") else (bound, "*") if text.startswith(">") else (bound, bound)
    try:
        return (
            None if left == "*" else read_stamp(left),
            None if right == "*" else read_stamp(right if len(right) > 10 else f"{right}T23:59:59"),
        )
    except ValueError:
        raise Invalid(f"{text} is no range of times") from None


def _page(asked: Asked, things: Sequence[Thing], cap: int = 100) -> tuple[Sequence[Thing], dict[str, str]]:
    """Return the page that is asked for and its Link header, if there are more."""
    size, number = asked.query.get("per_page", "30" if cap == 100 else str(cap)), asked.query.get("page", "1")
    per_page = min(max(int(size), 1), cap) if size.isdigit() else 30
    page = max(int(number), 1) if number.isdigit() else 1
    last = max(1, -(-len(things) // per_page))
    links: list[tuple[int, str]] = []
    if page > 1:
        links += [(min(page - 1, last), "prev"), (1, "first")]
    if page < last:
        links += [(page + 1, "next"), (last, "last")]
    header = ", ".join(f'<{asked.query_url(page=str(target))}>; rel="{name}"' for target, name in links)
    start = (page - 1) * per_page
    return things[start : start + per_page], {"link": header} if header else {}


def _paged(asked: Asked, things: Sequence[Thing], shape: Callable[[Thing], Body], wrapped: str = "") -> Response:
    shown, link = _page(asked, things)
    bodies = [shape(one) for one in shown]
    if not wrapped:
        return json_response(bodies, headers=link)
    body = {"total_count": len(things), wrapped: bodies}
    return json_response(body | {"incomplete_results": False} if wrapped == "items" else body, headers=link)
