"""The ledger over SQL. Each method is one short transaction, and the database decides who came first."""

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import partial
from types import TracebackType
from typing import Self, TypeVar

from pydantic import BaseModel, ValidationError
from sqlalchemy import Connection, bindparam, func, or_, select, update

from keys.keyring import Keyring
from ledger.audit import append_entry
from ledger.base import RETROSPECT, BodyMissing, LedgerError
from ledger.bodies import load_body, pack
from ledger.claims import find_claim, open_revision
from ledger.data_keys import DataKey, Vault, subject_of
from ledger.database import Database, insert_new, matching
from ledger.feedback import feedback_tags, keep_feedback, keep_tags, keep_tags_on_note
from ledger.migrations import upgrade
from ledger.spending import spent_since
from ledger.tables import AuditRow, BodyRow, EvidenceRow, ModelAnswerRow, NoteRow, RevisionRow, StepRow
from models.audit import AuditEntry, Detail
from models.base import digest_of, to_body
from models.diagnosis import Diagnosis
from models.evidence import Evidence, EvidenceRef
from models.feedback import Feedback
from models.note import EarlierNote
from models.run import ClaimRequest, DeliveryClaim, Drafted, RecordRequest, RunKey
from models.vocabulary import Mode, Outcome

M = TypeVar("M", bound=BaseModel)

BEGUN = "begun"
"""The status of a note that may or may not have reached the ticket."""
_REVISION = ("tenant", "investigation", "revision")
_EVIDENCE = select(*(getattr(EvidenceRow, name) for name in EvidenceRef.model_fields if name != "id")).where(
    *matching(EvidenceRow, *_REVISION, "evidence", "look")
)
_ANSWER = select(*(getattr(ModelAnswerRow, name) for name in Drafted.model_fields)).where(
    *matching(ModelAnswerRow, *_REVISION, "round", "purpose", "sample", "request")
)
_EARLIER_FINGERPRINT = (
    select(RevisionRow.fingerprint)
    .where(*matching(RevisionRow, "tenant", "investigation"))
    .where(RevisionRow.revision < bindparam("revision"), RevisionRow.fingerprint.is_not(None))
    .order_by(RevisionRow.revision.desc())
    .limit(1)
)
_EARLIER_NOTE = (
    select(NoteRow.revision, func.coalesce(NoteRow.finished_at, NoteRow.begun_at).label("posted_at"))
    .where(*matching(NoteRow, "tenant", "investigation"))
    .where(NoteRow.revision < bindparam("revision"), NoteRow.note != "")
    .order_by(NoteRow.revision.desc())
    .limit(1)
)
_LOOKED_BACK = ModelAnswerRow.purpose.in_(RETROSPECT)
_COST = select(func.coalesce(func.sum(ModelAnswerRow.usd), 0.0)).where(*matching(ModelAnswerRow, *_REVISION))
_COST_OF_RUN, _COST_OF_LOOKING_BACK = _COST.where(~_LOOKED_BACK), _COST.where(_LOOKED_BACK)


class SqlLedger:
    """Implements `ledger.base.Ledger`. One for a process; close it when done."""

    def __init__(self, database: Database, vault: Vault) -> None:
        """Use `open`, which also migrates."""
        self.database = database
        self.vault = vault

    @classmethod
    async def open(cls, url: str, keyring: Keyring) -> Self:
        """Bring the database up to date and connect.

        Args:
            url: `sqlite:///PATH` (the file is created) or `postgresql://…`.
            keyring: The master keys, under which all that is stored is sealed.

        Raises:
            LedgerError: says where, and what to do; also where the master keys are not those of this ledger.
        """
        await upgrade(url)
        database = Database.connect(url)
        vault = Vault(database, keyring)
        try:
            await vault.check()
        except BaseException:
            await database.aclose()
            raise
        return cls(database, vault)

    async def __aenter__(self) -> Self:
        """Close at the end of the block."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        await self.aclose()

    async def aclose(self) -> None:
        """Finish what runs and close every connection."""
        await self.database.aclose()

    async def claim_delivery(self, request: ClaimRequest) -> DeliveryClaim:
        """See `Ledger`. A delivery that was claimed before is only read."""
        claimed = await self.database.read(partial(find_claim, request=request))
        return claimed if claimed is not None else await self.database.write(partial(open_revision, request=request))

    async def put_body(self, tenant: str, body: BaseModel, key: RunKey | None = None) -> str:
        """See `Ledger`."""
        raw = to_body(body)
        digest = digest_of(raw)
        own = await self.vault.key(tenant, subject_of(key))
        await self.database.write(lambda connection: _store_body(connection, own, digest, raw))
        return digest

    async def get_body(self, tenant: str, digest: str, shape: type[M]) -> M:
        """See `Ledger`. A body that is not of the shape is a LedgerError."""
        raw = await self.database.read(lambda connection: load_body(connection, self.vault, tenant, digest))
        try:
            return shape.model_validate_json(raw)
        except ValidationError as error:
            # The validator's own words would quote the body, which holds a customer's data.
            problem = f"{error.error_count()} fields do not fit"
        raise LedgerError(f"body {digest!r} is not a {shape.__name__}: {problem}; does an older version read it?")

    async def put_evidence(self, key: RunKey, evidence: Evidence, look: int = 0) -> EvidenceRef:
        """See `Ledger`."""
        raw = to_body(evidence)
        ref = EvidenceRef(
            id=evidence.id,
            query=evidence.query,
            source=evidence.source,
            status=evidence.status,
            digest=digest_of(raw),
            rows=len(evidence.rows),
            truncated=evidence.truncated,
            stale=evidence.stale,
            took=evidence.took,
        )
        row = {
            "look": look,
            "evidence": evidence.id,
            "fetched_at": evidence.fetched_at,
            **ref.model_dump(exclude={"id"}),
        }

        own = await self.vault.key(key.ref.tenant, subject_of(key))

        def work(connection: Connection) -> EvidenceRef:
            if not insert_new(connection, EvidenceRow, _names(key) | row):
                return _evidence(connection, key, evidence.id, look) or ref
            _store_body(connection, own, ref.digest, raw)
            return ref

        return await self.database.write(work)

    async def find_evidence(self, key: RunKey, evidence: str, look: int = 0) -> EvidenceRef | None:
        """See `Ledger`."""
        return await self.database.read(lambda connection: _evidence(connection, key, evidence, look))

    async def put_model_answer(
        self,
        key: RunKey,
        request_digest: str,
        round: int,
        drafted: Drafted,
        purpose: str = "diagnose",
        sample: int = 0,
    ) -> Drafted:
        """See `Ledger`. `purpose` and `sample` keep further answers to one request apart."""
        asked = {"round": round, "purpose": purpose, "sample": sample, "request": request_digest}
        row = {"answered_at": datetime.now(UTC), **drafted.model_dump(mode="json")}

        def work(connection: Connection) -> Drafted:
            if insert_new(connection, ModelAnswerRow, _names(key) | asked | row):
                return drafted
            return _answer(connection, key, asked) or drafted

        return await self.database.write(work)

    async def find_model_answer(
        self, key: RunKey, request_digest: str, round: int, purpose: str = "diagnose", sample: int = 0
    ) -> Drafted | None:
        """See `Ledger`."""
        asked = {"round": round, "purpose": purpose, "sample": sample, "request": request_digest}
        return await self.database.read(lambda connection: _answer(connection, key, asked))

    async def spent(self, key: RunKey, purpose: str = "") -> float:
        """See `Ledger`."""
        cost = _COST_OF_LOOKING_BACK if purpose in RETROSPECT else _COST_OF_RUN
        return await self.database.read(lambda connection: float(connection.execute(cost, _names(key)).scalar_one()))

    async def spent_since(self, tenant: str, since: datetime) -> float:
        """See `Ledger`."""
        return await self.database.read(partial(spent_since, tenant=tenant, since=since))

    async def note_step(self, key: RunKey, step: str, digest: str = "", detail: str = "") -> None:
        """See `Ledger`. The first time that a step was done counts."""
        row = _names(key) | {"step": step, "digest": digest, "detail": detail, "done_at": datetime.now(UTC)}
        await self.database.write(lambda connection: insert_new(connection, StepRow, row))

    async def note_fingerprint(self, key: RunKey, fingerprint: str) -> str | None:
        """See `Ledger`. A second look may change it: the last one is what the next revision is compared with."""
        keep = update(RevisionRow).filter_by(**_names(key)).values(fingerprint=fingerprint)

        def work(connection: Connection) -> str | None:
            if connection.execute(keep).rowcount == 0:
                raise _never_opened(key)
            return connection.scalar(_EARLIER_FINGERPRINT, _names(key))

        return await self.database.write(work)

    async def begin_note(self, key: RunKey, marker: str, mode: Mode, digest: str) -> str | None:
        """See `Ledger`. What ended without a note on the ticket (`shadow`, `failed` …) may begin anew."""
        names, now = _names(key), datetime.now(UTC)
        what = {"marker": marker, "mode": mode.value, "digest": digest, "status": BEGUN, "begun_at": now}

        def work(connection: Connection) -> str | None:
            if insert_new(connection, NoteRow, names | what | {"note": ""}):
                return None
            again = update(NoteRow).filter_by(**names, note="").where(NoteRow.status != BEGUN)
            connection.execute(again.values(**what))
            return connection.scalar(select(NoteRow.note).filter_by(**names)) or None

        return await self.database.write(work)

    async def finish_note(self, key: RunKey, status: str, note_id: str, at: datetime) -> None:
        """See `Ledger`. Once the helpdesk's id is known, nothing changes it any more."""
        names = _names(key)
        became = {"status": status, "note": note_id, "finished_at": at}
        unbegun = {"marker": "", "mode": "", "digest": "", "begun_at": at}

        def work(connection: Connection) -> None:
            if not insert_new(connection, NoteRow, names | unbegun | became):
                connection.execute(update(NoteRow).filter_by(**names, note="").values(**became))

        await self.database.write(work)

    async def earlier_note(self, key: RunKey) -> EarlierNote | None:
        """See `Ledger`."""
        row = await self.database.read(lambda connection: connection.execute(_EARLIER_NOTE, _names(key)).one_or_none())
        return None if row is None else EarlierNote.model_validate(row._asdict())

    async def note_tags(self, key: RunKey, tags: Iterable[str], at: datetime) -> None:
        """See `Ledger`. Most tickets carry none, and then nothing is written."""
        met = feedback_tags(tags)
        if met:
            await self.database.write(lambda connection: keep_tags(connection, key, met, at))

    async def tags_on_note(self, key: RunKey, tags: Iterable[str], at: datetime) -> tuple[Feedback, ...]:
        """Keep the feedback tags of a ticket that is read outside of a run; return what was not known before."""
        return await self.database.write(lambda connection: keep_tags_on_note(connection, key, tags, at))

    async def give_feedback(self, key: RunKey, feedback: Feedback) -> None:
        """See `Ledger`."""
        own = await self.vault.key(key.ref.tenant, subject_of(key.model_copy(update={"revision": feedback.revision})))
        await self.database.write(lambda connection: keep_feedback(connection, key, feedback, own))

    async def record_outcome(self, request: RecordRequest) -> None:
        """See `Ledger`. A `failed` revision that is run again (reset) may still end well; any other outcome stays."""
        names = _names(request.key)
        seen = await self._diagnosis(request.key.ref.tenant, request.diagnosis)
        known = select(RevisionRow.revision).filter_by(**names)
        close = (
            update(RevisionRow)
            .filter_by(**names)
            .where(or_(RevisionRow.outcome.is_(None), RevisionRow.outcome == Outcome.FAILED.value))
            .values(
                **request.model_dump(exclude={"key", "playbook_label", "gaps"}),
                playbook=request.playbook_label,
                gaps=list(request.gaps),
                cause=seen and seen.cause.value,
                severity=seen and seen.severity.value,
                confidence=seen and seen.confidence.value,
            )
        )

        def work(connection: Connection) -> None:
            if connection.execute(close).rowcount == 0 and connection.scalar(known) is None:
                raise _never_opened(request.key)

        await self.database.write(work)

    async def newest_entry(self) -> int:
        """See `Ledger`."""
        newest = select(func.coalesce(func.max(AuditRow.seq), 0))
        return await self.database.read(lambda connection: int(connection.execute(newest).scalar_one()))

    async def append_audit(self, who: str, action: str, subject: str, detail: Detail | None = None) -> AuditEntry:
        """See `Ledger`."""
        return await self.database.write(lambda connection: append_entry(connection, who, action, subject, detail))

    async def _diagnosis(self, tenant: str, digest: str) -> Diagnosis | None:
        if not digest:
            return None
        try:
            return await self.get_body(tenant, digest, Diagnosis)
        except BodyMissing:
            return None


def _names(key: RunKey) -> dict[str, object]:
    return {"tenant": key.ref.tenant, "investigation": key.investigation, "revision": key.revision}


def _store_body(connection: Connection, own: DataKey, digest: str, raw: bytes) -> None:
    codec, data = pack(digest, raw, own)
    place = {"tenant": own.tenant, "digest": digest, "subject": own.subject, "generation": own.generation}
    insert_new(connection, BodyRow, place | {"codec": codec, "data": data, "stored_at": datetime.now(UTC)})


def _evidence(connection: Connection, key: RunKey, evidence: str, look: int) -> EvidenceRef | None:
    found = connection.execute(_EVIDENCE, _names(key) | {"evidence": evidence, "look": look}).one_or_none()
    return None if found is None else EvidenceRef.model_validate({"id": evidence, **found._mapping})


def _answer(connection: Connection, key: RunKey, asked: dict[str, object]) -> Drafted | None:
    found = connection.execute(_ANSWER, _names(key) | asked).one_or_none()
    return None if found is None else Drafted.model_validate(found._asdict())


def _never_opened(key: RunKey) -> LedgerError:
    return LedgerError(f"revision {key.revision} of {key.investigation!r} was never opened: claim its delivery first")
