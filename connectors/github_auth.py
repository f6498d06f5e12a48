"""Who asks GitHub: a token as it was given, or a GitHub App that makes itself a token of an hour which can only read.

Making that token is the one POST of this connector: to the one path of the configured installation, and only with a body
that asks for nothing beyond `read`.
"""

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Protocol

from github import Auth
from pydantic import JsonValue

from connectors.github_shapes import INSTALLATION, INSTALLATION_TOKEN, Installation
from connectors.http import Declined, PostGuard, ReadOnlyHttp
from connectors.shapes import read_shape
from models.tenant import GitHubApp
from models.vocabulary import EvidenceStatus

PERMISSIONS = ("metadata", "contents", "deployments", "pull_requests", "issues", "actions")
"""All that the connector reads by, in GitHub's names."""
_SPARE = timedelta(minutes=5)
"""Before a token's end that a new one is made, so that no question runs out of its token half way."""
_HEADERS = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}


class Identity(Protocol):
    """Gives the token to ask with."""

    @property
    def posts(self) -> Mapping[str, PostGuard]:
        """The paths that may be posted to, with the guards of their bodies."""
        ...

    async def token(self, http: ReadOnlyHttp) -> str:
        """Return a token that is good for minutes at least.

        Raises:
            ConnectorError, Declined: as connectors.http.
        """
        ...

    def refused(self) -> bool:
        """Take note that GitHub refused the token; return whether another one is worth a try."""
        ...


class GivenToken:
    """A personal access token."""

    def __init__(self, token: str) -> None:
        """Keep the token."""
        self._token = token

    @property
    def posts(self) -> Mapping[str, PostGuard]:
        """None."""
        return {}

    async def token(self, http: ReadOnlyHttp) -> str:
        """Return it."""
        return self._token

    def refused(self) -> bool:
        """There is no other."""
        return False


class AppIdentity:
    """A GitHub App's installation. The token is shared by all questions and made anew shortly before its end."""

    def __init__(self, app: GitHubApp, private_key: str) -> None:
        """Keep the key; nothing is signed yet."""
        self._app = app
        self._private_key = private_key
        self._installation = f"/app/installations/{app.installation}"
        self._token = ""
        self._made = self._ends = datetime.min.replace(tzinfo=UTC)
        self._making = asyncio.Lock()

    @property
    def posts(self) -> Mapping[str, PostGuard]:
        """The one path that makes a token."""
        return {f"{self._installation}/access_tokens": asks_only_to_read}

    async def token(self, http: ReadOnlyHttp) -> str:
        """Return the token at hand, or make one that has, of the permissions granted, only those to read."""
        async with self._making:
            if self._ends - datetime.now(UTC) < _SPARE:
                await self._make(http)
            return self._token

    def refused(self) -> bool:
        """Forget a token that worked for a while: it was revoked, and a new one may do."""
        aged = datetime.now(UTC) - self._made > timedelta(minutes=1)
        self._ends = datetime.min.replace(tzinfo=UTC)
        return aged

    async def installation(self, http: ReadOnlyHttp) -> Installation:
        """Read what the App was granted where it is installed.

        Raises:
            ConnectorError, Declined: as connectors.http; the reason names the key of the configuration to look at.
        """
        try:
            reply = await http.get(self._installation, headers=self._signed())
        except Declined as no:
            raise _explained(no) from None
        found = read_shape(INSTALLATION, reply.json(), "installation")
        if found.suspended_at is not None:
            raise Declined(EvidenceStatus.DENIED, "the GitHub App's installation is suspended; resume it on GitHub")
        return found

    async def _make(self, http: ReadOnlyHttp) -> None:
        granted = (await self.installation(http)).permissions
        permissions: dict[str, JsonValue] = {name: "read" for name in PERMISSIONS if name in granted}
        if not permissions:
            raise Declined(EvidenceStatus.DENIED, f"the GitHub App was granted none of {', '.join(PERMISSIONS)}")
        path = f"{self._installation}/access_tokens"
        try:
            reply = await http.post(path, {"permissions": permissions}, headers=self._signed())
        except Declined as no:
            raise _explained(no) from None
        made = read_shape(INSTALLATION_TOKEN, reply.json(), "token")
        self._token, self._ends, self._made = made.token, made.expires_at, datetime.now(UTC)

    def _signed(self) -> dict[str, str]:
        try:
            jwt = Auth.AppAuth(self._app.id, self._private_key).create_jwt()
        except Exception:  # noqa: BLE001 - the signing fails in as many ways as a key can be none
            raise Declined(
                EvidenceStatus.DENIED,
                "the GitHub App's private key cannot sign; app.private_key must lead to the PEM file from GitHub",
            ) from None
        return {**_HEADERS, "Authorization": f"Bearer {jwt}"}


def _explained(no: Declined) -> Declined:
    reasons = {
        401: "GitHub does not take the App's signature; check app.id, app.private_key and this machine's clock",
        404: "GitHub has no such installation of the App; check app.installation",
        422: "GitHub gives the App no token with these permissions; accept its pending permissions on GitHub",
    }
    return Declined(EvidenceStatus.DENIED, reasons.get(no.http_status, no.reason))


def asks_only_to_read(body: bytes) -> bool:
    """Whether the body asks for a token with named permissions, each of them `read`, and nothing else."""
    try:
        request = json.loads(body)
    except (ValueError, RecursionError):
        return False
    # JSON may name a key twice, and two parsers may then read two different bodies.
    if json.dumps(request, separators=(",", ":")).encode() != body:
        return False
    permissions = request.get("permissions") if isinstance(request, dict) and len(request) == 1 else None
    return isinstance(permissions, dict) and bool(permissions) and all(one == "read" for one in permissions.values())
