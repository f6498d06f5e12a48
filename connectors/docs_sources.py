"""Where documentation comes from, a folder or a site, and how an index is brought up to date with it."""

import asyncio
import html
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Protocol
from urllib.parse import quote, urldefrag, urljoin, urlsplit

from connectors.answers import iso, read_moment
from connectors.base import ConnectorError, Unavailable
from connectors.docs_index import DocsIndex
from connectors.docs_pages import links_of, read_html, read_markdown
from connectors.http import Declined, ReadOnlyHttp, Reply
from models.vocabulary import EvidenceStatus

_MARKDOWN = frozenset({".md", ".mdx", ".markdown"})
_HTML = frozenset({".html", ".htm"})
_FILE_LIMIT = 2_000_000
_PAGES = 3_000
_AT_ONCE = 8
_SITEMAPS = 20


class DocsSource(Protocol):
    """Brings an index up to date."""

    async def refresh(self, index: DocsIndex) -> int:
        """Read what changed, forget what is gone; return how many pages could not be read.

        Raises:
            ConnectorError, Declined: the source as a whole cannot be read; the index is as it was.
        """
        ...

    async def aclose(self) -> None:
        """Close what is open."""
        ...


class FolderSource:
    """Markdown, MDX and HTML files below a folder; a file is read again when its size or time of change differs."""

    def __init__(self, folder: str, link: str) -> None:
        """`link` is the public address that a file's path, without `.md`, is appended to; empty for none."""
        self._folder = Path(folder)
        self._link = link.rstrip("/")

    async def refresh(self, index: DocsIndex) -> int:
        """Scan the folder, in a thread."""
        return await asyncio.to_thread(self._scan, index)

    async def aclose(self) -> None:
        """Nothing is open."""

    def _scan(self, index: DocsIndex) -> int:
        if not self._folder.is_dir():
            raise Declined(
                EvidenceStatus.FAILED, f"the docs folder {str(self._folder)!r} is not there; check `docs.folder`"
            )
        held = index.stamps()
        seen, unread = set(), 0
        for file in sorted(self._folder.rglob("*")):
            relative = file.relative_to(self._folder)
            if file.suffix.lower() not in _MARKDOWN | _HTML or any(
                part.startswith((".", "node_modules")) for part in relative.parts
            ):
                continue
            try:
                # A link could lead out of the folder, to files that are no documentation.
                if file.is_symlink() or not file.is_file():
                    continue
                seen.add(relative.as_posix())
                unread += self._read(file, relative, held, index)
            except OSError:
                unread += 1
        index.drop(set(held) - seen)
        return unread

    def _read(self, file: Path, relative: Path, held: dict[str, str], index: DocsIndex) -> int:
        """Read one file if it changed; return 1 if it cannot be."""
        path, state = relative.as_posix(), file.stat()
        stamp = f"{state.st_mtime_ns}-{state.st_size}"
        if held.get(path) == stamp:
            return 0
        if state.st_size > _FILE_LIMIT:
            return 1
        text = file.read_text(encoding="utf-8", errors="replace")
        page = (read_html if file.suffix.lower() in _HTML else read_markdown)(text, file.stem)
        index.put(path, stamp, page, self._url(relative), iso(datetime.fromtimestamp(int(state.st_mtime), UTC)))
        return 0

    def _url(self, relative: Path) -> str | None:
        if not self._link:
            return None
        name = relative.with_suffix("") if relative.suffix.lower() in _MARKDOWN else relative
        if name.name.lower() in ("index", "readme"):
            name = name.parent
        tail = quote(name.as_posix())
        return self._link if tail == "." else f"{self._link}/{tail}"


class SiteSource:
    """HTML pages of one site: those of its sitemap, else those that its first page links to.

    A page is fetched again only if the sitemap's `lastmod` or the server's ETag or Last-Modified says that it changed. Pages on
    other hosts are left out, redirects to them too.
    """

    def __init__(self, site: str) -> None:
        """Open nothing yet."""
        self._site = site if site.endswith("/") else site + "/"
        self._http = ReadOnlyHttp(self._site, follow_redirects=True, byte_cap=_FILE_LIMIT * 4)
        self._validators: dict[str, dict[str, str]] = {}

    async def refresh(self, index: DocsIndex) -> int:
        """Ask for what changed, several pages at a time."""
        wanted = await self._wanted()
        held = await asyncio.to_thread(index.stamps)
        slots = asyncio.Semaphore(_AT_ONCE)

        async def one(url: str, changed: str) -> str:
            if changed and held.get(url) == changed:
                return "kept"
            async with slots:
                return await self._fetch(url, changed, index, held)

        results = await asyncio.gather(*(one(url, changed) for url, changed in wanted.items()))
        if results and set(results) == {"failed"}:
            raise Unavailable(f"no page of {urlsplit(self._site).hostname!r} could be read")
        gone = {url for url, result in zip(wanted, results, strict=True) if result == "gone"}
        await asyncio.to_thread(index.drop, (set(held) - set(wanted)) | gone)
        return results.count("failed")

    async def aclose(self) -> None:
        """Close the client."""
        await self._http.aclose()

    async def _wanted(self) -> dict[str, str]:
        """Return the pages to hold, each with its `lastmod` or nothing."""
        root = f"{urlsplit(self._site).scheme}://{urlsplit(self._site).netloc}"
        for place in dict.fromkeys((urljoin(self._site, "sitemap.xml"), f"{root}/sitemap.xml")):
            reply = await self._http.get(place, accept=frozenset({404, 410}))
            pages = await self._sitemap(reply, _SITEMAPS) if reply.status == 200 else {}
            if pages:
                return dict(list(pages.items())[:_PAGES])
        first = await self._http.get(self._site)
        linked = (urldefrag(urljoin(first.url, link)).url for link in links_of(first.text))
        return {url: "" for url in [self._site, *linked] if self._ours(url)}

    async def _sitemap(self, reply: Reply, budget: int) -> dict[str, str]:
        entries = re.findall(r"<(url|sitemap)\b[^>]*>(.*?)</\1>", reply.text, re.DOTALL | re.IGNORECASE)
        pages: dict[str, str] = {}
        for kind, body in entries:
            place = re.search(
                r"<loc>\s*(?:<!\[CDATA\[)?\s*(.*?)\s*(?:\]\]>)?\s*</loc>", body, re.DOTALL | re.IGNORECASE
            )
            changed = re.search(r"<lastmod>\s*(.*?)\s*</lastmod>", body, re.DOTALL | re.IGNORECASE)
            url = html.unescape(place[1]) if place else ""
            if not self._ours(url):
                continue
            if kind.lower() == "url":
                pages[urldefrag(url).url] = changed[1] if changed else ""
            elif budget > 0:
                budget -= 1
                pages |= await self._sitemap(await self._http.get(url), 0)
        return pages

    def _ours(self, url: str) -> bool:
        asked, site = urlsplit(url), urlsplit(self._site)
        inside = (asked.path or "/").startswith(site.path.rstrip("/") or "/")
        plain = not re.search(r"\.(?!html?$)[a-z0-9]{2,5}$", asked.path, re.IGNORECASE) or asked.path.endswith(".xml")
        return asked.scheme in ("http", "https") and asked.netloc == site.netloc and inside and plain

    async def _fetch(self, url: str, changed: str, index: DocsIndex, held: dict[str, str]) -> str:
        known = self._validators.get(url, {}) if url in held else {}
        try:
            reply = await self._http.get(url, headers=known, accept=frozenset({304, 404, 410}))
        except (ConnectorError, Declined):
            return "failed"
        if reply.status in (404, 410):
            return "gone"
        if reply.status == 304:
            return "kept"
        if urlsplit(reply.url).netloc != urlsplit(self._site).netloc:
            return "gone"
        self._validators[url] = {
            header: reply.headers[name]
            for header, name in (("If-None-Match", "etag"), ("If-Modified-Since", "last-modified"))
            if name in reply.headers
        }
        stamp = (
            changed or reply.headers.get("etag") or reply.headers.get("last-modified") or iso(datetime.now(UTC)) or ""
        )
        await asyncio.to_thread(_put_html, index, url, stamp, reply.text, _when(changed, reply))
        return "read"


def _put_html(index: DocsIndex, url: str, stamp: str, text: str, updated_at: str | None) -> None:
    index.put(url, stamp, read_html(text, url), url, updated_at)


def _when(changed: str, reply: Reply) -> str | None:
    moment = read_moment(changed)
    if moment is None:
        try:
            moment = parsedate_to_datetime(reply.headers.get("last-modified", ""))
        except ValueError:
            return None
    return iso(moment)
