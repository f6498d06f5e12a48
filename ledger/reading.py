"""What people ask of the ledger: which runs there were, and everything about one."""

from typing import Protocol, TypeVar

from pydantic import BaseModel
from sqlalchemy import Connection, func, select
from sqlalchemy.orm import Session

from ledger.base import LedgerError
from ledger.data_keys import Vault, erased_at
from ledger.feedback import open_comment
from ledger.listing import IDENTIFY, RUNS, Beside, RunFilter, feedback_of, named, newest_runs
from ledger.records import (
    AnswerRecord,
    DeliveryRecord,
    EvidenceRecord,
    Investigation,
    NoteRecord,
    RunRecord,
    RunSummary,
    StepRecord,
)
from ledger.store import SqlLedger
from ledger.tables import (
    DeliveryRow,
    EvidenceRow,
    FeedbackRow,
    InvestigationRow,
    ModelAnswerRow,
    NoteRow,
    RevisionRow,
    StepRow,
)
from models.customer import Anchors
from models.diagnosis import Diagnosis, Draft, Weighing
from models.evidence import Evidence, EvidenceRef
from models.note import RenderedNote
from models.playbook import Playbook
from models.run import Drafted, RunKey
from models.ticket import TicketRef
from models.vocabulary import Outcome

M = TypeVar("M", bound=BaseModel)


class RunReader:
    """Reads what a ledger holds, for the command line and the console."""

    def __init__(self, ledger: SqlLedger) -> None:
        """Share the ledger's connections."""
        self._ledger = ledger

    async def find_investigation(self, name: str, tenant: str | None = None) -> Investigation | None:
        """Look for an investigation by its id (`inv-…`), its workflow's id or its ticket's number.

        Raises:
            LedgerError: several tickets have that number; the message lists their workflow ids.
        """
        query = select(InvestigationRow).where(named(name))
        if tenant is not None:
            query = query.where(InvestigationRow.tenant == tenant)
        rows = await self._ledger.database.read(lambda connection: Session(connection).scalars(query).all())
        found = [_investigation(row) for row in rows]
        if len(found) > 1:
            workflows = ", ".join(sorted(investigation.workflow for investigation in found))
            raise LedgerError(f"{name!r} names {len(found)} tickets; say which: {workflows}")
        return found[0] if found else None

    async def list_runs(self, limit: int = 20, wanted: RunFilter | None = None) -> tuple[RunSummary, ...]:
        """List revisions, the newest first."""
        query = newest_runs(wanted or RunFilter(), limit)

        def work(connection: Connection) -> tuple[RunSummary, ...]:
            rows = Session(connection).execute(query).all()
            beside = Beside(
                connection, self._ledger.vault, [(row.tenant, row.investigation, row.revision) for row, _ in rows]
            )
            return tuple(_summary(row, investigation, beside) for row, investigation in rows)

        return await self._ledger.database.read(work)

    async def last_told(self, name: str, tenant: str | None = None) -> RunSummary:
        """Return the newest revision that has something to be right or wrong about.

        Raises:
            LedgerError: there is no such investigation, or none of its revisions ended with anything to say.
        """
        found = await self._find(name, tenant)
        for run in await self.list_runs(
            found.revisions, RunFilter(tenant=found.ref.tenant, ticket=found.investigation)
        ):
            if run.outcome not in (None, Outcome.NOTHING_NEW):
                return run
        raise LedgerError(f"no revision of {found.workflow} has ended with a diagnosis yet: see `whydesk show {name}`")

    async def load_run(self, investigation: str, revision: int | None = None, tenant: str | None = None) -> RunRecord:
        """Load one revision with all its bodies; the last one if none is named.

        Args:
            investigation: As in `find_investigation`.

        Raises:
            LedgerError: there is no such investigation or revision.
        """
        found = await self._find(investigation, tenant)
        number = found.revisions if revision is None else revision
        rows = await self._ledger.database.read(
            lambda connection: _RowsOfRun(connection, self._ledger.vault, found, number)
        )
        if rows.run is None:
            raise LedgerError(f"{found.workflow} has no revision {number}; the last one is {found.revisions}")
        return await self._record(rows, _summary(*rows.run, rows.beside))

    async def _find(self, name: str, tenant: str | None) -> Investigation:
        found = await self.find_investigation(name, tenant)
        if found is None:
            raise LedgerError(f"the ledger has no investigation {name!r}: `whydesk list` shows those it has")
        return found

    async def evidence_so_far(self, tenant: str, investigation: str) -> tuple[EvidenceRef, ...]:
        """Return what the newest revision has gathered until now, without the bodies."""
        newest = select(func.max(RevisionRow.revision)).where(
            RevisionRow.tenant == tenant, RevisionRow.investigation == investigation
        )
        query = select(EvidenceRow).where(
            EvidenceRow.tenant == tenant,
            EvidenceRow.investigation == investigation,
            EvidenceRow.revision == newest.scalar_subquery(),
        )
        rows = await self._ledger.database.read(lambda connection: Session(connection).scalars(query).all())
        return tuple(EvidenceRef.model_validate({**_values(row), "id": row.evidence}) for row in rows)

    async def _record(self, rows: "_RowsOfRun", summary: RunSummary) -> RunRecord:
        # The same body may belong to another revision as well: of one that was erased nothing is shown, wherever it lies.
        load = self._nothing if rows.erased_at else self._body
        evidence = [
            EvidenceRecord(
                ref=EvidenceRef.model_validate({**_values(row), "id": row.evidence}),
                look=row.look,
                fetched_at=row.fetched_at,
                body=await load(row.tenant, row.digest, Evidence),
            )
            for row in rows.evidence
        ]
        answers = [
            AnswerRecord.model_validate(
                _values(row)
                | {
                    "drafted": Drafted.model_validate(_values(row)),
                    "draft": await load(row.tenant, row.draft, Draft),
                }
            )
            for row in rows.answers
        ]
        notes = [
            NoteRecord.model_validate(_values(row) | {"body": await load(row.tenant, row.digest, RenderedNote)})
            for row in rows.notes
        ]
        return RunRecord(
            summary=summary,
            delivery=next((DeliveryRecord.model_validate(_values(row)) for row in rows.deliveries), None),
            steps=tuple(StepRecord.model_validate(_values(row)) for row in rows.steps),
            evidence=tuple(sorted(evidence, key=lambda one: (one.look, len(one.ref.id), one.ref.id))),
            answers=tuple(answers),
            diagnosis=await load(summary.key.ref.tenant, summary.diagnosis, Diagnosis),
            note=notes[0] if notes else None,
            weighing=await self._step_body(rows, "weigh/", Weighing, load),
            playbook=await self._step_body(rows, "select", Playbook, self._body),
            anchors=await self._step_body(rows, IDENTIFY, Anchors, load),
            feedback=rows.feedback,
            erased_at=rows.erased_at,
        )

    async def _step_body(self, rows: "_RowsOfRun", step: str, shape: type[M], load: "_Load") -> M | None:
        """Return the last body of that shape that a step of that kind made."""
        for row in reversed(rows.steps):
            body = await load(row.tenant, row.digest, shape) if row.step.startswith(step) else None
            if body is not None:
                return body
        return None

    async def _body(self, tenant: str, digest: str, shape: type[M]) -> M | None:
        """One body that cannot be read must not hide all the rest."""
        try:
            return await self._ledger.get_body(tenant, digest, shape) if digest else None
        except LedgerError:
            return None

    async def _nothing(self, tenant: str, digest: str, shape: type[M]) -> M | None:
        return None


class _Load(Protocol):
    async def __call__(self, tenant: str, digest: str, shape: type[M]) -> M | None:
        """Return a body, or nothing."""
        ...


class _RowsOfRun:
    """All rows of one revision, read in one transaction so that they fit together."""

    def __init__(self, connection: Connection, vault: Vault, found: Investigation, revision: int) -> None:
        of_run = RUNS.where(
            RevisionRow.tenant == found.ref.tenant,
            RevisionRow.investigation == found.investigation,
            RevisionRow.revision == revision,
        )
        names = {"tenant": found.ref.tenant, "investigation": found.investigation, "revision": revision}
        session = Session(connection)
        self.run = session.execute(of_run).one_or_none()
        self.deliveries = session.scalars(select(DeliveryRow).filter_by(**names)).all()
        self.steps = session.scalars(select(StepRow).filter_by(**names).order_by(StepRow.done_at)).all()
        self.evidence = session.scalars(select(EvidenceRow).filter_by(**names)).all()
        self.answers = session.scalars(
            select(ModelAnswerRow).filter_by(**names).order_by(ModelAnswerRow.round, ModelAnswerRow.answered_at)
        ).all()
        self.notes = session.scalars(select(NoteRow).filter_by(**names)).all()
        given = select(FeedbackRow).filter_by(**names).order_by(FeedbackRow.given_at, FeedbackRow.verdict)
        self.feedback = tuple(
            feedback_of(row, open_comment(connection, vault, row)) for row in session.scalars(given).all()
        )
        self.erased_at = erased_at(connection, found.ref.tenant, f"{found.investigation}/{revision}")
        self.beside = Beside(connection, vault, [(found.ref.tenant, found.investigation, revision)])


def _values(
    row: RevisionRow | DeliveryRow | StepRow | EvidenceRow | ModelAnswerRow | NoteRow,
) -> dict[str, object]:
    return {column.key: getattr(row, column.key) for column in row.__table__.columns}


def _investigation(row: InvestigationRow) -> Investigation:
    return Investigation(
        ref=TicketRef(tenant=row.tenant, helpdesk=row.helpdesk, ticket=row.ticket),
        investigation=row.investigation,
        revisions=row.revisions,
        opened_at=row.opened_at,
    )


def _summary(revision: RevisionRow, investigation: InvestigationRow, beside: Beside) -> RunSummary:
    ref = _investigation(investigation).ref
    key = RunKey(ref=ref, investigation=revision.investigation, revision=revision.revision)
    at = (revision.tenant, revision.investigation, revision.revision)
    further = {"key": key, "customer": beside.customer(at), "feedback": beside.feedback(at)}
    return RunSummary.model_validate(_values(revision) | further)
