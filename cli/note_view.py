"""Shows a note as the ticket holds it: the helpdesk's HTML as text for a terminal."""

from html.parser import HTMLParser

from rich.text import Text

_BLOCKS = frozenset({"p", "ul", "blockquote", "div"})
_LINES = _BLOCKS | {"br", "li"}
_STYLES = {"strong": "bold", "em": "italic", "code": "cyan", "blockquote": "green"}


class _NoteParser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text = Text()
        self._styles: list[str] = []
        self._link = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _LINES and self.text.plain.endswith(" "):
            self.text.right_crop()
        if tag in _BLOCKS and self.text.plain and not self.text.plain.endswith("\n\n"):
            self.text.append("\n" if self.text.plain.endswith("\n") else "\n\n")
        if tag == "br":
            self.text.append("\n")
        if tag == "li":
            self.text.append("" if self.text.plain.endswith("\n") else "\n")
            self.text.append("  • ")
        if tag in _STYLES:
            self._styles.append(tag)
        if tag == "a":
            self._link = dict(attrs).get("href") or ""

    def handle_endtag(self, tag: str) -> None:
        if tag in self._styles:
            self._styles.remove(tag)
        if tag == "a":
            self._link = ""

    def handle_data(self, data: str) -> None:
        styles = [_STYLES[tag] for tag in self._styles]
        if self._link:
            styles.append(f"underline link {self._link}")
        words = " ".join(data.split())
        if not words:
            # Between two words in different styles it is what keeps them apart.
            if self.text.plain and not self.text.plain[-1].isspace():
                self.text.append(" ")
            return
        lead = " " if data[0].isspace() and not self.text.plain.endswith(("\n", " ", "• ")) else ""
        self.text.append(lead)
        self.text.append(words, style=" ".join(styles))
        self.text.append(" " if data[-1].isspace() else "")


def note_text(html: str) -> Text:
    """Return a note's HTML as styled text."""
    parser = _NoteParser()
    parser.feed(html)
    return parser.text
