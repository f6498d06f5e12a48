"""Documentation on a site: the pages of its sitemaps, else those that its first page links to."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from urllib.parse import urldefrag, urljoin, urlsplit

import httpx

from connectors.answers import iso, read_moment
from connectors.base import ConnectorError, Finding, FindingStatus, Unavailable
from connectors.docs_index import DocsIndex
from connectors.docs_pages import Page, Unreadable, links_of, read_html, read_markdown
from connectors.docs_sitemap import Entry, is_sitemap, read_sitemap
from connectors.docs_sources import FILE_LIMIT, PAGE_LIMIT, Refreshed
from connectors.http import Declined, Network, ReadOnlyHttp, Reply, SchemaDrift, finding_for, observed_findings
from connectors.http_bounded import inflate_bounded
from connectors.http_failures import http_date
from models.vocabulary import EvidenceStatus

_AT_ONCE = 8
_SITEMAPS = 50
"""Sitemaps that are read of one site."""
_SITEMAP_LIMIT = 50_000_000
"""Bytes of a sitemap when decompressed, as the protocol has it."""
_GONE = frozenset({404, 410})
_READERS = {
    "text/html": read_html,
    "application/xhtml+xml": read_html,
    "text/markdown": read_markdown,
    "text/plain": read_markdown,
}


class _Outcome(StrEnum):
    READ = "read"
    KEPT = "kept"
    GONE = "gone"
    MOVED = "moved"


@dataclass(frozen=True)
class _Listing:
    """The pages to hold, each with its `lastmod` or nothing."""

    pages: Mapping[str, str]
    left_out: int = 0
    unread: int = 0
    """Sitemaps that could not be read; what they list is not known."""
    by_sitemap: bool = True


class SiteSource:
    """Pages of one site.

    A page is fetched again only if the sitemap's `lastmod` or the server's ETag or Last-Modified says that it changed. Pages on
    other hosts, or above the configured path, are left out; redirects to them too.
    """

    def __init__(self, site: str, network: Network) -> None:
        """Open nothing yet.

        Raises:
            ValueError: the network's CA file or proxy cannot be used.
        """
        self._site = site if site.endswith("/") else site + "/"
        self._http = ReadOnlyHttp(self._site, follow_redirects=True, byte_cap=FILE_LIMIT * 4, network=network)
        self._validators: dict[str, dict[str, str]] = {}

    async def refresh(self, index: DocsIndex) -> Refreshed:
        """Ask for what changed, several pages at a time."""
        listing = await self._wanted()
        held = await asyncio.to_thread(index.stamps)
        if not listing.by_sitemap and len(listing.pages) == 1 and set(held) - set(listing.pages):
            # A proxy's page in place of the site's: believed, it would empty the index, and nothing would be documented.
            raise SchemaDrift("neither a sitemap nor the first page lists the pages that were there before")
        slots = asyncio.Semaphore(_AT_ONCE)

        async def one(url: str, changed: str) -> _Outcome | ConnectorError | Declined:
            if changed and held.get(url) == changed:
                return _Outcome.KEPT
            async with slots:
                try:
                    return await self._fetch(url, changed, index, held.get(url))
                except (ConnectorError, Declined) as error:
                    # Moved to another host: no longer this site's page.
                    moved = isinstance(error, Declined) and 300 <= error.http_status < 400
                    return _Outcome.MOVED if moved else error

        results = await asyncio.gather(*(one(url, changed) for url, changed in listing.pages.items()))
        failures = [result for result in results if isinstance(result, ConnectorError | Declined)]
        if results and len(failures) == len(results):
            raise _of_all(failures, self._site)
        if set(results) == {_Outcome.MOVED}:
            raise Declined(
                EvidenceStatus.FAILED, "every page moved to another host; check that `docs.site` is where they are now"
            )
        left = (_Outcome.GONE, _Outcome.MOVED)
        gone = {url for url, result in zip(listing.pages, results, strict=True) if result in left}
        # What an unread sitemap lists may still be there.
        dropped = gone if listing.unread else (set(held) - set(listing.pages)) | gone
        await asyncio.to_thread(index.drop, dropped)
        return Refreshed(len(failures) + listing.unread, listing.left_out)

    async def examine(self) -> list[Finding]:
        """Read what lists the pages, not the pages."""
        at = "connectors.docs.site"
        try:
            listing = await self._wanted()
        except (ConnectorError, Declined) as error:
            return [finding_for(error, url=at), *observed_findings(self._http.observed)]
        return [_reach_finding(listing, at), *observed_findings(self._http.observed)]

    async def aclose(self) -> None:
        """Close the client."""
        await self._http.aclose()

    async def _wanted(self) -> _Listing:
        root = urljoin(self._site, "/sitemap.xml")
        for place in dict.fromkeys((urljoin(self._site, "sitemap.xml"), root)):
            reply = await self._http.get(place, accept=_GONE)
            if reply.status in _GONE:
                continue
            text = _sitemap_text(reply)
            if is_sitemap(text):
                listing = await self._listed(text)
                if listing.pages or listing.unread:
                    return listing
        first = await self._http.get(self._site)
        if not first.text.strip() or "\0" in first.text:
            raise SchemaDrift("the first page is no documentation: it is empty or cut")
        try:
            links = await asyncio.to_thread(links_of, first.text)
        except Unreadable as error:
            raise SchemaDrift(f"the first page is no documentation: {error}") from None
        linked = (urldefrag(urljoin(first.url, link)).url for link in links)
        ours = [url for url in dict.fromkeys([self._site, *linked]) if self._ours(url)]
        return _Listing(dict.fromkeys(ours[:PAGE_LIMIT], ""), left_out=max(0, len(ours) - PAGE_LIMIT), by_sitemap=False)

    async def _listed(self, text: str) -> _Listing:
        """Follow an index of sitemaps one level, as the protocol has it."""
        entries = await asyncio.to_thread(read_sitemap, text)
        nested = [entry.url for entry in entries if entry.nested and self._ours(entry.url, any_kind=True)]
        unread = max(0, len(nested) - _SITEMAPS)
        pages = self._pages(entries)
        for url in nested[:_SITEMAPS]:
            try:
                below = _sitemap_text(await self._http.get(url))
            except (ConnectorError, Declined):
                below = ""
            if not is_sitemap(below):
                unread += 1
                continue
            listed = await asyncio.to_thread(read_sitemap, below)
            pages |= self._pages(listed)
            # The protocol knows no index of indexes; what such a one leads to is not looked at.
            unread += sum(entry.nested for entry in listed)
        kept = dict(list(pages.items())[:PAGE_LIMIT])
        return _Listing(kept, left_out=len(pages) - len(kept), unread=unread)

    def _pages(self, entries: list[Entry]) -> dict[str, str]:
        return {
            urldefrag(entry.url).url: entry.changed for entry in entries if not entry.nested and self._ours(entry.url)
        }

    def _ours(self, url: str, *, any_kind: bool = False) -> bool:
        """Whether a page is the configured site's: same host and port, below its path however that is written, and a text."""
        try:
            asked, site = httpx.URL(url), httpx.URL(self._site)
        except httpx.InvalidURL:
            return False
        if (asked.scheme, asked.host, asked.port) != (site.scheme, site.host, site.port):
            return False
        if any_kind:
            return True
        # httpx has taken "/../" out; encoded dots and slashes are for the server to take, so they are not given to it.
        if re.search(r"%2e|%2f|%5c|\\", asked.raw_path.decode(), re.IGNORECASE) or asked.userinfo:
            return False
        other_kind = re.search(r"\.(?!html?$|md$)[a-z][a-z0-9]{1,4}$", asked.path, re.IGNORECASE)
        return f"{asked.path}/".startswith(site.path) and not other_kind

    async def _fetch(self, url: str, changed: str, index: DocsIndex, held: str | None) -> _Outcome:
        reply = await self._http.get(url, headers=self._known(url, held), accept=_GONE | {304})
        if reply.status in _GONE or not self._ours(reply.url):
            return _Outcome.GONE if reply.status in _GONE else _Outcome.MOVED
        if reply.status == 304:
            return _Outcome.KEPT
        if len(reply.content) > FILE_LIMIT:
            raise SchemaDrift(f"a page is larger than {FILE_LIMIT} bytes")
        kind = reply.headers.get("content-type", "text/html").partition(";")[0].strip().lower()
        if kind not in _READERS:
            raise SchemaDrift(f"a page is {kind!r}, not HTML or Markdown")
        self._validators[url] = {
            header: reply.headers[name]
            for header, name in (("If-None-Match", "etag"), ("If-Modified-Since", "last-modified"))
            if name in reply.headers
        }
        stamp = (
            changed or reply.headers.get("etag") or reply.headers.get("last-modified") or str(iso(datetime.now(UTC)))
        )

        def put() -> None:
            try:
                page: Page = _READERS[kind](reply.text, url)
            except Unreadable as error:
                raise SchemaDrift(f"a page is no documentation: {error}") from None
            index.put(url, stamp, page, url, _when(changed, reply))

        await asyncio.to_thread(put)
        return _Outcome.READ

    def _known(self, url: str, held: str | None) -> dict[str, str]:
        if held is None:
            return {}
        # An index that outlived its process still holds the ETags.
        tagged = {"If-None-Match": held} if re.fullmatch(r'(W/)?"[^"\r\n]*"', held) else {}
        return self._validators.get(url, tagged)


def _sitemap_text(reply: Reply) -> str:
    """Return a sitemap's text, also of a file that is gzip itself."""
    if not reply.content.startswith(b"\x1f\x8b"):
        return reply.text
    return inflate_bounded(reply.content, _SITEMAP_LIMIT).decode("utf-8", errors="replace")


def _of_all(failures: list[ConnectorError | Declined], site: str) -> ConnectorError | Declined:
    """Return what stands for all pages failing: the vendor's own no if it is one, else what may pass."""
    passing = [error for error in failures if isinstance(error, ConnectorError)]
    if not passing:
        return failures[0]
    kinds = {type(error) for error in passing}
    kind = kinds.pop() if len(kinds) == 1 else Unavailable
    delays = [error.retry_after for error in passing if error.retry_after is not None]
    said = f"no page of {urlsplit(site).hostname!r} could be read: {passing[0]}"
    return kind(said, retry_after=max(delays, default=None))


def _reach_finding(listing: _Listing, at: str) -> Finding:
    if not listing.by_sitemap:
        return Finding(
            "reach",
            FindingStatus.WARNING,
            f"no sitemap; {len(listing.pages)} pages that the first page links to",
            f"let the site's generator write a sitemap.xml, or set `{at}` to where the pages begin",
        )
    detail = f"{len(listing.pages)} pages in the sitemap"
    if listing.unread or listing.left_out:
        more = [f"{listing.unread} sitemaps could not be read"] if listing.unread else []
        more += [f"{listing.left_out} pages are beyond what is read"] if listing.left_out else []
        remedy = f"set `{at}` to the part of the site that counts"
        return Finding("reach", FindingStatus.WARNING, "; ".join([detail, *more]), remedy)
    return Finding("reach", FindingStatus.OK, detail)


def _when(changed: str, reply: Reply) -> str | None:
    return iso(read_moment(changed) or http_date(reply.headers.get("last-modified", "")))
