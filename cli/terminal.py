"""The console that commands print to."""

import os

from rich.console import Console

_UNBOUND = 130
"""Columns where nothing has a width to fit into: a pipe or a file."""


def wide_enough() -> Console:
    """Return a console of the terminal's width, of COLUMNS, or of a width at which tables say something."""
    console = Console()
    return console if console.is_terminal or os.environ.get("COLUMNS") else Console(width=_UNBOUND)
