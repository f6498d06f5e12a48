"""How a world's checks name a problem: where it is, what is wrong, what to do."""

from collections.abc import Collection, Iterable, Iterator
from datetime import timedelta

from sandbox.world_base import format_offset

Location = tuple[int | str, ...]
"""Where in a file: keys and list positions from the top."""
Problem = tuple[str, Location, str]
"""File, location, message."""


def unknown(file: str, at: Location, what: str, value: str, known: Iterable[str], home: str) -> Iterator[Problem]:
    """Yield a problem if a value is none of those known, which are defined in `home`."""
    names = sorted(known)
    if value not in names:
        listed = ", ".join(names[:12]) + (" …" if len(names) > 12 else "")
        yield file, at, f"{what} {value!r} is not in {home}: add it there or use one of {listed or 'those you add'}"


def all_known(
    file: str, at: Location, what: str, values: Iterable[str], known: Collection[str], home: str
) -> Iterator[Problem]:
    """Check each value of a list, as `unknown` does."""
    for index, value in enumerate(values):
        yield from unknown(file, (*at, index), what, value, known, home)


def span(at: Location, start: timedelta, end: timedelta, file: str = "logs.yaml") -> Iterator[Problem]:
    """Yield a problem if a span does not end after its start."""
    if end <= start:
        yield file, (*at, "end"), f"ends at {format_offset(end)}, not after its start {format_offset(start)}: swap them"
