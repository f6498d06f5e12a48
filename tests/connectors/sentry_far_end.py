"""Sentry's far end for tests: issues and releases as its API writes them, and a connector that asks it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from pydantic import JsonValue

from connectors.sentry import SentryConfig, SentryConnector
from models.customer import Window
from tests.connectors.far_end import FarEnd, Reply, Seen, far_end

NOW = datetime.now(UTC).replace(microsecond=0)
WINDOW = Window(start=NOW - timedelta(hours=6), end=NOW)
"""Sentry forgets after 90 days, so the tests live now."""
TOKEN = "sntrys_SecretSecretSecret"
BASE = "/api/0/organizations/acme"
EXAMPLE_SCOPES: list[JsonValue] = ["event:read", "org:read", "project:read"]


def at(hours: float) -> str:
    return (NOW - timedelta(hours=hours)).isoformat().replace("+00:00", "Z")


def an_issue(number: int = 1, project: str = "api", **changes: JsonValue) -> dict[str, JsonValue]:
    """One item as the organization's list of issues has it: counts of the window, of what matches, and of all time."""
    return {
        "id": str(100 + number),
        "shortId": f"API-{number}",
        "title": "TimeoutError: upstream took too long",
        "culprit": "search.views in query",
        "permalink": "javascript:alert(1)",
        "level": "error",
        "status": "unresolved",
        "project": {"id": "2", "slug": project, "name": "API"},
        "count": "150",
        "userCount": 12,
        "firstSeen": at(5),
        "lastSeen": at(1),
        "filtered": {"count": "3", "userCount": 1, "firstSeen": at(5), "lastSeen": at(1)},
        "lifetime": {"count": "9000", "userCount": 40, "firstSeen": at(500), "lastSeen": at(0.5)},
        **changes,
    }


def a_release(version: str = "api@1.4.2", **changes: JsonValue) -> dict[str, JsonValue]:
    return {
        "version": version,
        "shortVersion": version,
        "dateCreated": at(3),
        "dateReleased": None,
        "newGroups": 2,
        "commitCount": 5,
        "lastDeploy": {"id": "1", "environment": "production", "dateFinished": at(2.5), "dateStarted": None},
        "projects": [{"slug": "api", "name": "API"}],
        "url": None,
        **changes,
    }


def linked(body: JsonValue, following: str = "", **headers: str) -> Reply:
    """Answer a list as Sentry does: the next page is always named, and told to have results or none."""
    link = (
        '<https://evil.example/api/0/?cursor=0:0:1>; rel="previous"; results="false"; cursor="0:0:1", '
        f'<https://evil.example/api/0/?a=1,2&cursor=x>; rel="next"; results="{"true" if following else "false"}"; '
        f'cursor="{following or "0:100:0"}"'
    )
    return Reply(body, headers={"link": link, **headers})


def sentry(seen: Seen) -> Reply:
    """Answer as a small organization."""
    match seen.path.removeprefix(BASE):
        case "/api/0/":
            return Reply({"version": "0", "auth": {"scopes": EXAMPLE_SCOPES}, "user": None})
        case "/issues/":
            return linked([an_issue(1), an_issue(2)], **{"x-hits": "2", "x-max-hits": "1000"})
        case "/releases/":
            return linked([a_release()])
    return Reply({"detail": "The requested resource does not exist"}, status=404)


@asynccontextmanager
async def connected(**config: JsonValue) -> AsyncIterator[tuple[SentryConnector, FarEnd]]:
    async with far_end() as end:
        end.handler = sentry
        given = {"url": end.url, "organization": "acme", "token": "env:SENTRY", "customer_tag": "customer_id", **config}
        connector = SentryConnector(SentryConfig.model_validate(given), TOKEN)
        try:
            yield connector, end
        finally:
            await connector.aclose()
