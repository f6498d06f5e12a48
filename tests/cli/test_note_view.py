"""A note's HTML as text for a terminal."""

import pytest
from rich.style import Style

from cli.note_view import note_text


def plain(html: str) -> str:
    return note_text(html).plain.strip()


def styles_of(html: str, words: str) -> set[str]:
    """The styles of some words of the text."""
    text = note_text(html)
    at = text.plain.index(words)
    return {str(span.style) for span in text.spans if span.start <= at and span.end >= at + len(words)}


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One.</p><p>Two.</p>", "One.\n\nTwo."),
        ("<p>One.</p>\n\n  <p>Two.</p>", "One.\n\nTwo."),
        ("<p>One<br>two</p>", "One\ntwo"),
        ("<p>Causes:</p><ul><li>one</li><li>two</li></ul><p>End</p>", "Causes:\n\n  • one\n  • two\n\nEnd"),
        ("<p>a\n   long\n line</p>", "a long line"),
        ("<p>5 &lt; 6 &amp;&nbsp;7 &#8364; &mdash; x</p>", "5 < 6 & 7 € — x"),
        ("<p>See <a href='https://example.com/a'>the log</a>, now</p>", "See the log, now"),
        ("<p><strong>Cause:</strong> limit <em>reached</em>.</p>", "Cause: limit reached."),
        ("<p><strong>Cause</strong> <em>sure</em></p>", "Cause sure"),
        ("<p><code>429</code>/<code>500</code></p>", "429/500"),
        ("<p>not [bold]markup[/bold]</p>", "not [bold]markup[/bold]"),
        ("<p>unclosed <strong>bold", "unclosed bold"),
        ("</strong></p>stray", "stray"),
        ("", ""),
    ],
)
def test_text(html: str, text: str) -> None:
    assert plain(html) == text


def test_styles_and_links() -> None:
    html = "<p><strong>Cause</strong> see <a href='https://example.com/x'>logs</a> then <code>429</code></p>"
    assert styles_of(html, "Cause") == {"bold"}
    assert styles_of(html, "429") == {"cyan"}
    assert styles_of(html, "then") == set()
    (style,) = styles_of(html, "logs")
    assert Style.parse(style).link == "https://example.com/x"


def test_styles_end_where_their_element_ends() -> None:
    html = "<p><strong>a <em>b</em> c</strong> d</p><blockquote><p>quoted</p></blockquote><p>after</p>"
    assert styles_of(html, "b") == {"bold italic"}
    assert styles_of(html, "d") == set()
    assert styles_of(html, "quoted") == {"green"}
    assert styles_of(html, "after") == set()
