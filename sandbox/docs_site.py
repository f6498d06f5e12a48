"""The documentation site: a sitemap and HTML pages made from the world's Markdown, with ETags and 304s."""

import hashlib
import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from itertools import pairwise

from markdown_it import MarkdownIt
from starlette.responses import Response

from sandbox.vendor import Asked, Stage, Vendor, route
from sandbox.world import Page, World

PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>{title} · {company} docs</title><link rel="canonical" href="/{path}"></head>
<body>
<header><a href="/">{company} docs</a></header>
<nav>{nav}</nav>
<main><article>
{body}
</article></main>
<footer>Last updated {day}</footer>
</body>
</html>
"""


@dataclass(frozen=True, slots=True)
class Document:
    """One page as it is served."""

    path: str
    body: bytes
    etag: str
    updated: datetime


class DocsSite(Vendor):
    """The whole site, rendered once at the start."""

    name = "docs"

    def __init__(self, stage: Stage, world: World) -> None:
        """Render the pages."""
        super().__init__(stage)
        pages = world.docs
        links = " ".join(f'<a href="/{_path(page)}">{html.escape(page.title)}</a>' for page in pages)
        rendered = [self._document(page, world.about.company, links) for page in pages]
        self._documents = {document.path: document for document in rendered}
        self.routes = [
            route("GET", "/sitemap.xml", self._sitemap),
            route("GET", "/robots.txt", self._robots),
            route("GET", "/", self._home),
            route("GET", "/{page:path}", self._page),
        ]
        self._index = f"<!doctype html><title>{html.escape(world.about.company)} docs</title><nav>{links}</nav>"

    def error(self, status: int, message: str = "") -> Response:
        """Return an HTML page."""
        return Response(f"<!doctype html><title>{status}</title><h1>{status}</h1>", status, media_type="text/html")

    def headers(self, asked: Asked) -> Mapping[str, str]:
        """Ask callers to come back and check."""
        return {"cache-control": "public, max-age=0, must-revalidate"}

    def _document(self, page: Page, company: str, links: str) -> Document:
        updated = (self.stage.started + page.updated).astimezone(UTC).replace(microsecond=0)
        text = page.body if page.body.lstrip().startswith("# ") else f"# {page.title}\n\n{page.body}"
        path = _path(page)
        body = PAGE.format(
            title=html.escape(page.title),
            company=html.escape(company),
            path=path,
            nav=links,
            body=render(text),
            day=f"{updated:%Y-%m-%d}",
        ).encode()
        return Document(path, body, f'"{hashlib.sha256(body).hexdigest()[:32]}"', updated)

    def _page(self, asked: Asked) -> Response:
        path = asked.values["page"].rstrip("/").removesuffix(".html").removesuffix(".md")
        document = self._documents.get(path)
        if document is None:
            return self.error(404)
        headers = {"etag": document.etag, "last-modified": format_datetime(document.updated, usegmt=True)}
        if _unchanged(asked, document):
            return Response(status_code=304, headers=headers)
        return Response(document.body, headers=headers, media_type="text/html")

    def _sitemap(self, asked: Asked) -> Response:
        entries = "".join(
            f"<url><loc>{asked.base}/{document.path}</loc><lastmod>{document.updated:%Y-%m-%dT%H:%M:%SZ}</lastmod></url>"
            for document in self._documents.values()
        )
        body = f'<?xml version="1.0" encoding="UTF-8"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{entries}</urlset>'
        return Response(body, media_type="application/xml")

    def _robots(self, asked: Asked) -> Response:
        return Response(f"User-agent: *\nAllow: /\nSitemap: {asked.base}/sitemap.xml\n", media_type="text/plain")

    def _home(self, asked: Asked) -> Response:
        return Response(self._index, media_type="text/html")


def render(text: str) -> str:
    """Render Markdown with an id on each heading, as documentation generators do, and links between pages without `.md`."""
    markdown = MarkdownIt("commonmark").enable("table")
    tokens = markdown.parse(text)
    seen: dict[str, int] = {}
    for heading, content in pairwise(tokens):
        if heading.type == "heading_open":
            slug = re.sub(r"[^\w]+", "-", content.content.casefold()).strip("-") or "section"
            seen[slug] = seen.get(slug, 0) + 1
            heading.attrSet("id", slug if seen[slug] == 1 else f"{slug}-{seen[slug]}")
        for child in content.children or []:
            target = str(child.attrGet("href") or "")
            if child.type == "link_open" and "://" not in target:
                child.attrSet("href", re.sub(r"\.md(?=#|$)", "", target))
    return str(markdown.renderer.render(tokens, markdown.options, {}))


def _path(page: Page) -> str:
    return page.path.removesuffix(".md")


def _unchanged(asked: Asked, document: Document) -> bool:
    """Compare the validators; an ETag, where one is sent, goes before the date."""
    etags = asked.headers.get("if-none-match")
    if etags is not None:
        return etags.strip() == "*" or document.etag in [etag.strip().removeprefix("W/") for etag in etags.split(",")]
    since = asked.headers.get("if-modified-since")
    if since is None:
        return False
    try:
        moment = parsedate_to_datetime(since)
    except ValueError:
        return False
    return document.updated <= (moment if moment.tzinfo else moment.replace(tzinfo=UTC))
