"""Who is at the command line, for the record of what was changed."""

import getpass


def operator() -> str:
    """Return the account's name, or `unknown` where the system has none, as in some containers."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
