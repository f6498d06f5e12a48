"""Text from outside as it may stand in a sentence of a note: one line, of bounded length, without a secret, without an order."""

import re
from functools import lru_cache

from reasoning.personal_data import find_personal
from reasoning.screening import advises

LONGEST_QUOTED = 160
"""Characters of one cell in a sentence; the evidence holds the rest."""
WITHHELD = "(text withheld: it reads like an order)"
SECRET = "(secret withheld)"  # noqa: S105 -- says that there was one
_KEY_ID = re.compile(r"pk_(?:live|test)_\w+|[srp]k_(?:live|test)_\w{1,16}")
"""Publishable keys are public, and the first characters of a secret one are how people name it."""


@lru_cache(maxsize=4096)
def quoted(text: str) -> str:
    """Return what a sentence may say of a stored text."""
    flat = " ".join(text.split())
    if advises(flat):
        return WITHHELD
    for found in reversed(find_personal(flat)):
        if found.kind == "SECRET" and not _KEY_ID.fullmatch(flat[found.start : found.end]):
            flat = flat[: found.start] + SECRET + flat[found.end :]
    return flat if len(flat) <= LONGEST_QUOTED else flat[: LONGEST_QUOTED - 1].rstrip() + "…"
