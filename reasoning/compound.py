"""Sentences of several parts, made by one step and taken apart by a later one: both sides of each form are here."""

import re
from collections.abc import Sequence

NO_CUSTOMER = "no customer:"
"""How the reason of a query begins that was skipped because nobody was found."""
_ALSO = ". Also: "
_CITED = re.compile(r" \((E\d+(?:, E\d+)*)\)$")


def join_titles(titles: Sequence[str]) -> str:
    """Join the titles of several causes."""
    return _ALSO.join(titles)


def split_titles(title: str) -> list[str]:
    """Return what `join_titles` joined."""
    return title.split(_ALSO)


def cite(sentence: str, evidence: Sequence[str]) -> str:
    """Put the ids of what a sentence stands on behind it."""
    return f"{sentence} ({', '.join(evidence)})" if evidence else sentence


def cited(sentence: str) -> tuple[str, list[str]]:
    """Return what `cite` put together."""
    found = _CITED.search(sentence)
    return (sentence[: found.start()], found[1].split(", ")) if found else (sentence, [])
