"""The console that commands print to."""

import shutil

from rich.console import Console

_UNBOUND = (130, 40)
"""Columns and lines where nothing has a size to fit into, as a pipe or a file: tables that are cut say little."""


def wide_enough() -> Console:
    """Return a console of the width of COLUMNS, else of the terminal, else of one at which tables say something."""
    return Console(width=shutil.get_terminal_size(_UNBOUND).columns)
