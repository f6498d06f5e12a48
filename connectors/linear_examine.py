"""What an examination of Linear looks at: reach, key, rights, the team, the shape of its issues, and what is left."""

from collections.abc import Iterable
from datetime import UTC, datetime

from connectors.base import ConnectorError, Finding, FindingStatus
from connectors.http import Declined, finding_for, observed_findings
from connectors.linear_client import LinearClient
from connectors.linear_rows import ISSUE_PAGE, RATE_LIMITS, TEAMS, WHO, Limit
from connectors.shapes import read_shape

_READ_ONLY = (
    "make the key in Linear under Settings, Security & access, API keys, with the permission Read alone and access to the "
    "teams in question"
)


async def examine(client: LinearClient, team: str) -> list[Finding]:
    """Return what was found; what cannot be read is a finding too."""
    try:
        who = read_shape(WHO, dict(await client.query("Who", {}, [])), "answer")
        found = [
            Finding("reach", FindingStatus.OK, "Linear answers"),
            Finding("key", FindingStatus.OK, f"Linear takes the key, for the workspace {who.organization.url_key!r}"),
            _rights(who.viewer.admin),
            *await _team(client, team),
            await _shape(client),
        ]
        limits = await _limits(client)
    except (ConnectorError, Declined) as error:
        failed = finding_for(
            error, url="connectors.linear.url", key="connectors.linear.api_key", needs="the permission Read"
        )
        return [failed, *observed_findings(client.observed)]
    return [*found, *limits, *_seen(client, limits_told=bool(limits))]


def _rights(admin: bool) -> Finding:
    if admin:
        detail = "the key is an administrator's; unless it was limited to Read, it may change everything"
        return Finding("rights", FindingStatus.WARNING, detail, f"{_READ_ONLY}, by a member who is no administrator")
    detail = "Linear does not tell what a key may do; unless it was limited to Read, it may do all that its owner may"
    return Finding("rights", FindingStatus.UNKNOWN, detail, _READ_ONLY)


async def _team(client: LinearClient, team: str) -> list[Finding]:
    if not team:
        return []
    data = await client.query("Teams", {"filter": {"key": {"eq": team}}}, [])
    if read_shape(TEAMS, dict(data), "answer").teams.nodes:
        return [Finding("team", FindingStatus.OK, f"the team {team!r} is visible")]
    remedy = "write the team's key, such as ENG, into `connectors.linear.team`, and give the key access to that team"
    return [Finding("team", FindingStatus.FAILURE, f"the key sees no team {team!r}", remedy)]


async def _shape(client: LinearClient) -> Finding:
    data = await client.query("Issues", {"first": 1, "after": None, "filter": {}}, [])
    page = read_shape(ISSUE_PAGE, data.get("issues"), "issues")
    if not page.nodes:
        return Finding(
            "shape", FindingStatus.UNKNOWN, "the key sees no issue yet", "give it access to the teams' issues"
        )
    return Finding("shape", FindingStatus.OK, "issues have the fields that are looked at")


async def _limits(client: LinearClient) -> list[Finding]:
    limits = read_shape(RATE_LIMITS, dict(await client.query("Limits", {}, [])), "answer").rate_limit_status.limits
    return [_limit(one) for one in limits]


def _limit(limit: Limit) -> Finding:
    scarce = limit.remaining_amount * 10 < limit.allowed_amount
    again = datetime.fromtimestamp(limit.reset / 1000, UTC)
    return Finding(
        "rate limit",
        FindingStatus.WARNING if scarce else FindingStatus.OK,
        f"{limit.remaining_amount:g} of {limit.allowed_amount:g} {limit.type} left until {again:%H:%M:%S} UTC",
        "give this product an API key of its own" if scarce else "",
    )


def _seen(client: LinearClient, *, limits_told: bool) -> Iterable[Finding]:
    """Return what the answers' headers tell; of the limits only where Linear did not tell them more fully."""
    return [one for one in observed_findings(client.observed) if not (limits_told and one.check == "rate limit")]
