"""What a database's own words mean, and what to do about each: for SQLite and for PostgreSQL."""

import sqlite3

from sqlalchemy.exc import DBAPIError

BUSY_SECONDS = 30.0
"""How long a writer waits for another process's writer before it gives up."""

_SQLITE = (
    ("disk is full", "the disk is full: free space there and try again; nothing that was stored is lost"),
    ("readonly", "it cannot be written: give this user write access to the file and its folder"),
    ("unable to open", "it cannot be opened: check that the folder exists and that this user may read and write there"),
    (
        "locked",
        f"another process held it for {BUSY_SECONDS:.0f} s: look for a backup or a long query on it, then try again",
    ),
    ("not a database", "it is not a SQLite database: point WHYDESK_LEDGER_URL elsewhere or move the file away"),
    ("malformed", "it is damaged: stop the workers and restore it from a backup"),
    ("disk i/o", "the disk fails or the file was removed while in use: check both, then start again"),
    ("no such table", "it lacks a table: stop all workers and start again, so that migrations run"),
    ("no such column", "it is of another version: stop all workers and start again, so that migrations run"),
)
_CROWDED = "the server has no connection left: raise its max_connections, or run fewer workers (each holds up to 10)"
_HOST = "its host is not known: correct it in WHYDESK_LEDGER_URL, or look at the name service"
_ENDED = "the server ended the connection: try again when it is back"
_FULL = "its disk is full: free space on the server and try again; nothing that was stored is lost"
_POSTGRESQL = (
    ("password authentication failed", "its user or password is wrong: correct both in WHYDESK_LEDGER_URL"),
    ("no password supplied", "it wants a password: write postgresql://USER:PASSWORD@HOST/NAME in WHYDESK_LEDGER_URL"),
    ("no pg_hba.conf entry", "the server does not let this user in from here: add a line to its pg_hba.conf"),
    (
        "server does not support ssl",
        "the server has no TLS: mend that there, or take sslmode out of WHYDESK_LEDGER_URL",
    ),
    ("certificate verify failed", "the server's certificate is not trusted: name its authority with sslrootcert="),
    ("too many c", _CROWDED),
    ("connection slots", _CROWDED),
    ("resolve host", _HOST),
    ("translate host name", _HOST),
    ("connection timeout", "the server did not answer: check its host and port, and what lies between"),
    ("connection refused", "nothing listens there: start PostgreSQL, or correct host and port in WHYDESK_LEDGER_URL"),
    ("starting up", "the server is starting: try again in a moment"),
    ("shutting down", "the server is ending: try again when it is back"),
    ("terminating connection", _ENDED),
    ("connection unexpectedly", _ENDED),
    ("connection is lost", _ENDED),
    ("no space left", _FULL),
    ("disk full", _FULL),
    ("read-only transaction", "it cannot be written: connect to the primary, and not to a replica"),
    ("permission denied", "its user may not do that: make it the owner (ALTER DATABASE NAME OWNER TO USER)"),
    (
        "lock timeout",
        f"another process held it for {BUSY_SECONDS:.0f} s: look for a migration or a long transaction, then try again",
    ),
    ("deadlock detected", "two writers stood in each other's way: try again"),
)


def remedy(error: Exception) -> str:
    """Say what is wrong and what to do, without a value of any row."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    # PostgreSQL's further lines quote the row. Its driver is loaded only by those who use it.
    said = getattr(getattr(cause, "diag", None), "message_primary", None) or str(cause)
    lower = said.lower()
    if isinstance(cause, sqlite3.Error):
        known = next((what for sign, what in _SQLITE if sign in lower), None)
    else:
        known = _missing(lower) or next((what for sign, what in _POSTGRESQL if sign in lower), None)
    return known or f"{said}; check it, then try again"


def _missing(said: str) -> str | None:
    if "does not exist" not in said:
        return None
    for what, do in (
        ("database", "the server has no such database: make it (createdb NAME), or correct WHYDESK_LEDGER_URL"),
        ("role", "the server has no such user: make it (createuser --pwprompt USER), or correct WHYDESK_LEDGER_URL"),
        ("relation", "it lacks a table: stop all workers and start again, so that migrations run"),
        ("column", "it is of another version: stop all workers and start again, so that migrations run"),
    ):
        if f"{what} " in said:
            return do
    return None
