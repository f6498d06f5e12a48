"""GitHub through PyGithub over real HTTP: several repositories together, commits, releases, pulls, and what may be asked."""

import asyncio
import re
import threading

import pytest
from pydantic import JsonValue

from connectors.github import GitHubConnector
from models.vocabulary import EvidenceStatus, Source
from tests.connectors.far_end import FarEnd, Reply, ask
from tests.connectors.github_far_end import (
    API,
    TOKEN,
    WEB,
    Host,
    a_commit,
    a_deployment,
    a_pull,
    connect,
    fetch,
    sha,
    stamp,
    two_deployments,
)


async def test_repositories_are_asked_together_and_merged_newest_first(github_host: Host) -> None:
    connector = connect(github_host.end, API, WEB)
    for repository, hours in ((API, 2), (WEB, 1)):
        github_host.put("deployments", [a_deployment(github_host.end.url, hours, hours, 1, repository)], repository)
        github_host.put(f"deployments/{hours}/statuses", [], repository)
    found = await fetch(connector, "list_deployments")
    assert [row["repository"] for row in found.rows] == [WEB, API]
    only = await fetch(connector, "list_deployments", repositories="ACME/api")
    assert [row["repository"] for row in only.rows] == [API]
    with pytest.raises(ValueError, match=f"configured repository; those are {API}, {WEB}"):
        await fetch(connector, "list_deployments", repositories=["acme/secrets"])
    await connector.aclose()


async def test_a_repository_that_is_hidden_leaves_the_answer_incomplete(github_host: Host) -> None:
    connector = connect(github_host.end, API, WEB)
    github_host.put("deployments", [], API)
    found = await fetch(connector, "list_deployments")
    assert found.status is EvidenceStatus.DENIED
    assert found.reason.startswith(f"{WEB}: not visible to this token")
    two_deployments(github_host)
    found = await fetch(connector, "list_deployments")
    assert (found.status, found.truncated) == (EvidenceStatus.FOUND, True)
    assert WEB in found.reason
    await connector.aclose()


async def test_no_thread_gets_anothers_answer(github_host: Host) -> None:
    repositories = [f"acme/service-{number}" for number in range(12)]
    connector = connect(github_host.end, *repositories)
    for place, repository in enumerate(repositories):
        commit = a_commit(github_host.end.url, place, repository)
        github_host.put("commits", Reply([commit], delay=0.01 * (place % 3)), repository)
    for _ in range(3):
        answers = await asyncio.gather(*(fetch(connector, "list_commits") for _ in range(4)))
        for found in answers:
            assert len(found.rows) == 12
            assert all(row["repository"] == row["subject"] for row in found.rows)
            assert found.asked.count("GET") == 12
    # Twelve times twelve requests: one connection each would be 144.
    assert github_host.end.connections <= 20
    await connector.aclose()


async def test_commits_of_the_window(github_host: Host, github_connector: GitHubConnector) -> None:
    github_host.put("commits", [a_commit(github_host.end.url, 4, "Raise the limit\n\nBecause", hours=3)])
    found = await fetch(github_connector, "list_commits")
    assert found.rows == (
        {
            "repository": API,
            "service": "",
            "sha": sha(4),
            "short_sha": "0000004",
            "subject": "Raise the limit",
            "author": "mona",
            "committed_at": "2026-11-20T09:00:00Z",
            "url": f"https://github.example.com/{API}/commit/{sha(4)}",
        },
    )
    query = github_host.end.requests[0].query
    assert (query["since"], query["until"]) == (["2026-11-19T12:00:00Z"], ["2026-11-20T12:00:00Z"])


async def test_releases_published_in_the_window(github_host: Host, github_connector: GitHubConnector) -> None:
    def release(number: int, published: float | None, created: float) -> JsonValue:
        return {
            "id": number,
            "url": f"{github_host.end.url}/repos/{API}/releases/{number}",
            "html_url": f"https://github.example.com/{API}/releases/tag/v{number}",
            "tag_name": f"v{number}",
            "name": None,
            "body": "x" * 600,
            "prerelease": False,
            "author": {"login": "mona", "id": 1},
            "created_at": stamp(created),
            "published_at": None if published is None else stamp(published),
        }

    github_host.put(
        "releases", [release(4, None, 0.5), release(3, 1, 2), release(2, 12, 24 * 9), release(1, 2, 24 * 60)]
    )
    found = await fetch(github_connector, "list_releases")
    assert [(row["tag"], row["published_at"]) for row in found.rows] == [
        ("v3", "2026-11-20T11:00:00Z"),
        ("v2", "2026-11-20T00:00:00Z"),
    ]


async def test_pulls_merged_in_the_window(github_host: Host, github_connector: GitHubConnector) -> None:
    url = github_host.end.url
    github_host.put(
        "pulls", [a_pull(url, 3, 1, 7), a_pull(url, 2, 2, None), a_pull(url, 1, 30, 6), a_pull(url, 9, 3, 5)]
    )
    found = await fetch(github_connector, "list_pulls")
    assert found.rows == (
        {
            "repository": API,
            "service": "",
            "number": 3,
            "title": "Change 3",
            "merged_at": "2026-11-20T11:00:00Z",
            "url": f"https://github.example.com/{API}/pull/3",
            "labels": "bug, api",
            "author": "mona",
        },
    )
    assert [row["number"] for row in (await fetch(github_connector, "list_pulls", state="closed")).rows] == [3, 2]


async def test_a_question_without_a_window_is_bounded_by_rows(
    github_host: Host, github_connector: GitHubConnector
) -> None:
    github_host.put("pulls", [*(a_pull(github_host.end.url, n, n, n) for n in range(1, 9))])
    found = await fetch(github_connector, "list_pulls", None, rows=5)
    assert (len(found.rows), found.truncated) == (5, True)


@pytest.mark.parametrize(
    ("operation", "parameters", "told"),
    [
        ("create_issue", {}, "list_deployments"),
        ("list_deployments", {"environment": "staging"}, "repositories"),
        ("list_pulls", {"state": "all"}, "state"),
        ("list_commits", {"repositories": 5}, "repositories"),
    ],
)
async def test_a_wrong_question_is_our_mistake(
    end: FarEnd, github_connector: GitHubConnector, operation: str, parameters: dict[str, JsonValue], told: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        await github_connector.fetch(ask(Source.GITHUB, operation, parameters))
    assert not end.requests


async def test_the_token_is_in_no_repr_and_the_threads_end(end: FarEnd, github_host: Host) -> None:
    connector = connect(end)
    github_host.put("commits", [])
    await fetch(connector, "list_commits")
    assert TOKEN not in repr(connector)
    assert TOKEN not in repr(connector.client(TOKEN))
    ours = connector._threads._threads
    await connector.aclose()
    for thread in list(ours):
        await asyncio.to_thread(thread.join, 5)
    assert not [thread for thread in threading.enumerate() if thread in ours]
