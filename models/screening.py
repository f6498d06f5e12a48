"""What screening saw in a text from outside, before any model: signs, never verdicts."""

from enum import StrEnum

from models.base import Frozen
from models.vocabulary import Source


class Sign(StrEnum):
    """Why a text from outside deserves a second look."""

    ORDERS = "orders"
    """It reads like orders to a machine."""
    HIDDEN = "hidden"
    """It holds characters that no reader sees: controls, direction overrides, tags, broken surrogates."""
    LENGTH = "length"
    """It is longer than what is read of it."""
    SCRIPT = "script"
    """It is mostly in a script whose words code reads little of."""


class Screened(Frozen):
    """One sign and where it was seen."""

    source: Source
    """`helpdesk` is the ticket itself."""
    sign: Sign
