"""What a far end's answers tell beside their content, and the findings of an examination that come from it or from a failure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from connectors.base import ConnectorError, Finding, FindingStatus, RateLimited, SlowAnswer, WriteRefused
from connectors.http_failures import Declined, SchemaDrift, http_date
from models.vocabulary import EvidenceStatus

_SKEW = 5.0
"""Seconds that the clocks may differ; signatures and windows suffer beyond."""
_SCARCE = 0.1
"""The part of a rate limit below which what is left is little."""
_SLOW = 5.0
"""Seconds for one cheap read that are worth a warning."""
_LEFT = re.compile(r"(?:x-)?(?:[a-z]+-)?rate-?limit-(?:(?P<kind>[a-z-]+)-)?remaining")
_MILLISECONDS = 100_000_000_000
_EPOCH_SECONDS = 1_000_000_000


@dataclass(frozen=True)
class RateLimit:
    """One limit, as the headers of an answer tell it."""

    kind: str
    """What is counted, where the vendor has several limits, such as `requests` and `complexity`; else empty."""
    left: int
    limit: int | None = None
    reset: datetime | None = None
    """When `left` is whole again; in UTC."""

    @property
    def scarce(self) -> bool:
        """Whether less than a tenth is left; without a known limit, whether nothing is."""
        return self.left <= 0 if self.limit is None else self.left < self.limit * _SCARCE


@dataclass(frozen=True)
class Observed:
    """What was seen of a far end's last answer."""

    latency: float | None = None
    """Seconds from the request to the answer's headers; None before the first answer."""
    clock_skew: float | None = None
    """Seconds that our clock is ahead of the far end's; None where it tells no time. Good to about a second."""
    rate_limits: tuple[RateLimit, ...] = ()
    """As last told; empty where the far end tells none."""


def observe(headers: Mapping[str, str], latency: float, now: datetime | None = None) -> Observed:
    """Read an answer's headers.

    Args:
        headers: Names in lower case, or `httpx.Headers`.
        latency: Seconds that the answer took.
        now: When it came.
    """
    now = now or datetime.now(UTC)
    return Observed(latency, _skew(headers, latency, now), tuple(_rate_limits(headers, now)))


def observed_findings(observed: Observed) -> list[Finding]:
    """Return the findings `latency`, `clock` and one `rate limit` for each that was told; none before the first answer."""
    if observed.latency is None:
        return []
    slow = observed.latency > _SLOW
    latency = Finding(
        "latency",
        FindingStatus.WARNING if slow else FindingStatus.OK,
        f"the last answer took {observed.latency:.2f} s",
        "look at the way there (proxy, name server, region) and at the far end's load" if slow else "",
    )
    return [latency, _clock_finding(observed.clock_skew), *map(_limit_finding, observed.rate_limits)]


def finding_for(error: ConnectorError | Declined, *, url: str, key: str = "", needs: str = "") -> Finding:
    """Return what a failure means for an examination.

    Args:
        error: What a cheap read raised.
        url: The key of whydesk.yaml that says where the far end is: `connectors.linear.url`.
        key: The one that refers to its secret: `connectors.linear.api_key`; empty where there is none.
        needs: What the secret must allow: `Read on Customers`.
    """
    if isinstance(error, RateLimited):
        wait = f"{error.retry_after:.0f} s" if error.retry_after is not None else "a few minutes"
        return Finding(
            "rate limit",
            FindingStatus.WARNING,
            str(error),
            f"examine again after {wait}; if it stays so, find out what else uses up the limit",
        )
    if isinstance(error, SchemaDrift):
        return Finding(
            "shape",
            FindingStatus.FAILURE,
            str(error),
            f"check that `{url}` is the right far end; its API may have changed",
        )
    if isinstance(error, Declined) and error.status is EvidenceStatus.DENIED:
        remedy = f"check `{key}`" if key else f"make what `{url}` points to readable"
        return Finding("key", FindingStatus.FAILURE, error.reason, remedy + (f"; it needs {needs}" if needs else ""))
    return Finding("reach", FindingStatus.FAILURE, str(error), _reach_remedy(error, url))


def _reach_remedy(error: ConnectorError | Declined, url: str) -> str:
    if isinstance(error, WriteRefused):
        return "this is a mistake in Whydesk: report it with this line"
    if isinstance(error, SlowAnswer):
        return f"check `{url}`, and that a firewall or proxy lets this machine get there; then the far end's load"
    if isinstance(error, Declined):
        return f"check `{url}`"
    return f"check `{url}`, and that this machine resolves and reaches that host"


def _clock_finding(skew: float | None) -> Finding:
    if skew is None:
        return Finding("clock", FindingStatus.UNKNOWN, "the far end tells no time")
    if abs(skew) <= _SKEW:
        return Finding("clock", FindingStatus.OK, "our clock agrees with the far end's")
    side = "ahead of" if skew > 0 else "behind"
    return Finding(
        "clock",
        FindingStatus.WARNING,
        f"our clock is {abs(skew):.0f} s {side} the far end's",
        "set this machine's clock by NTP; signatures and time windows rest on it",
    )


def _limit_finding(limit: RateLimit) -> Finding:
    of = f" of {limit.limit}" if limit.limit is not None else ""
    kind = f" ({limit.kind})" if limit.kind else ""
    until = f" until {limit.reset:%Y-%m-%d %H:%M:%SZ}" if limit.reset else ""
    return Finding(
        "rate limit",
        FindingStatus.WARNING if limit.scarce else FindingStatus.OK,
        f"{limit.left}{of} left{kind}{until}",
        "find out what else uses this key, or give Whydesk a key of its own" if limit.scarce else "",
    )


def _skew(headers: Mapping[str, str], latency: float, now: datetime) -> float | None:
    said = http_date(headers.get("date", ""))
    if said is None:
        return None
    # A cache hands on the date of the answer that it holds, and says how old that is.
    age = _whole(headers.get("age", "")) or 0
    earliest = said + timedelta(seconds=age)
    latest = earliest + timedelta(seconds=1 + latency)
    # The header has whole seconds and was written at some moment while we waited: within that span nothing is known to differ.
    if earliest <= now <= latest:
        return 0.0
    return (now - (latest if now > latest else earliest)).total_seconds()


def _rate_limits(headers: Mapping[str, str], now: datetime) -> list[RateLimit]:
    found: dict[str, RateLimit] = {}
    for name in headers:
        matched = _LEFT.fullmatch(name.lower())
        left = _whole(headers[name]) if matched else None
        if matched is None or left is None:
            continue
        stem = name.lower().removesuffix("-remaining")
        limit = _whole(headers.get(f"{stem}-limit", "") or headers.get(stem, ""))
        kind = matched["kind"] or ""
        found.setdefault(kind, RateLimit(kind, left, limit, _reset(headers.get(f"{stem}-reset", ""), now)))
    return list(found.values())


def _reset(value: str, now: datetime) -> datetime | None:
    """Read a reset as its vendors write it: seconds from now, or since 1970, or milliseconds since 1970."""
    number = _whole(value)
    if number is None:
        return None
    if number >= _MILLISECONDS:
        return datetime.fromtimestamp(number / 1000, UTC)
    return datetime.fromtimestamp(number, UTC) if number >= _EPOCH_SECONDS else now + timedelta(seconds=number)


def _whole(value: str) -> int | None:
    # A structured field appends its window: "100, 100;w=60".
    matched = re.match(r"\s*(\d{1,13})(?:\.\d*)?\s*(?:[,;]|$)", value)
    return int(matched[1]) if matched else None
