"""Texts without what people leave out when they type a name: case, accents, spaces more than one."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache

_UNEVEN = re.compile(r"[^\S ]|\s\s|&amp;")
_NO_SPACES = re.compile(r"[\u0e00-\u0e7f\u1100-\u11ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
"""Writings whose words touch each other."""
_PIECE = re.compile(r"(?P<plain>[!-%'-~]+)|\s+|&amp;|[\s\S]")


def fold(value: str) -> str:
    """Return a name as it is looked for."""
    return folded_with_places(value.strip())[0]


def occurrences(literal: str, folded: str) -> Iterator[tuple[int, int]]:
    """Yield where a folded literal stands in a folded text as words of its own."""
    place = folded.find(literal)
    while place >= 0:
        if is_word_of_its_own(folded, place, place + len(literal)):
            yield place, place + len(literal)
        place = folded.find(literal, place + 1)


def folded_with_places(text: str) -> tuple[str, Sequence[int]]:
    """Return the text without case, accents and more than one space on end, and whence each character of it comes."""
    if text.isascii() and not _UNEVEN.search(text):
        return text.lower(), range(len(text))
    folded: list[str] = []
    places: list[int] = []
    for match in _PIECE.finditer(text):
        piece = match[0]
        if match.lastgroup == "plain":
            folded.append(piece.lower())
            places.extend(range(*match.span()))
        else:
            plain = " " if piece.isspace() else "&" if len(piece) > 1 else _plain(piece)
            folded.append(plain)
            places += [match.end() - 1] * len(plain)
    return "".join(folded), places


@lru_cache(maxsize=4096)
def _plain(char: str) -> str:
    if char.isascii():
        return char.lower()
    parts = unicodedata.normalize("NFKD", char.casefold())
    return "".join(part for part in parts if not unicodedata.combining(part)) or char


def is_word_of_its_own(text: str, start: int, end: int) -> bool:
    """Say whether the span [start, end) is not a part of longer words."""
    before, after = text[start - 1 : start], text[end : end + 1]
    return _apart(before, text[start]) and _apart(text[end - 1], after)


def _apart(one: str, other: str) -> bool:
    return not (_is_of_word(one) and _is_of_word(other)) or bool(_NO_SPACES.match(one) or _NO_SPACES.match(other))


def _is_of_word(char: str) -> bool:
    return char == "_" or char.isalnum()
