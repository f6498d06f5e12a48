"""How often each level of confidence was right, by the feedback that the ledger keeps."""

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import Connection, and_, select

from ledger.database import Database
from ledger.tables import FeedbackRow, RevisionRow
from models.feedback import FeedbackVerdict, Labelled
from models.vocabulary import Confidence, Outcome

_TOLD = (Outcome.DIAGNOSED.value, Outcome.NOTHING_WRONG.value)


class SqlReliability:
    """Counts labelled runs."""

    def __init__(self, database: Database) -> None:
        """Share a ledger's connections."""
        self._database = database

    async def labelled_runs(self, tenant: str | None = None) -> Sequence[Labelled]:
        """Return a tenant's, or everybody's, by playbook and level; in order.

        A run is a revision that named an explanation. Of one person the last word counts, and one `wrong` outweighs any `right`.
        """
        return await self._database.read(lambda connection: _labelled(connection, tenant))


def _labelled(connection: Connection, tenant: str | None) -> Sequence[Labelled]:
    said = (
        select(
            RevisionRow.tenant,
            RevisionRow.investigation,
            RevisionRow.revision,
            RevisionRow.playbook,
            RevisionRow.confidence,
            FeedbackRow.who,
            FeedbackRow.verdict,
        )
        .join(
            FeedbackRow,
            and_(
                FeedbackRow.tenant == RevisionRow.tenant,
                FeedbackRow.investigation == RevisionRow.investigation,
                FeedbackRow.revision == RevisionRow.revision,
            ),
        )
        .where(RevisionRow.outcome.in_(_TOLD), RevisionRow.confidence.is_not(None))
        # As in `that_count`: of two tags that were met at the same moment, `wrong` is the later word.
        .order_by(FeedbackRow.given_at, FeedbackRow.verdict)
    )
    if tenant is not None:
        said = said.where(RevisionRow.tenant == tenant)
    last: dict[tuple[str, str, int], dict[str, str]] = defaultdict(dict)
    group: dict[tuple[str, str, int], tuple[str, str, Confidence]] = {}
    for row in connection.execute(said):
        run = (row.tenant, row.investigation, row.revision)
        last[run][row.who] = row.verdict
        group[run] = (row.tenant, row.playbook.partition("@")[0], Confidence(row.confidence))
    verdicts: dict[tuple[str, str, Confidence], list[bool]] = defaultdict(list)
    for run, words in last.items():
        verdicts[group[run]].append(FeedbackVerdict.WRONG.value not in words.values())
    return [
        Labelled(tenant=who, playbook=playbook, confidence=level, right=sum(each), of=len(each))
        for (who, playbook, level), each in sorted(verdicts.items())
    ]
