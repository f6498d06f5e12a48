"""Data keys: one for each revision, made when something is first sealed for it, wrapped by the master keys, gone when erased."""

import secrets
from collections import OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from time import monotonic

from sqlalchemy import Connection, select

from keys.keyring import KEY_BYTES, Keyring, KeyringError, SealBrokenError, UnknownKeyError
from ledger.base import LedgerError
from ledger.database import Database, insert_new, matching
from ledger.tables_keys import DataKeyRow, MasterKeyRow
from models.run import RunKey

SHARED = "shared"
"""The subject of what belongs to no customer: playbooks, and answers that many tickets share."""
FRESH_SECONDS = 3.0
"""How long a key may seal before the ledger is asked whether it was erased meanwhile."""
_MOST_KEPT = 512
_PURPOSE = "whydesk ledger data keys 1"
_PROOF = b"whydesk"
_GENERATIONS = (
    select(DataKeyRow.generation, DataKeyRow.wrapped, DataKeyRow.master)
    .where(*matching(DataKeyRow, "tenant", "subject"))
    .order_by(DataKeyRow.generation.desc())
)
"""Erased ones too. One statement: between two, another process may commit the key that the first did not see."""


def subject_of(key: RunKey | None) -> str:
    """Return whom a body belongs to: a revision, whose customer may not be known yet, or nobody."""
    return f"{key.investigation}/{key.revision}" if key else SHARED


@dataclass(frozen=True, repr=False)
class DataKey:
    """An unwrapped key. It is in memory only, and what it seals is bound to its place."""

    tenant: str
    subject: str
    generation: int
    key: Keyring

    def seal(self, data: bytes, name: str) -> bytes:
        """Encrypt and bind to tenant, subject, generation and name."""
        return self.key.seal(data, self._place(name))

    def open(self, sealed: bytes, name: str) -> bytes:
        """Return what was sealed in that place.

        Raises:
            SealBrokenError: altered, or from another place.
        """
        return self.key.open(sealed, self.key.current, self._place(name))

    def _place(self, name: str) -> bytes:
        return _bound("data", self.tenant, self.subject, str(self.generation), name)


class Vault:
    """The data keys of one ledger. Reading unwraps the key that was read with the body, so it never knows an erased one."""

    def __init__(self, database: Database, masters: Keyring, clock: Callable[[], float] = monotonic) -> None:
        """Use these master keys, the first for new data keys."""
        self._database = database
        self._masters = masters.derive(_PURPOSE)
        self._clock = clock
        self._kept: OrderedDict[tuple[str, str], tuple[float, DataKey]] = OrderedDict()

    async def check(self) -> None:
        """Refuse a ledger that these master keys do not open, before anything is written into it.

        Raises:
            LedgerError: names the master key that is missing or another one under the same id.
        """
        known = select(MasterKeyRow.master, MasterKeyRow.proof)
        rows = await self._database.read(lambda connection: connection.execute(known).all())
        for master, proof in rows:
            try:
                self._masters.open(proof, master, _bound("proof", master))
            except KeyringError as error:
                raise LedgerError(
                    f"this ledger is sealed with a master key that is not here: {error}. A ledger restored from a backup "
                    "needs the master keys of that time: put them into what WHYDESK_MASTER_KEYS names, or, on a machine "
                    "of one's own, into master.keys beside ledger.db"
                ) from None

    async def key(self, tenant: str, subject: str) -> DataKey:
        """Return the key that seals for a subject; it is committed before anything is sealed with it."""
        place = (tenant, subject)
        kept = self._kept.get(place)
        if kept is not None and self._clock() - kept[0] < FRESH_SECONDS:
            self._kept.move_to_end(place)
            return kept[1]
        row = await self._database.read(partial(newest_key, tenant=tenant, subject=subject)) if kept else None
        if row is None:
            row = await self._database.write(partial(self.ensure, tenant=tenant, subject=subject))
        key = kept[1] if kept and kept[1].generation == row.generation else self.unwrap(row)
        self._kept[place] = (self._clock(), key)
        self._kept.move_to_end(place)
        if len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)
        return key

    def forget(self, tenant: str, subjects: Collection[str]) -> None:
        """Drop keys from memory that were erased; other processes do so within seconds."""
        for subject in subjects:
            self._kept.pop((tenant, subject), None)

    def ensure(self, connection: Connection, tenant: str, subject: str) -> "WrappedKey":
        """Return the subject's key in the open transaction; make one where there is none, or only erased ones."""
        found, last = _newest(connection, tenant, subject)
        if found is not None:
            return found
        made = self.wrap(tenant, subject, last + 1, secrets.token_bytes(KEY_BYTES))
        self.remember_master(connection)
        place = {"tenant": tenant, "subject": subject, "generation": made.generation}
        row = {"wrapped": made.wrapped, "master": made.master, "created_at": datetime.now(UTC)}
        if insert_new(connection, DataKeyRow, place | row):
            return made
        # Another process made it while we waited for its row.
        found = newest_key(connection, tenant, subject)
        if found is None:
            raise LedgerError(f"the data key of {subject!r} was erased the moment it was made: try again")
        return found

    def remember_master(self, connection: Connection) -> None:
        """Keep that the current master key is in use here."""
        current = self._masters.current
        proof = self._masters.seal(_PROOF, _bound("proof", current))
        row = {"master": current, "proof": proof, "first_used_at": datetime.now(UTC)}
        insert_new(connection, MasterKeyRow, row)

    @property
    def master(self) -> str:
        """The id of the current master key."""
        return self._masters.current

    def wrap(self, tenant: str, subject: str, generation: int, key: bytes) -> "WrappedKey":
        """Seal a data key with the current master key."""
        sealed = self._masters.seal(key, _bound("key", tenant, subject, str(generation)))
        return WrappedKey(tenant, subject, generation, sealed, self._masters.current)

    def raw(self, row: "WrappedKey") -> bytes:
        """Return the bytes of a data key.

        Raises:
            LedgerError: its master key is not here, or the row was altered.
        """
        try:
            return self._masters.open(
                row.wrapped, row.master, _bound("key", row.tenant, row.subject, str(row.generation))
            )
        except UnknownKeyError as error:
            raise LedgerError(f"the data key of {row.subject!r} cannot be unwrapped: {error}") from None
        except SealBrokenError:
            raise LedgerError(
                f"the data key of {row.subject!r} of tenant {row.tenant!r} was altered: restore the ledger from a backup"
            ) from None

    def unwrap(self, row: "WrappedKey") -> DataKey:
        """Return a data key that can seal and open.

        Raises:
            LedgerError: as for `raw`.
        """
        return DataKey(row.tenant, row.subject, row.generation, Keyring((("data", self.raw(row)),)))


@dataclass(frozen=True, repr=False)
class WrappedKey:
    """A data key as the ledger has it."""

    tenant: str
    subject: str
    generation: int
    wrapped: bytes
    master: str


def newest_key(connection: Connection, tenant: str, subject: str) -> WrappedKey | None:
    """Return the subject's key, unless there is none or it is erased."""
    return _newest(connection, tenant, subject)[0]


def _newest(connection: Connection, tenant: str, subject: str) -> tuple[WrappedKey | None, int]:
    """Return the subject's key, and its last generation, which may be erased: 0 where it never had one."""
    rows = connection.execute(_GENERATIONS, {"tenant": tenant, "subject": subject}).all()
    found = next((row for row in rows if row.wrapped is not None), None)
    last = rows[0].generation if rows else 0
    if found is None:
        return None, last
    return WrappedKey(tenant, subject, found.generation, found.wrapped or b"", found.master), last


def key_of_generation(connection: Connection, tenant: str, subject: str, generation: int) -> WrappedKey | None:
    """Return one generation of a subject's key, unless it is erased."""
    row = connection.execute(
        select(DataKeyRow.wrapped, DataKeyRow.master).filter_by(tenant=tenant, subject=subject, generation=generation)
    ).one_or_none()
    if row is None or row.wrapped is None:
        return None
    return WrappedKey(tenant, subject, generation, row.wrapped, row.master)


def erased_at(connection: Connection, tenant: str, subject: str) -> datetime | None:
    """Return when a subject's key was erased; None where it has a key, or never had one."""
    rows = connection.execute(
        select(DataKeyRow.erased_at).filter_by(tenant=tenant, subject=subject).order_by(DataKeyRow.generation.desc())
    )
    moment: datetime | None = rows.scalars().first()
    return moment


def _bound(*parts: str) -> bytes:
    return "\0".join(("whydesk ledger", *parts)).encode()
