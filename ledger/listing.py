"""Which runs a list holds: the filters as SQL, and what is looked up beside each run."""

from collections.abc import Iterator, Sequence
from typing import Literal, TypeVar

from sqlalchemy import ColumnElement, Connection, Select, and_, or_, select, tuple_
from sqlalchemy.orm import Session

from ledger.data_keys import Vault
from ledger.feedback import has_feedback, open_comment, that_count
from ledger.tables import FeedbackRow, InvestigationRow, RevisionRow, StepRow
from models.base import Frozen, Moment
from models.feedback import Feedback, FeedbackVerdict
from models.vocabulary import CauseClass, Outcome, Severity

IDENTIFY = "identify/"
"""Beginning of the steps whose detail is the customer's id."""
_MOST_KEYS = 200
"""Runs that are looked up in one statement: SQLite has a limit on the variables of one."""


class RunFilter(Frozen):
    """What narrows a list of runs; all that is set must hold."""

    tenant: str | None = None
    ticket: str | None = None
    """A ticket's number, `inv-…` or a workflow's id."""
    customer: str | None = None
    """Our id of the customer, as the investigation found it."""
    playbook: str | None = None
    """`api-errors`, or `api-errors@3` for one version."""
    outcome: Outcome | None = None
    cause: CauseClass | None = None
    severity: Severity | None = None
    reasoner: str | None = None
    """`rules` or a model id."""
    feedback: FeedbackVerdict | Literal["none"] | None = None
    """Somebody's last word; `none`: nobody said anything."""
    since: Moment | None = None
    """Opened at or after."""
    until: Moment | None = None
    """Opened before."""
    running: bool = False
    """Only those without an outcome."""


RUNS = select(RevisionRow, InvestigationRow).join(
    InvestigationRow,
    and_(InvestigationRow.tenant == RevisionRow.tenant, InvestigationRow.investigation == RevisionRow.investigation),
)


def newest_runs(wanted: RunFilter, limit: int) -> Select[RevisionRow, InvestigationRow]:
    """Return the query for these runs, the newest first."""
    return (
        RUNS.where(*_conditions(wanted))
        .order_by(RevisionRow.opened_at.desc(), RevisionRow.revision.desc())
        .limit(limit)
    )


def named(name: str) -> ColumnElement[bool]:
    """Match an investigation's id, a ticket, or `tenant/helpdesk/ticket`."""
    tenant, _, rest = name.partition("/")
    helpdesk, _, ticket = rest.partition("/")
    workflow = and_(
        InvestigationRow.tenant == tenant, InvestigationRow.helpdesk == helpdesk, InvestigationRow.ticket == ticket
    )
    return or_(InvestigationRow.investigation == name, InvestigationRow.ticket == name, workflow)


RevisionKey = tuple[str, str, int]
"""Tenant, investigation, revision."""
Row = TypeVar("Row", FeedbackRow, StepRow)


class Beside:
    """What stands beside some revisions: their customers and their feedback."""

    def __init__(self, connection: Connection, vault: Vault, keys: Sequence[RevisionKey]) -> None:
        """Read both at once for all of them."""
        self._customers: dict[RevisionKey, str] = {}
        self._given: dict[RevisionKey, list[Feedback]] = {}
        session = Session(connection)
        for start in range(0, len(keys), _MOST_KEYS):
            some = keys[start : start + _MOST_KEYS]
            steps = _rows_of(StepRow, some).where(StepRow.step.startswith(IDENTIFY)).order_by(StepRow.step)
            for step in session.scalars(steps):
                self._customers[step.tenant, step.investigation, step.revision] = step.detail
            for row in session.scalars(_rows_of(FeedbackRow, some).order_by(FeedbackRow.given_at)):
                given = self._given.setdefault((row.tenant, row.investigation, row.revision), [])
                given.append(feedback_of(row, open_comment(connection, vault, row)))

    def customer(self, key: RevisionKey) -> str:
        """Return the customer of a revision, or nothing."""
        return self._customers.get(key, "")

    def feedback(self, key: RevisionKey) -> tuple[Feedback, ...]:
        """Return the last word of each person."""
        return that_count(self._given.get(key, ()))


def feedback_of(row: FeedbackRow, comment: str = "") -> Feedback:
    """Return a stored feedback with its comment, if that was opened."""
    return Feedback.model_validate({name: getattr(row, name) for name in Feedback.model_fields} | {"comment": comment})


def _rows_of(table: type[Row], keys: Sequence[RevisionKey]) -> Select[Row]:
    return select(table).where(tuple_(table.tenant, table.investigation, table.revision).in_(keys))


def _conditions(wanted: RunFilter) -> Iterator[ColumnElement[bool]]:
    same = (
        (RevisionRow.tenant, wanted.tenant),
        (RevisionRow.outcome, wanted.outcome),
        (RevisionRow.cause, wanted.cause),
        (RevisionRow.severity, wanted.severity),
        (RevisionRow.reasoner, wanted.reasoner),
    )
    yield from (column == value for column, value in same if value is not None)
    if wanted.ticket is not None:
        yield named(wanted.ticket)
    if wanted.customer is not None:
        yield _of_customer(wanted.customer)
    if wanted.playbook is not None:
        version = RevisionRow.playbook.startswith(f"{wanted.playbook}@", autoescape=True)
        yield RevisionRow.playbook == wanted.playbook if "@" in wanted.playbook else version
    if wanted.feedback is not None:
        yield has_feedback(None if wanted.feedback == "none" else wanted.feedback)
    if wanted.since is not None:
        yield RevisionRow.opened_at >= wanted.since
    if wanted.until is not None:
        yield RevisionRow.opened_at < wanted.until
    if wanted.running:
        yield RevisionRow.outcome.is_(None)


def _of_customer(customer: str) -> ColumnElement[bool]:
    found = select(StepRow.step).where(
        StepRow.tenant == RevisionRow.tenant,
        StepRow.investigation == RevisionRow.investigation,
        StepRow.revision == RevisionRow.revision,
        StepRow.step.startswith(IDENTIFY),
        StepRow.detail == customer,
    )
    return found.correlate(RevisionRow).exists()
