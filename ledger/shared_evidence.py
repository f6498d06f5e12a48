"""Answers that many tickets share: one lease for each question, and the newest answer in place of the last."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, Update, delete, select, update

from ledger.base import BodyMissing
from ledger.database import insert_new, matching
from ledger.store import SqlLedger
from ledger.tables import BodyRow
from ledger.tables_shared import SharedEvidenceRow
from models.coordination import Lease, SharedAnswer, SharedQuestion

LEASE = timedelta(seconds=6)
"""An owner renews it every few seconds; a dead one's lets another ask after this."""
REFUSED_FOR = timedelta(seconds=15)
"""A refusal may be mended at any moment: it is served for less long than an answer."""


class SqlSharedAnswers:
    """Implements `ledger.coordination.SharedAnswers`. The bodies are the ledger's own, sealed like all others."""

    def __init__(self, ledger: SqlLedger) -> None:
        """Use the ledger's connections."""
        self._ledger = ledger

    async def ask(self, question: SharedQuestion, owner: str, since: datetime) -> Lease:
        """See `SharedAnswers`. Most calls find an answer, and only read."""
        row = await self._ledger.database.read(lambda connection: _find(connection, question))
        if row is None or not _is_fresh(row, question):
            row = await self._ledger.database.write(lambda connection: _take(connection, question, owner, since))
        if _is_fresh(row, question):
            answer = await self._load(question, row.digest)
            # Replaced between the two looks: the next one finds what took its place.
            return Lease(answer=answer)
        if row.owner == owner:
            return Lease(ours=True)
        return Lease(problem=row.problem if _has_failed(row, since) else "")

    async def renew(self, question: SharedQuestion, owner: str) -> None:
        """See `SharedAnswers`."""
        later = _of(question).where(SharedEvidenceRow.owner == owner).values(lease_until=datetime.now(UTC) + LEASE)
        await self._ledger.database.write(lambda connection: connection.execute(later).rowcount)

    async def answer(self, question: SharedQuestion, owner: str, answer: SharedAnswer) -> None:
        """See `SharedAnswers`. An answer that is older than the one that is kept changes nothing."""
        digest = await self._ledger.put_body(question.scope, answer)
        values = {
            "source": question.source.value,
            "digest": digest,
            "answered": answer.answer.status.answered,
            "fetched_at": answer.fetched_at,
            "problem": "",
        }

        def work(connection: Connection) -> None:
            insert_new(connection, SharedEvidenceRow, _names(question) | values | {"owner": "", "digest": ""})
            before = _find(connection, question)
            assert before is not None
            if before.fetched_at is not None and before.fetched_at > answer.fetched_at:
                return
            connection.execute(_of(question).values(**values))
            connection.execute(_of(question).where(SharedEvidenceRow.owner == owner).values(owner="", lease_until=None))
            if before.digest and before.digest != digest:
                # Nothing else refers to it: each investigation keeps the evidence that it was served as its own.
                connection.execute(delete(BodyRow).filter_by(tenant=question.scope, digest=before.digest))

        await self._ledger.database.write(work)

    async def fail(self, question: SharedQuestion, owner: str, problem: str) -> None:
        """See `SharedAnswers`."""
        freed = _of(question).where(SharedEvidenceRow.owner == owner)
        values = {"owner": "", "lease_until": None, "problem": problem, "failed_at": datetime.now(UTC)}
        await self._ledger.database.write(lambda connection: connection.execute(freed.values(**values)).rowcount)

    async def last(self, question: SharedQuestion) -> SharedAnswer | None:
        """See `SharedAnswers`."""
        row = await self._ledger.database.read(lambda connection: _find(connection, question))
        if row is None or not row.digest or not row.answered:
            return None
        return await self._load(question, row.digest)

    async def _load(self, question: SharedQuestion, digest: str) -> SharedAnswer | None:
        try:
            return await self._ledger.get_body(question.scope, digest, SharedAnswer)
        except BodyMissing:
            return None


class _Row(NamedTuple):
    digest: str
    answered: bool
    fetched_at: datetime | None
    owner: str
    lease_until: datetime | None
    problem: str
    failed_at: datetime | None


_FOUND = select(*(getattr(SharedEvidenceRow, name) for name in _Row._fields)).where(
    *matching(SharedEvidenceRow, "scope", "question")
)
_LOCKED = _FOUND.with_for_update()


def _find(connection: Connection, question: SharedQuestion, *, lock: bool = False) -> _Row | None:
    row = connection.execute(_LOCKED if lock else _FOUND, _names(question)).one_or_none()
    return None if row is None else _Row(*row)


def _take(connection: Connection, question: SharedQuestion, owner: str, since: datetime) -> _Row:
    """Take the lease, unless there is an answer by now, somebody alive has it, or an attempt that we waited for failed."""
    insert_new(connection, SharedEvidenceRow, _names(question) | {"source": question.source.value})
    row = _find(connection, question, lock=True)
    assert row is not None
    now = datetime.now(UTC)
    taken = row.owner not in ("", owner) and row.lease_until is not None and row.lease_until > now
    if _is_fresh(row, question) or taken or _has_failed(row, since):
        return row
    connection.execute(_of(question).values(owner=owner, lease_until=now + LEASE))
    return row._replace(owner=owner)


def _is_fresh(row: _Row, question: SharedQuestion) -> bool:
    if row.fetched_at is None or not row.digest:
        return False
    fresh = timedelta(seconds=question.fresh_seconds)
    return row.fetched_at > datetime.now(UTC) - (fresh if row.answered else min(fresh, REFUSED_FOR))


def _has_failed(row: _Row, since: datetime) -> bool:
    return not row.owner and row.failed_at is not None and row.failed_at >= since


def _names(question: SharedQuestion) -> dict[str, str]:
    return {"scope": question.scope, "question": question.digest}


def _of(question: SharedQuestion) -> Update:
    return update(SharedEvidenceRow).filter_by(**_names(question))
