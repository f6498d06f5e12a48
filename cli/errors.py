"""The errors that the person at the command line can mend: shown with their message, without a traceback."""

import difflib
from collections.abc import Collection

from cli.connection import NoServer
from cli.dev_server import NoTemporal
from cli.processes import NotReady, ProcessEnded
from keys.keyring import KeyringError
from ledger.base import LedgerError
from playbooks.library import PlaybookError
from sandbox.run import SandboxError
from sandbox.world_files import WorldError
from settings import ConfigError


class UsageProblem(Exception):
    """What was asked for cannot be done; the message says why and what to do."""


def no_such(what: str, name: str, known: Collection[str]) -> UsageProblem:
    """Say that a name is unknown, with the one that was probably meant, and all that there are."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    meant = f"; did you mean {close[0]!r}?" if close else "."
    return UsageProblem(f"no {what} {name!r}{meant} There are: {', '.join(sorted(known)) or 'none'}")


class PortInUse(Exception):
    """Something else listens where the gateway should."""


MENDABLE = (
    UsageProblem,
    PortInUse,
    ConfigError,
    PlaybookError,
    WorldError,
    SandboxError,
    LedgerError,
    KeyringError,
    NoServer,
    NoTemporal,
    ProcessEnded,
    NotReady,
)
