"""Opens the ledger that a worker has filled, and never makes one: an empty ledger would say that nothing ever ran."""

from ledger.base import LedgerError
from ledger.migrations import read_schema_state
from ledger.store import SqlLedger
from settings import Settings


async def open_recorded(settings: Settings) -> SqlLedger:
    """Connect to the ledger that the settings name.

    Raises:
        LedgerError: there is none, with where it was looked for and what to do; or it cannot be used.
    """
    url = settings.ledger_url.get_secret_value()
    state = await read_schema_state(url)
    if state is None or state.current is None:
        raise LedgerError(_missing(settings, state.where if state else ""))
    return await SqlLedger.open(url, settings.keyring())


def _missing(settings: Settings, where: str) -> str:
    named = settings.state / "ledger.db"
    other = settings.state / "demo" / "ledger.db"
    found = f"the ledger {where} is empty" if where else f"there is no ledger where {str(named)!r} was looked for"
    if not where and settings.ledger_url.get_secret_value() != f"sqlite:///{named}":
        found = "there is no ledger where WHYDESK_LEDGER_URL says"
    if other.exists():
        return f"{found}: nothing was investigated here. `whydesk demo` left one: set WHYDESK_STATE={other.parent}"
    return (
        f"{found}: nothing was investigated here. Set WHYDESK_STATE or WHYDESK_LEDGER_URL as the worker has it, "
        "or start one: `whydesk demo` or `whydesk up`"
    )
