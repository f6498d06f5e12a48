"""Every kind of fault, seen from a client's side, and the board that keeps them."""

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from sandbox.faults import OVERSIZE, Fault, FaultBoard
from sandbox.run import Sandbox
from sandbox.webhooks import NO_TLS
from tests.sandbox.small_world import small_world

SUMMARY = "/api/v2/summary.json"


class Page:
    """The own status page, as the simplest vendor, with the control port."""

    def __init__(self, sandbox: Sandbox, http: httpx.AsyncClient) -> None:
        self.sandbox = sandbox
        self._http = http

    async def fault(self, kind: str, **more: Any) -> httpx.Response:
        body = {"vendor": "statuspage", "kind": kind, **more}
        return await self._http.post(f"{self.sandbox.control_address}/faults", json=body)

    async def clear(self, query: str = "") -> int:
        answer = await self._http.delete(f"{self.sandbox.control_address}/faults{query}")
        return int(answer.json()["cleared"])

    async def get(self, path: str = SUMMARY) -> httpx.Response:
        return await self._http.get(f"{self.sandbox.addresses['statuspage']}{path}")

    async def get_from(self, vendor: str, path: str) -> httpx.Response:
        return await self._http.get(self.sandbox.addresses[vendor] + path)


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    async with Sandbox(small_world(), clickhouse=False) as sandbox, httpx.AsyncClient(verify=NO_TLS) as http:
        yield Page(sandbox, http)


async def test_a_status_goes_away_after_its_times(page: Page) -> None:
    assert (await page.fault("status", status=502, times=2)).status_code == 201
    assert [(await page.get()).status_code for _ in range(3)] == [502, 502, 200]


async def test_a_status_without_times_stays_until_cleared(page: Page) -> None:
    await page.fault("status", status=500)
    assert [(await page.get()).status_code for _ in range(3)] == [500] * 3
    assert await page.clear("?vendor=stripe") == 0
    assert await page.clear("?vendor=statuspage") == 1
    assert (await page.get()).status_code == 200


async def test_retry_after_in_seconds_and_as_a_date(page: Page) -> None:
    await page.fault("status", status=429, times=1, retry_after=7)
    assert (await page.get()).headers["retry-after"] == "7"
    await page.fault("status", status=503, times=1, retry_after=60, retry_after_date=True)
    moment = parsedate_to_datetime((await page.get()).headers["retry-after"])
    assert timedelta(seconds=30) < moment - datetime.now(UTC) < timedelta(seconds=61)


async def test_only_the_paths_that_match(page: Page) -> None:
    await page.fault("status", status=503, path="incidents")
    assert (await page.get()).status_code == 200
    assert (await page.get("/api/v2/incidents.json")).status_code == 503


async def test_a_reset_is_a_connection_without_an_answer(page: Page) -> None:
    await page.fault("reset", times=1)
    with pytest.raises(httpx.NetworkError):
        await page.get()
    assert (await page.get()).status_code == 200
    assert [(one.status, one.fault) for one in page.sandbox.journal.requests("statuspage")] == [(0, "reset"), (200, "")]


async def test_a_cut_body_breaks_off_in_the_middle(page: Page) -> None:
    await page.fault("cut", times=1)
    with pytest.raises(httpx.RemoteProtocolError, match="peer closed connection"):
        await page.get()
    assert (await page.get()).json()["page"]["id"] == "own-page"


async def test_a_malformed_body_is_a_200_that_is_no_json(page: Page) -> None:
    await page.fault("malformed", times=1)
    broken = await page.get()
    assert broken.status_code == 200
    with pytest.raises(ValueError, match=r"."):
        broken.json()


async def test_a_slow_answer_is_right_but_late(page: Page) -> None:
    await page.fault("slow", seconds=0.3, times=1)
    began = time.monotonic()
    assert (await page.get()).json()["page"]["id"] == "own-page"
    assert time.monotonic() - began >= 0.3
    await page.fault("slow", seconds=30, times=1)
    with pytest.raises(httpx.ReadTimeout):
        async with httpx.AsyncClient(verify=NO_TLS, timeout=0.3) as impatient:
            await impatient.get(page.sandbox.addresses["statuspage"] + SUMMARY)


async def test_a_refusing_vendor_comes_back_at_the_same_address(page: Page) -> None:
    before = page.sandbox.addresses["statuspage"]
    await page.get()
    await page.fault("refuse")
    for _ in range(2):
        with pytest.raises(httpx.ConnectError):
            await page.get()
    other = await page.get_from("docs", "/sitemap.xml")
    assert other.status_code == 200
    await page.clear()
    assert page.sandbox.addresses["statuspage"] == before
    assert (await page.get()).status_code == 200


async def test_what_makes_no_fault_is_refused_with_its_reason(page: Page) -> None:
    assert "no vendor" in (await page.fault("status", vendor="nobody")).text
    assert "use 'reset'" in (await page.fault("refuse", times=2)).text
    assert (await page.fault("explode")).status_code == 422
    assert (await page.fault("status", status=200)).status_code == 422
    assert page.sandbox.faults.in_force() == []


async def test_latency_is_within_its_bounds() -> None:
    async with (
        Sandbox(small_world(), clickhouse=False, latency=(0.2, 0.25)) as sandbox,
        httpx.AsyncClient(verify=NO_TLS) as http,
    ):
        began = time.monotonic()
        await http.get(sandbox.addresses["statuspage"] + SUMMARY)
        assert time.monotonic() - began >= 0.2
        assert sandbox.journal.requests()[0].milliseconds >= 200


def test_a_later_fault_goes_first_and_then_the_earlier_one_again() -> None:
    board = FaultBoard()
    board.add(Fault(vendor="docs", kind="status", status=500))
    board.add(Fault(vendor="docs", kind="reset", times=1))
    taken = [board.take("docs", "/x") for _ in range(3)]
    assert [fault.kind for fault in taken if fault] == ["reset", "status", "status"]
    assert board.take("stripe", "/x") is None


def test_a_fault_says_what_is_wrong_with_it() -> None:
    with pytest.raises(ValidationError, match="use 'reset'"):
        Fault(vendor="docs", kind="refuse", path="/a")


async def test_a_blank_answer_is_a_200_without_a_body(page: Page) -> None:
    await page.fault("blank", times=1)
    answer = await page.get()
    assert (answer.status_code, answer.content) == (200, b"")
    assert (await page.get()).json()


async def test_an_oversize_answer_starts_rightly_and_is_more_than_anyone_should_read(page: Page) -> None:
    right = (await page.get()).content
    await page.fault("oversize", times=1)
    answer = await page.get()
    assert answer.status_code == 200
    assert answer.content.startswith(right[:40])
    assert len(answer.content) > OVERSIZE
