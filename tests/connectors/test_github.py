"""GitHub through PyGithub over real HTTP: what each deployment brought, paging, every kind of failure, and no write."""

import asyncio
import re
import threading
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import github
import pytest
import pytest_asyncio
from github.Requester import Requester
from pydantic import JsonValue

from connectors.base import ConnectorError, RateLimited, SlowAnswer, Unavailable, WriteRefused
from connectors.github import GitHubConnector
from models.customer import Window
from models.evidence import Answer
from models.tenant import GitHubConfig
from models.vocabulary import EvidenceStatus, Source
from tests.connectors.far_end import DAY, NOW, FarEnd, Handler, Reply, Seen, ask, far_end, http_date

TOKEN = "github_pat_SecretSecretSecret"
API = "acme/api"
WEB = "acme/web"


def stamp(hours: float) -> str:
    return (NOW - timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")


def sha(number: int) -> str:
    return f"{number:07x}" + "0" * 33


def a_deployment(url: str, number: int, hours: float, commit: int, repository: str = API) -> dict[str, JsonValue]:
    return {
        "id": number,
        "url": f"{url}/repos/{repository}/deployments/{number}",
        "sha": sha(commit),
        "ref": "main",
        "environment": "production",
        "description": None,
        "creator": {"login": "mona", "id": 1},
        "created_at": stamp(hours),
        "updated_at": stamp(hours),
    }


def a_status(number: int, state: str, hours: float) -> JsonValue:
    return {"id": number, "state": state, "created_at": stamp(hours), "updated_at": stamp(hours)}


def a_commit(url: str, number: int, message: str, *parents: int, hours: float = 1) -> JsonValue:
    who: JsonValue = {"name": "Mona", "email": "mona@example.com", "date": stamp(hours)}
    return {
        "sha": sha(number),
        "url": f"{url}/repos/{API}/commits/{sha(number)}",
        "html_url": f"https://github.example.com/{API}/commit/{sha(number)}",
        "commit": {"message": message, "author": who, "committer": who},
        "author": {"login": "mona", "id": 1},
        "parents": [{"sha": sha(parent), "url": f"{url}/x"} for parent in parents],
    }


def a_comparison(commits: list[JsonValue], *files: str, behind: int = 0) -> Reply:
    return Reply(
        {
            "url": "https://api.example.com/compare",
            "status": "ahead",
            "ahead_by": len(commits),
            "behind_by": behind,
            "total_commits": len(commits),
            "commits": commits,
            "files": [{"filename": name, "status": "modified", "sha": "x"} for name in files],
        }
    )


def a_pull(url: str, number: int, hours: float, merge: int | None, **fields: JsonValue) -> dict[str, JsonValue]:
    return {
        "number": number,
        "url": f"{url}/repos/{API}/pulls/{number}",
        "title": f"Change {number}",
        "state": "closed",
        "html_url": f"https://github.example.com/{API}/pull/{number}",
        "user": {"login": "mona", "id": 1},
        "labels": [{"name": "bug"}, {"name": "api"}],
        "created_at": stamp(hours + 5),
        "updated_at": stamp(hours),
        "closed_at": stamp(hours),
        "merged_at": None if merge is None else stamp(hours),
        "merge_commit_sha": None if merge is None else sha(merge),
        **fields,
    }


class Host:
    """The code host: what it answers, by path below the repository."""

    def __init__(self, end: FarEnd) -> None:
        self.end = end
        self.answers: dict[str, Reply | Handler] = {}
        end.handler = self.handle

    def handle(self, seen: Seen) -> Reply:
        found = self.answers.get(seen.path.removeprefix("/repos/"))
        if found is None:
            return Reply({"message": "Not Found", "status": "404"}, status=404)
        return found if isinstance(found, Reply) else found(seen)

    def put(self, path: str, answer: JsonValue | Reply | Handler, repository: str = API) -> None:
        ready = answer if isinstance(answer, Reply) or callable(answer) else Reply(answer)
        self.answers[f"{repository}/{path}"] = ready

    @property
    def paths(self) -> list[str]:
        return [seen.path.removeprefix("/repos/") for seen in self.end.requests]


@pytest_asyncio.fixture
async def end() -> AsyncIterator[FarEnd]:
    async with far_end() as running:
        yield running


@pytest.fixture
def host(end: FarEnd) -> Host:
    return Host(end)


def connect(end: FarEnd, *repositories: str) -> GitHubConnector:
    config = {
        "url": end.url,
        "token": "env:GITHUB_TOKEN",
        "repositories": list(repositories) or [API],
        "web": "https://github.example.com",
    }
    return GitHubConnector(GitHubConfig.model_validate(config), TOKEN)


@pytest_asyncio.fixture
async def connector(end: FarEnd) -> AsyncIterator[GitHubConnector]:
    made = connect(end)
    yield made
    await made.aclose()


async def fetch(
    connector: GitHubConnector, operation: str, window: Window | None = DAY, rows: int = 200, **parameters: JsonValue
) -> Answer:
    return await connector.fetch(ask(Source.GITHUB, operation, parameters, window=window, rows=rows))


def two_deployments(host: Host) -> None:
    """The newer at 1 hour of commit 5, the older at 30 hours (outside of the window) of commit 2."""
    url = host.end.url
    host.put("deployments", [a_deployment(url, 12, 1, 5), a_deployment(url, 11, 30, 2)])
    host.put("deployments/12/statuses", [a_status(3, "success", 0.8), a_status(2, "in_progress", 0.9)])
    host.put("deployments/11/statuses", [a_status(1, "inactive", 0.8), a_status(0, "success", 29)])
    host.put("pulls", [a_pull(url, 71, 2, 4)])
    commits = [
        a_commit(url, 3, "Tidy the limiter (#70)\n\nLong story", 2),
        a_commit(url, 9, "A commit on a branch", 3),
        a_commit(url, 4, "Merge pull request #71 from acme/branch\n\nChange 71", 3, 9),
        a_commit(url, 5, "Bump version", 4),
    ]
    host.put(f"compare/{sha(2)}...{sha(5)}", a_comparison(commits, "limiter.py", "version.py"))


async def test_a_deployment_tells_what_it_brought(host: Host, connector: GitHubConnector) -> None:
    two_deployments(host)
    found = await fetch(connector, "list_deployments")
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
    assert sorted(found.asked.splitlines()) == sorted(f"GET {target}" for target in host.end.targets)
    assert {seen.headers["authorization"] for seen in host.end.requests} == {f"token {TOKEN}"}
    assert {seen.method for seen in host.end.requests} == {"GET"}


async def test_what_failed_brought_nothing_so_it_is_no_base(host: Host, connector: GitHubConnector) -> None:
    url = host.end.url
    recent = [a_deployment(url, n, 14 - n, n) for n in (13, 12, 11)]
    host.put("deployments", [*recent, a_deployment(url, 10, 40, 10)])
    host.put("deployments/13/statuses", [a_status(1, "success", 0.5)])
    host.put("deployments/12/statuses", [a_status(1, "failure", 1.5)])
    host.put("deployments/11/statuses", [a_status(1, "error", 2.5)])
    host.put("deployments/10/statuses", [a_status(1, "inactive", 0.5)])
    host.put("pulls", [])
    for number in (11, 12, 13):
        host.put(f"compare/{sha(10)}...{sha(number)}", a_comparison([a_commit(url, number, f"To {number}", 10)]))
    found = await fetch(connector, "list_deployments")
    assert [(row["state"], row["changes"]) for row in found.rows] == [
        ("success", "To 13"),
        ("failure", "To 12"),
        ("error", "To 11"),
    ]


async def test_going_back_tells_what_is_taken_away(host: Host, connector: GitHubConnector) -> None:
    url = host.end.url
    host.put("deployments", [a_deployment(url, 12, 1, 2), a_deployment(url, 11, 30, 5)])
    host.put("deployments/12/statuses", [])
    host.put("deployments/11/statuses", [])
    host.put("pulls", [])
    host.put(f"compare/{sha(5)}...{sha(2)}", a_comparison([], behind=1))
    host.put(f"compare/{sha(2)}...{sha(5)}", a_comparison([a_commit(url, 5, "Faster limiter", 2)], "limiter.py"))
    row = (await fetch(connector, "list_deployments")).rows[0]
    assert (row["state"], row["changes"], row["files"]) == ("", "Rolls back: Faster limiter", "limiter.py")


async def test_the_same_commit_again_brings_nothing(host: Host, connector: GitHubConnector) -> None:
    url = host.end.url
    host.put("deployments", [a_deployment(url, 12, 1, 5), a_deployment(url, 11, 30, 5)])
    host.put("deployments/12/statuses", [])
    host.put("deployments/11/statuses", [])
    row = (await fetch(connector, "list_deployments")).rows[0]
    assert (row["changes"], row["pulls"], row["files"]) == ("", "", "")
    assert not any("compare" in path for path in host.paths)


async def test_the_first_deployment_has_nothing_to_compare_with(host: Host, connector: GitHubConnector) -> None:
    host.put("deployments", [a_deployment(host.end.url, 12, 1, 5)])
    host.put("deployments/12/statuses", [a_status(1, "success", 0.5)])
    found = await fetch(connector, "list_deployments")
    assert (found.rows[0]["changes"], found.rows[0]["files"]) == (None, None)
    assert found.status is EvidenceStatus.FOUND


async def test_changes_that_cannot_be_read_are_unknown_and_said(host: Host, connector: GitHubConnector) -> None:
    two_deployments(host)
    host.put(f"compare/{sha(2)}...{sha(5)}", Reply({"message": "Not Found"}, status=404))
    found = await fetch(connector, "list_deployments")
    assert found.rows[0]["changes"] is None
    assert "changes could not be read" in found.reason


async def test_without_leave_to_read_pulls_the_subjects_serve(host: Host, connector: GitHubConnector) -> None:
    two_deployments(host)
    host.put("pulls", Reply({"message": "Resource not accessible by personal access token"}, status=403))
    row = (await fetch(connector, "list_deployments")).rows[0]
    assert (row["changes"], row["pulls"]) == ("Bump version; Change 71; Tidy the limiter", "71, 70")


async def test_the_list_is_read_until_it_is_older_than_the_window(host: Host, connector: GitHubConnector) -> None:
    url = host.end.url

    def page(seen: Seen) -> Reply:
        number = int(seen.one("page") or 1)
        # 100 a page, 16 hours of them: the window of 24 hours begins within the second.
        items = [
            a_deployment(url, 1_000 - 100 * number - n, 16 * (number - 1) + 0.05 + n * 0.16, 1) for n in range(100)
        ]
        link = f'<{url}/repos/{API}/deployments?environment=production&per_page=100&page={number + 1}>; rel="next"'
        return Reply([*items], headers={"link": link})

    host.put("deployments", page)
    for number in range(100, 1_001):
        host.put(f"deployments/{number}/statuses", [])
    found = await fetch(connector, "list_deployments")
    assert len([path for path in host.paths if path == f"{API}/deployments"]) == 2
    assert len(found.rows) == 150
    assert found.truncated
    assert "newest 10 of 150" in found.reason
    assert [row["state"] for row in found.rows[9:11]] == ["", None]


async def test_the_row_cap_truncates(host: Host, connector: GitHubConnector) -> None:
    host.put("deployments", [*(a_deployment(host.end.url, n, 20 - n, 1) for n in range(19, 1, -1))])
    for number in range(20):
        host.put(f"deployments/{number}/statuses", [])
    found = await fetch(connector, "list_deployments", rows=3)
    assert [row["id"] for row in found.rows] == [19, 18, 17]
    assert found.truncated


async def test_no_deployment_in_the_window_is_an_absence(host: Host, connector: GitHubConnector) -> None:
    host.put("deployments", [a_deployment(host.end.url, 11, 30, 2)])
    found = await fetch(connector, "list_deployments")
    assert found.status is EvidenceStatus.EMPTY
    assert not found.truncated
    assert len(host.paths) == 1


async def test_repositories_are_asked_together_and_merged_newest_first(host: Host) -> None:
    connector = connect(host.end, API, WEB)
    for repository, hours in ((API, 2), (WEB, 1)):
        host.put("deployments", [a_deployment(host.end.url, hours, hours, 1, repository)], repository)
        host.put(f"deployments/{hours}/statuses", [], repository)
    found = await fetch(connector, "list_deployments")
    assert [row["repository"] for row in found.rows] == [WEB, API]
    only = await fetch(connector, "list_deployments", repositories="ACME/api")
    assert [row["repository"] for row in only.rows] == [API]
    with pytest.raises(ValueError, match=f"configured repository; those are {API}, {WEB}"):
        await fetch(connector, "list_deployments", repositories=["acme/secrets"])
    await connector.aclose()


async def test_a_repository_that_is_hidden_leaves_the_answer_incomplete(host: Host) -> None:
    connector = connect(host.end, API, WEB)
    host.put("deployments", [], API)
    found = await fetch(connector, "list_deployments")
    assert found.status is EvidenceStatus.DENIED
    assert found.reason.startswith(f"{WEB}: not visible to this token")
    two_deployments(host)
    found = await fetch(connector, "list_deployments")
    assert (found.status, found.truncated) == (EvidenceStatus.FOUND, True)
    assert WEB in found.reason
    await connector.aclose()


async def test_no_thread_gets_anothers_answer(host: Host) -> None:
    repositories = [f"acme/service-{number}" for number in range(12)]
    connector = connect(host.end, *repositories)
    for place, repository in enumerate(repositories):
        commit = a_commit(host.end.url, place, repository)
        host.put("commits", Reply([commit], delay=0.01 * (place % 3)), repository)
    for _ in range(3):
        answers = await asyncio.gather(*(fetch(connector, "list_commits") for _ in range(4)))
        for found in answers:
            assert len(found.rows) == 12
            assert all(row["repository"] == row["subject"] for row in found.rows)
            assert found.asked.count("GET") == 12
    # Twelve times twelve requests: one connection each would be 144.
    assert host.end.connections <= 20
    await connector.aclose()


async def test_commits_of_the_window(host: Host, connector: GitHubConnector) -> None:
    host.put("commits", [a_commit(host.end.url, 4, "Raise the limit\n\nBecause", hours=3)])
    found = await fetch(connector, "list_commits")
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
    query = host.end.requests[0].query
    assert (query["since"], query["until"]) == (["2026-11-19T12:00:00Z"], ["2026-11-20T12:00:00Z"])


async def test_releases_published_in_the_window(host: Host, connector: GitHubConnector) -> None:
    def release(number: int, published: float | None, created: float) -> JsonValue:
        return {
            "id": number,
            "url": f"{host.end.url}/repos/{API}/releases/{number}",
            "html_url": f"https://github.example.com/{API}/releases/tag/v{number}",
            "tag_name": f"v{number}",
            "name": None,
            "body": "x" * 600,
            "prerelease": False,
            "author": {"login": "mona", "id": 1},
            "created_at": stamp(created),
            "published_at": None if published is None else stamp(published),
        }

    host.put("releases", [release(4, None, 0.5), release(3, 1, 2), release(2, 12, 24 * 9), release(1, 2, 24 * 60)])
    found = await fetch(connector, "list_releases")
    assert [(row["tag"], row["published_at"]) for row in found.rows] == [
        ("v3", "2026-11-20T11:00:00Z"),
        ("v2", "2026-11-20T00:00:00Z"),
    ]


async def test_pulls_merged_in_the_window(host: Host, connector: GitHubConnector) -> None:
    url = host.end.url
    host.put("pulls", [a_pull(url, 3, 1, 7), a_pull(url, 2, 2, None), a_pull(url, 1, 30, 6), a_pull(url, 9, 3, 5)])
    found = await fetch(connector, "list_pulls")
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
    assert [row["number"] for row in (await fetch(connector, "list_pulls", state="closed")).rows] == [3, 2]


async def test_a_question_without_a_window_is_bounded_by_rows(host: Host, connector: GitHubConnector) -> None:
    host.put("pulls", [*(a_pull(host.end.url, n, n, n) for n in range(1, 9))])
    found = await fetch(connector, "list_pulls", None, rows=5)
    assert (len(found.rows), found.truncated) == (5, True)


def failed(status: int, message: str, **headers: str) -> Reply:
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply({"message": message, "documentation_url": "https://docs.example.com"}, status=status, headers=fields)


MOVED = failed(301, "Moved Permanently", location="https://api.example.com/repositories/1/deployments")


@pytest.mark.parametrize(
    ("reply", "status", "told"),
    [
        (Reply([]), EvidenceStatus.EMPTY, ""),
        (failed(401, "Bad credentials"), EvidenceStatus.DENIED, "token"),
        (failed(403, "Resource not accessible by personal access token"), EvidenceStatus.DENIED, "may not read"),
        (Reply(b"<html>no</html>", status=403), EvidenceStatus.DENIED, "may not read"),
        (Reply(b'{"message": ', status=401), EvidenceStatus.DENIED, "token"),
        (failed(404, "Not Found"), EvidenceStatus.DENIED, "not visible to this token"),
        (failed(422, "Validation Failed"), EvidenceStatus.FAILED, "422"),
        (MOVED, EvidenceStatus.FAILED, "renamed or moved"),
        (Reply(b"[" + b" " * 9_000_000 + b"]"), EvidenceStatus.FAILED, "larger"),
        (Reply({"message": "surprise"}), EvidenceStatus.FAILED, "schema drift: deployments is an object, not a list"),
        (Reply(["a", "b"]), EvidenceStatus.FAILED, "schema drift: deployments[0] is text, not an object"),
        (Reply([{"id": "x"}]), EvidenceStatus.FAILED, "schema drift: deployments[0].id is text, not a whole number"),
    ],
)
async def test_an_answer_that_is_no(
    host: Host, connector: GitHubConnector, reply: Reply, status: EvidenceStatus, told: str
) -> None:
    host.put("deployments", reply)
    found = await fetch(connector, "list_deployments")
    assert found.status is status
    assert told in found.reason
    assert found.asked == f"GET /repos/{API}/deployments?environment=production&per_page=100"
    assert TOKEN not in found.model_dump_json()
    assert len(host.paths) == 1


LIMIT = "API rate limit exceeded for user ID 1."
SECONDARY = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."


def in_ten_minutes() -> str:
    return str(int(datetime.now(UTC).timestamp()) + 600)


@pytest.mark.parametrize(
    ("reply", "error", "delay"),
    [
        # Made when it is used: a whole run of the tests lasts longer than what is asked for here.
        (
            lambda: failed(403, LIMIT, x_ratelimit_remaining="0", x_ratelimit_reset=in_ten_minutes()),
            RateLimited,
            600,
        ),
        (lambda: failed(429, "Too many requests", retry_after=http_date(600)), RateLimited, 600),
        (failed(403, SECONDARY, retry_after="9"), RateLimited, 9),
        (failed(403, SECONDARY), RateLimited, 60),
        (failed(429, "Too many requests", retry_after="7"), RateLimited, 7),
        (failed(500, "Server Error"), Unavailable, None),
        (Reply(b"<html>bad gateway</html>", status=502, headers={"retry-after": "2"}), Unavailable, 2),
        (Reply(reset=True), Unavailable, None),
        (Reply([{"id": 1}], cut=True), Unavailable, None),
        (Reply(b'[{"id": '), Unavailable, None),
        (Reply(b"<html>a page</html>"), Unavailable, None),
        (Reply([], status=202), Unavailable, None),
    ],
)
async def test_what_may_pass_is_raised(
    host: Host,
    connector: GitHubConnector,
    reply: Reply | Callable[[], Reply],
    error: type[ConnectorError],
    delay: float | None,
) -> None:
    host.put("deployments", reply() if callable(reply) else reply)
    with pytest.raises(error) as raised:
        await fetch(connector, "list_deployments")
    if delay is None or delay < 100:
        assert raised.value.retry_after == delay
    else:
        assert raised.value.retry_after == pytest.approx(delay, abs=300)
    assert TOKEN not in repr(raised.value)
    assert raised.value.__cause__ is None
    assert len(host.paths) == 1, "Temporal owns retries"


async def test_a_list_never_leads_to_another_host(host: Host, connector: GitHubConnector) -> None:
    async with far_end() as stranger:
        stranger.always(Reply([]))
        link = f'<{stranger.url}/repos/{API}/commits?page=2>; rel="next"'
        host.put("commits", Reply([a_commit(host.end.url, 1, "x")], headers={"link": link}))
        found = await fetch(connector, "list_commits")
        assert (found.status, found.rows) == (EvidenceStatus.FAILED, ())
        away = link.replace("127.0.0.1", "sub.127.0.0.1")
        host.put("commits", Reply([a_commit(host.end.url, 1, "x")], headers={"link": away}))
        assert "another host" in (await fetch(connector, "list_commits")).reason
        assert stranger.connections == 0


async def test_the_time_limit_holds_and_no_thread_stays_behind(host: Host, connector: GitHubConnector) -> None:
    host.put("deployments", Reply([], delay=30))
    # More questions than threads, so that any thread that hung would keep the next question waiting.
    hopeless = [connector.fetch(ask(Source.GITHUB, "list_deployments", {}, time_limit=0.2)) for _ in range(20)]
    results = await asyncio.gather(*hopeless, return_exceptions=True)
    assert all(isinstance(result, SlowAnswer) and "within 0.2 s" in str(result) for result in results)
    host.put("deployments", [])
    assert (await fetch(connector, "list_deployments")).status is EvidenceStatus.EMPTY


async def test_one_failure_ends_the_question(host: Host) -> None:
    connector = connect(host.end, API, WEB)
    host.put("commits", failed(500, "Server Error"), API)
    host.put("commits", Reply([], delay=30), WEB)
    started = asyncio.get_running_loop().time()
    with pytest.raises(Unavailable):
        await fetch(connector, "list_commits")
    assert asyncio.get_running_loop().time() - started < 8
    await connector.aclose()


async def test_nobody_listens() -> None:
    config = {"url": "http://127.0.0.1:1", "token": "env:T", "repositories": [API]}
    lonely = GitHubConnector(GitHubConfig.model_validate(config), TOKEN)
    with pytest.raises(Unavailable, match="could not be reached"):
        await fetch(lonely, "list_commits")
    await lonely.aclose()


def write_all(client: github.Github) -> None:
    repository = client.get_repo(API)
    with pytest.raises(WriteRefused, match="POST"):
        repository.create_issue("x")
    with pytest.raises(WriteRefused, match="POST"):
        repository.create_deployment("main")
    with pytest.raises(WriteRefused, match="DELETE"):
        repository.delete()
    with pytest.raises(WriteRefused, match="PATCH"):
        repository.edit(description="x")
    with pytest.raises(WriteRefused, match="PUT"):
        repository.get_pull(1).merge()
    with pytest.raises(WriteRefused, match="POST"):
        client.requester.graphql_query("mutation { x }", {})
    with pytest.raises(WriteRefused, match="HEAD"):
        client.requester.requestJson("HEAD", "/repos/acme/api")
    with pytest.raises(WriteRefused, match="GET"):
        client.requester.requestJson("GET", "/repos/acme/api", input={"a": 1})


async def test_no_write_leaves_through_the_sdk(end: FarEnd, connector: GitHubConnector) -> None:
    await asyncio.to_thread(write_all, connector.client(TOKEN))
    assert end.connections == 0


async def test_no_client_in_the_process_can_write(end: FarEnd, connector: GitHubConnector) -> None:
    stranger = github.Github(
        base_url=end.url, lazy=True, seconds_between_requests=None, seconds_between_writes=None, timeout=1
    )
    await asyncio.to_thread(write_all, stranger)
    # Whoever puts PyGithub's own classes back opens no way for ours.
    ours = connector.client(TOKEN)
    Requester.resetConnectionClasses()
    await asyncio.to_thread(write_all, ours)
    await asyncio.to_thread(write_all, connector.client(TOKEN))
    assert end.connections == 0


async def test_the_guard_goes_with_the_last_connector_and_stays_on_its_clients(end: FarEnd) -> None:
    end.always(Reply({"message": "no"}, status=405))
    first, second = connect(end), connect(end)
    ours = first.client(TOKEN)
    await first.aclose()
    await first.aclose()
    await asyncio.to_thread(
        write_all,
        github.Github(base_url=end.url, lazy=True, seconds_between_requests=None, seconds_between_writes=None),
    )
    await second.aclose()
    await asyncio.to_thread(write_all, ours)
    await asyncio.to_thread(write_all, second.client(TOKEN))
    assert end.connections == 0
    stranger = github.Github(base_url=end.url, lazy=True, retry=None)
    with pytest.raises(github.GithubException):
        await asyncio.to_thread(stranger.get_repo(API).create_issue, "x")
    stranger.close()
    assert [seen.method for seen in end.requests] == ["POST"]


async def test_a_client_reads_only_within_a_question(end: FarEnd, connector: GitHubConnector) -> None:
    with pytest.raises(RuntimeError, match="only from within"):
        await asyncio.to_thread(lambda: list(connector.client(TOKEN).get_repo(API).get_commits()))
    assert end.connections == 0


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
    end: FarEnd, connector: GitHubConnector, operation: str, parameters: dict[str, JsonValue], told: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        await connector.fetch(ask(Source.GITHUB, operation, parameters))
    assert not end.requests


async def test_the_token_is_in_no_repr_and_the_threads_end(end: FarEnd, host: Host) -> None:
    connector = connect(end)
    host.put("commits", [])
    await fetch(connector, "list_commits")
    assert TOKEN not in repr(connector)
    assert TOKEN not in repr(connector.client(TOKEN))
    ours = connector._threads._threads
    await connector.aclose()
    for thread in list(ours):
        await asyncio.to_thread(thread.join, 5)
    assert not [thread for thread in threading.enumerate() if thread in ours]
