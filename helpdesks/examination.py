"""What an examination of any helpdesk looks at: whether and how fast it answers, its key, its clock and its rate limit."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx

from helpdesks.base import HelpdeskUnavailable
from helpdesks.http import Looked
from helpdesks.signing import WINDOW
from models.finding import Finding, FindingStatus

_SLOW = 5.0
"""Seconds for one cheap read that are worth a warning."""
_SKEW = timedelta(seconds=5)
"""How far the clocks may lie apart; signed webhooks are refused beyond `signing.WINDOW`."""
_SCARCE = 0.1
"""The part of a rate limit below which what is left is little."""


def unreachable(error: HelpdeskUnavailable, key: str) -> Finding:
    """Say that no answer came. `key` is the key of whydesk.yaml that holds the address."""
    return Finding("reach", FindingStatus.FAILURE, str(error), f"check `{key}` and that this machine gets there")


def refusal(looked: Looked, name: str, url_key: str, key: str) -> Finding | None:
    """Return what a status that is neither 2xx nor 404 means; None for those.

    Args:
        looked: The answer.
        name: The helpdesk's, for people.
        url_key: The key of whydesk.yaml that holds the address.
        key: Those that make up the login, in backticks, for people.
    """
    status = looked.reply.status
    said = f"{name} answered {status}"
    if 200 <= status < 300 or status == 404:
        return None
    if status in (401, 403):
        return Finding("key", FindingStatus.FAILURE, f"{said}: it does not take the key", f"check {key}")
    if status == 429:
        return Finding("rate limit", FindingStatus.WARNING, f"{said}: too many requests", "examine again later")
    if 300 <= status < 400:
        return Finding("reach", FindingStatus.FAILURE, f"{said}, a redirect", f"set `{url_key}` to where it points")
    return Finding("reach", FindingStatus.FAILURE, said, f"check `{url_key}` and the helpdesk's own status page")


def observed(looked: Looked) -> list[Finding]:
    """Return `latency`, `clock`, and `rate limit` where the answer tells one."""
    slow = looked.took > _SLOW
    latency = Finding(
        "latency",
        FindingStatus.WARNING if slow else FindingStatus.OK,
        f"{looked.took:.2f} s",
        "look at the way there: proxy, name server, region" if slow else "",
    )
    return [latency, _clock(looked), *_rate_limit(looked.reply.headers)]


def _clock(looked: Looked) -> Finding:
    try:
        said = parsedate_to_datetime(looked.reply.headers.get("date", ""))
    except ValueError:
        return Finding("clock", FindingStatus.UNKNOWN, "the helpdesk tells no time")
    theirs = said if said.tzinfo else said.replace(tzinfo=UTC)
    skew = _beyond(looked.at, theirs, timedelta(seconds=1 + looked.took))
    if abs(skew) <= _SKEW:
        return Finding("clock", FindingStatus.OK, "our clock agrees with the helpdesk's")
    side = "ahead of" if skew > timedelta() else "behind"
    refused = abs(skew) > WINDOW
    return Finding(
        "clock",
        FindingStatus.FAILURE if refused else FindingStatus.WARNING,
        f"our clock is {abs(skew).total_seconds():.0f} s {side} the helpdesk's"
        + ("; its signed webhooks are refused as too old or too new" if refused else ""),
        "set this machine's clock by NTP",
    )


def _beyond(ours: datetime, theirs: datetime, slack: timedelta) -> timedelta:
    """Return how far our time lies outside of what whole seconds and the time of the answer explain."""
    if theirs <= ours <= theirs + slack:
        return timedelta()
    return ours - theirs - slack if ours > theirs else ours - theirs


def _rate_limit(headers: httpx.Headers) -> list[Finding]:
    left, limit = (_number(headers, name) for name in ("remaining", "limit"))
    if left is None:
        return []
    scarce = left <= 0 if limit is None else left < limit * _SCARCE
    return [
        Finding(
            "rate limit",
            FindingStatus.WARNING if scarce else FindingStatus.OK,
            f"{left} of {limit} left" if limit is not None else f"{left} left",
            "find out what else uses the helpdesk's API" if scarce else "",
        )
    ]


def _number(headers: httpx.Headers, name: str) -> int | None:
    texts = (headers.get(f"{prefix}{name}", "") for prefix in ("ratelimit-", "x-rate-limit-", "x-ratelimit-"))
    return next((int(text) for text in texts if text.isdecimal() and text.isascii()), None)
