"""Who asks GitHub, and the examination: an App's tokens made by the one POST there is, and rights that are too many."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import jwt
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import JsonValue

from connectors.base import Finding, FindingStatus, RateLimited, Unavailable, WriteRefused
from connectors.github import GitHubConnector
from connectors.github_auth import PERMISSIONS, asks_only_to_read
from models.tenant import GitHubConfig
from models.vocabulary import EvidenceStatus
from sandbox.run import Sandbox
from tests.connectors.far_end import FarEnd, Reply, Seen
from tests.connectors.github_far_end import API, TOKEN, WEB, connect, failed, fetch
from tests.sandbox.small_world import small_world

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
MINT = "/app/installations/7/access_tokens"


class AppHost:
    """GitHub for an App: checks signatures, makes tokens, and answers lists with nothing in them."""

    def __init__(self, end: FarEnd) -> None:
        self.end = end
        self.lifetime = timedelta(hours=1)
        self.granted: dict[str, JsonValue] = dict.fromkeys(PERMISSIONS, "read")
        self.suspended: str | None = None
        self.refuse: Reply | None = None
        self.answer: Callable[[Seen], Reply] = lambda _: Reply([])
        end.handler = self.handle

    def handle(self, seen: Seen) -> Reply:
        if not seen.path.startswith("/app/"):
            return self.answer(seen)
        claims = jwt.decode(seen.headers["authorization"].removeprefix("Bearer "), KEY.public_key(), ["RS256"])
        if claims["iss"] != "41":
            return failed(401, "Integration not found")
        if seen.method == "GET":
            return Reply({"id": 7, "permissions": self.granted, "suspended_at": self.suspended})
        if self.refuse is not None:
            return self.refuse
        ends = (datetime.now(UTC) + self.lifetime).strftime("%Y-%m-%dT%H:%M:%SZ")
        made: JsonValue = {"token": f"ghs_{len(self.minted)}", "expires_at": ends, "permissions": {}}
        return Reply(made, status=201)

    @property
    def minted(self) -> list[Seen]:
        return [seen for seen in self.end.requests if seen.method == "POST"]


@pytest.fixture
def host(end: FarEnd) -> AppHost:
    return AppHost(end)


def as_app(end: FarEnd, pem: str = PEM, installation: int = 7, app: int = 41) -> GitHubConnector:
    config = {
        "url": end.url,
        "app": {"id": app, "installation": installation, "private_key": "file:key.pem"},
        "repositories": [API],
    }
    return GitHubConnector(GitHubConfig.model_validate(config), pem)


@pytest_asyncio.fixture
async def connector(end: FarEnd) -> AsyncIterator[GitHubConnector]:
    made = as_app(end)
    yield made
    await made.aclose()


async def test_an_app_makes_one_token_that_only_reads(host: AppHost, connector: GitHubConnector) -> None:
    host.granted = {"contents": "write", "metadata": "read", "checks": "write"}
    found = await asyncio.gather(*(fetch(connector, "list_commits") for _ in range(5)))
    assert {one.status for one in found} == {EvidenceStatus.EMPTY}
    assert [seen.target for seen in host.minted] == [MINT]
    assert json.loads(host.minted[0].body) == {"permissions": {"metadata": "read", "contents": "read"}}
    asked = [seen for seen in host.end.requests if seen.path.startswith("/repos/")]
    assert {seen.headers["authorization"] for seen in asked} == {"token ghs_1"}
    assert "ghs_1" not in repr(found) + repr(connector)


async def test_a_token_is_made_anew_shortly_before_its_end(host: AppHost, connector: GitHubConnector) -> None:
    host.lifetime = timedelta(minutes=4)
    await fetch(connector, "list_commits")
    await fetch(connector, "list_commits")
    assert len(host.minted) == 2


async def test_a_token_that_is_refused_at_once_is_an_answer(host: AppHost, connector: GitHubConnector) -> None:
    host.answer = lambda _: failed(401, "Bad credentials")
    assert (await fetch(connector, "list_commits")).status is EvidenceStatus.DENIED
    # It is not used again either way.
    host.answer = lambda _: Reply([])
    assert (await fetch(connector, "list_commits")).status is EvidenceStatus.EMPTY
    assert len(host.minted) == 2


async def test_a_token_that_was_revoked_is_worth_another_try(
    host: AppHost, connector: GitHubConnector, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fetch(connector, "list_commits")
    monkeypatch.setattr(connector._identity, "_made", datetime.now(UTC) - timedelta(minutes=10))
    host.answer = lambda _: failed(401, "Bad credentials")
    with pytest.raises(Unavailable, match="makes a new one"):
        await fetch(connector, "list_commits")
    host.answer = lambda _: Reply([])
    assert (await fetch(connector, "list_commits")).status is EvidenceStatus.EMPTY


@pytest.mark.parametrize(
    ("app", "told"), [({"app": 42}, "app.id"), ({"pem": "no key"}, "app.private_key"), ({"pem": ""}, "app.private_key")]
)
async def test_an_identity_that_is_none_is_denied(host: AppHost, app: dict[str, int | str], told: str) -> None:
    connector = as_app(host.end, **app)  # type: ignore[arg-type]  # the two kinds of arguments are mixed on purpose
    found = await fetch(connector, "list_commits")
    await connector.aclose()
    assert found.status is EvidenceStatus.DENIED
    assert told in found.reason
    assert "PRIVATE" not in repr(found)


@pytest.mark.parametrize(
    ("reply", "told"),
    [(failed(404, "Not Found"), "app.installation"), (failed(422, "no"), "accept its pending permissions")],
)
async def test_a_token_that_is_not_made_says_why(
    host: AppHost, connector: GitHubConnector, reply: Reply, told: str
) -> None:
    host.refuse = reply
    found = await fetch(connector, "list_commits")
    assert (found.status, told in found.reason) == (EvidenceStatus.DENIED, True)


async def test_making_a_token_fails_as_everything_does(host: AppHost, connector: GitHubConnector) -> None:
    host.refuse = failed(500, "Server Error")
    with pytest.raises(Unavailable):
        await fetch(connector, "list_commits")
    host.refuse = failed(403, "secondary rate limit", retry_after="3")
    with pytest.raises(RateLimited):
        await fetch(connector, "list_commits")
    host.refuse = Reply({"token": 5, "expires_at": "2026-01-01T00:00:00Z"}, status=201)
    assert "token.token is a whole number, not text" in (await fetch(connector, "list_commits")).reason
    host.suspended = "2026-01-01T00:00:00Z"
    assert "suspended" in (await fetch(connector, "list_commits")).reason


@pytest.mark.parametrize(
    "body",
    [
        b'{"permissions":{"contents":"write"}}',
        b'{"permissions":{"contents":"read","issues":"admin"}}',
        b'{"permissions":{}}',
        b'{"permissions":{"contents":["read"]}}',
        b'{"permissions":{"contents":"read"},"repositories":["x"]}',
        b'{"permissions":{"contents":"write"},"permissions":{"contents":"read"}}',
        b'{"permissions": {"contents": "read"}}',
        b"{}",
        b"[]",
        b"",
        b"\xff",
    ],
)
async def test_no_token_that_could_write_is_asked_for(host: AppHost, connector: GitHubConnector, body: bytes) -> None:
    assert not asks_only_to_read(body)
    with pytest.raises(WriteRefused):
        await connector._http._client.post(f"{host.end.url}{MINT}", content=body)
    assert host.end.connections == 0


async def test_no_other_post_of_an_app(host: AppHost, connector: GitHubConnector) -> None:
    good = b'{"permissions":{"contents":"read"}}'
    assert asks_only_to_read(good)
    for path in ("/app/installations/8/access_tokens", "/app/installations/7", "/repos/acme/api/issues"):
        with pytest.raises(WriteRefused):
            await connector._http._client.post(f"{host.end.url}{path}", content=good)
    with_token = connect(host.end)
    with pytest.raises(WriteRefused):
        await with_token._http._client.post(f"{host.end.url}{MINT}", content=good)
    await with_token.aclose()
    assert host.end.connections == 0


LIMITS: JsonValue = {
    "resources": {
        "core": {"limit": 5000, "remaining": 4000, "reset": 1_900_000_000, "used": 1000},
        "search": {"limit": 30, "remaining": 1, "reset": 1_900_000_000, "used": 29},
    }
}


def github(scopes: str | None = None, **answers: Reply) -> Callable[[Seen], Reply]:
    """GitHub with one visible repository; `answers` by the last part of the path."""
    headers = {} if scopes is None else {"x-oauth-scopes": scopes}
    known = {
        "rate_limit": Reply(LIMITS, headers=headers),
        "api": Reply({"full_name": API, "permissions": {"pull": True, "push": False}}),
        "runs": Reply({"total_count": 0, "workflow_runs": []}),
        **answers,
    }
    return lambda seen: known.get(seen.path.rsplit("/", 1)[1], Reply([]))


async def examined(end: FarEnd, *repositories: str) -> list[Finding]:
    connector = connect(end, *repositories)
    found = await connector.examine()
    await connector.aclose()
    assert TOKEN not in repr(found)
    return found


def the(findings: list[Finding], check: str, status: FindingStatus) -> Finding:
    fitting = [finding for finding in findings if (finding.check, finding.status) == (check, status)]
    assert fitting, findings
    return fitting[0]


async def test_a_good_token_has_nothing_to_be_said_against(end: FarEnd) -> None:
    end.handler = github()
    found = await examined(end)
    the(found, "rights", FindingStatus.UNKNOWN)
    assert the(found, "repositories", FindingStatus.OK).detail == f"{API} is visible"
    the(found, "shape", FindingStatus.OK)
    assert the(found, "rate limit", FindingStatus.OK).detail.startswith("4000 of 5000 requests")
    assert the(found, "rate limit", FindingStatus.WARNING).detail.startswith("1 of 30 searches")
    assert not [finding for finding in found if finding.status is FindingStatus.FAILURE]


@pytest.mark.parametrize(
    ("scopes", "named"), [("repo, read:org", "(repo)"), ("workflow", "workflow"), ("gist", "gist")]
)
async def test_a_classic_token_that_may_write_is_warned_of(end: FarEnd, scopes: str, named: str) -> None:
    end.handler = github(scopes)
    warning = the(await examined(end), "rights", FindingStatus.WARNING)
    assert named in warning.detail
    assert "Read on Metadata, Contents, Deployments" in warning.remedy


async def test_a_classic_token_that_only_reads_is_none(end: FarEnd) -> None:
    end.handler = github("read:org, user:email")
    the(await examined(end), "rights", FindingStatus.OK)


async def test_a_role_that_may_write_is_warned_of(end: FarEnd) -> None:
    end.handler = github(api=Reply({"full_name": API, "permissions": {"pull": True, "push": True, "admin": True}}))
    assert "admin, push" in the(await examined(end), "rights", FindingStatus.WARNING).detail


async def test_what_cannot_be_seen_or_read_is_named(end: FarEnd) -> None:
    end.handler = github(
        web=failed(404, "Not Found"), deployments=failed(403, "Resource not accessible"), issues=failed(410, "off")
    )
    found = await examined(end, API, WEB)
    hidden = the(found, "repositories", FindingStatus.FAILURE)
    assert WEB in hidden.detail
    assert "connectors.github.token" in hidden.remedy
    missing = the(found, "rights", FindingStatus.FAILURE)
    assert missing.detail == f"{API}: the key may not read Deployments"


async def test_repositories_that_changed_are_named(end: FarEnd) -> None:
    end.handler = github(
        api=Reply({"full_name": "acme/gateway", "permissions": {}}), web=Reply({"full_name": WEB, "archived": True})
    )
    found = await examined(end, API, WEB)
    details = {finding.detail for finding in found if finding.status is FindingStatus.WARNING}
    assert {f"{API} is called acme/gateway now", f"{WEB} is visible, and archived"} <= details


@pytest.mark.parametrize(
    ("reply", "check", "remedy"),
    [
        (failed(401, "Bad credentials"), "key", "connectors.github.token"),
        (failed(500, "no"), "reach", "connectors.github.url"),
        (Reply(reset=True), "reach", "connectors.github.url"),
        (failed(429, "no", retry_after="9"), "rate limit", "9 s"),
    ],
)
async def test_an_examination_fails_in_findings_alone(end: FarEnd, reply: Reply, check: str, remedy: str) -> None:
    end.always(reply)
    found = await examined(end)
    assert remedy in next(finding for finding in found if finding.check == check).remedy


async def test_limits_that_are_off_are_no_failure(end: FarEnd) -> None:
    end.handler = github(rate_limit=failed(404, "Rate limiting is not enabled."))
    the(await examined(end), "reach", FindingStatus.OK)


async def test_an_app_is_examined_by_what_it_was_granted(host: AppHost, connector: GitHubConnector) -> None:
    host.answer = github()
    the(await connector.examine(), "rights", FindingStatus.OK)
    host.granted["contents"] = "write"
    assert "contents" in the(await connector.examine(), "rights", FindingStatus.WARNING).detail
    del host.granted["issues"]
    assert "issues" in the(await connector.examine(), "rights", FindingStatus.FAILURE).detail


async def test_the_demo_can_be_examined() -> None:
    async with Sandbox(small_world(), clickhouse=False) as sandbox:
        config = {"url": sandbox.addresses["github"], "token": "env:T", "repositories": ["small/api"]}
        connector = GitHubConnector(GitHubConfig.model_validate(config), sandbox.credentials.github_token)
        found = await connector.examine()
        await connector.aclose()
        assert not sandbox.journal.writes
    assert not [finding for finding in found if finding.status is FindingStatus.FAILURE], found
    the(found, "shape", FindingStatus.OK)
