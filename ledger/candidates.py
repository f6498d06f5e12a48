"""What candidates found, in the ledger."""

from collections.abc import Mapping

from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from ledger.database import Database, insert_new
from ledger.feedback import that_count
from ledger.listing import feedback_of
from ledger.tables import CandidateRow, FeedbackRow, InvestigationRow, RevisionRow
from models.candidate import CandidateResult
from models.feedback import Feedback
from models.run import RunKey
from models.ticket import TicketRef

_BESIDE = {"key", "told", "feedback"}


class SqlCandidates:
    """Keeps results once, and returns them with what people said of the notes."""

    def __init__(self, database: Database) -> None:
        """Share a ledger's connections."""
        self._database = database

    async def keep_result(self, result: CandidateResult) -> None:
        """Keep what a candidate found; the first result for a revision and a version counts."""
        row = _of(result.key) | result.model_dump(mode="json", exclude={*_BESIDE, "done_at"})
        await self._database.write(
            lambda connection: insert_new(connection, CandidateRow, row | {"done_at": result.done_at})
        )

    async def results(self, playbook: str) -> tuple[CandidateResult, ...]:
        """Return all results of a playbook's candidates, the newest first."""
        return await self._database.read(lambda connection: _results(connection, playbook))


def _results(connection: Connection, playbook: str) -> tuple[CandidateResult, ...]:
    query = (
        select(CandidateRow, InvestigationRow, RevisionRow.cause)
        .join(
            InvestigationRow,
            (InvestigationRow.tenant == CandidateRow.tenant)
            & (InvestigationRow.investigation == CandidateRow.investigation),
        )
        .join(
            RevisionRow,
            (RevisionRow.tenant == CandidateRow.tenant)
            & (RevisionRow.investigation == CandidateRow.investigation)
            & (RevisionRow.revision == CandidateRow.revision),
        )
        .where(CandidateRow.playbook == playbook)
        .order_by(CandidateRow.done_at.desc(), CandidateRow.investigation, CandidateRow.revision)
    )
    found = Session(connection).execute(query).all()
    said = _feedback(connection, playbook)
    return tuple(
        _result(row, ticket, told, said.get((row.tenant, row.investigation, row.revision), ()))
        for row, ticket, told in found
    )


def _result(
    row: CandidateRow, ticket: InvestigationRow, told: str | None, feedback: tuple[Feedback, ...]
) -> CandidateResult:
    ref = TicketRef(tenant=ticket.tenant, helpdesk=ticket.helpdesk, ticket=ticket.ticket)
    key = RunKey(ref=ref, investigation=row.investigation, revision=row.revision)
    values = {name: getattr(row, name) for name in CandidateResult.model_fields if name not in _BESIDE}
    return CandidateResult.model_validate(values | {"key": key, "told": told, "feedback": feedback})


def _feedback(connection: Connection, playbook: str) -> Mapping[tuple[str, str, int], tuple[Feedback, ...]]:
    query = (
        select(FeedbackRow)
        .join(
            CandidateRow,
            (CandidateRow.tenant == FeedbackRow.tenant)
            & (CandidateRow.investigation == FeedbackRow.investigation)
            & (CandidateRow.revision == FeedbackRow.revision),
        )
        .where(CandidateRow.playbook == playbook)
        .distinct()
    )
    by_run: dict[tuple[str, str, int], list[Feedback]] = {}
    for row in Session(connection).scalars(query):
        by_run.setdefault((row.tenant, row.investigation, row.revision), []).append(feedback_of(row))
    return {run: that_count(given) for run, given in by_run.items()}


def _of(key: RunKey) -> dict[str, object]:
    return {"tenant": key.ref.tenant, "investigation": key.investigation, "revision": key.revision}
