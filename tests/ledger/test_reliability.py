"""Labelled runs, counted on both databases: each run once, by the last word of each person."""

from datetime import UTC, datetime, timedelta

from ledger.reliability import SqlReliability
from ledger.store import SqlLedger
from models.feedback import Feedback, FeedbackVerdict
from models.run import RunKey
from models.vocabulary import Confidence, Outcome
from tests.ledger.investigations import claim, diagnosis, investigate, outcome

NOW = datetime(2026, 3, 3, 9, tzinfo=UTC)
RIGHT, WRONG = FeedbackVerdict.RIGHT, FeedbackVerdict.WRONG


async def say(ledger: SqlLedger, key: RunKey, verdict: FeedbackVerdict, who: str = "ada", after: int = 0) -> None:
    at = NOW + timedelta(minutes=after)
    await ledger.give_feedback(key, Feedback(revision=key.revision, verdict=verdict, who=who, given_at=at))


async def counted(ledger: SqlLedger, tenant: str | None = "acme") -> list[tuple[str, str, int, int]]:
    found = await SqlReliability(ledger.database).labelled_runs(tenant)
    return [(one.playbook, one.confidence.value, one.right, one.of) for one in found]


async def test_each_run_counts_once_by_everybodys_last_word(ledger: SqlLedger) -> None:
    assert await counted(ledger) == []
    agreed, disputed, changed, silent = [
        await investigate(ledger, claim(str(number), f"d-{number}")) for number in range(4)
    ]
    await say(ledger, agreed, RIGHT)
    await say(ledger, agreed, RIGHT, "bo")
    await say(ledger, disputed, RIGHT)
    await say(ledger, disputed, WRONG, "bo")
    await say(ledger, changed, WRONG)
    await say(ledger, changed, RIGHT, after=5)
    [line] = await counted(ledger)
    assert line[2:] == (2, 3)
    assert line[1] in list(Confidence)
    assert "@" not in line[0]
    assert await counted(ledger, "zenith") == []
    assert await counted(ledger, None) == [line]
    assert silent.revision == 1


async def test_a_run_that_explains_nothing_has_no_confidence_to_be_right_about(ledger: SqlLedger) -> None:
    key = (await ledger.claim_delivery(claim())).key
    found = await ledger.put_body("acme", diagnosis(), key)
    await ledger.record_outcome(outcome(key, Outcome.INCONCLUSIVE, found))
    await say(ledger, key, RIGHT)
    assert await counted(ledger) == []
