"""The errors that the person at the command line can mend: shown with their message, without a traceback."""

from cli.connection import NoServer
from cli.dev_server import NoTemporal
from cli.errors import PortInUse, UsageProblem
from cli.processes import NotReady, ProcessEnded
from keys.keyring import KeyringError
from ledger.base import LedgerError
from playbooks.library import PlaybookError
from sandbox.run import SandboxError
from sandbox.world_files import WorldError
from settings import ConfigError

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
