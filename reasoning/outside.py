"""Text from outside as it may stand in a sentence of a note: one line, bounded, without an order, a secret or personal data."""

import re
from functools import lru_cache

from reasoning.personal_data import find_personal
from reasoning.screening import advises

LONGEST_QUOTED = 160
"""Characters of one cell in a sentence; the evidence holds the rest."""
WITHHELD = "(text withheld: it reads like an order)"
_PERSONAL = frozenset({"EMAIL", "PHONE", "CARD", "IBAN", "ID"})
SECRET = "(secret withheld)"  # noqa: S105 -- says that there was one
PERSONAL = "(personal data withheld)"
_KEY_ID = re.compile(r"pk_(?:live|test)_\w+|[srp]k_(?:live|test)_\w{1,16}")
"""Publishable keys are public, and the first characters of a secret one are how people name it."""


@lru_cache(maxsize=4096)
def quoted(text: str, *, shared: bool = False) -> str:
    """Return what a sentence may say of a stored text.

    Args:
        text: A cell, or the value of a fact.
        shared: Whether it comes from an answer that is not the customer's own.

    A cell that is nothing but an address or a number is told as it is, if it is the customer's own; within prose it may be
    anybody's.
    """
    flat = " ".join(text.split())
    if advises(flat):
        return WITHHELD
    for found in reversed(find_personal(flat)):
        value = flat[found.start : found.end]
        if found.kind == "SECRET" and not _KEY_ID.fullmatch(value):
            flat = flat[: found.start] + SECRET + flat[found.end :]
        elif found.kind in _PERSONAL and (shared or value != flat):
            flat = flat[: found.start] + PERSONAL + flat[found.end :]
    return flat if len(flat) <= LONGEST_QUOTED else flat[: LONGEST_QUOTED - 1].rstrip() + "…"
