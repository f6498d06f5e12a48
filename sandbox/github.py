"""GitHub's REST API, read-only: deployments, commits, pull requests, releases and runs, paged by Link headers."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from hmac import compare_digest

from starlette.responses import Response

from sandbox.clock import read_stamp
from sandbox.github_pages import page, paged
from sandbox.github_repositories import Repo, index
from sandbox.github_search import Invalid, read_query, read_range, within
from sandbox.github_shapes import Body, Shapes
from sandbox.vendor import Allowance, Asked, Handler, Stage, Vendor, json_response, route
from sandbox.world_billing import Deployment, DeploymentsFile, PullRequest

REPO = r"/repos/(?P<repository>[^/]+/[^/]+)"
MANUAL = "https://docs.example.com/rest"
COMPARE_CAP = 250
SEARCH_CAP = 1_000
"""Results of a search that can be paged through, however many there are."""


class GitHub(Vendor):
    """The repositories that one token may read."""

    name = "github"

    def __init__(self, stage: Stage, data: DeploymentsFile, token: str) -> None:
        """Index the repositories."""
        super().__init__(stage)
        self._token = token
        self._allowance = Allowance(15_000, 3_600)
        self._searches = Allowance(30, 60)
        self._repos = index(data)
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
            "/issues": self._issues,
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
        searching = asked.path.startswith("/search")
        allowance = self._searches if searching else self._allowance
        # Asking what is left costs nothing.
        left = allowance.left(asked.at) if asked.path == "/rate_limit" else allowance.spend(asked.at)
        return {
            "x-ratelimit-limit": str(allowance.limit),
            "x-ratelimit-remaining": str(left),
            "x-ratelimit-used": str(allowance.limit - left),
            "x-ratelimit-reset": str(allowance.resets_at(asked.at)),
            "x-ratelimit-resource": "search" if searching else "core",
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
        return paged(asked, chosen, shapes.deployment)

    def _deployment(self, asked: Asked, repo: Repo, shapes: Shapes) -> Response:
        one = next((one for one in repo.deployments if str(one.id) == asked.values["id"]), None)
        return self.error(404) if one is None else json_response(shapes.deployment(one))

    def _statuses(self, asked: Asked, repo: Repo, shapes: Shapes) -> Response:
        one = next((one for one in repo.deployments if str(one.id) == asked.values["id"]), None)
        if one is None:
            return self.error(404)
        numbered = list(enumerate(one.statuses, 1))[::-1]
        return paged(asked, numbered, lambda pair: shapes.status(one, pair[1], pair[0]))

    def _runs(self, asked: Asked, repo: Repo, shapes: Shapes) -> Response:
        runs = [shapes.run(one) for one in repo.deployments]
        span = read_range(asked.query.get("created", ""))
        wanted = asked.query.get("status")
        chosen = [
            run
            for run in runs
            if (wanted is None or wanted in (run["status"], run["conclusion"]))
            and asked.query.get("head_sha") in (None, run["head_sha"])
            and asked.query.get("branch") in (None, run["head_branch"])
            and asked.query.get("event") in (None, run["event"])
            and within(read_stamp(str(run["created_at"])), span)
        ]
        return paged(asked, chosen, lambda run: run, wrapped="workflow_runs")

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
        return paged(asked, kept, shapes.commit)

    def _commit(self, asked: Asked, repo: Repo, shapes: Shapes) -> Response:
        change = repo.change(asked.values["ref"])
        if change is None:
            return _message(422, f"No commit found for SHA: {asked.values['ref']}")
        return json_response(shapes.whole_commit(change))

    def _commit_pulls(self, asked: Asked, repo: Repo, shapes: Shapes) -> Response:
        change = repo.change(asked.values["ref"])
        if change is None:
            return _message(422, f"No commit found for SHA: {asked.values['ref']}")
        return paged(asked, [one for one in repo.pulls if one.merge_sha == change.commit.sha], shapes.pull)

    def _compare(self, asked: Asked, repo: Repo, shapes: Shapes) -> Response:
        base, head = repo.change(asked.values["base"]), repo.change(asked.values["head"])
        if base is None or head is None:
            return self.error(404)
        older, newer = repo.changes.index(base), repo.changes.index(head)
        ahead = repo.changes[newer:older][::-1]
        files = {name: one.commit.sha for one in ahead for name in one.commit.files}
        shown, link = page(asked, ahead, COMPARE_CAP)
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
        return paged(asked, ordered if base == repo.about.default_branch else [], shapes.pull)

    def _pull(self, asked: Asked, repo: Repo, shapes: Shapes) -> Response:
        one = _numbered(asked, repo)
        return self.error(404) if one is None else json_response(shapes.whole_pull(one))

    def _pull_files(self, asked: Asked, repo: Repo, shapes: Shapes) -> Response:
        one = _numbered(asked, repo)
        return (
            self.error(404) if one is None else paged(asked, shapes.files(one.files, one.merge_sha), lambda file: file)
        )

    def _pull_commits(self, asked: Asked, repo: Repo, shapes: Shapes) -> Response:
        one = _numbered(asked, repo)
        change = repo.change(one.merge_sha) if one is not None else None
        return self.error(404) if change is None else paged(asked, [change], shapes.commit)

    def _releases(self, asked: Asked, repo: Repo, shapes: Shapes) -> Response:
        return paged(asked, repo.releases, shapes.release)

    def _latest_release(self, asked: Asked, repo: Repo, shapes: Shapes) -> Response:
        return json_response(shapes.release(repo.releases[0])) if repo.releases else self.error(404)

    def _tagged_release(self, asked: Asked, repo: Repo, shapes: Shapes) -> Response:
        one = next((one for one in repo.releases if one.tag == asked.values["tag"]), None)
        return self.error(404) if one is None else json_response(shapes.release(one))

    def _issues(self, asked: Asked, repo: Repo, shapes: Shapes) -> Response:
        # A world holds merged pull requests only, and GitHub lists those among the issues.
        chosen = repo.pulls if asked.query.get("state", "open") in ("closed", "all") else []
        return paged(asked, chosen, shapes.issue)

    def _search(self, asked: Asked) -> Response:
        try:
            query = read_query(asked.query.get("q", ""))
        except Invalid as error:
            return _message(422, f"Validation Failed: {error}")
        found: list[tuple[str, Body]] = []
        for repo in self._repos.values():
            if not query.asks(repo.about.name):
                continue
            shapes = Shapes(repo.about.name, asked.base, self.stage.started)
            bodies = [shapes.found_issue(one) for one in repo.pulls if query.holds(one, self.stage.started)]
            found += [(str(body["updated_at"]), body) for body in bodies]
        ordered = [body for _, body in sorted(found, key=lambda one: one[0], reverse=asked.query.get("order") != "asc")]
        return paged(asked, ordered[:SEARCH_CAP], lambda issue: issue, wrapped="items", total=len(ordered))

    def _rate_limit(self, asked: Asked) -> Response:
        core, search = _told(self._allowance, asked), _told(self._searches, asked)
        return json_response({"resources": {"core": core, "search": search}, "rate": core})


def _told(allowance: Allowance, asked: Asked) -> Body:
    left = allowance.left(asked.at)
    return {
        "limit": allowance.limit,
        "remaining": left,
        "reset": allowance.resets_at(asked.at),
        "used": allowance.limit - left,
    }


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
