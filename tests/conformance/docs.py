"""Documentation: a site on loopback, and a folder, which knows no network's failures."""

import os
from collections.abc import Mapping

from connectors.base import Connector
from connectors.docs import DocsConnector
from models.tenant import DocsConfig
from models.vocabulary import Source
from tests.conformance.frame import Case, Condition, Instead, Outcome, Place, Subject
from tests.connectors.far_end import Handler, Reply, Seen

KEYS = "<html><head><title>Keys</title></head><body><main><h1>API keys</h1><p>A key expires.</p></main></body></html>"
LIMITS = "<html><body><main><h1>Limits</h1><p>A limiter counts each key.</p></main></body></html>"
NEWS = KEYS.replace("<p>", '<new-element data-of="tomorrow"></new-element><p>')
FOLDER = "folder"
FILES: Mapping[Condition, Mapping[str, str]] = {
    Condition.OK: {
        "keys.md": "# API keys\n\nA key expires.\n",
        "limits.md": "# Limits\n\nA limiter counts each key.\n",
    },
    Condition.EMPTY: {"news.md": "# News\n\nNothing new.\n"},
    Condition.OVERSIZE: {"keys.md": "# API keys\n\n" + "A key expires. " * 200_000},
    Condition.EXTRA_FIELDS: {
        "keys.md": "---\na_field_of_tomorrow: [1]\n---\n# API keys\n\nA key expires.\n",
        "limits.md": "# Limits\n\nA limiter counts each key.\n",
    },
}
NO_NETWORK = "a folder is read from the disk: nobody answers with a status, cuts a connection or asks for patience"
NO_RIGHTS = "the file system refuses by user, and who runs as root is never refused"
ANY_TEXT = "any bytes are text: what is no UTF-8 is replaced, and Markdown and HTML have no malformed form"


def connect(place: Place) -> Connector:
    config = (
        {"folder": str(place.folder / "docs")}
        if place.folder.joinpath("is-folder").exists()
        else {"site": place.url, "allow_private": True}
    )
    return DocsConnector(DocsConfig.model_validate(config), refresh_seconds=0.0)


def prepare(condition: Condition, case: Case, place: Place) -> None:
    if case.variant != FOLDER:
        return
    place.folder.joinpath("is-folder").touch()
    if condition is Condition.NOT_THERE:
        return
    docs = place.folder / "docs"
    docs.mkdir()
    for name, content in FILES[condition].items():
        (docs / name).write_text(content)
        os.utime(docs / name, (1_780_000_000, 1_780_000_000))


def site(*sitemaps: Mapping[str, str]) -> Handler:
    """Serve the pages by as many sitemaps, with an index of them if there are several."""
    pages = {path: html for sitemap in sitemaps for path, html in sitemap.items()}

    def handler(seen: Seen) -> Reply:
        root = f"http://{seen.headers['host']}"
        if seen.path in pages:
            return page(pages[seen.path])
        maps = [
            "<urlset>" + "".join(f"<url><loc>{root}{path}</loc></url>" for path in sitemap) + "</urlset>"
            for sitemap in sitemaps
        ]
        index = "".join(f"<sitemap><loc>{root}/sitemap-{number}.xml</loc></sitemap>" for number in range(len(maps)))
        served = {f"/sitemap-{number}.xml": content for number, content in enumerate(maps)}
        served["/sitemap.xml"] = f"<sitemapindex>{index}</sitemapindex>" if len(maps) > 1 else maps[0]
        if seen.path in served:
            return Reply(served[seen.path].encode(), headers={"content-type": "application/xml"})
        return Reply(b"not here", status=404)

    return handler


def page(html: str) -> Reply:
    return Reply(html.encode(), headers={"content-type": "text/html; charset=utf-8"})


def not_decompressing(_: Seen) -> Reply:
    return Reply(b"\x1f\x8b cut on the way", headers={"content-encoding": "gzip", "content-type": "text/html"})


def another_kind(seen: Seen) -> Reply:
    good = site({"/keys": KEYS})(seen)
    return good if seen.path == "/sitemap.xml" else Reply({"keys": "A key expires."})


SUBJECT = Subject(
    source=Source.DOCS,
    connect=connect,
    prepare=prepare,
    cases=[
        Case(
            "search",
            variant="site",
            parameters={"terms": ["key"]},
            ok=site({"/keys": KEYS, "/limits": LIMITS}),
            rows=2,
            empty=site({"/news": "<html><body><main><h1>News</h1><p>Nothing new.</p></main></body></html>"}),
            next_page=site({"/keys": KEYS}, {"/limits": LIMITS, "/more": LIMITS.replace("Limits", "More")}),
            rows_of_both=3,
            answers={
                Condition.EXTRA_FIELDS: site({"/keys": NEWS, "/limits": LIMITS}),
                Condition.MALFORMED: not_decompressing,
                Condition.WRONG_TYPE: another_kind,
            },
            instead={
                Condition.BLANK: Instead(
                    Outcome.DRIFT, "a site without a sitemap, and a page of no words, is not as sites are"
                )
            },
            absent={
                Condition.NOT_THERE: "a page that is gone is no part of the documentation, and a site may have no sitemap",
            },
        ),
        Case(
            "search",
            variant=FOLDER,
            parameters={"terms": ["key"]},
            ok=site({}),
            rows=2,
            empty=site({}),
            answers={
                condition: site({}) for condition in (Condition.NOT_THERE, Condition.OVERSIZE, Condition.EXTRA_FIELDS)
            },
            not_applicable={
                **dict.fromkeys(
                    (
                        Condition.LIMITED_SECONDS,
                        Condition.LIMITED_DATE,
                        Condition.BROKEN,
                        Condition.RESET,
                        Condition.SLOW,
                        Condition.BLANK,
                        Condition.HALFWAY,
                    ),
                    NO_NETWORK,
                ),
                Condition.NO_KEY: NO_NETWORK,
                Condition.NO_RIGHT: NO_RIGHTS,
                Condition.MALFORMED: ANY_TEXT,
                Condition.WRONG_TYPE: ANY_TEXT,
                Condition.NEXT_PAGE: "a folder is read whole",
            },
        ),
    ],
)
