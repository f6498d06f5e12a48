"""GitHub's deployments: what each of them brought, what it took away, and how far back the list is read."""

from connectors.github import GitHubConnector
from models.vocabulary import EvidenceStatus
from tests.connectors.far_end import Reply, Seen
from tests.connectors.github_far_end import (
    API,
    TOKEN,
    Host,
    a_commit,
    a_comparison,
    a_deployment,
    a_status,
    fetch,
    sha,
    two_deployments,
)


async def test_a_deployment_tells_what_it_brought(github_host: Host, github_connector: GitHubConnector) -> None:
    two_deployments(github_host)
    found = await fetch(github_connector, "list_deployments")
    assert found.rows == (
        {
            "id": 12,
            "repository": API,
            "service": "",
            "sha": sha(5),
            "short_sha": "0000005",
            "ref": "main",
            "environment": "production",
            "description": "",
            "creator": "mona",
            "state": "success",
            "states": "in_progress, success",
            "first_status_at": "2026-11-20T11:06:00Z",
            "last_status_at": "2026-11-20T11:12:00Z",
            "failed": False,
            "failed_at": None,
            "created_at": "2026-11-20T11:00:00Z",
            "finished_at": "2026-11-20T11:12:00Z",
            "url": "https://github.example.com/acme/api/deployments/production",
            "changes": "Bump version; Change 71; Tidy the limiter",
            "pulls": "71, 70",
            "files": "limiter.py, version.py",
        },
    )
    assert not found.truncated
    assert found.url == "https://github.example.com/acme/api/deployments/production"
    assert found.asked.splitlines()[0] == f"GET /repos/{API}/deployments?environment=production&per_page=100"
    assert sorted(found.asked.splitlines()) == sorted(f"GET {target}" for target in github_host.end.targets)
    assert {seen.headers["authorization"] for seen in github_host.end.requests} == {f"token {TOKEN}"}
    assert {seen.method for seen in github_host.end.requests} == {"GET"}


async def test_what_failed_brought_nothing_so_it_is_no_base(
    github_host: Host, github_connector: GitHubConnector
) -> None:
    url = github_host.end.url
    recent = [a_deployment(url, n, 14 - n, n) for n in (13, 12, 11)]
    github_host.put("deployments", [*recent, a_deployment(url, 10, 40, 10)])
    github_host.put("deployments/13/statuses", [a_status(1, "success", 0.5)])
    github_host.put("deployments/12/statuses", [a_status(1, "failure", 1.5)])
    github_host.put("deployments/11/statuses", [a_status(1, "error", 2.5)])
    github_host.put("deployments/10/statuses", [a_status(1, "inactive", 0.5)])
    github_host.put("pulls", [])
    for number in (11, 12, 13):
        github_host.put(f"compare/{sha(10)}...{sha(number)}", a_comparison([a_commit(url, number, f"To {number}", 10)]))
    found = await fetch(github_connector, "list_deployments")
    assert [(row["state"], row["changes"]) for row in found.rows] == [
        ("success", "To 13"),
        ("failure", "To 12"),
        ("error", "To 11"),
    ]


async def test_going_back_tells_what_is_taken_away(github_host: Host, github_connector: GitHubConnector) -> None:
    url = github_host.end.url
    github_host.put("deployments", [a_deployment(url, 12, 1, 2), a_deployment(url, 11, 30, 5)])
    github_host.put("deployments/12/statuses", [])
    github_host.put("deployments/11/statuses", [])
    github_host.put("pulls", [])
    github_host.put(f"compare/{sha(5)}...{sha(2)}", a_comparison([], behind=1))
    github_host.put(f"compare/{sha(2)}...{sha(5)}", a_comparison([a_commit(url, 5, "Faster limiter", 2)], "limiter.py"))
    row = (await fetch(github_connector, "list_deployments")).rows[0]
    assert (row["state"], row["changes"], row["files"]) == ("", "Rolls back: Faster limiter", "limiter.py")


async def test_the_same_commit_again_brings_nothing(github_host: Host, github_connector: GitHubConnector) -> None:
    url = github_host.end.url
    github_host.put("deployments", [a_deployment(url, 12, 1, 5), a_deployment(url, 11, 30, 5)])
    github_host.put("deployments/12/statuses", [])
    github_host.put("deployments/11/statuses", [])
    row = (await fetch(github_connector, "list_deployments")).rows[0]
    assert (row["changes"], row["pulls"], row["files"]) == ("", "", "")
    assert not any("compare" in path for path in github_host.paths)


async def test_the_first_deployment_has_nothing_to_compare_with(
    github_host: Host, github_connector: GitHubConnector
) -> None:
    github_host.put("deployments", [a_deployment(github_host.end.url, 12, 1, 5)])
    github_host.put("deployments/12/statuses", [a_status(1, "success", 0.5)])
    found = await fetch(github_connector, "list_deployments")
    assert (found.rows[0]["changes"], found.rows[0]["files"]) == (None, None)
    assert found.status is EvidenceStatus.FOUND


async def test_changes_that_cannot_be_read_are_unknown_and_said(
    github_host: Host, github_connector: GitHubConnector
) -> None:
    two_deployments(github_host)
    github_host.put(f"compare/{sha(2)}...{sha(5)}", Reply({"message": "Not Found"}, status=404))
    found = await fetch(github_connector, "list_deployments")
    assert found.rows[0]["changes"] is None
    assert "changes could not be read" in found.reason


async def test_without_leave_to_read_pulls_the_subjects_serve(
    github_host: Host, github_connector: GitHubConnector
) -> None:
    two_deployments(github_host)
    github_host.put("pulls", Reply({"message": "Resource not accessible by personal access token"}, status=403))
    row = (await fetch(github_connector, "list_deployments")).rows[0]
    assert (row["changes"], row["pulls"]) == ("Bump version; Change 71; Tidy the limiter", "71, 70")


async def test_the_list_is_read_until_it_is_older_than_the_window(
    github_host: Host, github_connector: GitHubConnector
) -> None:
    url = github_host.end.url

    def page(seen: Seen) -> Reply:
        number = int(seen.one("page") or 1)
        # 100 a page, 16 hours of them: the window of 24 hours begins within the second.
        items = [
            a_deployment(url, 1_000 - 100 * number - n, 16 * (number - 1) + 0.05 + n * 0.16, 1) for n in range(100)
        ]
        link = f'<{url}/repos/{API}/deployments?environment=production&per_page=100&page={number + 1}>; rel="next"'
        return Reply([*items], headers={"link": link})

    github_host.put("deployments", page)
    for number in range(100, 1_001):
        github_host.put(f"deployments/{number}/statuses", [])
    found = await fetch(github_connector, "list_deployments")
    assert len([path for path in github_host.paths if path == f"{API}/deployments"]) == 2
    assert len(found.rows) == 150
    assert found.truncated
    assert "newest 10 of 150" in found.reason
    assert [row["state"] for row in found.rows[9:11]] == ["", None]


async def test_the_row_cap_truncates(github_host: Host, github_connector: GitHubConnector) -> None:
    github_host.put("deployments", [*(a_deployment(github_host.end.url, n, 20 - n, 1) for n in range(19, 1, -1))])
    for number in range(20):
        github_host.put(f"deployments/{number}/statuses", [])
    found = await fetch(github_connector, "list_deployments", rows=3)
    assert [row["id"] for row in found.rows] == [19, 18, 17]
    assert found.truncated


async def test_no_deployment_in_the_window_is_an_absence(github_host: Host, github_connector: GitHubConnector) -> None:
    github_host.put("deployments", [a_deployment(github_host.end.url, 11, 30, 2)])
    found = await fetch(github_connector, "list_deployments")
    assert found.status is EvidenceStatus.EMPTY
    assert not found.truncated
    assert len(github_host.paths) == 1
