"""Past runs over SQL."""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection, func, select
from sqlalchemy.orm import Session

from ledger.database import insert_new
from ledger.feedback import that_count
from ledger.listing import IDENTIFY, feedback_of
from ledger.store import SqlLedger
from ledger.tables import EvidenceRow, FeedbackRow, InvestigationRow, NoteRow, RevisionRow, StepRow
from ledger.tables_backtest import BacktestLineRow
from models.backtest import BacktestInput, BacktestLine, PastRevision
from models.evidence import EvidenceRef
from models.rediagnosis import KeptRun
from models.run import RunKey
from models.ticket import TicketRef
from models.vocabulary import Outcome

_WEIGH = "weigh/"
_VERIFY = "verify/"
_READ = "read/"
_CHOSEN = ("select", "tie")
_NEWEST = (StepRow.done_at.desc(), StepRow.investigation, StepRow.revision.desc(), StepRow.step.desc())
_TOLD = (Outcome.DIAGNOSED, Outcome.INCONCLUSIVE, Outcome.NOTHING_WRONG, Outcome.NEEDS_INFO)
"""Ends that a playbook had a word in."""


class SqlPastRuns:
    """Implements `ledger.past.PastRuns` on the connections of a ledger."""

    def __init__(self, ledger: SqlLedger) -> None:
        """Share them."""
        self._database = ledger.database

    async def kept_run(self, tenant: str, investigation: str, revision: int) -> KeptRun | None:
        """See `PastRuns`."""
        return await self._database.read(lambda connection: _kept(connection, tenant, investigation, revision))

    async def past_revisions(self, given: BacktestInput) -> Sequence[PastRevision]:
        """See `PastRuns`."""
        found = (
            select(RevisionRow.investigation, RevisionRow.revision, RevisionRow.opened_at)
            .where(
                RevisionRow.tenant == given.tenant,
                RevisionRow.playbook.startswith(f"{given.over}@", autoescape=True),
                RevisionRow.outcome.in_([outcome.value for outcome in _TOLD]),
                RevisionRow.opened_at >= given.since,
                RevisionRow.opened_at < given.until,
            )
            .order_by(RevisionRow.opened_at.desc(), RevisionRow.investigation, RevisionRow.revision)
        )
        rows = await self._database.read(lambda connection: connection.execute(found).all())
        return [PastRevision.model_validate(row._asdict()) for row in rows]

    async def put_line(self, given: BacktestInput, line: BacktestLine) -> BacktestLine:
        """See `PastRuns`."""
        names = {"tenant": given.tenant, "backtest": given.backtest}
        row = names | {"investigation": line.investigation, "revision": line.revision}

        def work(connection: Connection) -> BacktestLine:
            kept = row | {"line": line.model_dump_json(), "done_at": datetime.now(UTC)}
            if insert_new(connection, BacktestLineRow, kept):
                return line
            found = connection.execute(select(BacktestLineRow.line).filter_by(**row)).scalar_one()
            return BacktestLine.model_validate_json(found)

        return await self._database.write(work)

    async def backtest_lines(self, tenant: str, backtest: str) -> Sequence[BacktestLine]:
        """See `PastRuns`."""
        found = (
            select(BacktestLineRow.line).filter_by(tenant=tenant, backtest=backtest).order_by(BacktestLineRow.done_at)
        )
        rows = await self._database.read(lambda connection: connection.execute(found).scalars().all())
        return [BacktestLine.model_validate_json(row) for row in rows]

    async def newest_customers(self, tenant: str, limit: int) -> Sequence[str]:
        """See `PastRuns`."""
        newest = (
            select(StepRow.digest, func.row_number().over(partition_by=StepRow.detail, order_by=_NEWEST).label("place"))
            .add_columns(StepRow.done_at, StepRow.investigation)
            .where(StepRow.tenant == tenant, StepRow.step.startswith(IDENTIFY), StepRow.detail != "")
            .subquery()
        )
        found = (
            select(newest.c.digest)
            .where(newest.c.place == 1)
            .order_by(newest.c.done_at.desc(), newest.c.investigation)
            .limit(limit)
        )
        return await self._database.read(lambda connection: connection.execute(found).scalars().all())


def _kept(connection: Connection, tenant: str, investigation: str, revision: int) -> KeptRun | None:
    names = {"tenant": tenant, "investigation": investigation, "revision": revision}
    session = Session(connection)
    row = session.scalars(select(RevisionRow).filter_by(**names)).one_or_none()
    ticket = session.scalars(
        select(InvestigationRow).filter_by(tenant=tenant, investigation=investigation)
    ).one_or_none()
    steps = session.scalars(select(StepRow).filter_by(**names).order_by(StepRow.done_at)).all()
    weighed = _last(steps, _WEIGH)
    chosen = _last(steps, *_CHOSEN)
    read, identified = _last(steps, _READ), _last(steps, IDENTIFY)
    if row is None or ticket is None or weighed is None or chosen is None or read is None or identified is None:
        return None
    look = int(weighed.step.split("/")[1])
    evidence = session.scalars(select(EvidenceRow).filter_by(**names, look=look)).all()
    given = session.scalars(select(FeedbackRow).filter_by(**names).order_by(FeedbackRow.given_at)).all()
    note = session.scalars(select(NoteRow).filter_by(**names)).one_or_none()
    verified = _last(steps, _VERIFY)
    ref = TicketRef(tenant=tenant, helpdesk=ticket.helpdesk, ticket=ticket.ticket)
    return KeptRun(
        key=RunKey(ref=ref, investigation=investigation, revision=revision),
        ticket=read.digest,
        anchors=identified.digest,
        customer=identified.detail,
        playbook=chosen.digest,
        playbook_label=chosen.detail.partition(":")[0],
        evidence=tuple(sorted((_ref(item) for item in evidence), key=lambda ref: int(ref.id[1:]))),
        weighing=weighed.digest,
        diagnosis=row.diagnosis or (verified.digest if verified is not None else ""),
        outcome=Outcome(row.outcome) if row.outcome else None,
        reasoner=row.reasoner,
        usd=row.usd,
        note=note.digest if note is not None else "",
        feedback=tuple(that_count([feedback_of(one) for one in given])),
    )


def _last(steps: Sequence[StepRow], *beginnings: str) -> StepRow | None:
    return next((step for step in reversed(steps) if step.digest and step.step.startswith(beginnings)), None)


def _ref(row: EvidenceRow) -> EvidenceRef:
    values = {name: getattr(row, name) for name in EvidenceRef.model_fields if name != "id"}
    return EvidenceRef.model_validate(values | {"id": row.evidence})
