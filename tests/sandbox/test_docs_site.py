"""The documentation site, read as a crawler does."""

import re
from collections.abc import AsyncIterator
from email.utils import format_datetime, parsedate_to_datetime

import httpx
import pytest

from sandbox.run import Sandbox
from sandbox.webhooks import NO_TLS
from tests.sandbox.small_world import small_world


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(small_world(), clickhouse=False) as sandbox:
        yield sandbox


@pytest.fixture
async def http(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(verify=NO_TLS, base_url=sandbox.addresses["docs"]) as http:
        yield http


async def test_every_page_of_the_sitemap_is_there(http: httpx.AsyncClient) -> None:
    sitemap = (await http.get("/sitemap.xml")).text
    pages = re.findall(r"<loc>([^<]+)</loc><lastmod>([^<]+)</lastmod>", sitemap)
    assert len(pages) == 2
    for address, _ in pages:
        answer = await http.get(address)
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/html")


async def test_a_page_is_html_with_ids_on_its_headings(http: httpx.AsyncClient) -> None:
    page = (await http.get("/rate-limits")).text
    assert '<h1 id="rate-limits">Rate limits</h1>' in page
    assert re.findall(r'<h2 id="([^"]+)"', page) == ["raising-a-limit", "raising-a-limit-2"]
    assert 'href="guides/support#plans"' in page
    assert "<td>1</td>" in page
    assert "<title>Support &lt;plans&gt;" in (await http.get("/guides/support.html")).text
    assert (await http.get("/nowhere")).status_code == 404


async def test_an_unchanged_page_is_not_sent_again(http: httpx.AsyncClient) -> None:
    first = await http.get("/rate-limits")
    etag, modified = first.headers["etag"], first.headers["last-modified"]
    for header in ({"if-none-match": f'"x", W/{etag}'}, {"if-modified-since": modified}):
        again = await http.get("/rate-limits", headers=header)
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    earlier = format_datetime(parsedate_to_datetime(modified).replace(year=2001), usegmt=True)
    for header in ({"if-none-match": '"other"', "if-modified-since": modified}, {"if-modified-since": earlier}):
        assert (await http.get("/rate-limits", headers=header)).status_code == 200


async def test_head_has_no_body_and_writes_are_refused(http: httpx.AsyncClient, sandbox: Sandbox) -> None:
    head = await http.head("/rate-limits")
    assert (head.status_code, head.content) == (200, b"")
    assert (await http.put("/rate-limits", content=b"x")).status_code == 403
    assert [write.method for write in sandbox.journal.writes] == ["PUT"]
