"""The errors that the person at the command line can mend: shown with their message, without a traceback."""

from cli.dev_server import NoTemporal
from cli.processes import ProcessEnded
from ledger.base import LedgerError
from playbooks.library import PlaybookError
from settings import ConfigError


class UsageProblem(Exception):
    """What was asked for cannot be done; the message says why and what to do."""


MENDABLE = (UsageProblem, ConfigError, PlaybookError, LedgerError, NoTemporal, ProcessEnded)
