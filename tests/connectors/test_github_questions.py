"""What GitHub is asked beyond lists of code: changes, workflow runs, mentions, services, and how a rollout went."""

import pytest
from pydantic import JsonValue

from connectors.base import RateLimited, Unavailable
from connectors.github import PLUGIN, GitHubConnector
from models.evidence import Answer
from models.tenant import GitHubConfig
from models.vocabulary import EvidenceStatus, Source
from sandbox.run import Sandbox
from tests.connectors.far_end import FarEnd, Reply, Seen, ask
from tests.connectors.github_far_end import (
    API,
    TOKEN,
    WEB,
    Host,
    a_commit,
    a_comparison,
    a_deployment,
    a_pull,
    a_status,
    connect,
    failed,
    fetch,
    sha,
    stamp,
    two_deployments,
)
from tests.sandbox.small_world import small_world


async def test_a_rollout_tells_its_history(github_host: Host, github_connector: GitHubConnector) -> None:
    two_deployments(github_host)
    github_host.put(
        "deployments/12/statuses",
        [a_status(3, "success", 0.5), a_status(2, "failure", 0.7), a_status(1, "in_progress", 0.9)],
    )
    row = (await fetch(github_connector, "list_deployments")).rows[0]
    assert (row["state"], row["states"]) == ("success", "in_progress, failure, success")
    assert (row["first_status_at"], row["last_status_at"]) == (stamp(0.9), stamp(0.5))
    assert (row["failed"], row["failed_at"]) == (True, stamp(0.7))


async def test_statuses_that_may_not_be_read_are_unknown_and_said(
    github_host: Host, github_connector: GitHubConnector
) -> None:
    two_deployments(github_host)
    github_host.put("deployments/12/statuses", failed(403, "Resource not accessible by personal access token"))
    found = await fetch(github_connector, "list_deployments")
    assert found.status is EvidenceStatus.FOUND
    assert (found.rows[0]["state"], found.rows[0]["failed"]) == (None, None)
    assert "statuses could not be read" in found.reason


async def test_changes_between_two_deployments(github_host: Host, github_connector: GitHubConnector) -> None:
    url = github_host.end.url
    github_host.put("deployments/12", a_deployment(url, 12, 1, 5))
    github_host.put("deployments/11", a_deployment(url, 11, 30, 2))
    github_host.put("pulls", [a_pull(url, 71, 2, 4)])
    commits = [a_commit(url, 3, "Tidy (#70)", 2, hours=3), a_commit(url, 4, "Squashed", 3, hours=2)]
    github_host.put(f"compare/{sha(2)}...{sha(5)}", a_comparison(commits))
    found = await fetch(github_connector, "list_changes", base="11", head="12")
    assert [(row["short_sha"], row["pull"], row["title"]) for row in found.rows] == [
        ("0000004", 71, "Change 71"),
        ("0000003", 70, "Tidy"),
    ]
    assert {row["head"] for row in found.rows} == {sha(5)}
    assert not found.truncated


async def test_changes_backwards_are_taken_away(github_host: Host, github_connector: GitHubConnector) -> None:
    url = github_host.end.url
    github_host.put("pulls", failed(403, "Resource not accessible by personal access token"))
    github_host.put("compare/v2...v1", a_comparison([], behind=1))
    github_host.put("compare/v1...v2", a_comparison([a_commit(url, 5, "Faster", 2)]))
    found = await fetch(github_connector, "list_changes", base="v2", head="v1")
    assert [(row["title"], row["rolled_back"]) for row in found.rows] == [("Faster", True)]


async def test_changes_are_of_one_repository(github_host: Host) -> None:
    connector = connect(github_host.end, API, WEB)
    with pytest.raises(ValueError, match="one repository"):
        await fetch(connector, "list_changes", base="1", head="2")
    with pytest.raises(ValueError, match="'base'"):
        await fetch(connector, "list_changes", base="../../x?y", head="2")
    await connector.aclose()
    assert not github_host.end.requests


def a_run(number: int, hours: float, **fields: JsonValue) -> dict[str, JsonValue]:
    return {
        "id": number,
        "name": "Deploy",
        "display_title": "Deploy api",
        "event": "push",
        "status": "completed",
        "conclusion": "failure",
        "head_branch": "main",
        "head_sha": sha(number),
        "run_attempt": 2,
        "html_url": f"https://github.example.com/{API}/actions/runs/{number}",
        "created_at": stamp(hours),
        "updated_at": stamp(hours - 0.1),
        "run_started_at": stamp(hours),
        "actor": {"login": "mona", "id": 1},
        **fields,
    }


def runs(*found: JsonValue, total: int | None = None) -> Reply:
    return Reply({"total_count": len(found) if total is None else total, "workflow_runs": list(found)})


async def test_runs_of_the_window(github_host: Host, github_connector: GitHubConnector) -> None:
    github_host.put("actions/runs", runs(a_run(7, 1), a_run(6, 0)))
    found = await fetch(github_connector, "list_workflow_runs", branch="main", status="failure")
    assert [row["id"] for row in found.rows] == [7]
    assert set(found.rows[0]) == PLUGIN.operations["list_workflow_runs"].columns
    seen = github_host.end.requests[0]
    assert seen.one("created") == "2026-11-19T12:00:00Z..2026-11-20T12:00:00Z"
    assert (seen.one("branch"), seen.one("status")) == ("main", "failure")
    assert seen.headers["authorization"] == f"Bearer {TOKEN}"
    assert not found.truncated


@pytest.mark.parametrize(("total", "rows", "truncated"), [(150, 500, False), (150, 120, True), (2_000, 5_000, True)])
async def test_runs_go_on_over_pages_as_far_as_github_gives_them(
    github_host: Host, github_connector: GitHubConnector, total: int, rows: int, truncated: bool
) -> None:
    def answer(seen: Seen) -> Reply:
        start = (int(seen.one("page")) - 1) * 100
        return runs(*(a_run(n + 1, 1) for n in range(start, min(start + 100, total, 1_000))), total=total)

    github_host.put("actions/runs", answer)
    found = await github_connector.fetch(ask(Source.GITHUB, "list_workflow_runs", {}, rows=rows, byte_limit=10_000_000))
    assert (len(found.rows), found.truncated) == (min(total, rows, 1_000), truncated)


async def test_a_run_of_another_shape_is_drift(github_host: Host, github_connector: GitHubConnector) -> None:
    github_host.put("actions/runs", runs(a_run(7, 1, head_sha=None)))
    found = await fetch(github_connector, "list_workflow_runs")
    assert found.status is EvidenceStatus.FAILED
    assert "schema drift: runs.workflow_runs[0].head_sha is nothing, not text" in found.reason


def a_find(number: int, hours: float, *, pull: bool = True) -> dict[str, JsonValue]:
    found = a_pull("https://api.example.com", number, hours, number)
    for name in ("merged_at", "merge_commit_sha"):
        del found[name]
    return {**found, "pull_request": {"merged_at": stamp(hours)}} if pull else found


def finds(*items: JsonValue, total: int | None = None, incomplete: bool = False) -> Reply:
    count = len(items) if total is None else total
    return Reply({"total_count": count, "incomplete_results": incomplete, "items": list(items)})


def kind_of(seen: Seen) -> str:
    return "issue" if "is:issue" in seen.one("q") else "pull"


async def test_mentions_of_pulls_and_issues(end: FarEnd, github_connector: GitHubConnector) -> None:
    end.handler = lambda seen: finds(a_find(71, 1)) if kind_of(seen) == "pull" else finds(a_find(9, 2, pull=False))
    found = await fetch(github_connector, "search_mentions", terms='ENG-7 "quoted"')
    assert [(row["kind"], row["number"], row["merged_at"]) for row in found.rows] == [
        ("pull", 71, stamp(1)),
        ("issue", 9, None),
    ]
    assert sorted(seen.one("q") for seen in end.requests) == [
        '"ENG-7 quoted" repo:acme/api is:issue',
        '"ENG-7 quoted" repo:acme/api is:pull-request',
    ]
    assert set(found.rows[0]) == PLUGIN.operations["search_mentions"].columns
    assert not found.truncated


async def test_a_search_that_github_did_not_finish_shows_no_absence(
    end: FarEnd, github_connector: GitHubConnector
) -> None:
    end.always(finds(incomplete=True))
    found = await fetch(github_connector, "search_mentions", terms="ENG-7")
    assert (found.status, found.truncated) == (EvidenceStatus.FAILED, True)
    assert "did not finish" in found.reason
    end.always(finds())
    assert (await fetch(github_connector, "search_mentions", terms="ENG-7")).status is EvidenceStatus.EMPTY


async def test_no_more_searches_than_the_limit_of_a_minute_bears(
    end: FarEnd, github_connector: GitHubConnector
) -> None:
    end.always(finds())
    found = await fetch(github_connector, "search_mentions", terms=[f"ENG-{n}" for n in range(9)])
    assert len(end.requests) == 12
    assert (found.status, found.truncated) == (EvidenceStatus.FAILED, True)
    assert "first 12 of 18 searches" in found.reason


async def test_beyond_a_thousand_results_it_is_said(end: FarEnd, github_connector: GitHubConnector) -> None:
    def answer(seen: Seen) -> Reply:
        start = (int(seen.one("page")) - 1) * 100
        return finds(*(a_find(start + n, 1) for n in range(100)), total=4_000)

    end.handler = answer
    found = await github_connector.fetch(
        ask(Source.GITHUB, "search_mentions", {"terms": "x", "kind": "pull"}, rows=2_000, byte_limit=10_000_000)
    )
    assert (len(found.rows), found.total, found.truncated) == (1_000, 4_000, True)
    assert "first 1000 of 4000" in found.reason


@pytest.mark.parametrize(
    ("reply", "delay"),
    [
        (failed(403, "You have exceeded a secondary rate limit."), 60),
        (failed(403, "x", retry_after="9"), 9),
        (failed(429, "x", retry_after="7"), 7),
    ],
)
async def test_a_searchs_own_limit(end: FarEnd, github_connector: GitHubConnector, reply: Reply, delay: float) -> None:
    end.always(reply)
    with pytest.raises(RateLimited) as raised:
        await fetch(github_connector, "search_mentions", terms="x")
    assert raised.value.retry_after == delay


async def test_a_search_that_gives_nothing_of_what_it_found_may_pass(
    end: FarEnd, github_connector: GitHubConnector
) -> None:
    end.always(finds(total=5))
    with pytest.raises(Unavailable):
        await fetch(github_connector, "search_mentions", terms="x")


async def test_a_service_is_its_repositories(github_host: Host) -> None:
    config = {
        "url": github_host.end.url,
        "token": "env:T",
        "repositories": ["acme/docs"],
        "services": {"api": [API, "acme/Limiter"], "site": [WEB, API]},
    }
    connector = GitHubConnector(GitHubConfig.model_validate(config), TOKEN)
    for name in (API, WEB, "acme/Limiter", "acme/docs"):
        github_host.put("commits", [a_commit(github_host.end.url, 4, name)], name)
    found = await fetch(connector, "list_commits", services="api")
    assert {(row["repository"], row["service"]) for row in found.rows} == {(API, "api, site"), ("acme/Limiter", "api")}
    assert len((await fetch(connector, "list_commits")).rows) == 4
    with pytest.raises(ValueError, match="those are api, site"):
        await fetch(connector, "list_commits", services="shop")
    await connector.aclose()


def test_a_configuration_names_one_credential_and_a_repository() -> None:
    app = {"id": 1, "installation": 2, "private_key": "file:key.pem"}
    whole = GitHubConfig.model_validate({"app": app, "services": {"api": [API, API.upper()]}})
    assert (whole.credential, whole.all_repositories) == ("file:key.pem", [API])
    for wrong in (
        {"repositories": [API]},
        {"repositories": [API], "token": "env:T", "app": app},
        {"token": "env:T"},
        {"token": "env:T", "services": {"api": []}},
    ):
        with pytest.raises(ValueError, match=r"give|at least"):
            GitHubConfig.model_validate(wrong)


async def test_the_demo_answers_every_operation_with_its_columns() -> None:
    async with Sandbox(small_world(), clickhouse=False) as sandbox:
        config = {"url": sandbox.addresses["github"], "token": "env:T", "repositories": ["small/api"]}
        connector = GitHubConnector(GitHubConfig.model_validate(config), sandbox.credentials.github_token)
        title = sandbox.world.deployments.pulls[0].title
        parameters: dict[str, dict[str, JsonValue]] = {
            "search_mentions": {"terms": title},
            "list_changes": {"base": "v1", "head": "main"},
        }
        commits = (await fetch(connector, "list_commits", None)).rows
        parameters["list_changes"] = {"base": commits[-1]["sha"], "head": commits[0]["sha"]}
        answers: dict[str, Answer] = {}
        for operation in PLUGIN.operations:
            request = ask(Source.GITHUB, operation, parameters.get(operation, {}), window=None)
            answers[operation] = await connector.fetch(request)
        await connector.aclose()
        assert not sandbox.journal.writes
    for operation, found in answers.items():
        assert found.status is EvidenceStatus.FOUND, (operation, found.reason)
        assert set(found.rows[0]) == PLUGIN.operations[operation].columns, operation
