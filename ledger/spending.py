"""What models cost: by tenant, playbook, model and day, from the paid answers that are kept."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, and_, func, select

from ledger.tables import ModelAnswerRow, RevisionRow
from models.base import Frozen


class CostBy(StrEnum):
    """What costs are told apart by."""

    TENANT = "tenant"
    PLAYBOOK = "playbook"
    MODEL = "model"
    PURPOSE = "purpose"
    DAY = "day"


class Costs(Frozen):
    """What the calls of one group cost."""

    group: tuple[str, ...]
    """One value for each that was asked for, in that order."""
    calls: int
    runs: int
    """Revisions that these calls were made for."""
    input_tokens: int
    output_tokens: int
    usd: float


def spent_since(connection: Connection, tenant: str, since: datetime) -> float:
    """Return what a tenant's models cost from a moment on, in US dollars."""
    paid = select(func.coalesce(func.sum(ModelAnswerRow.usd), 0.0)).where(
        ModelAnswerRow.tenant == tenant, ModelAnswerRow.answered_at >= since
    )
    return float(connection.execute(paid).scalar_one())


def costs_of(
    connection: Connection,
    by: Sequence[CostBy],
    since: datetime,
    until: datetime,
    tenant: str | None = None,
) -> list[Costs]:
    """Return what was paid between two moments, the dearest group first."""
    columns = (
        ModelAnswerRow.tenant,
        ModelAnswerRow.investigation,
        ModelAnswerRow.revision,
        ModelAnswerRow.reasoner,
        ModelAnswerRow.purpose,
        ModelAnswerRow.input_tokens,
        ModelAnswerRow.output_tokens,
        ModelAnswerRow.usd,
        ModelAnswerRow.answered_at,
        RevisionRow.playbook,
    )
    same = (
        RevisionRow.tenant == ModelAnswerRow.tenant,
        RevisionRow.investigation == ModelAnswerRow.investigation,
        RevisionRow.revision == ModelAnswerRow.revision,
    )
    paid = (
        select(*columns)
        .join(RevisionRow, and_(*same))
        .where(ModelAnswerRow.answered_at >= since, ModelAnswerRow.answered_at < until)
    )
    if tenant is not None:
        paid = paid.where(ModelAnswerRow.tenant == tenant)
    grouped: dict[tuple[str, ...], _Sum] = defaultdict(_Sum)
    for row in connection.execute(paid):
        # Days are made here: the databases disagree about the zone of a day.
        values = {
            CostBy.TENANT: row.tenant,
            CostBy.PLAYBOOK: row.playbook or "none yet",
            CostBy.MODEL: row.reasoner,
            CostBy.PURPOSE: row.purpose,
            CostBy.DAY: f"{row.answered_at:%Y-%m-%d}",
        }
        found = grouped[tuple(values[one] for one in by)]
        found.calls += 1
        found.runs.add((row.tenant, row.investigation, row.revision))
        found.input_tokens += row.input_tokens
        found.output_tokens += row.output_tokens
        found.usd += row.usd
    lines = [found.told(group) for group, found in grouped.items()]
    return sorted(lines, key=lambda line: (-line.usd, line.group))


class _Sum:
    def __init__(self) -> None:
        self.calls = self.input_tokens = self.output_tokens = 0
        self.usd = 0.0
        self.runs: set[tuple[str, str, int]] = set()

    def told(self, group: tuple[str, ...]) -> Costs:
        return Costs(
            group=group,
            calls=self.calls,
            runs=len(self.runs),
            input_tokens=self.input_tokens,
            output_tokens=self.output_tokens,
            usd=self.usd,
        )
