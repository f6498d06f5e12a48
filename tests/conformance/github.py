"""GitHub, as its REST API answers (the shapes of tests/connectors/github_far_end.py)."""

from collections.abc import Mapping

from pydantic import JsonValue

from connectors.base import Connector
from connectors.github import GitHubConnector
from models.tenant import GitHubConfig
from models.vocabulary import Source
from tests.conformance.frame import MISSING, Case, Condition, Drift, Instead, Outcome, Place, Subject
from tests.connectors.far_end import Handler, Reply, Seen
from tests.connectors.github_far_end import (
    API,
    TOKEN,
    a_commit,
    a_comparison,
    a_deployment,
    a_pull,
    a_status,
    sha,
    stamp,
)

REPOSITORY = f"/repos/{API}"


def connect(place: Place) -> Connector:
    config = {
        "url": place.url,
        "token": "env:GITHUB_TOKEN",
        "repositories": [API],
        "web": "https://github.example.com",
    }
    return GitHubConnector(GitHubConfig.model_validate(config), TOKEN)


def home(seen: Seen) -> str:
    return f"http://{seen.headers['host']}"


def by_tail(answers: Mapping[str, Handler]) -> Handler:
    """Answer by what follows the repository in the path."""

    def handler(seen: Seen) -> Reply:
        found = answers.get(seen.path.removeprefix(f"{REPOSITORY}/"))
        return found(seen) if found else Reply({"message": f"unplanned {seen.target}"}, status=404)

    return handler


def paged(first: list[JsonValue], second: list[JsonValue]) -> Handler:
    """Answer with two pages, the first of which links to the second."""

    def handler(seen: Seen) -> Reply:
        if seen.one("page") == "2":
            return Reply(second)
        joined = "&" if "?" in seen.target else "?"
        return Reply(first, headers={"link": f'<{home(seen)}{seen.target}{joined}page=2>; rel="next"'})

    return handler


def one(*things: JsonValue) -> Handler:
    return lambda _: Reply(list(things))


def brought(commit: int, before: int) -> Handler:
    change = a_commit("https://api.example.com", commit, f"Change {commit} (#{commit})", before)
    return lambda _: a_comparison([change], "limiter.py")


def deployments(*newer: tuple[int, float, int]) -> Mapping[str, Handler]:
    """Answer with those deployments (id, hours ago, commit) and one before the window, and all that belongs to them."""
    answers: dict[str, Handler] = {
        "deployments": lambda seen: Reply([a_deployment(home(seen), *each) for each in [*newer, (11, 30.0, 2)]]),
        "deployments/11/statuses": one(a_status(1, "success", 29)),
        "pulls": lambda seen: Reply([a_pull(home(seen), 71, 2, 4)]),
    }
    order = [commit for _, _, commit in newer] + [2]
    for (number, hours, commit), before in zip(newer, order[1:], strict=True):
        answers[f"deployments/{number}/statuses"] = one(a_status(number, "success", hours))
        answers[f"compare/{sha(before)}...{sha(commit)}"] = brought(commit, before)
    return answers


def two_pages_of_deployments(seen: Seen) -> Reply:
    every = deployments((12, 1.0, 5), (13, 2.0, 4))
    if seen.path != f"{REPOSITORY}/deployments":
        return by_tail(every)(seen)
    newer = [a_deployment(home(seen), 12, 1, 5)]
    return paged(list(newer), [a_deployment(home(seen), 13, 2, 4), a_deployment(home(seen), 11, 30, 2)])(seen)


def a_release(number: int) -> JsonValue:
    return {
        "id": number,
        "url": f"https://api.example.com/releases/{number}",
        "tag_name": f"v{number}",
        "name": f"Version {number}",
        "body": "What is new.",
        "draft": False,
        "prerelease": False,
        "html_url": f"https://github.example.com/{API}/releases/v{number}",
        "author": {"login": "mona", "id": 1},
        "created_at": stamp(3),
        "published_at": stamp(2),
    }


def a_run(number: int) -> JsonValue:
    return {
        "id": number,
        "name": "deploy",
        "display_title": "Deploy the limiter",
        "event": "push",
        "status": "completed",
        "conclusion": "failure",
        "head_branch": "main",
        "head_sha": sha(5),
        "run_attempt": 1,
        "html_url": f"https://github.example.com/{API}/actions/runs/{number}",
        "created_at": stamp(2),
        "updated_at": stamp(1),
        "run_started_at": stamp(2),
        "actor": {"login": "mona", "id": 1},
    }


def runs(*numbers: int, total: int | None = None) -> Reply:
    found: list[JsonValue] = [a_run(number) for number in numbers]
    return Reply({"total_count": len(found) if total is None else total, "workflow_runs": found})


def two_pages_of_runs(seen: Seen) -> Reply:
    return runs(101, total=101) if seen.one("page") == "2" else runs(*range(1, 101), total=101)


def an_issue(number: int) -> JsonValue:
    return {
        "number": number,
        "title": "The limiter counts twice",
        "state": "open",
        "html_url": f"https://github.example.com/{API}/issues/{number}",
        "user": {"login": "mona", "id": 1},
        "labels": [{"name": "bug"}],
        "created_at": stamp(9),
        "updated_at": stamp(8),
        "closed_at": None,
    }


def found(*numbers: int, total: int | None = None) -> Reply:
    issues: list[JsonValue] = [an_issue(number) for number in numbers]
    count = len(issues) if total is None else total
    return Reply({"total_count": count, "incomplete_results": False, "items": issues})


def commits(*numbers: int) -> list[JsonValue]:
    return [a_commit("https://api.example.com", number, f"Change {number}", number - 1) for number in numbers]


def pulls(*numbers: int) -> list[JsonValue]:
    return [a_pull("https://api.example.com", number, 2, number) for number in numbers]


def of(path: str, handler: Handler) -> Handler:
    return by_tail({path: handler})


COMPARISON = f"compare/{sha(2)}...{sha(5)}"

SUBJECT = Subject(
    source=Source.GITHUB,
    connect=connect,
    secrets=[TOKEN],
    instead={
        Condition.NOT_THERE: Instead(
            Outcome.DENIED, "GitHub answers 404 for what a token may not see, as if it were absent"
        ),
    },
    cases=[
        Case(
            "list_deployments",
            ok=by_tail(deployments((12, 1.0, 5))),
            rows=1,
            empty=of("deployments", one()),
            next_page=two_pages_of_deployments,
            rows_of_both=2,
            drifts=[
                Drift((0, "sha"), 5, at="/deployments?"),
                Drift((0, "created_at"), "yesterday", at="/deployments?"),
                Drift((0, "id"), MISSING, at="/deployments?"),
                Drift((0, "environment"), MISSING, at="/deployments?"),
            ],
        ),
        Case(
            "list_changes",
            parameters={"base": sha(2), "head": sha(5)},
            ok=of(COMPARISON, lambda _: a_comparison(commits(4, 5), "limiter.py")),
            rows=2,
            empty=of(COMPARISON, lambda _: a_comparison([])),
            drifts=[
                Drift(("commits",), "none"),
                Drift(("commits", 0, "sha"), 7),
                Drift(("commits", 0, "commit"), MISSING),
                Drift(("total_commits",), "two"),
            ],
            not_applicable={
                Condition.NEXT_PAGE: "a comparison is one object, cut by GitHub at 250 commits",
            },
        ),
        Case(
            "list_commits",
            ok=of("commits", lambda _: Reply(commits(4, 5))),
            rows=2,
            empty=of("commits", one()),
            next_page=of("commits", paged(commits(4, 5), commits(6))),
            rows_of_both=3,
            drifts=[
                Drift((0,), "sha"),
                Drift((0, "sha"), MISSING),
                Drift((0, "commit", "message"), 1),
                Drift((1, "commit", "committer", "date"), "today"),
            ],
        ),
        Case(
            "list_releases",
            ok=of("releases", one(a_release(1), a_release(2))),
            rows=2,
            empty=of("releases", one()),
            next_page=of("releases", paged([a_release(1), a_release(2)], [a_release(3)])),
            rows_of_both=3,
            drifts=[
                Drift((0, "tag_name"), MISSING),
                Drift((0, "published_at"), 7.5),
                Drift((0, "prerelease"), "no"),
            ],
        ),
        Case(
            "list_pulls",
            ok=of("pulls", lambda _: Reply(pulls(71, 72))),
            rows=2,
            empty=of("pulls", one()),
            next_page=of("pulls", paged(pulls(71, 72), pulls(73))),
            rows_of_both=3,
            drifts=[
                Drift((0, "number"), "71"),
                Drift((0, "merged_at"), "last week"),
                Drift((0, "labels"), "bug"),
                Drift((1, "title"), MISSING),
            ],
        ),
        Case(
            "list_workflow_runs",
            ok=of("actions/runs", lambda _: runs(1, 2)),
            rows=2,
            empty=of("actions/runs", lambda _: runs()),
            next_page=of("actions/runs", two_pages_of_runs),
            rows_of_both=101,
            drifts=[
                Drift(("workflow_runs",), MISSING),
                Drift(("workflow_runs", 0, "id"), "1"),
                Drift(("workflow_runs", 0, "created_at"), None),
                Drift(("workflow_runs", 1, "head_sha"), MISSING),
            ],
        ),
        Case(
            "search_mentions",
            parameters={"terms": ["limiter"], "kind": "issue"},
            ok=lambda _: found(1, 2),
            rows=2,
            empty=lambda _: found(),
            next_page=lambda seen: found(3, total=3) if seen.one("page") == "2" else found(1, 2, total=3),
            rows_of_both=3,
            drifts=[
                Drift(("items",), {}),
                Drift(("total_count",), "two"),
                Drift(("items", 0, "number"), "1"),
                Drift(("items", 0, "updated_at"), MISSING),
                Drift(("items", 1, "user"), "mona"),
            ],
        ),
    ],
)
