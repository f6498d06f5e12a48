"""The base of a world's models: strict parts, and times that are offsets from the run's "now"."""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

OFFSET = r"^[+-](?=\d)(\d+d)?(\d+h)?(\d+m)?(\d+s)?$"
_UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}


def parse_offset(text: object) -> timedelta:
    """Read `-3d4h`, `-90m`, `+0m` as a signed span from "now".

    Raises:
        ValueError: anything else; the message shows the form.
    """
    if isinstance(text, timedelta):
        return text
    if not isinstance(text, str) or not re.fullmatch(OFFSET, text):
        raise ValueError(f"{text!r} is no time: write an offset from now such as -2h, -3d4h30m or +0m")
    seconds = sum(int(count) * _UNITS[unit] for count, unit in re.findall(r"(\d+)([dhms])", text))
    return timedelta(seconds=-seconds if text[0] == "-" else seconds)


def format_offset(span: timedelta) -> str:
    """Write a span as an offset in whole seconds, largest units first: the inverse of `parse_offset`."""
    seconds = round(span.total_seconds())
    rest, parts = abs(seconds), []
    for unit, size in _UNITS.items():
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return ("-" if seconds < 0 else "+") + ("".join(parts) or "0m")


Offset = Annotated[
    timedelta,
    BeforeValidator(parse_offset),
    PlainSerializer(format_offset),
    WithJsonSchema({"type": "string", "pattern": OFFSET, "examples": ["-2h", "-3d4h", "+0m"]}),
]
"""A moment relative to "now": add it to the run's now."""
Sha = Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
Currency = Annotated[str, Field(pattern=r"^[a-z]{3}$")]
Minor = int
"""Money in the currency's minor unit, such as cents."""


class Part(BaseModel):
    """Base of everything in a world: written by a person, so an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")
