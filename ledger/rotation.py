"""After a new master key: data keys are wrapped again, and what older versions stored unsealed is sealed. Safe to repeat."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection, delete, select, union_all, update

from ledger.bodies import PLAIN, pack, unpack
from ledger.data_keys import SHARED, WrappedKey
from ledger.database import insert_new
from ledger.feedback import is_sealed, seal_comment
from ledger.store import SqlLedger
from ledger.tables import BodyRow, EvidenceRow, FeedbackRow, ModelAnswerRow, NoteRow, RevisionRow, StepRow
from ledger.tables_keys import DataKeyRow, MasterKeyRow

_AT_ONCE = 200
_SHARED_STEPS = ("select", "tie")
"""Steps whose body is a playbook."""


@dataclass(frozen=True)
class Rotated:
    """What `rotate` did."""

    rewrapped: int
    """Data keys that another master key had wrapped."""
    sealed: int
    """Bodies and comments that lay unsealed."""
    master: str
    """The master key that wraps them all now."""
    unused: tuple[str, ...]
    """Master keys that no data key needs any more."""


async def rotate(ledger: SqlLedger) -> Rotated:
    """Wrap all data keys with the current master key and seal what lies unsealed, a few hundred to a transaction.

    Raises:
        LedgerError: a data key's master key is not here.
    """
    sealed = await seal_unsealed(ledger)
    rewrapped = 0
    while batch := await ledger.database.write(partial(_rewrap, ledger)):
        rewrapped += batch
    unused = await ledger.database.write(partial(_retire, ledger.vault.master))
    return Rotated(rewrapped, sealed, ledger.vault.master, unused)


def _rewrap(ledger: SqlLedger, connection: Connection) -> int:
    vault = ledger.vault
    columns = (DataKeyRow.tenant, DataKeyRow.subject, DataKeyRow.generation, DataKeyRow.wrapped, DataKeyRow.master)
    others = (
        select(*columns)
        .where(DataKeyRow.wrapped.is_not(None), DataKeyRow.master != vault.master)
        .limit(_AT_ONCE)
        .with_for_update()
    )
    rows = connection.execute(others).all()
    if rows:
        vault.remember_master(connection)
    for row in rows:
        old = WrappedKey(row.tenant, row.subject, row.generation, row.wrapped or b"", row.master)
        new = vault.wrap(row.tenant, row.subject, row.generation, vault.raw(old))
        connection.execute(
            update(DataKeyRow)
            .filter_by(tenant=row.tenant, subject=row.subject, generation=row.generation)
            # Erased meanwhile, it stays so.
            .where(DataKeyRow.wrapped.is_not(None))
            .values(wrapped=new.wrapped, master=new.master)
        )
    return len(rows)


def _retire(current: str, connection: Connection) -> tuple[str, ...]:
    used = select(DataKeyRow.master).where(DataKeyRow.wrapped.is_not(None))
    unused = select(MasterKeyRow.master).where(MasterKeyRow.master != current, MasterKeyRow.master.not_in(used))
    names = tuple(connection.scalars(unused.order_by(MasterKeyRow.first_used_at)).all())
    if names:
        connection.execute(delete(MasterKeyRow).where(MasterKeyRow.master.in_(names)))
    return names


async def seal_unsealed(ledger: SqlLedger, tenant: str | None = None) -> int:
    """Seal bodies and comments that versions before encryption stored, each for the revisions that refer to it."""
    # Without its subject a row is one of theirs.
    tenants = select(BodyRow.tenant).where(BodyRow.codec == PLAIN).distinct()
    told = select(FeedbackRow.tenant).where(FeedbackRow.comment != "", ~FeedbackRow.comment.startswith("sealed:"))
    found = await ledger.database.read(lambda connection: connection.scalars(union_all(tenants, told)).all())
    count = 0
    for name in sorted({*found} if tenant is None else {*found} & {tenant}):
        references = await ledger.database.read(partial(_references, name))
        while batch := await ledger.database.write(partial(_seal_bodies, ledger, name, references)):
            count += batch
        count += await ledger.database.write(partial(_seal_comments, ledger, name))
    return count


References = dict[str, set[str]]
"""Digest to the subjects that refer to it."""


def _references(tenant: str, connection: Connection) -> References:
    found: References = {}
    for table, column in (
        (StepRow, StepRow.digest),
        (EvidenceRow, EvidenceRow.digest),
        (NoteRow, NoteRow.digest),
        (ModelAnswerRow, ModelAnswerRow.draft),
        (RevisionRow, RevisionRow.diagnosis),
    ):
        rows = select(column, table.investigation, table.revision).where(table.tenant == tenant, column != "")
        if table is StepRow:
            rows = rows.where(~StepRow.step.startswith("select"), ~StepRow.step.startswith("tie"))
        for digest, investigation, revision in connection.execute(rows):
            found.setdefault(digest, set()).add(f"{investigation}/{revision}")
    return found


def _seal_bodies(ledger: SqlLedger, tenant: str, references: References, connection: Connection) -> int:
    plain = select(BodyRow.digest, BodyRow.data, BodyRow.stored_at).filter_by(tenant=tenant, subject="", codec=PLAIN)
    rows = connection.execute(plain.limit(_AT_ONCE)).all()
    for row in rows:
        body = unpack(row.digest, PLAIN, row.data, None)
        for subject in sorted(references.get(row.digest, {SHARED})):
            own = ledger.vault.unwrap(ledger.vault.ensure(connection, tenant, subject))
            codec, data = pack(row.digest, body, own)
            place = {"tenant": tenant, "digest": row.digest, "subject": subject, "generation": own.generation}
            insert_new(connection, BodyRow, place | {"codec": codec, "data": data, "stored_at": row.stored_at})
        connection.execute(delete(BodyRow).filter_by(tenant=tenant, digest=row.digest, subject="", codec=PLAIN))
    return len(rows)


def _seal_comments(ledger: SqlLedger, tenant: str, connection: Connection) -> int:
    names = (FeedbackRow.tenant, FeedbackRow.investigation, FeedbackRow.revision, FeedbackRow.entry)
    rows: Sequence[tuple[str, str, int, str, str]] = [
        tuple(row)  # type: ignore[misc]  # five columns, as selected
        for row in connection.execute(
            select(*names, FeedbackRow.comment).where(FeedbackRow.tenant == tenant, FeedbackRow.comment != "")
        )
        if not is_sealed(row.comment)
    ]
    for _, investigation, revision, entry, comment in rows:
        own = ledger.vault.unwrap(ledger.vault.ensure(connection, tenant, f"{investigation}/{revision}"))
        connection.execute(
            update(FeedbackRow)
            .filter_by(tenant=tenant, investigation=investigation, revision=revision, entry=entry)
            .values(comment=seal_comment(own, entry, comment))
        )
    return len(rows)
