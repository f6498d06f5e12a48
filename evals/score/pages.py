"""A report as blocks, once, and as Markdown and HTML."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape


@dataclass(frozen=True)
class Heading:
    """The name of a section; level 1 is the report's own."""

    text: str
    level: int = 2


@dataclass(frozen=True)
class Words:
    """A paragraph."""

    text: str


@dataclass(frozen=True)
class Code:
    """What is to be typed."""

    text: str


@dataclass(frozen=True)
class Table:
    """Rows of cells below a head; numbers stand to the right from the second column on."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Picture:
    """An SVG; Markdown has the table beside it and names the picture's page."""

    svg: str
    caption: str


Block = Heading | Words | Code | Table | Picture

_MARKUP = re.compile(r"[\\`*\[\]<>#~!]|(?<!\w)_|_(?!\w)")
"""An underscore within a word is none."""
_STYLE = """
:root { color-scheme: light dark }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; margin: .8rem 0; display: block; overflow-x: auto }
th, td { padding: .2rem .7rem; border-bottom: 1px solid #8884; text-align: left; vertical-align: top }
td + td, th + th { text-align: right; font-variant-numeric: tabular-nums }
table.words td + td, table.words th + th { text-align: left }
figure { margin: 1rem 0; overflow-x: auto }
figcaption { opacity: .75 }
pre { padding: .6rem .8rem; background: #8881; overflow-x: auto }
"""


def as_markdown(blocks: Sequence[Block]) -> str:
    """Render as Markdown."""
    return "\n\n".join(filter(None, (_markdown(block) for block in blocks))) + "\n"


def as_html(title: str, blocks: Sequence[Block]) -> str:
    """Render as one page that needs no other file."""
    body = "\n".join(_html(block) for block in blocks)
    return (
        f'<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8"><title>{escape(title)}</title>\n'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>\n<body>\n{body}\n</body>\n</html>\n'
    )


def _markdown(block: Block) -> str:
    match block:
        case Heading(text, level):
            return f"{'#' * level} {_plain(text)}"
        case Words(text):
            return _plain(text)
        case Code(text):
            return "\n".join(f"    {line}" for line in text.splitlines())
        case Table(head, rows):
            lines = [head, ("---",) * len(head), *rows]
            return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)
        case Picture():
            return ""


def _html(block: Block) -> str:
    match block:
        case Heading(text, level):
            return f"<h{level}>{escape(text)}</h{level}>"
        case Words(text):
            return f"<p>{escape(text)}</p>"
        case Code(text):
            return f"<pre>{escape(text)}</pre>"
        case Table(head, rows):
            titles = "".join(f"<th>{escape(cell)}</th>" for cell in head)
            body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
            kind = "" if any(_is_figure(cell) for row in rows for cell in row[1:]) else ' class="words"'
            return f"<table{kind}><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table>"
        case Picture(svg, caption):
            return f"<figure>{svg}<figcaption>{escape(caption)}</figcaption></figure>"


def _is_figure(cell: str) -> bool:
    return cell[:1].isdigit() and len(cell) < 40


def _cell(text: str) -> str:
    return _plain(text).replace("|", "\\|")


def _plain(text: str) -> str:
    """What a note or a name holds must not become markup."""
    flat = " ".join(text.split())
    return _MARKUP.sub(r"\\\g<0>", flat)
