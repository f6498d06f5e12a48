"""What a sweep of a helpdesk is asked for, and what came of it."""

from models.base import Frozen


class SweepInput(Frozen):
    """One helpdesk of one tenant."""

    tenant: str
    helpdesk: str


class SweepResult(Frozen):
    """Counts only."""

    changed: int = 0
    """Tickets that changed since the last sweep."""
    read: int = 0
    """Those that had to be read to tell."""
    started: int = 0
    """Those that nobody had told us about."""
    possible: bool = True
    """False where the helpdesk cannot list what changed."""
