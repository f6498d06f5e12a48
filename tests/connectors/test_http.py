"""The posture of all HTTP connectors: only reads leave, answers are bounded, failures have one meaning each."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx
import pytest
from pydantic import JsonValue

from connectors.base import ConnectorError, RateLimited, SlowAnswer, Unavailable, WriteRefused
from connectors.http import Declined, ReadOnlyHttp, ReadOnlyTransport, retry_after
from models.vocabulary import EvidenceStatus
from tests.connectors.web_server import WebServer, reply, web_server


def reads_only(body: bytes) -> bool:
    return b"mutation" not in body


@asynccontextmanager
async def client(
    web: WebServer, path: str = "", byte_cap: int = 1_000_000, follow_redirects: bool = False
) -> AsyncIterator[ReadOnlyHttp]:
    http = ReadOnlyHttp(
        web.url + path,
        headers={"Authorization": "Bearer key-77"},
        posts={"/graphql": reads_only},
        byte_cap=byte_cap,
        follow_redirects=follow_redirects,
    )
    try:
        yield http
    finally:
        await http.aclose()


async def test_get_sends_headers_and_parameters_below_the_base_path() -> None:
    async with web_server({"/v1/things": reply('{"a": NaN, "b": [1]}')}) as web, client(web, "/v1/") as http:
        found = await http.get("things", params={"limit": 2, "id": ["a&b", "c"]}, headers={"X-Extra": "1"})
        assert found.json() == {"a": None, "b": [1]}
        asked = web.asked[0]
        assert asked.path == "/v1/things?limit=2&id=a%26b&id=c"
        assert (asked.headers["authorization"], asked.headers["x-extra"]) == ("Bearer key-77", "1")
        assert asked.method == "GET"


async def test_cookies_are_not_kept() -> None:
    async with web_server({"/": reply("{}", Set_Cookie="session=1")}) as web, client(web) as http:
        await http.get("/")
        await http.get("/")
        assert "cookie" not in web.asked[1].headers


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "get", "QUERY"])
async def test_no_other_method_reaches_the_wire(method: str) -> None:
    async with web_server({"/x": reply("{}")}) as web:
        transport = ReadOnlyTransport(httpx.AsyncHTTPTransport())
        async with httpx.AsyncClient(transport=transport) as sdk:
            request = sdk.build_request(method, f"{web.url}/x")
            request.method = method
            with pytest.raises(WriteRefused, match="not a read"):
                await sdk.send(request)
        assert web.asked == []


async def test_ways_to_write_by_a_read_are_refused() -> None:
    async with web_server({"/x": reply("{}")}) as web:
        async with httpx.AsyncClient(transport=ReadOnlyTransport(httpx.AsyncHTTPTransport())) as sdk:
            for header in ("X-HTTP-Method-Override", "x-http-method", "X-Method-Override"):
                with pytest.raises(WriteRefused, match="another method"):
                    await sdk.get(f"{web.url}/x", headers={header: "DELETE"})
            with pytest.raises(WriteRefused, match="has a body"):
                await sdk.request("GET", f"{web.url}/x", content=b"{}")
            assert (await sdk.get(f"{web.url}/x")).status_code == 200
            assert (await sdk.head(f"{web.url}/x")).status_code == 200
        assert [asked.method for asked in web.asked] == ["GET", "HEAD"]


async def test_post_passes_only_to_its_exact_path_with_a_reading_body() -> None:
    async with web_server({"/graphql": reply("{}"), "/graphql/x": reply("{}")}) as web, client(web) as http:
        await http.post("/graphql", {"query": "query { a }"})
        assert json.loads(web.asked[0].body) == {"query": "query { a }"}
        assert web.asked[0].headers["content-type"] == "application/json"
        refused: list[tuple[str, dict[str, JsonValue]]] = [
            ("/graphql", {"query": "mutation { a }"}),
            ("/graphql/x", {}),
            ("/graphql/", {}),
            ("/GraphQL", {}),
            ("/", {}),
        ]
        for path, body in refused:
            with pytest.raises(WriteRefused):
                await http.post(path, body)
        with pytest.raises(WriteRefused):
            await http.post("http://localhost:1/graphql", {"query": "query { a }"})
        assert len(web.asked) == 1


async def test_a_redirect_cannot_carry_a_post_elsewhere() -> None:
    pages = {"/graphql": reply(status=307, Location="/elsewhere"), "/elsewhere": reply("{}")}
    async with web_server(pages) as web, client(web, follow_redirects=True) as http:
        with pytest.raises(Declined, match="a redirect"):
            await http.post("/graphql", {"query": "query { a }"})
        assert web.paths() == ["/graphql"]


async def test_a_redirect_within_the_host_is_followed_without_the_keys() -> None:
    pages = {"/a": reply(status=302, Location="b?x=1#y"), "/b": reply('"there"')}
    async with web_server(pages) as web, client(web, follow_redirects=True) as http:
        found = await http.get("/a", headers={"If-None-Match": '"v1"', "X-Api-Key": "key-78"})
        assert (found.json(), found.url) == ("there", f"{web.url}/b?x=1")
        assert web.asked[0].headers["authorization"] == "Bearer key-77"
        assert "key-7" not in str(web.asked[1].headers)
        assert web.asked[1].headers["if-none-match"] == '"v1"'


async def test_no_redirect_leaves_the_host_or_its_port() -> None:
    async with web_server({"/b": reply('"there"')}) as other, web_server() as web:
        async with client(web, follow_redirects=True) as http:
            there = [
                f"{other.url}/b",
                other.url.replace("127.0.0.1", "localhost") + "/b",
                web.url.replace("127.0.0.1", "localhost") + "/b",
                f"//localhost:{other.url.rpartition(':')[2]}/b",
                "https://127.0.0.1/b",
                "file:///etc/passwd",
            ]
            for target in there:
                web.pages["/a"] = reply(status=302, Location=target)
                with pytest.raises(Declined, match="is not followed"):
                    await http.get("/a")
        assert other.asked == []
        assert web.paths() == ["/a"] * len(there)


@pytest.mark.parametrize(
    ("here", "there", "followed"),
    [
        ("https://docs.example.com/a", "http://docs.example.com/a", False),
        ("https://docs.example.com/a", "http://docs.example.com:443/a", False),
        ("http://docs.example.com/a", "https://docs.example.com/a", True),
        ("http://docs.example.com:8080/a", "https://docs.example.com/a", False),
        ("https://docs.example.com/a", "https://www.example.com/a", False),
        ("https://docs.example.com/a", "https://docs.example.com.evil.example/a", False),
        ("https://docs.example.com/a", "https://docs.example.com@evil.example/a", False),
        ("https://docs.example.com/a", "https://DOCS.example.com/b", True),
    ],
)
async def test_a_redirect_may_secure_but_never_unsecure(here: str, there: str, followed: bool) -> None:
    asked: list[str] = []

    def far_end(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(302, headers={"Location": there}) if len(asked) == 1 else httpx.Response(200, json=1)

    http = ReadOnlyHttp(here, follow_redirects=True, transport=httpx.MockTransport(far_end))
    if followed:
        assert (await http.get("")).json() == 1
    else:
        with pytest.raises(Declined, match="is not followed"):
            await http.get("")
    assert len(asked) == 1 + followed
    await http.aclose()


async def test_a_full_url_of_another_host_is_not_asked_with_our_key() -> None:
    async with web_server({"/b": reply("{}")}) as other, web_server() as web, client(web) as http:
        with pytest.raises(Declined, match="is not the configured"):
            await http.get(other.url.replace("127.0.0.1", "localhost") + "/b")
        with pytest.raises(Declined, match="is not the configured"):
            await http.get(f"{other.url}/b")
        assert other.asked == []


@pytest.mark.parametrize(
    ("status", "headers", "kind", "delay"),
    [
        (429, {"Retry_After": "7"}, RateLimited, 7.0),
        (429, {}, RateLimited, None),
        (403, {"Retry_After": "60"}, RateLimited, 60.0),
        (403, {"X_RateLimit_Remaining": "0"}, RateLimited, None),
        (503, {"Retry_After": "Wed, 21 Oct 2015 07:28:00 GMT"}, Unavailable, 0.0),
        (500, {}, Unavailable, None),
        (502, {}, Unavailable, None),
        (425, {}, Unavailable, None),
        (408, {}, SlowAnswer, None),
    ],
)
async def test_what_may_pass_is_raised(
    status: int, headers: dict[str, str], kind: type[ConnectorError], delay: float | None
) -> None:
    async with web_server({"/": reply("no", status, **headers)}) as web, client(web) as http:
        with pytest.raises(ConnectorError) as raised:
            await http.get("/")
        assert type(raised.value) is kind
        assert raised.value.retry_after == delay
        assert len(web.asked) == 1


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        (401, EvidenceStatus.DENIED),
        (403, EvidenceStatus.DENIED),
        (400, EvidenceStatus.FAILED),
        (402, EvidenceStatus.FAILED),
        (404, EvidenceStatus.FAILED),
        (422, EvidenceStatus.FAILED),
        (302, EvidenceStatus.FAILED),
    ],
)
async def test_what_is_an_answer_is_declined_without_its_body(status: int, meaning: EvidenceStatus) -> None:
    async with web_server({"/": reply("person@example.com", status=status)}) as web, client(web) as http:
        with pytest.raises(Declined) as declined:
            await http.get("/")
        assert (declined.value.status, declined.value.http_status) == (meaning, status)
        assert "person" not in declined.value.reason
        assert "key-77" not in declined.value.reason
        if status == 404:
            assert (await http.get("/", accept=frozenset({404}))).text == "person@example.com"


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"x" * 2_000, {}),
        (gzip.compress(b"x" * 50_000_000), {"Content_Encoding": "gzip"}),
    ],
)
async def test_an_answer_larger_than_the_cap_is_not_held(body: bytes, headers: dict[str, str]) -> None:
    async with web_server({"/": reply(body, 200, **headers)}) as web, client(web, byte_cap=1_000) as http:
        with pytest.raises(Declined, match="larger than 1000 bytes"):
            await http.get("/")


async def test_gzip_is_read_and_other_encodings_are_trouble() -> None:
    text = json.dumps(["é"] * 100_000).encode()
    pages = {
        "/zip": reply(gzip.compress(text), Content_Encoding="gzip"),
        "/cut": reply(gzip.compress(text)[:-20], Content_Encoding="gzip"),
        "/not": reply(b"plain", Content_Encoding="gzip"),
        "/br": reply(b"plain", Content_Encoding="br"),
        "/html": reply("<html>down for maintenance</html>"),
        "/latin": reply("é".encode("latin-1"), Content_Type="text/html; charset=latin-1"),
        "/odd": reply("é", Content_Type="text/html; charset=no-such"),
        "/short": b"HTTP/1.1 200 OK\r\nContent-Length: 90\r\nX-Cut: 1\r\n\r\nshort",
    }
    async with web_server(pages) as web, client(web) as http:
        assert (await http.get("/zip")).content == text
        assert (await http.get("/latin")).text == "é"
        assert (await http.get("/odd")).text == "é"
        for path in ("/cut", "/not", "/br", "/short"):
            with pytest.raises(Unavailable):
                await http.get(path)
        with pytest.raises(Unavailable, match="not JSON"):
            (await http.get("/html")).json()


async def test_no_answer_in_time_is_slow_and_nobody_there_is_unavailable() -> None:
    async with web_server({"/": reply("{}")}) as web, client(web) as http:
        web.hanging = asyncio.Event()
        with pytest.raises(SlowAnswer):
            await http.get("/", timeout=0.2)
    http = ReadOnlyHttp("http://127.0.0.1:9")
    with pytest.raises(Unavailable) as raised:
        await http.get("/secret-path?token=1")
    assert type(raised.value) is Unavailable
    assert "token" not in str(raised.value)
    await http.aclose()


@pytest.mark.parametrize("url", ["ftp://example.com/", "http://[::1"])
async def test_a_url_that_cannot_be_asked_is_our_mistake(url: str) -> None:
    http = ReadOnlyHttp("http://127.0.0.1:9")
    with pytest.raises(Declined, match="check its url"):
        await http.get(url)
    await http.aclose()


async def test_redirects_in_circles_end() -> None:
    async with web_server({"/": reply(status=302, Location="/")}) as web, client(web, follow_redirects=True) as http:
        with pytest.raises(Declined, match="circles"):
            await http.get("/")
        assert len(web.asked) <= 7


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 1.5 ", 1.5),
        ("Sat, 21 Nov 2026 10:00:30 GMT", 30.0),
        ("Saturday, 21-Nov-26 10:00:30 GMT", 30.0),
        ("Sat, 21 Nov 2026 10:00:30 -0000", 30.0),
        ("Sat, 21 Nov 2026 12:00:30 +0200", 30.0),
        ("Sat, 21 Nov 2026 09:00:00 GMT", 0.0),
        ("", None),
        ("-5", None),
        ("nan", None),
        ("inf", None),
        ("1e9", None),
        ("soon", None),
        ("9" * 400, None),
        ("Sat, 99 Nov 2026 99:00:30 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, seconds: float | None) -> None:
    now = datetime(2026, 11, 21, 10, tzinfo=UTC)
    assert retry_after(httpx.Headers({"Retry-After": value}), now) == seconds
    assert retry_after({}, now) is None
