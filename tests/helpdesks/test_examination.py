"""`examine()` of both helpdesks over real sockets: what is well, and what each trouble is told as."""

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from pydantic import HttpUrl, JsonValue

from helpdesks.base import ExaminableHelpdesk
from helpdesks.standard import StandardHelpdesk
from helpdesks.zendesk import ZendeskHelpdesk
from models.finding import Finding, FindingStatus
from models.tenant import StandardConfig, ZendeskConfig
from tests.helpdesks.far_end import RESET, SILENCE, Asked, FarEnd, Said, say
from tests.helpdesks.signers import STANDARD_SECRET

OK, WARNING, FAILURE, UNKNOWN = FindingStatus.OK, FindingStatus.WARNING, FindingStatus.FAILURE, FindingStatus.UNKNOWN
AGENT: dict[str, JsonValue] = {"id": 777, "role": "agent", "suspended": False, "ticket_restriction": None}


def zendesk(url: str, timeout: float = 10.0) -> ZendeskHelpdesk:
    config = ZendeskConfig(
        kind="zendesk",
        base_url=HttpUrl(url),
        email="bot@vendor.example",
        token="env:T",
        webhook_secrets=["env:S"],
        actor_id="777",
    )
    return ZendeskHelpdesk(config, "s3cret-token", tenant="acme", helpdesk="zendesk", timeout=timeout)


def standard(url: str, token: str | None = "s3cret-token") -> StandardHelpdesk:
    config = StandardConfig(
        kind="standard",
        note_url=HttpUrl(f"{url}/notes"),
        ticket_url=HttpUrl(f"{url}/tickets/{{ticket}}"),
        webhook_secrets=["env:S"],
    )
    return StandardHelpdesk(config, STANDARD_SECRET, token, tenant="acme", helpdesk="desk")


def at(moment: datetime) -> str:
    return format_datetime(moment, usegmt=True)


async def examined(helpdesk: ExaminableHelpdesk) -> dict[str, Finding]:
    try:
        found = await helpdesk.examine()
    finally:
        await helpdesk.aclose()
    assert len({one.check for one in found}) == len(found)
    assert "s3cret" not in str(found)
    for one in found:
        assert one.remedy or one.status in (OK, UNKNOWN), one
    return {one.check: one for one in found}


async def zendesk_says(said: Said) -> tuple[dict[str, Finding], list[Asked]]:
    async with FarEnd(lambda _: said) as far_end:
        return await examined(zendesk(far_end.url)), far_end.asked


async def test_an_agent_that_sees_all_tickets_is_well() -> None:
    headers = {"date": at(datetime.now(UTC)), "x-rate-limit": "700", "x-rate-limit-limit": "700"}
    said = Said(200, json.dumps({"user": AGENT}).encode(), {**headers, "x-rate-limit-remaining": "699"})
    found, asked = await zendesk_says(said)
    assert {name: one.status for name, one in found.items()} == dict.fromkeys(
        ("reach", "key", "rights", "actor", "latency", "clock", "rate limit"), OK
    )
    assert found["rate limit"].detail == "699 of 700 left"
    assert [(one.method, one.path) for one in asked] == [("GET", "/api/v2/users/me.json")]


@pytest.mark.parametrize(
    ("changes", "check", "status", "words"),
    [
        ({"role": "admin"}, "rights", WARNING, "admin"),
        ({"role": "end-user"}, "rights", FAILURE, "no private comment"),
        ({"role": None}, "rights", FAILURE, "no private comment"),
        ({"ticket_restriction": "groups"}, "rights", WARNING, "part of the tickets"),
        ({"id": 778}, "actor", FAILURE, "778"),
        ({"id": None, "role": "end-user"}, "key", FAILURE, "anonymous"),
        ({"suspended": True}, "key", FAILURE, "suspended"),
    ],
)
async def test_the_user_of_the_key_is_judged(
    changes: dict[str, JsonValue], check: str, status: FindingStatus, words: str
) -> None:
    found, _ = await zendesk_says(say({"user": AGENT | changes}))
    assert found[check].status is status
    assert words in found[check].detail
    if check == "actor":
        assert found[check].remedy == 'set `actor_id: "778"`'


@pytest.mark.parametrize(
    ("said", "check", "status"),
    [
        (say({"error": "Couldn't authenticate you"}, 401), "key", FAILURE),
        (say({}, 403), "key", FAILURE),
        (say({}, 429, retry_after="10"), "rate limit", WARNING),
        (say({}, 503), "reach", FAILURE),
        (say({}, 301, location="https://elsewhere.example"), "reach", FAILURE),
        (Said(200, b"<html>Log in</html>"), "reach", FAILURE),
        (say({"user": None}), "reach", FAILURE),
        (say({}, 404), "reach", FAILURE),
        (RESET, "reach", FAILURE),
    ],
)
async def test_what_is_no_user_is_one_line_with_its_remedy(said: Said, check: str, status: FindingStatus) -> None:
    found, _ = await zendesk_says(said)
    assert found[check].status is status
    assert {name for name, one in found.items() if one.status is FAILURE} <= {check}


async def test_silence_ends_with_the_time_limit() -> None:
    async with FarEnd(lambda _: SILENCE) as far_end:
        found = await examined(zendesk(far_end.url, timeout=0.2))
    assert list(found) == ["reach"]
    assert "0.2 s" in found["reach"].detail


@pytest.mark.parametrize(
    ("ahead", "status"),
    [(timedelta(minutes=2), WARNING), (-timedelta(minutes=2), WARNING), (timedelta(hours=1), FAILURE)],
)
async def test_a_clock_that_is_off_is_told_with_its_side(ahead: timedelta, status: FindingStatus) -> None:
    found, _ = await zendesk_says(say({"user": AGENT}, date=at(datetime.now(UTC) - ahead)))
    assert found["clock"].status is status
    assert ("ahead of" if ahead > timedelta() else "behind") in found["clock"].detail


async def test_little_left_of_a_rate_limit_is_a_warning() -> None:
    found, _ = await zendesk_says(say({"user": AGENT}, ratelimit_limit="700", ratelimit_remaining="12"))
    assert found["rate limit"].status is WARNING


@pytest.mark.parametrize(
    ("said", "check", "status"),
    [
        (say({}, 404), "key", OK),
        (say({}, 401), "key", FAILURE),
        (say({"tickets": []}), "key", UNKNOWN),
        (say({}, 500), "reach", FAILURE),
        (RESET, "reach", FAILURE),
    ],
)
async def test_a_standard_helpdesk_is_asked_for_a_ticket_that_nobody_has(
    said: Said, check: str, status: FindingStatus
) -> None:
    async with FarEnd(lambda _: said) as far_end:
        found = await examined(standard(far_end.url))
    assert found[check].status is status
    assert [(one.method, one.path) for one in far_end.asked] == [("GET", "/tickets/whydesk-doctor")]


async def test_reading_without_a_token_says_so() -> None:
    async with FarEnd(lambda _: say({}, 404)) as far_end:
        found = await examined(standard(far_end.url, token=None))
    assert found["key"].detail.startswith("reading takes no key")
