"""Sitemaps (sitemaps.org, protocol 0.9): what they list, read in one pass, whatever they hold."""

import html
import re
from dataclasses import dataclass

_ELEMENT = re.compile(
    r"<(?P<end>/?)(?P<name>urlset|sitemapindex|url|sitemap|loc|lastmod)(?:\s[^<>]{0,500})?>"
    r"\s{0,100}(?:<!\[CDATA\[)?(?P<text>[^<\]]{0,3000})",
    re.IGNORECASE,
)
"""One tag and the text behind it: no step looks further than it, so that no input takes more than one pass."""


@dataclass(frozen=True)
class Entry:
    """One page, or with `nested` another sitemap."""

    url: str
    changed: str
    """Its `lastmod` as written; empty if there is none."""
    nested: bool = False


def is_sitemap(text: str) -> bool:
    """Whether a document is a sitemap or an index of them, also an empty one."""
    return any(found["name"].lower() in ("urlset", "sitemapindex") for found in _ELEMENT.finditer(text[:10_000]))


def read_sitemap(text: str) -> list[Entry]:
    """Return what a sitemap lists, in its order. What is no sitemap lists nothing."""
    entries: list[Entry] = []
    told: dict[str, str] = {}
    for element in _ELEMENT.finditer(text):
        name, value = element["name"].lower(), html.unescape(element["text"]).strip()
        if name in ("loc", "lastmod") and not element["end"]:
            told.setdefault(name, value)
        elif name in ("url", "sitemap"):
            if element["end"] and told.get("loc"):
                entries.append(Entry(told["loc"], told.get("lastmod", ""), nested=name == "sitemap"))
            told = {}
    return entries
