"""Reads a rendered note as a helpdesk does: links, text and tags."""

from collections.abc import Iterator
from datetime import date

from markdown_it import MarkdownIt
from markdown_it.token import Token
from selectolax.lexbor import LexborHTMLParser

from models.customer import Anchors
from models.diagnosis import Diagnosis
from models.evidence import Evidence
from models.note import RenderedNote
from models.playbook import Playbook
from reasoning.render import render_note
from tests.reasoning.case import (
    ANCHORS,
    EVIDENCE,
    PLAYBOOK,
)

MARKER = "whydesk:inv-k3jd8sl2mf0qa/2"
HOSTS = frozenset({"github.example.com", "logs.example.com", "127.0.0.1:8123"})
TAGS = {"p", "strong", "em", "ul", "li", "a", "br", "code", "blockquote"}


def render(
    diagnosis: Diagnosis,
    evidence: tuple[Evidence, ...] = EVIDENCE,
    hosts: frozenset[str] = HOSTS,
    *,
    playbook: Playbook = PLAYBOOK,
    anchors: Anchors = ANCHORS,
    today: date | None = None,
    console_url: str = "",
    usd: float = 0.0123,
) -> RenderedNote:
    return render_note(
        diagnosis,
        playbook,
        evidence,
        anchors,
        marker=MARKER,
        playbook_label="api-errors@3",
        investigation="inv-k3jd8sl2mf0qa",
        took=8.31,
        usd=usd,
        allowed_hosts=hosts,
        today=today,
        console_url=console_url,
    )


def html_links(note: RenderedNote) -> list[str]:
    """Return all link targets, after checking that nothing but the agreed tags and `href` is there."""
    tree = LexborHTMLParser(note.html)
    assert tree.body is not None
    links = []
    for node in tree.body.traverse(include_text=False):
        if node.tag == "body":
            continue
        assert node.tag in TAGS, node.html
        assert set(node.attributes) <= ({"href"} if node.tag == "a" else set()), node.html
        if node.tag == "a":
            links.append(str(node.attributes["href"]))
    return links


def tokens(markdown: str) -> Iterator[Token]:
    for token in MarkdownIt("commonmark").enable(["strikethrough", "table"]).parse(markdown):
        yield token
        yield from token.children or ()


def markdown_links(note: RenderedNote) -> list[str]:
    links = []
    for token in tokens(note.markdown):
        assert token.type not in {
            *("html_block", "html_inline", "image", "heading_open", "fence", "code_block", "hr"),
            *("table_open", "s_open", "ordered_list_open"),
        }, token
        if token.type == "link_open":
            links.append(str(token.attrs["href"]))
    return links


def visible_text(note: RenderedNote) -> str:
    tree = LexborHTMLParser(note.html)
    assert tree.body is not None
    return tree.body.text(separator=" ")
