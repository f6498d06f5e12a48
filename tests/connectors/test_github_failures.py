"""GitHub through PyGithub over real HTTP: every kind of failure is an answer or is raised, and none of it waits for long."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from connectors.base import ConnectorError, RateLimited, SlowAnswer, Unavailable
from connectors.github import GitHubConnector
from models.tenant import GitHubConfig
from models.vocabulary import EvidenceStatus, Source
from tests.connectors.far_end import Reply, ask, far_end, http_date
from tests.connectors.github_far_end import (
    API,
    TOKEN,
    WEB,
    Host,
    a_commit,
    connect,
    failed,
    fetch,
)

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
    github_host: Host, github_connector: GitHubConnector, reply: Reply, status: EvidenceStatus, told: str
) -> None:
    github_host.put("deployments", reply)
    found = await fetch(github_connector, "list_deployments")
    assert found.status is status
    assert told in found.reason
    assert found.asked == f"GET /repos/{API}/deployments?environment=production&per_page=100"
    assert TOKEN not in found.model_dump_json()
    assert len(github_host.paths) == 1


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
    github_host: Host,
    github_connector: GitHubConnector,
    reply: Reply | Callable[[], Reply],
    error: type[ConnectorError],
    delay: float | None,
) -> None:
    github_host.put("deployments", reply() if callable(reply) else reply)
    with pytest.raises(error) as raised:
        await fetch(github_connector, "list_deployments")
    if delay is None or delay < 100:
        assert raised.value.retry_after == delay
    else:
        assert raised.value.retry_after == pytest.approx(delay, abs=300)
    assert TOKEN not in repr(raised.value)
    assert raised.value.__cause__ is None
    assert len(github_host.paths) == 1, "Temporal owns retries"


async def test_a_list_never_leads_to_another_host(github_host: Host, github_connector: GitHubConnector) -> None:
    async with far_end() as stranger:
        stranger.always(Reply([]))
        link = f'<{stranger.url}/repos/{API}/commits?page=2>; rel="next"'
        github_host.put("commits", Reply([a_commit(github_host.end.url, 1, "x")], headers={"link": link}))
        found = await fetch(github_connector, "list_commits")
        assert (found.status, found.rows) == (EvidenceStatus.FAILED, ())
        away = link.replace("127.0.0.1", "sub.127.0.0.1")
        github_host.put("commits", Reply([a_commit(github_host.end.url, 1, "x")], headers={"link": away}))
        assert "another host" in (await fetch(github_connector, "list_commits")).reason
        assert stranger.connections == 0


async def test_the_time_limit_holds_and_no_thread_stays_behind(
    github_host: Host, github_connector: GitHubConnector
) -> None:
    github_host.put("deployments", Reply([], delay=30))
    # More questions than threads, so that any thread that hung would keep the next question waiting.
    hopeless = [github_connector.fetch(ask(Source.GITHUB, "list_deployments", {}, time_limit=0.2)) for _ in range(20)]
    results = await asyncio.gather(*hopeless, return_exceptions=True)
    assert all(isinstance(result, SlowAnswer) and "within 0.2 s" in str(result) for result in results)
    github_host.put("deployments", [])
    assert (await fetch(github_connector, "list_deployments")).status is EvidenceStatus.EMPTY


async def test_one_failure_ends_the_question(github_host: Host) -> None:
    connector = connect(github_host.end, API, WEB)
    github_host.put("commits", failed(500, "Server Error"), API)
    github_host.put("commits", Reply([], delay=30), WEB)
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
