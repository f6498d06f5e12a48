"""A note's content as blocks, once, for every dialect that a helpdesk shows."""

import html
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from reasoning.markup import html_link, html_text, markdown_link, markdown_text


@dataclass(frozen=True)
class Source:
    """A citation: `E3 · GitHub`, a link where one is allowed."""

    label: str
    url: str | None = None


@dataclass(frozen=True)
class Line:
    """A sentence and what it stands on."""

    text: str
    sources: tuple[Source, ...] = ()


@dataclass(frozen=True)
class Heading:
    """The verdict."""

    text: str


@dataclass(frozen=True)
class Paragraph:
    """A labelled paragraph."""

    label: str
    text: str


@dataclass(frozen=True)
class Listing:
    """Labelled lines."""

    label: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Quote:
    """Text for the agent to send, on paper of its own."""

    label: str
    text: str


@dataclass(frozen=True)
class Footer:
    """Small print, and the marker that must stay readable as it is."""

    parts: tuple[str | Source, ...]
    marker: str


Block = Heading | Paragraph | Listing | Quote | Footer


def as_html(blocks: Sequence[Block], allowed_hosts: Collection[str] = ()) -> str:
    """Render with no other tags than p, strong, em, ul, li, a, br, code and blockquote; links lead to allowed hosts only."""
    return "".join(_html(block, allowed_hosts) for block in blocks)


def as_markdown(blocks: Sequence[Block], allowed_hosts: Collection[str] = ()) -> str:
    """Render as CommonMark; links lead to allowed hosts only."""
    return "\n\n".join(_markdown(block, allowed_hosts) for block in blocks) + "\n"


def _html(block: Block, hosts: Collection[str]) -> str:
    match block:
        case Heading(text):
            return f"<p><strong>{html_text(text, hosts)}</strong></p>"
        case Paragraph(label, text):
            return f"<p><strong>{html_text(label)}:</strong> {html_text(text, hosts)}</p>"
        case Listing(label, lines):
            items = "".join(f"<li>{_html_line(line, hosts)}</li>" for line in lines)
            return f"<p><strong>{html_text(label)}</strong></p><ul>{items}</ul>"
        case Quote(label, text):
            said = "<br>".join(html_text(line, hosts) for line in _unwrapped(text))
            return f"<p><strong>{html_text(label)}</strong></p><blockquote>{said}</blockquote>"
        case Footer(parts, marker):
            small = " · ".join(_html_part(part) for part in parts)
            return f"<p><em>{small}</em><br><code>{html.escape(marker)}</code></p>"


def _unwrapped(text: str) -> list[str]:
    """Undo the line breaks of a text that was wrapped in a file; paragraphs and items keep theirs."""
    return re.sub(r"(?<!\n)\n(?!\n|[-*•]|\d{1,2}[.)])", " ", text.strip()).splitlines()


def _html_line(line: Line, hosts: Collection[str]) -> str:
    cited = ", ".join(_html_part(source) for source in line.sources)
    return f"{html_text(line.text, hosts)} ({cited})" if cited else html_text(line.text, hosts)


def _html_part(part: str | Source) -> str:
    if isinstance(part, str):
        return html_text(part)
    return html_link(part.url, part.label) if part.url else html_text(part.label)


def _markdown(block: Block, hosts: Collection[str]) -> str:
    match block:
        case Heading(text):
            # Four asterisks in a row would be a rule across the page.
            return f"**{markdown_text(text, hosts) or '–'}**"
        case Paragraph(label, text):
            return f"**{markdown_text(label)}:** {markdown_text(text, hosts)}"
        case Listing(label, lines):
            return "\n".join(
                [f"**{markdown_text(label)}**", "", *(f"- {_markdown_line(line, hosts)}" for line in lines)]
            )
        case Quote(label, text):
            paragraphs = re.split(r"\n{2,}", "\n".join(_unwrapped(text)))
            said = "\n>\n".join(
                "\\\n".join(f"> {markdown_text(line, hosts)}" for line in each.splitlines()) for each in paragraphs
            )
            return f"**{markdown_text(label)}**\n\n{said}"
        case Footer(parts, marker):
            small = " · ".join(_markdown_part(part) for part in parts)
            return f"*{small}*  \n`{marker}`"


def _markdown_line(line: Line, hosts: Collection[str]) -> str:
    cited = ", ".join(_markdown_part(source) for source in line.sources)
    return f"{markdown_text(line.text, hosts)} ({cited})" if cited else markdown_text(line.text, hosts)


def _markdown_part(part: str | Source) -> str:
    if isinstance(part, str):
        return markdown_text(part)
    return markdown_link(part.url, part.label) if part.url else markdown_text(part.label)
