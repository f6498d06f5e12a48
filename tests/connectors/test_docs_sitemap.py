"""Sitemaps as they are found in the wild, and as somebody would write them who means ill."""

import time

import pytest

from connectors.docs_sitemap import Entry, is_sitemap, read_sitemap


def test_pages_and_nested_sitemaps_are_listed() -> None:
    text = """<?xml version="1.0"?><!-- made by hand -->
    <urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:image="http://example.com/image">
      <url><loc> https://docs.example.com/a?x=1&amp;y=2 </loc><lastmod>2026-03-01</lastmod>
           <image:image><image:loc>https://docs.example.com/logo</image:loc></image:image></url>
      <URL><LOC><![CDATA[https://docs.example.com/b]]></LOC></URL>
      <url><lastmod>2026-03-01</lastmod></url>
    </urlset>"""
    assert read_sitemap(text) == [
        Entry("https://docs.example.com/a?x=1&y=2", "2026-03-01"),
        Entry("https://docs.example.com/b", ""),
    ]
    index = "<sitemapindex><sitemap><loc>https://docs.example.com/s.xml.gz</loc></sitemap></sitemapindex>"
    assert read_sitemap(index) == [Entry("https://docs.example.com/s.xml.gz", "", nested=True)]
    assert is_sitemap(text)
    assert is_sitemap(index)
    assert not is_sitemap("<html><body>not found</body></html>")


@pytest.mark.parametrize(
    "text",
    [
        "<url>" * 400_000,
        "<url><loc>" * 200_000,
        "<loc>" + " " * 2_000_000,
        "<url " + "a" * 2_000_000,
        "<loc><![CDATA[" * 150_000,
        '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><urlset><url><loc>&b;</loc></url></urlset>',
        '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><urlset><url><loc>&a;</loc></url></urlset>',
    ],
)
def test_a_hostile_sitemap_is_one_pass_and_no_entity(text: str) -> None:
    started = time.process_time()
    entries = read_sitemap(text)
    assert time.process_time() - started < 10
    assert all("root" not in entry.url and "aaaa" not in entry.url for entry in entries)
