"""A page of documentation as sections: Markdown, MDX or HTML in, headings with their anchors and plain text out.

What a page says is data. Nothing of it is run, followed or resolved: scripts, styles, components and embedded HTML are dropped.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token
from selectolax.lexbor import LexborHTMLParser, LexborNode

_CHUNK = 4_000
"""Characters of a section that one entry of the index holds; longer sections become several with the same anchor."""
_FRONT = re.compile(r"\A---\s*\n(.*?)\n---\s*(?:\n|\Z)", re.DOTALL)
_MODULE = re.compile(r"(?:import|export)\s|import\(")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_ELEMENT = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9-]{0,40})")
_CLOSED_BY_ITSELF = re.compile(
    r"(?:area|base|br|col|embed|hr|img|input|link|meta|source|track|wbr|p|li|d[td]|t[rdh]|thead|tbody|tfoot|option)"
)
_DEPTH = 5_000
"""Elements within each other that a page may have: the parser's time grows with their square, and it stops all else."""
_CUSTOM_ID = re.compile(r"\s*\{#([\w-]+)\}\s*$")
_TAG = re.compile(r"<[^>]{0,2000}>")
_DROPPED = ["script", "style", "noscript", "template", "svg", "iframe", "nav", "header", "footer", "form", "aside"]
_MARK = "\u2402"
"""A character that stands for a heading while a page's text is taken apart; pages that hold it lose it first."""


class Unreadable(Exception):
    """A page of a form that no documentation has; it is left out, and told."""


@dataclass(frozen=True)
class Section:
    """A heading and the text below it, up to the next heading."""

    heading: str
    """Empty for what stands before the first heading."""
    anchor: str
    """The fragment that lands on it; empty for the top."""
    text: str


@dataclass(frozen=True)
class Page:
    """One page, cut into sections of at most 4000 characters."""

    title: str
    sections: tuple[Section, ...]


def read_markdown(source: str, name: str) -> Page:
    """Read Markdown; anchors as GitHub and most site generators make them, or as `{#id}` gives them.

    Args:
        name: The title where the page has none, such as the file's name.

    Raises:
        Unreadable: HTML within it that `read_html` would not read.
    """
    front = _FRONT.match(source)
    return _sections(source[front.end() if front else 0 :], _front_title(front[1]) if front else "", name)


def read_mdx(source: str, name: str) -> Page:
    """Read MDX: Markdown without its modules and comments; what components hold between their tags is text."""
    front = _FRONT.match(source)
    body = _without_modules(source[front.end() if front else 0 :])
    return _sections(body, _front_title(front[1]) if front else "", name)


def _sections(body: str, title: str, name: str) -> Page:
    seen: Counter[str] = Counter()
    heading, anchor, lines = "", "", list[str]()
    sections: list[Section] = []
    tokens = MarkdownIt("commonmark").enable("table").parse(body)
    for position, token in enumerate(tokens):
        if token.type == "heading_open":
            sections += _cut(heading, anchor, "\n".join(lines))
            heading, anchor = _markdown_heading(_inline_text(tokens[position + 1]), seen)
            title = title or heading
            lines = []
        elif token.type == "inline" and tokens[position - 1].type != "heading_open":
            lines.append(_inline_text(token))
        elif token.type in ("fence", "code_block"):
            lines.append(token.content)
        elif token.type == "html_block":
            # A component or a <details> around paragraphs makes one block of them; its text is the page's.
            lines.append(_html_text(token.content))
    sections += _cut(heading, anchor, "\n".join(lines))
    return Page(title or name, tuple(sections))


def _without_modules(body: str) -> str:
    """Drop `import` and `export` statements up to the next empty line, as MDX reads them, but not from code."""
    kept: list[str] = []
    fence, module = "", False
    for line in body.split("\n"):
        opened = _FENCE.match(line)
        if opened and not fence:
            fence = opened[1]
        elif opened and opened[1].startswith(fence) and not line.strip().strip(fence[0]):
            fence = ""
        starts = not fence and not opened and bool(_MODULE.match(line)) and (not kept or not kept[-1].strip())
        module = not fence and bool(line.strip()) and (module or starts)
        kept.append("" if module else line)
    return _without_comments("\n".join(kept))


def _without_comments(body: str) -> str:
    kept, *rest = body.split("{/*")
    parts = [kept]
    for piece in rest:
        _, ended, after = piece.partition("*/}")
        parts.append(after if ended else "{/*" + piece)
    return "".join(parts)


def _parsed(source: str) -> LexborHTMLParser:
    depth = 0
    for closes, tag in _ELEMENT.findall(source):
        if not _CLOSED_BY_ITSELF.fullmatch(tag.lower()):
            depth = max(0, depth - 1) if closes else depth + 1
        if depth > _DEPTH:
            raise Unreadable(f"more than {_DEPTH} elements are within each other")
    return LexborHTMLParser(source)


def _html_text(source: str) -> str:
    tree = _parsed(source)
    for tag in ("script", "style", "template", "iframe"):
        for node in tree.css(tag):
            node.decompose()
    return tree.body.text(separator=" ") if tree.body is not None else ""


def read_html(source: str, name: str) -> Page:
    """Read HTML: the main part of the page, its headings' own ids as anchors.

    Raises:
        Unreadable: elements within each other by the thousand.
    """
    tree = _parsed(source.replace(_MARK, " "))
    titles = [node.text(strip=True) for node in tree.css("title")]
    for tag in _DROPPED:
        for node in tree.css(tag):
            # The page's own heading often stands in a <header> of its article.
            if tag != "header" or not _inside(node, "article", "main"):
                node.decompose()
    root = tree.css_first("main") or tree.css_first("article") or tree.body
    if root is None:
        return Page(titles[0] if titles else name, ())
    headings = []
    for node in root.css("h1, h2, h3, h4, h5, h6"):
        text = plain(node.text(separator=" ")).strip(" #¶")
        headings.append((text, _html_anchor(node)))
        node.replace_with(_MARK)
    first, *rest = root.text(separator=" ").split(_MARK)
    sections = list(_cut("", "", first))
    for (heading, anchor), text in zip(headings, rest, strict=False):
        sections += _cut(heading, anchor, text)
    title = next((heading for heading, _ in headings if heading), "") or next(iter(titles), "")
    return Page(title or name, tuple(sections))


def links_of(source: str) -> list[str]:
    """Return the addresses that an HTML page links to, as written."""
    return [href for node in _parsed(source).css("a[href]") if (href := node.attributes.get("href"))]


def _front_title(text: str) -> str:
    try:
        front = yaml.safe_load(text)
    except yaml.YAMLError:
        return ""
    title = front.get("title") if isinstance(front, dict) else None
    return plain(str(title)) if isinstance(title, str | int | float) else ""


def _markdown_heading(text: str, seen: Counter[str]) -> tuple[str, str]:
    custom = _CUSTOM_ID.search(text)
    if custom:
        return _CUSTOM_ID.sub("", text), custom[1]
    slug = re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", text.lower()).strip())
    seen[slug] += 1
    return text, slug if seen[slug] == 1 else f"{slug}-{seen[slug] - 1}"


def _inline_text(token: Token) -> str:
    parts = []
    for child in token.children or ():
        if child.type in ("text", "code_inline", "image"):
            parts.append(child.content)
        elif child.type in ("softbreak", "hardbreak"):
            parts.append("\n")
    return plain(_TAG.sub(" ", "".join(parts)))


def _html_anchor(node: LexborNode) -> str:
    own = node.attributes.get("id")
    if own:
        return own
    inner = node.css_first("[id], a[name]")
    if inner is not None:
        return inner.attributes.get("id") or inner.attributes.get("name") or ""
    # Generators such as Sphinx put the id on the section around the heading.
    parent = node.parent
    return (parent.attributes.get("id") or "") if parent is not None and parent.tag in ("section", "div") else ""


def _inside(node: LexborNode, *tags: str) -> bool:
    parent = node.parent
    while parent is not None:
        if parent.tag in tags:
            return True
        parent = parent.parent
    return False


def _cut(heading: str, anchor: str, text: str) -> Iterator[Section]:
    text = plain(text)
    if not text and not heading:
        return
    yield from (Section(heading, anchor, text[at : at + _CHUNK]) for at in range(0, max(len(text), 1), _CHUNK))


def plain(text: str) -> str:
    """Collapse white space and drop control characters."""
    return re.sub(r"\s+", " ", "".join(char if char.isprintable() or char.isspace() else " " for char in text)).strip()
