"""Controls in the ledger: switches, each change with its entry in the audit chain, and the compiled playbooks they name."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, delete, insert, select

from ledger.audit import append_entry
from ledger.base import LedgerError
from ledger.database import Database, insert_new
from ledger.tables import ControlRow, PlaybookReleaseRow
from models.audit import Detail
from models.base import digest_of, to_body
from models.control import CANDIDATE, STABLE, Control, Controls
from models.playbook import Playbook


@dataclass(frozen=True)
class Change:
    """One switch to set; an empty value takes it back."""

    scope: str
    name: str
    value: str


@dataclass(frozen=True)
class Said:
    """Who changes something, how the audit chain calls it, and why."""

    who: str
    action: str
    subject: str
    reason: str = ""
    detail: Detail | None = None


class SqlControls:
    """Reads and changes controls. Playbooks that were read once are kept: a released version never changes."""

    def __init__(self, database: Database) -> None:
        """Share a ledger's connections."""
        self._database = database
        self._playbooks: dict[str, Playbook] = {}

    async def read_controls(self) -> Controls:
        """Return all switches, and the playbooks that channels name."""
        rows, releases = await self._database.read(_read)
        missing = [digest for digest in releases.values() if digest not in self._playbooks]
        if missing:
            bodies = await self._database.read(lambda connection: _bodies(connection, missing))
            self._playbooks |= {digest: Playbook.model_validate_json(body) for digest, body in bodies.items()}
        released = {key: self._playbooks[digest] for key, digest in releases.items() if digest in self._playbooks}
        return Controls({(row.scope, row.name): row for row in rows}, released)

    async def change(self, changes: Sequence[Change], said: Said, release: tuple[str, Playbook] | None = None) -> None:
        """Set switches and write one audit entry, or nothing at all.

        Args:
            changes: What is set.
            said: Who and why.
            release: A playbook and its owner (a tenant, or nothing for all), kept compiled if it was not before.

        Raises:
            LedgerError: another text was released under the same id and version.
        """
        now = datetime.now(UTC)

        def work(connection: Connection) -> None:
            digest = _release(connection, *release, said.who, now) if release else ""
            for change in changes:
                connection.execute(delete(ControlRow).filter_by(scope=change.scope, name=change.name))
                row = Control(**vars(change), changed_at=now, changed_by=said.who, reason=said.reason)
                connection.execute(insert(ControlRow).values(**row.model_dump()))
            detail = {**(said.detail or {}), **({"digest": digest} if digest else {}), "reason": said.reason}
            append_entry(connection, said.who, said.action, said.subject, detail)

        await self._database.write(work)


def _read(connection: Connection) -> tuple[list[Control], dict[tuple[str, str, int], str]]:
    found = connection.execute(select(*ControlRow.__table__.columns).order_by(ControlRow.scope, ControlRow.name))
    rows = [Control.model_validate(dict(row._mapping)) for row in found]
    named = {int(row.value) for row in rows if row.name in (STABLE, CANDIDATE) and row.value}
    if not named:
        return rows, {}
    columns = (PlaybookReleaseRow.owner, PlaybookReleaseRow.playbook, PlaybookReleaseRow.version)
    releases = connection.execute(
        select(*columns, PlaybookReleaseRow.digest).where(PlaybookReleaseRow.version.in_(named))
    )
    return rows, {(row.owner, row.playbook, row.version): row.digest for row in releases}


def _bodies(connection: Connection, digests: Iterable[str]) -> Mapping[str, str]:
    columns = (PlaybookReleaseRow.digest, PlaybookReleaseRow.body)
    found = connection.execute(select(*columns).where(PlaybookReleaseRow.digest.in_(list(digests))))
    return {row.digest: row.body for row in found}


def _release(connection: Connection, owner: str, playbook: Playbook, who: str, now: datetime) -> str:
    body = to_body(playbook)
    digest = digest_of(body)
    key = {"owner": owner, "playbook": playbook.id, "version": playbook.version}
    released = {"digest": digest, "body": body.decode(), "released_at": now, "released_by": who}
    if not insert_new(connection, PlaybookReleaseRow, key | released):
        known = connection.scalar(select(PlaybookReleaseRow.digest).filter_by(**key))
        if known != digest:
            raise LedgerError(
                f"{playbook.id}@{playbook.version} was released with the digest {str(known)[:12]}… and the file now has "
                f"{digest[:12]}…: a released version never changes; write version {playbook.version + 1}"
            )
    return digest
