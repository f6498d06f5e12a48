"""The errors that the person at the command line can mend: shown with their message, without a traceback."""

from cli.connection import NoServer
from cli.dev_server import NoTemporal
from cli.processes import NotReady, ProcessEnded
from ledger.base import LedgerError
from playbooks.library import PlaybookError
from sandbox.run import SandboxError
from sandbox.world_files import WorldError
from settings import ConfigError


class UsageProblem(Exception):
    """What was asked for cannot be done; the message says why and what to do."""


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
    NoServer,
    NoTemporal,
    ProcessEnded,
    NotReady,
)
