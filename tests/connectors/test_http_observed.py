"""What an answer tells beside its content, and what an examination makes of it and of failures."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from connectors.base import ConnectorError, Finding, FindingStatus, RateLimited, SlowAnswer, Unavailable, WriteRefused
from connectors.http import Declined, Observed, RateLimit, ReadOnlyHttp, SchemaDrift, finding_for, observed_findings
from connectors.http_observed import observe
from models.vocabulary import EvidenceStatus
from tests.connectors.web_server import reply, web_server

NOW = datetime(2026, 3, 1, 10, 0, 30, tzinfo=UTC)


def dated(seconds: float, **more: str) -> httpx.Headers:
    return httpx.Headers({"Date": format_datetime(NOW + timedelta(seconds=seconds), usegmt=True), **more})


@pytest.mark.parametrize(
    ("headers", "latency", "skew"),
    [
        (dated(0), 0.1, 0.0),
        (dated(-1), 0.1, 0.0),
        (dated(-3), 3.0, 0.0),
        (dated(-61.1), 0.1, 60.0),
        (dated(20), 0.1, -20.0),
        (dated(-300, Age="300"), 0.1, 0.0),
        (httpx.Headers({"Date": "soon"}), 0.1, None),
        (httpx.Headers(), 0.1, None),
    ],
)
def test_the_clock_is_compared_within_what_the_header_can_tell(
    headers: httpx.Headers, latency: float, skew: float | None
) -> None:
    found = observe(headers, latency, NOW).clock_skew
    assert found == pytest.approx(skew, abs=1.0) if skew else found == skew


@pytest.mark.parametrize(
    ("headers", "limits"),
    [
        (
            {"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": "4999", "X-RateLimit-Reset": "1772359830"},
            [RateLimit("", 4999, 5000, datetime(2026, 3, 1, 10, 10, 30, tzinfo=UTC))],
        ),
        (
            {"RateLimit-Limit": "100, 100;w=60", "RateLimit-Remaining": "7", "RateLimit-Reset": "30"},
            [RateLimit("", 7, 100, datetime(2026, 3, 1, 10, 1, tzinfo=UTC))],
        ),
        ({"X-Rate-Limit": "700", "X-Rate-Limit-Remaining": "12"}, [RateLimit("", 12, 700)]),
        (
            {
                "X-Sentry-Rate-Limit-Limit": "40",
                "X-Sentry-Rate-Limit-Remaining": "39",
                "X-Sentry-Rate-Limit-Reset": "1772359830",
                "X-Sentry-Rate-Limit-ConcurrentRemaining": "9",
            },
            [RateLimit("", 39, 40, datetime(2026, 3, 1, 10, 10, 30, tzinfo=UTC))],
        ),
        (
            {
                "X-RateLimit-Requests-Limit": "1500",
                "X-RateLimit-Requests-Remaining": "1400",
                "X-RateLimit-Requests-Reset": "1772359830000",
                "X-RateLimit-Complexity-Limit": "250000",
                "X-RateLimit-Complexity-Remaining": "9",
                "X-Complexity": "3",
            },
            [
                RateLimit("requests", 1400, 1500, datetime(2026, 3, 1, 10, 10, 30, tzinfo=UTC)),
                RateLimit("complexity", 9, 250_000),
            ],
        ),
        ({"X-RateLimit-Remaining": "many", "X-RateLimit-Limit": "5"}, []),
        ({"X-RateLimit-Remaining": "9" * 30}, []),
        ({}, []),
    ],
)
def test_rate_limits_are_read_as_the_vendors_write_them(headers: dict[str, str], limits: list[RateLimit]) -> None:
    assert list(observe(httpx.Headers(headers), 0.1, NOW).rate_limits) == limits


def by_check(findings: list[Finding]) -> dict[str, Finding]:
    return {finding.check: finding for finding in findings}


def test_findings_warn_with_a_remedy() -> None:
    assert observed_findings(Observed()) == []
    good = by_check(observed_findings(Observed(0.2, 0.0, (RateLimit("", 500, 5000),))))
    assert {finding.status for finding in good.values()} == {FindingStatus.OK}
    bad = by_check(observed_findings(Observed(9.0, -42.0, (RateLimit("requests", 9, 100, NOW),))))
    assert {finding.status for finding in bad.values()} == {FindingStatus.WARNING}
    assert bad["clock"].detail == "our clock is 42 s behind the far end's"
    assert "NTP" in bad["clock"].remedy
    assert bad["rate limit"].detail == "9 of 100 left (requests) until 2026-03-01 10:00:30Z"
    assert all(finding.remedy for finding in bad.values())
    silent = by_check(observed_findings(Observed(0.1)))
    assert silent["clock"].status is FindingStatus.UNKNOWN
    assert "rate limit" not in silent
    assert by_check(observed_findings(Observed(0.1, 5.0)))["clock"].status is FindingStatus.OK
    assert by_check(observed_findings(Observed(0.1, 5.5)))["clock"].status is FindingStatus.WARNING


@pytest.mark.parametrize(
    ("error", "check", "status", "remedy"),
    [
        (Unavailable("'a' could not be reached"), "reach", FindingStatus.FAILURE, "connectors.linear.url"),
        (SlowAnswer("'a' gave no answer"), "reach", FindingStatus.FAILURE, "firewall or proxy"),
        (WriteRefused("POST"), "reach", FindingStatus.FAILURE, "report it"),
        (RateLimited("slow down", retry_after=7), "rate limit", FindingStatus.WARNING, "after 7 s"),
        (RateLimited("slow down"), "rate limit", FindingStatus.WARNING, "a few minutes"),
        (Declined(EvidenceStatus.FAILED, "404"), "reach", FindingStatus.FAILURE, "connectors.linear.url"),
        (SchemaDrift("a is text"), "shape", FindingStatus.FAILURE, "API may have changed"),
        (
            Declined(EvidenceStatus.DENIED, "401"),
            "key",
            FindingStatus.FAILURE,
            "check `connectors.linear.api_key`; it needs Read",
        ),
    ],
)
def test_a_failure_becomes_a_finding(
    error: ConnectorError | Declined, check: str, status: FindingStatus, remedy: str
) -> None:
    found = finding_for(error, url="connectors.linear.url", key="connectors.linear.api_key", needs="Read")
    assert (found.check, found.status, found.detail) == (check, status, str(error))
    assert remedy in found.remedy


async def test_the_client_keeps_what_the_last_answer_told() -> None:
    date = format_datetime(datetime.now(UTC) - timedelta(minutes=5), usegmt=True)
    pages = {
        "/told": reply("{}", Date=date, X_RateLimit_Limit="60", X_RateLimit_Remaining="59"),
        "/silent": reply(status=500),
    }
    async with web_server(pages) as web:
        http = ReadOnlyHttp(web.url)
        assert http.observed == Observed()
        await http.get("/told")
        assert http.observed.clock_skew == pytest.approx(300, abs=60)
        assert http.observed.latency is not None
        with pytest.raises(Unavailable):
            await http.get("/silent")
        assert http.observed.clock_skew is None
        assert http.observed.rate_limits == (RateLimit("", 59, 60),)
        await http.aclose()
