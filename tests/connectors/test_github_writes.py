"""No write reaches GitHub: neither from a client of ours, nor from any other in the process."""

import asyncio

import github
import pytest
from github.Requester import Requester

from connectors.base import WriteRefused
from connectors.github import GitHubConnector
from tests.connectors.far_end import FarEnd, Reply
from tests.connectors.github_far_end import (
    API,
    TOKEN,
    connect,
)


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


async def test_no_write_leaves_through_the_sdk(end: FarEnd, github_connector: GitHubConnector) -> None:
    await asyncio.to_thread(write_all, github_connector.client(TOKEN))
    assert end.connections == 0


async def test_no_client_in_the_process_can_write(end: FarEnd, github_connector: GitHubConnector) -> None:
    stranger = github.Github(
        base_url=end.url, lazy=True, seconds_between_requests=None, seconds_between_writes=None, timeout=1
    )
    await asyncio.to_thread(write_all, stranger)
    # Whoever puts PyGithub's own classes back opens no way for ours.
    ours = github_connector.client(TOKEN)
    Requester.resetConnectionClasses()
    await asyncio.to_thread(write_all, ours)
    await asyncio.to_thread(write_all, github_connector.client(TOKEN))
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


async def test_a_client_reads_only_within_a_question(end: FarEnd, github_connector: GitHubConnector) -> None:
    with pytest.raises(RuntimeError, match="only from within"):
        await asyncio.to_thread(lambda: list(github_connector.client(TOKEN).get_repo(API).get_commits()))
    assert end.connections == 0
