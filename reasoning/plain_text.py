"""Text as words in many languages are looked for: without case and accents, and with one kind of apostrophe."""

import unicodedata

_LETTERS = str.maketrans({"ı": "i", "ł": "l", "ø": "o", "đ": "d", "æ": "ae", "œ": "oe", "’": "'", "‘": "'", "´": "'"})
_VOICING = "\u3099\u309a"
"""Marks that make another kana of a kana: they are no accents."""


def plain(text: str) -> str:
    """Return a text in small letters, accents left out as people do who type in a hurry: `Schlüssel` is `schlussel`."""
    if text.isascii():
        return text.lower()
    apart = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(char for char in apart if char in _VOICING or not unicodedata.combining(char))
    return unicodedata.normalize("NFC", kept).translate(_LETTERS)
