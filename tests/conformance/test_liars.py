"""The matrix finds a connector that lies, leaks, writes or hangs: each kind of lie, told by one on purpose."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace

import httpx
import pytest
from pydantic import JsonValue

from connectors.answers import answer, no_answer
from connectors.base import Connector, RateLimited, Unavailable
from models.base import Row
from models.evidence import Answer, SourceRequest
from models.vocabulary import EvidenceStatus, Source
from tests.conformance.frame import Case, Condition, Drift, Place, Subject
from tests.conformance.matrix import QUOTED, Verdict, look
from tests.connectors.far_end import Reply, Seen

SECRET = "key-SecretSecret"
ROWS: list[JsonValue] = [{"id": 1}, {"id": 2}]
Tell = Callable[[httpx.AsyncClient, SourceRequest], Awaitable[Answer]]


class Liar:
    """Asks by a plain client, and tells as it was made to."""

    source = Source.STATUSPAGE

    def __init__(self, url: str, tell: Tell) -> None:
        self._http = httpx.AsyncClient(base_url=url, timeout=60)
        self._tell = tell

    async def fetch(self, request: SourceRequest) -> Answer:
        return await self._tell(self._http, request)

    async def aclose(self) -> None:
        await self._http.aclose()


def pages(seen: Seen) -> Reply:
    return Reply([ROWS[1]]) if seen.one("page") == "2" else Reply([ROWS[0]])


async def judge(tell: Tell, condition: Condition) -> Verdict:
    def connect(place: Place) -> Connector:
        return Liar(place.url, tell)

    # An operation that nobody declares, so that columns say nothing here.
    case = Case(
        "things",
        ok=lambda _: Reply(ROWS),
        rows=2,
        empty=lambda _: Reply([]),
        next_page=pages,
        rows_of_both=3,
        drifts=[Drift((0, "id"), "one")],
    )
    return await look(Subject(Source.STATUSPAGE, connect, [case], secrets=[SECRET]), case, condition)


async def swallow(http: httpx.AsyncClient, request: SourceRequest) -> Answer:
    """Take every failure for an absence."""
    try:
        found = (await http.get("/things")).raise_for_status().json()
    except (httpx.HTTPError, ValueError):
        found = []
    return answer(request, found, asked="GET /things")


async def leak(http: httpx.AsyncClient, request: SourceRequest) -> Answer:
    reply = await http.get("/things")
    return no_answer(EvidenceStatus.DENIED, f"{reply.text} with {SECRET}", asked="GET /things")


async def quote(http: httpx.AsyncClient, request: SourceRequest) -> Answer:
    raise Unavailable((await http.get("/things")).text)


async def chain(http: httpx.AsyncClient, request: SourceRequest) -> Answer:
    """Keep the secret out of the message, and leave it in the exception behind it."""
    await http.get("/things")
    try:
        raise ValueError(SECRET)
    except ValueError as error:
        raise Unavailable("not now") from error


async def write(http: httpx.AsyncClient, request: SourceRequest) -> Answer:
    return answer(request, (await http.post("/things", json={})).json(), asked="POST /things")


async def crash(http: httpx.AsyncClient, request: SourceRequest) -> Answer:
    return answer(request, [{"id": row["id"] + 0} for row in (await http.get("/things")).json()], asked="GET /things")


async def first_page(http: httpx.AsyncClient, request: SourceRequest) -> Answer:
    await http.get("/things?page=2")
    return answer(request, (await http.get("/things")).json(), asked="GET /things")


async def in_silence(http: httpx.AsyncClient, request: SourceRequest) -> Answer:
    return no_answer(EvidenceStatus.FAILED, "", asked="GET /things")


async def half(http: httpx.AsyncClient, request: SourceRequest) -> Answer:
    """Read both pages, and take a page that fails for one that is empty."""
    rows: list[Row] = []
    for page in ("1", "2"):
        reply = await http.get("/things", params={"page": page})
        rows += reply.json() if reply.status_code == 200 and "json" in reply.headers["content-type"] else []
    return answer(request, rows, asked="GET /things")


@pytest.mark.parametrize(
    ("tell", "condition", "told"),
    [
        (swallow, Condition.NO_KEY, "EMPTY instead of DENIED"),
        (swallow, Condition.BROKEN, "EMPTY instead of UNAVAILABLE"),
        (swallow, Condition.MALFORMED, "EMPTY instead of UNAVAILABLE"),
        (swallow, Condition.LIMITED_SECONDS, "EMPTY instead of RATE_LIMITED"),
        (swallow, Condition.WRONG_TYPE, "FOUND with 0.id of another type"),
        (swallow, Condition.EXTRA_FIELDS, "no JSON scalar"),
        (leak, Condition.NO_RIGHT, "says a secret"),
        (quote, Condition.BROKEN, "says a secret, or what the vendor's failure quotes"),
        (chain, Condition.BROKEN, "says a secret"),
        (write, Condition.OK, "sent POST /things, which is no read"),
        (crash, Condition.WRONG_TYPE, "TypeError at test_liars.py"),
        (crash, Condition.BROKEN, "TypeError at test_liars.py"),
        (crash, Condition.MALFORMED, "JSONDecodeError"),
        (first_page, Condition.NEXT_PAGE, "1 rows of 3, and not truncated"),
        (in_silence, Condition.NO_KEY, "FAILED without a reason"),
        (half, Condition.HALFWAY, "401 at .* leaves 1 rows that look whole"),
        (swallow, Condition.HALFWAY, "takes one request"),
    ],
)
async def test_a_lie_is_found(tell: Tell, condition: Condition, told: str) -> None:
    verdict = await judge(tell, condition)
    assert re.search(told, verdict.problem), verdict.problem
    assert verdict.mark.startswith("✗")
    assert SECRET not in verdict.problem
    assert QUOTED not in verdict.problem


async def test_the_truth_is_no_lie() -> None:
    assert not (await judge(swallow, Condition.OK)).problem
    assert not (await judge(swallow, Condition.EMPTY)).problem


async def test_a_connector_that_never_ends_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(http: httpx.AsyncClient, request: SourceRequest) -> Answer:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr("tests.conformance.matrix._ALLOWED", 0.2)
    assert "no end within" in (await judge(hang, Condition.OK)).problem


async def test_a_delay_that_is_lost_is_found() -> None:
    async def forget(http: httpx.AsyncClient, request: SourceRequest) -> Answer:
        await http.get("/things")
        raise RateLimited("slow down")

    assert "again after None s" in (await judge(forget, Condition.LIMITED_SECONDS)).problem


async def test_a_column_that_is_not_declared_is_found() -> None:
    async def tell(http: httpx.AsyncClient, request: SourceRequest) -> Answer:
        return answer(request, (await http.get("/things")).json(), asked="GET /things")

    case = Case("list_incidents", ok=lambda _: Reply([{"id": 1, "colour": "red"}]), rows=1)
    subject = Subject(Source.STATUSPAGE, lambda place: Liar(place.url, tell), [case])
    assert "colour" in (await look(subject, case, Condition.OK)).problem
    assert "1 rows instead of 2" in (await look(subject, replace(case, rows=2), Condition.OK)).problem
    assert "neither plays" in (await look(subject, case, Condition.EMPTY)).problem
