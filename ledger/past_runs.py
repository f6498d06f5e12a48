"""Past runs over SQL."""

from collections.abc import Sequence

from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from ledger.feedback import that_count
from ledger.listing import IDENTIFY, feedback_of
from ledger.store import SqlLedger
from ledger.tables import EvidenceRow, FeedbackRow, InvestigationRow, NoteRow, RevisionRow, StepRow
from models.evidence import EvidenceRef
from models.rediagnosis import KeptRun
from models.run import RunKey
from models.ticket import TicketRef
from models.vocabulary import Outcome

_WEIGH = "weigh/"
_VERIFY = "verify/"
_READ = "read/"
_CHOSEN = ("select", "tie")


class SqlPastRuns:
    """Implements `ledger.past.PastRuns` on the connections of a ledger."""

    def __init__(self, ledger: SqlLedger) -> None:
        """Share them."""
        self._database = ledger.database

    async def kept_run(self, tenant: str, investigation: str, revision: int) -> KeptRun | None:
        """See `PastRuns`."""
        return await self._database.read(lambda connection: _kept(connection, tenant, investigation, revision))


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
