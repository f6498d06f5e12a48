"""`whydesk feedback --reliability`: how often each level of confidence was right, and what notes say of it now."""

from collections.abc import Sequence

from rich.table import Column, Table

from cli.recorded import open_recorded
from ledger.reliability import SqlReliability
from models.base import Frozen
from models.feedback import Labelled
from models.vocabulary import Confidence
from reasoning.calibration import calibration, interval, share, wilson
from settings import Settings


class Reliability(Frozen):
    """How often one level was right in the runs of one playbook that people spoke of."""

    tenant: str
    playbook: str
    confidence: Confidence
    right: int
    labelled: int
    low: float
    """Wilson's interval, 0 to 1."""
    high: float
    note: str
    """What a note of this playbook and level says now."""


class ReliabilityReport(Frozen):
    """What `whydesk feedback --reliability --json` prints. Fields are added, never renamed or removed, while `format` is 1."""

    format: int = 1
    lines: tuple[Reliability, ...]


async def reliability(settings: Settings) -> ReliabilityReport:
    """Count the labelled runs of all tenants."""
    async with await open_recorded(settings) as ledger:
        labelled = await SqlReliability(ledger.database).labelled_runs()
    return ReliabilityReport(lines=tuple(_line(one, labelled) for one in labelled))


def reliability_table(report: ReliabilityReport) -> Table:
    """Show it for people."""
    right = [Column(name, justify="right") for name in ("labelled", "right", "share", "95 %")]
    table = Table("tenant", "playbook", "confidence", *right, Column("notes say", overflow="fold"))
    for line in report.lines:
        figures = (
            f"{line.labelled:,}",
            f"{line.right:,}",
            share(line.right, line.labelled),
            interval(line.right, line.labelled),
        )
        table.add_row(line.tenant, line.playbook, line.confidence.value, *figures, line.note)
    return table


def _line(one: Labelled, all_of_them: Sequence[Labelled]) -> Reliability:
    low, high = wilson(one.right, one.of)
    same_tenant = [other for other in all_of_them if other.tenant == one.tenant]
    return Reliability(
        tenant=one.tenant,
        playbook=one.playbook,
        confidence=one.confidence,
        right=one.right,
        labelled=one.of,
        low=low,
        high=high,
        note=calibration(one.confidence, one.playbook, same_tenant),
    )
