"""What an examination of GitHub looks at: reach, key, rights, every repository, and what is left of the limits."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime

from connectors.base import ConnectorError, Finding, FindingStatus
from connectors.github_auth import PERMISSIONS, AppIdentity, Identity
from connectors.github_search import Rest
from connectors.github_shapes import RATE_LIMITS, REPOSITORY, Limit, Repository, check_body
from connectors.http import Declined, ReadOnlyHttp, Reply, finding_for, observed_findings
from connectors.parameters import ask_together
from connectors.shapes import read_shape
from models.tenant import GitHubConfig
from models.vocabulary import EvidenceStatus

_PROBES = {
    "deployments": "Deployments",
    "commits": "Contents",
    "pulls": "Pull requests",
    "issues": "Issues",
    "actions/runs": "Actions",
}
"""A list of a repository to the permission, in the words of GitHub's settings, whose Read it takes."""
_PROBED = 5
"""Repositories of which every list is tried; of all others only whether they are visible."""
_READING_SCOPES = re.compile(r"read:[a-z_]+|user:email")
_NEEDS = "Read on Metadata, Contents, Deployments, Pull requests, Issues and Actions"
_MAKE_FINE = f"make a fine-grained token with {_NEEDS} of the configured repositories alone, or use a GitHub App"


class Examination:
    """One look at GitHub."""

    def __init__(self, config: GitHubConfig, identity: Identity, http: ReadOnlyHttp) -> None:
        """Ask nothing yet."""
        self._config = config
        self._identity = identity
        self._http = http
        self._key = "connectors.github.app" if config.app else "connectors.github.token"

    async def findings(self) -> list[Finding]:
        """Return what was found; what cannot be read is a finding too."""
        try:
            rest = Rest(self._http, await self._identity.token(self._http), [])
            limits = await _limits(rest)
            found = [*_reached(limits), *await self._rights(limits), *await self._repositories(rest)]
        except (ConnectorError, Declined) as error:
            return [self._failed(error), *_seen(self._http)]
        told = [] if limits is None else _limit_findings(limits)
        return [*found, *told, *_seen(self._http, limits_told=bool(told))]

    def _failed(self, error: ConnectorError | Declined) -> Finding:
        return finding_for(error, url="connectors.github.url", key=self._key, needs=_NEEDS)

    async def _rights(self, limits: Reply | None) -> list[Finding]:
        """Look whether the key may do more than read, as far as GitHub tells of the key itself."""
        if isinstance(self._identity, AppIdentity):
            granted = (await self._identity.installation(self._http)).permissions
            return [_app_rights(granted)]
        scopes = limits.headers.get("x-oauth-scopes") if limits is not None else None
        if scopes is not None:
            return [_classic_rights(scopes)]
        detail = "GitHub does not tell what a fine-grained token may write; the repositories below tell of its owner"
        return [Finding("rights", FindingStatus.UNKNOWN, detail, f"look on GitHub that it has {_NEEDS} and no Write")]

    async def _repositories(self, rest: Rest) -> list[Finding]:
        names = self._config.all_repositories
        found = await ask_together(self._repository(rest, name, number < _PROBED) for number, name in enumerate(names))
        return [finding for some in found for finding in some]

    async def _repository(self, rest: Rest, name: str, probe: bool) -> list[Finding]:
        try:
            read = read_shape(REPOSITORY, (await rest.get(f"/repos/{name}")).json(), "repository")
        except Declined as no:
            return [_hidden(name, no, self._key)]
        visible = f"{name} is visible"
        if read.archived:
            found = [Finding("repositories", FindingStatus.WARNING, f"{visible}, and archived", _remove(name))]
        elif read.full_name.casefold() != name.casefold():
            detail = f"{name} is called {read.full_name} now"
            remedy = "write its new name into `connectors.github.repositories`"
            found = [Finding("repositories", FindingStatus.WARNING, detail, remedy)]
        else:
            found = [Finding("repositories", FindingStatus.OK, visible)]
        found += self._writable(name, read)
        return [*found, *(await self._probe(rest, name) if probe else [])]

    def _writable(self, name: str, read: Repository) -> list[Finding]:
        rights = read.permissions or {}
        writing = [right for right in ("admin", "maintain", "push", "triage") if rights.get(right)]
        if not writing or isinstance(self._identity, AppIdentity):
            return []
        detail = f"the token's role at {name} includes {', '.join(writing)}; this product only reads"
        return [Finding("rights", FindingStatus.WARNING, detail, f"{_MAKE_FINE}, by an account that may only read")]

    async def _probe(self, rest: Rest, name: str) -> list[Finding]:
        results = await ask_together(_tried(rest, name, part) for part in _PROBES)
        missing = [_PROBES[part] for part, no in zip(_PROBES, results, strict=True) if no and _is_denied(no)]
        broken = [no for no in results if no and not _is_denied(no)]
        found = [self._failed(no) for no in broken[:1]]
        if missing:
            detail = f"{name}: the key may not read {', '.join(missing)}"
            remedy = f"give `{self._key}` Read on {', '.join(missing)} of {name}"
            found.append(Finding("rights", FindingStatus.FAILURE, detail, remedy))
        elif not broken:
            found.append(Finding("shape", FindingStatus.OK, f"{name}: all {len(_PROBES)} lists can be read and fit"))
        return found


async def _limits(rest: Rest) -> Reply | None:
    """Ask what is left, which costs nothing; None where an installation of GitHub's software has its limits off."""
    try:
        return await rest.get("/rate_limit")
    except Declined as no:
        if no.http_status == 404:
            return None
        raise


async def _tried(rest: Rest, name: str, part: str) -> Declined | None:
    try:
        path = f"/repos/{name}/{part}"
        body = (await rest.get(path, {"per_page": 1})).json()
        if part != "actions/runs":
            check_body(path, body)
    except Declined as no:
        # A repository without a commit answers 409 for its commits; with issues turned off, 410 for its issues.
        return None if no.http_status in (409, 410) else no
    return None


def _is_denied(no: Declined) -> bool:
    return no.status is EvidenceStatus.DENIED


def _reached(limits: Reply | None) -> list[Finding]:
    if limits is None:
        return [Finding("reach", FindingStatus.OK, "GitHub answers, and tells no rate limits")]
    return [
        Finding("reach", FindingStatus.OK, "GitHub answers"),
        Finding("key", FindingStatus.OK, "GitHub takes the key"),
    ]


def _app_rights(granted: dict[str, str]) -> Finding:
    writing = sorted(name for name, right in granted.items() if right != "read")
    missing = [name for name in PERMISSIONS if name not in granted]
    if missing:
        remedy = f"give the App Read on {', '.join(missing)} on GitHub, and accept it where it is installed"
        return Finding("rights", FindingStatus.FAILURE, f"the App was not granted {', '.join(missing)}", remedy)
    if writing:
        detail = (
            f"the App may write {', '.join(writing)}; the tokens made from it can only read, its private key can more"
        )
        return Finding("rights", FindingStatus.WARNING, detail, f"reduce the App's permissions to {_NEEDS}")
    return Finding("rights", FindingStatus.OK, "the App was granted Read alone")


def _classic_rights(header: str) -> Finding:
    scopes = [scope.strip() for scope in header.split(",") if scope.strip()]
    writing = [scope for scope in scopes if not _READING_SCOPES.fullmatch(scope)]
    if not writing:
        return Finding("rights", FindingStatus.OK, "a classic token without a scope that writes")
    # The scope is named as GitHub does, never the token.
    return Finding(
        "rights", FindingStatus.WARNING, f"a classic token that may write ({', '.join(writing)})", _MAKE_FINE
    )


def _hidden(name: str, no: Declined, key: str) -> Finding:
    if 300 <= no.http_status < 400:
        remedy = "write its new name into `connectors.github.repositories`"
        return Finding("repositories", FindingStatus.FAILURE, f"{name} was renamed or moved", remedy)
    remedy = f"check its name, and that `{key}` is given access to it"
    return Finding("repositories", FindingStatus.FAILURE, f"{name}: {no.reason}", remedy)


def _remove(name: str) -> str:
    return f"take {name} out of `connectors.github.repositories` if nothing of it runs any more"


def _limit_findings(reply: Reply) -> list[Finding]:
    limits = read_shape(RATE_LIMITS, reply.json(), "rate limits").resources
    return [_limit_finding("requests", limits.core), _limit_finding("searches", limits.search)]


def _limit_finding(what: str, limit: Limit) -> Finding:
    scarce = limit.remaining * 10 < limit.limit
    again = datetime.fromtimestamp(limit.reset, UTC)
    return Finding(
        "rate limit",
        FindingStatus.WARNING if scarce else FindingStatus.OK,
        f"{limit.remaining} of {limit.limit} {what} left until {again:%H:%M:%S} UTC",
        "give this product a token or App of its own" if scarce else "",
    )


def _seen(http: ReadOnlyHttp, *, limits_told: bool = False) -> Iterable[Finding]:
    """Return what the answers' headers tell; of the limits only where GitHub did not tell them more fully."""
    return [one for one in observed_findings(http.observed) if not (limits_told and one.check == "rate limit")]
