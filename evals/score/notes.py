"""The parts of a note that speak: its verdict, and the lines that cite evidence."""

import re
import unicodedata

_CITED = re.compile(r"\bE\d{1,3}\b")
_RULED_OUT = "ruled out"
_EVIDENCE = "evidence"
_HEAD = re.compile(
    r"\W*(?:(Evidence(?: for cause \d)?|Ruled out|Not checked|Incident)\W*"
    r"|(Next step|Customer|Question for the customer|Draft reply)\b[^:]{0,40}(?::.*)?)"
)
"""The line that begins a part: the name of a list alone, or that of a paragraph."""
_UNSEEN = ("Cf", "Cc", "Co")


def verdict_of(note: str) -> str:
    """Return the lines above the first part that has a name of its own: what is wrong, or that nothing can be said."""
    lines = []
    for line in note.splitlines():
        if _label(line).startswith((_EVIDENCE, _RULED_OUT, "not checked", "next step", "customer")):
            break
        lines.append(line)
    return "\n".join(lines).strip()


def evidence_lines(note: str, ruled_out: bool = True) -> list[str]:
    """Return the lines that cite evidence; without those of what was ruled out if they are not wanted."""
    found, within = [], ""
    for line in note.splitlines():
        label = _label(line)
        if label:
            within = label
        if _CITED.search(line) and (ruled_out or not within.startswith(_RULED_OUT)):
            found.append(line.strip())
    return found


def plain(text: str) -> str:
    """Return text as it is compared: compatibility forms made one, nothing invisible, no case, single spaces."""
    seen = "".join(
        sign
        for sign in unicodedata.normalize("NFKC", text)
        if sign.isspace() or unicodedata.category(sign) not in _UNSEEN
    )
    return " ".join(seen.split()).casefold()


def names(text: str, name: str) -> bool:
    """Whether a text names something, as words of their own."""
    return re.search(rf"(?<![\w-]){re.escape(plain(name))}(?![\w-])", plain(text)) is not None


def _label(line: str) -> str:
    """Return the name of the part that a line begins, or nothing."""
    found = _HEAD.fullmatch(line.strip())
    return (found[1] or found[2]).casefold() if found else ""
