"""The audit chain: appended to in the transaction of what it tells of, and read from its first entry to its last."""

import json
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from sqlalchemy import Connection, insert, select, text

from ledger.database import Database
from ledger.tables import AuditRow
from models.audit import FIRST, AuditEntry, Detail, canonical_bytes, checked, detail_text, stamp
from models.base import digest_of

_LOCK = 7_239_115
"""Any number: the one advisory lock that writers of the chain take in PostgreSQL."""
_AT_ONCE = 500
_BEFORE_ALL = -(2**31)
"""Below any number: what was put before the first entry must be met too."""


def append_entry(
    connection: Connection, who: str, action: str, subject: str, detail: Detail | None = None
) -> AuditEntry:
    """Add an entry inside the transaction that is open: it is kept if and only if that is committed.

    Writers take turns until they commit, across threads and processes: SQLite's transactions write one at a time anyway, in
    PostgreSQL an advisory lock is held until the end of the transaction. So append last, after the rows that it tells of.

    Args:
        detail: Texts, whole numbers, truth values and lists of texts; never data of a customer, for it cannot be erased.

    Raises:
        ValueError: the detail has another kind of value.
    """
    kept = checked(detail or {})
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    last = connection.execute(select(AuditRow.seq, AuditRow.hash).order_by(AuditRow.seq.desc()).limit(1)).one_or_none()
    seq, previous = (last.seq + 1, last.hash) if last else (1, FIRST)
    # Taken under the lock, so that the times of one machine stand in the order of the chain.
    at = datetime.now(UTC)
    own = digest_of(canonical_bytes(seq, at, who, action, subject, kept, previous))
    entry = AuditEntry(
        seq=seq, at=at, who=who, action=action, subject=subject, detail=kept, previous=previous, hash=own
    )
    connection.execute(insert(AuditRow).values({**entry.model_dump(), "at": stamp(at), "detail": detail_text(kept)}))
    return entry


async def read_entries(
    database: Database, after: int = _BEFORE_ALL, since: datetime | None = None
) -> AsyncIterator[AuditEntry]:
    """Yield the entries in their order, a few hundred to a transaction; one that cannot be read has no true hash either."""
    while batch := await database.read(partial(_batch, after=after, since=since)):
        for entry in batch:
            yield entry
        after = batch[-1].seq


def _batch(connection: Connection, after: int, since: datetime | None) -> list[AuditEntry]:
    query = select(AuditRow).where(AuditRow.seq > after).order_by(AuditRow.seq).limit(_AT_ONCE)
    if since is not None:
        query = query.where(AuditRow.at >= stamp(since))
    return [
        _entry(dict(row._mapping)) for row in connection.execute(query.with_only_columns(*AuditRow.__table__.columns))
    ]


def _entry(values: dict[str, object]) -> AuditEntry:
    try:
        return AuditEntry.model_validate({**values, "detail": checked(json.loads(str(values["detail"])))})
    except (ValueError, TypeError):
        # Somebody wrote over it: it keeps its place, and its content cannot have the hash that it had.
        links = {name: str(values[name]) for name in ("previous", "hash")}
        return AuditEntry(
            seq=int(str(values["seq"])),
            at=datetime.min.replace(tzinfo=UTC),
            who="",
            action="unreadable",
            subject="",
            **links,
        )


@dataclass(frozen=True)
class ChainState:
    """What `verify_chain` found."""

    entries: int
    """How many there are, the broken one and those after it among them."""
    seq: int
    """The last one's number; 0 for an empty chain."""
    head: str
    """The last one's hash."""
    broken: str = ""
    """Where the chain breaks first and how; empty if it holds."""


async def verify_chain(database: Database, known: dict[int, str] | None = None) -> ChainState:
    """Recompute the chain from its first entry.

    Args:
        known: Hashes by number that were written down or exported earlier. Only against these is it noticed that the end was
            cut off, or that everything after some entry was written anew.
    """
    expected = dict(known or {})
    entries, seq, head, broken = 0, 0, FIRST, ""
    async for entry in read_entries(database):
        broken = broken or _fault(entry, seq, head, expected.pop(entry.seq, None))
        entries, seq, head = entries + 1, entry.seq, entry.hash
    if not broken and expected:
        missing = min(expected)
        broken = f"entry {missing} is missing: the chain ends with entry {seq}, so its end was cut off"
    return ChainState(entries, seq, head, broken)


def _fault(entry: AuditEntry, seq: int, head: str, known: str | None) -> str:
    """Say what is wrong with an entry that comes after `seq` with the hash `head`; empty if nothing is."""
    which = f"entry {entry.seq}"
    if entry.seq != seq + 1:
        return f"entry {seq + 1} is missing: after entry {seq} comes {which}"
    if entry.previous != head:
        return f"{which} does not follow entry {seq}: one of the two was put there later"
    if entry.computed() != entry.hash:
        return f"{which} was altered: its content does not have the hash {entry.hash[:12]}…"
    if known is not None and known != entry.hash:
        return f"{which} was replaced: it had the hash {known[:12]}… and now has {entry.hash[:12]}…"
    return ""


async def last_entry(database: Database, actions: Collection[str], subject: str) -> AuditEntry | None:
    """Return the newest entry of one of these actions on a subject."""
    query = (
        select(*AuditRow.__table__.columns)
        .where(AuditRow.subject == subject, AuditRow.action.in_(actions))
        .order_by(AuditRow.seq.desc())
        .limit(1)
    )
    row = await database.read(lambda connection: connection.execute(query).one_or_none())
    return None if row is None else _entry(dict(row._mapping))
