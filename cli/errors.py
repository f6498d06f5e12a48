"""What is wrong with what was asked for."""

import difflib
from collections.abc import Collection


class UsageProblem(Exception):
    """What was asked for cannot be done; the message says why and what to do."""


def no_such(what: str, name: str, known: Collection[str]) -> UsageProblem:
    """Say that a name is unknown, with the one that was probably meant, and all that there are."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    meant = f"; did you mean {close[0]!r}?" if close else "."
    return UsageProblem(f"no {what} {name!r}{meant} There are: {', '.join(sorted(known)) or 'none'}")


class PortInUse(Exception):
    """Something else listens where the gateway should."""
