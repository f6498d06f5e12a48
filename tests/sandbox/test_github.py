"""GitHub's fake, asked by PyGithub."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import timedelta

import github
import httpx
import pytest
from github.Repository import Repository

from sandbox.run import Sandbox
from sandbox.webhooks import NO_TLS
from tests.sandbox.small_world import DEPLOYED, MERGED, SHAS, small_world


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(small_world(), clickhouse=False) as sandbox:
        yield sandbox


@contextmanager
def connected(sandbox: Sandbox, token: str = "", per_page: int = 7) -> Iterator[github.Github]:
    client = github.Github(
        base_url=sandbox.addresses["github"],
        auth=github.Auth.Token(token or sandbox.credentials.github_token),
        lazy=True,
        per_page=per_page,
        timeout=10,
        seconds_between_requests=None,
        retry=None,
    )
    try:
        yield client
    finally:
        client.close()


async def test_deployments_go_on_over_pages_newest_first_with_their_statuses(sandbox: Sandbox) -> None:
    def read() -> None:
        with connected(sandbox) as client:
            repository: Repository = client.get_repo("small/api")
            deployments = list(repository.get_deployments(environment="production"))
            assert len(deployments) == 16
            assert deployments[0].sha == DEPLOYED
            moments = [one.created_at for one in deployments]
            assert moments == sorted(moments, reverse=True)
            statuses = list(deployments[0].get_statuses())
            assert [one.state for one in statuses] == ["success", "in_progress"]
            assert client.rate_limiting[1] == 15_000

    await asyncio.to_thread(read)


async def test_commits_are_listed_by_time_and_shown_with_files(sandbox: Sandbox) -> None:
    def read() -> None:
        with connected(sandbox) as client:
            repository = client.get_repo("small/api")
            since = sandbox.now - timedelta(hours=90)
            commits = list(repository.get_commits(since=since, until=sandbox.now - timedelta(hours=70)))
            assert len(commits) == 21
            assert commits[0].commit.message.startswith("Change number 30")
            assert commits[0].parents[0].sha == MERGED
            one = repository.get_commit(SHAS[5])
            assert [file.filename for file in one.files] == ["src/part_5.py"]
            assert len(list(repository.get_commits(path="src/pool.py"))) == 1

    await asyncio.to_thread(read)


async def test_a_comparison_holds_the_commits_between_and_their_files(sandbox: Sandbox) -> None:
    def read() -> None:
        with connected(sandbox) as client:
            found = client.get_repo("small/api").compare(SHAS[26], DEPLOYED)
            assert found.ahead_by == 4
            assert [commit.sha for commit in found.commits] == SHAS[27:31]
            assert "src/pool.py" in [file.filename for file in found.files]
            with pytest.raises(github.UnknownObjectException):
                _ = client.get_repo("small/api").compare(SHAS[26], "f" * 40).status

    await asyncio.to_thread(read)


async def test_merged_pull_requests_are_found_from_every_side(sandbox: Sandbox) -> None:
    def read() -> None:
        with connected(sandbox) as client:
            repository = client.get_repo("small/api")
            assert list(repository.get_pulls()) == []
            pull = next(iter(repository.get_pulls(state="closed", sort="updated", direction="desc")))
            assert (pull.number, pull.merge_commit_sha, pull.user.login) == (12, MERGED, "bo")
            assert [label.name for label in pull.labels] == ["risky"]
            assert {file.filename for file in pull.get_files()} == {"src/pool.py", "tests/test_pool.py"}
            assert [one.number for one in repository.get_commit(MERGED).get_pulls()] == [12]
            assert [one.number for one in client.search_issues("pool repo:small/api is:pr is:merged")] == [12]
            assert list(client.search_issues(f"repo:small/api merged:>={sandbox.now:%Y-%m-%d}")) == []

    await asyncio.to_thread(read)


async def test_releases_and_runs(sandbox: Sandbox) -> None:
    def read() -> None:
        with connected(sandbox) as client:
            repository = client.get_repo("small/api")
            assert [one.tag_name for one in repository.get_releases()] == ["v1.2.0"]
            assert repository.get_latest_release().name == "1.2.0"
            runs = repository.get_workflow_runs(head_sha=DEPLOYED)
            assert [run.conclusion for run in runs] == ["success"]
            assert runs.totalCount == 1
            day = sandbox.now - timedelta(days=30)
            assert list(repository.get_workflow_runs(created=f"2026-01-01..{day:%Y-%m-%d}")) == []

    await asyncio.to_thread(read)


async def test_strangers_and_unknown_repositories_are_told_so(sandbox: Sandbox) -> None:
    def read() -> None:
        with connected(sandbox, token="github_pat_wrong") as client, pytest.raises(github.BadCredentialsException):
            list(client.get_repo("small/api").get_releases())
        with connected(sandbox) as client, pytest.raises(github.UnknownObjectException):
            list(client.get_repo("other/repo").get_releases())

    await asyncio.to_thread(read)


async def test_writes_are_refused_and_remembered(sandbox: Sandbox) -> None:
    def write() -> None:
        with connected(sandbox) as client, pytest.raises(github.GithubException) as refused:
            client.get_repo("small/api").create_issue("new")
        assert refused.value.status == 403

    await asyncio.to_thread(write)
    assert [(one.method, one.path) for one in sandbox.journal.writes] == [("POST", "/repos/small/api/issues")]


async def test_a_secondary_limit_is_403_with_the_time_to_wait(sandbox: Sandbox) -> None:
    async with httpx.AsyncClient(verify=NO_TLS) as http:
        fault = {"vendor": "github", "kind": "rate-limit", "times": 1, "path": "/releases"}
        await http.post(f"{sandbox.control_address}/faults", json=fault)
        headers = {"authorization": f"Bearer {sandbox.credentials.github_token}"}
        url = f"{sandbox.addresses['github']}/repos/small/api"
        other = await http.get(f"{url}/deployments", headers=headers)
        limited = await http.get(f"{url}/releases", headers=headers)
        after = await http.get(f"{url}/releases", headers=headers)
    assert (other.status_code, limited.status_code, after.status_code) == (200, 403, 200)
    assert "secondary rate limit" in limited.json()["message"]
    assert limited.headers["retry-after"] == "1"
