"""Erasing: data keys go, and with them all that they sealed, wherever a copy lies; the record of what was done stays."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import zstandard
from sqlalchemy import ColumnElement, Connection, String, cast, delete, func, or_, select, update

from ledger.audit import append_entry
from ledger.base import LedgerError
from ledger.bodies import SEALED, unpack
from ledger.data_keys import key_of_generation
from ledger.feedback import open_comment
from ledger.listing import IDENTIFY, named
from ledger.rotation import seal_unsealed
from ledger.store import SqlLedger
from ledger.tables import BodyRow, FeedbackRow, InvestigationRow, RevisionRow, StepRow
from ledger.tables_keys import DataKeyRow

_AT_ONCE = 200


@dataclass(frozen=True)
class Scope:
    """What is to be erased: of a tenant all, or what one customer's tickets, one ticket or old revisions hold."""

    tenant: str
    customer: str = ""
    ticket: str = ""
    """A ticket's number, `inv-…` or a workflow's id."""
    before: datetime | None = None
    """Only revisions that ended before."""

    @property
    def whole(self) -> bool:
        """Whether everything of the tenant goes, what its tickets share among it."""
        return not (self.customer or self.ticket or self.before)

    @property
    def words(self) -> str:
        """For people and the audit chain: ids and times only."""
        if self.customer:
            return f"{self.tenant}/customer/{self.customer}"
        if self.ticket:
            return f"{self.tenant}/ticket/{self.ticket}"
        return f"{self.tenant}/before/{self.before:%Y-%m-%d}" if self.before else self.tenant


@dataclass(frozen=True)
class Extent:
    """What a scope covers now."""

    tickets: int
    subjects: tuple[str, ...]
    """Revisions with something left to erase, and for a whole tenant what they share."""
    running: int
    """Revisions without an outcome: what they store from now on is not covered."""


@dataclass(frozen=True)
class Erased:
    """What was erased, and the proof."""

    tickets: int
    revisions: int
    keys: int
    """Data keys that were deleted."""
    tried: int
    """Sealed bodies and comments that were tried afterwards."""
    readable: int
    """How many of them could still be read: 0, or something is wrong."""
    entry: int
    """Number of the entry in the audit chain; 0 where there was nothing to erase."""


async def tenants_of(ledger: SqlLedger, customer: str = "", ticket: str = "") -> tuple[str, ...]:
    """Return the tenants that have such a customer or ticket; those that have anything if neither is named."""
    query = select(InvestigationRow.tenant)
    if customer:
        query = select(StepRow.tenant).where(StepRow.step.startswith(IDENTIFY), StepRow.detail == customer)
    elif ticket:
        query = query.where(named(ticket))
    return tuple(sorted(await ledger.database.read(lambda connection: connection.scalars(query.distinct()).all())))


async def measure(ledger: SqlLedger, scope: Scope) -> Extent:
    """Look what a scope covers, and change nothing."""
    return await ledger.database.read(partial(_extent, scope))


async def erase(ledger: SqlLedger, scope: Scope, who: str) -> Erased:
    """Delete the data keys, try everything that they sealed, and remove it. Safe to repeat.

    Raises:
        LedgerError: the database failed; what was erased until then is, and the rest is by doing it again.
    """
    await seal_unsealed(ledger, scope.tenant)
    extent = await measure(ledger, scope)
    if not extent.subjects:
        return Erased(extent.tickets, 0, 0, 0, 0, 0)
    keys, entry = await ledger.database.write(partial(_delete_keys, scope, extent, who))
    ledger.vault.forget(scope.tenant, extent.subjects)
    tried = readable = 0
    for subjects in _batches(extent.subjects):
        seen, opened = await ledger.database.read(partial(_try_all, ledger, scope.tenant, subjects))
        tried, readable = tried + seen, readable + opened
        await ledger.database.write(partial(_remove, scope.tenant, subjects))
    await ledger.database.scrub()
    return Erased(extent.tickets, len(extent.subjects), keys, tried, readable, entry)


def _extent(scope: Scope, connection: Connection) -> Extent:
    wanted = list(_revisions(scope))
    tickets = connection.scalar(select(func.count(func.distinct(RevisionRow.investigation))).where(*wanted))
    keys = select(DataKeyRow.subject).filter_by(tenant=scope.tenant).where(DataKeyRow.wrapped.is_not(None))
    if not scope.whole:
        subject = RevisionRow.investigation + "/" + cast(RevisionRow.revision, String)
        keys = keys.where(DataKeyRow.subject.in_(select(subject).where(*wanted)))
    running = connection.scalar(select(func.count()).where(*wanted, RevisionRow.outcome.is_(None)))
    return Extent(tickets or 0, tuple(connection.scalars(keys.order_by(DataKeyRow.subject)).all()), running or 0)


def _revisions(scope: Scope) -> Sequence[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = [RevisionRow.tenant == scope.tenant]
    if scope.customer:
        found = select(StepRow.investigation).where(
            StepRow.tenant == scope.tenant, StepRow.step.startswith(IDENTIFY), StepRow.detail == scope.customer
        )
        # All of a ticket, what was stored before its customer was known among it.
        wanted.append(RevisionRow.investigation.in_(found))
    if scope.ticket:
        tickets = select(InvestigationRow.investigation).where(
            InvestigationRow.tenant == scope.tenant, named(scope.ticket)
        )
        wanted.append(RevisionRow.investigation.in_(tickets))
    if scope.before is not None:
        wanted.append(func.coalesce(RevisionRow.finished_at, RevisionRow.opened_at) < scope.before)
    return wanted


def _delete_keys(scope: Scope, extent: Extent, who: str, connection: Connection) -> tuple[int, int]:
    _overwrite(connection)
    keys = 0
    for subjects in _batches(extent.subjects):
        gone = (
            update(DataKeyRow)
            .where(DataKeyRow.tenant == scope.tenant, DataKeyRow.subject.in_(subjects), DataKeyRow.wrapped.is_not(None))
            .values(wrapped=None, master="", erased_at=datetime.now(UTC))
        )
        keys += connection.execute(gone).rowcount
    if not keys:
        return 0, 0
    detail = {"tickets": extent.tickets, "revisions": len(extent.subjects), "keys": keys}
    return keys, append_entry(connection, who, "forget", scope.words, detail).seq


def _try_all(ledger: SqlLedger, tenant: str, subjects: Sequence[str], connection: Connection) -> tuple[int, int]:
    """Try to read everything of these subjects by every means that is left; return how much was tried and was read."""
    tried = opened = 0
    bodies = select(BodyRow.subject, BodyRow.generation, BodyRow.digest, BodyRow.codec, BodyRow.data)
    for row in connection.execute(bodies.where(BodyRow.tenant == tenant, BodyRow.subject.in_(subjects))):
        tried += 1
        wrapped = key_of_generation(connection, tenant, row.subject, row.generation)
        try:
            unpack(row.digest, row.codec, row.data, ledger.vault.unwrap(wrapped) if wrapped else None)
            opened += 1
        except LedgerError:
            opened += row.codec != SEALED or _is_plain(row.data)
    for comment in _comments(connection, tenant, subjects):
        tried += 1
        opened += bool(open_comment(connection, ledger.vault, comment))
    return tried, opened


def _is_plain(data: bytes) -> bool:
    try:
        zstandard.ZstdDecompressor().decompress(data, max_output_size=1 << 26)
    except zstandard.ZstdError:
        return False
    return True


def _comments(connection: Connection, tenant: str, subjects: Sequence[str]) -> list[FeedbackRow]:
    names = (FeedbackRow.tenant, FeedbackRow.investigation, FeedbackRow.revision, FeedbackRow.entry)
    rows = connection.execute(
        select(*names, FeedbackRow.comment).where(_fed_back(tenant, subjects), FeedbackRow.comment != "")
    )
    return [FeedbackRow(**row._mapping) for row in rows]


def _fed_back(tenant: str, subjects: Sequence[str]) -> ColumnElement[bool]:
    places = [subject.rpartition("/") for subject in subjects if "/" in subject]
    each = [
        (FeedbackRow.investigation == investigation) & (FeedbackRow.revision == int(revision))
        for investigation, _, revision in places
    ]
    return (FeedbackRow.tenant == tenant) & or_(FeedbackRow.revision < 0, *each)


def _remove(tenant: str, subjects: Sequence[str], connection: Connection) -> None:
    """Remove what nobody can read: it would only be in the way."""
    _overwrite(connection)
    dead = select(DataKeyRow.generation).where(
        DataKeyRow.tenant == BodyRow.tenant,
        DataKeyRow.subject == BodyRow.subject,
        DataKeyRow.generation == BodyRow.generation,
        DataKeyRow.wrapped.is_(None),
    )
    connection.execute(
        delete(BodyRow).where(BodyRow.tenant == tenant, BodyRow.subject.in_(subjects), dead.correlate(BodyRow).exists())
    )
    connection.execute(update(FeedbackRow).where(_fed_back(tenant, subjects)).values(comment=""))


def _overwrite(connection: Connection) -> None:
    """Let SQLite write zeros over what is deleted, instead of leaving it in free pages."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA secure_delete = ON")


def _batches(subjects: Sequence[str]) -> list[Sequence[str]]:
    return [subjects[start : start + _AT_ONCE] for start in range(0, len(subjects), _AT_ONCE)]
