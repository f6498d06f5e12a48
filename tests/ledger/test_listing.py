"""Runs are listed the newest first, and each filter narrows by what it says."""

from datetime import UTC, datetime, timedelta

import pytest

from ledger.listing import RunFilter
from ledger.reading import RunReader
from ledger.store import SqlLedger
from models.feedback import Feedback, FeedbackVerdict
from models.vocabulary import CauseClass, Outcome, Severity
from tests.ledger.investigations import claim, investigate, outcome

LATER = datetime.now(UTC) + timedelta(hours=1)


async def a_few(ledger: SqlLedger) -> RunReader:
    """Ticket 1 was diagnosed, 2 is another tenant's and failed, 3 runs."""
    key = await investigate(ledger, claim("1", "d-1"))
    await ledger.note_step(key, "identify/0", detail="org_31")
    other = (await ledger.claim_delivery(claim("2", "d-2", tenant="globex"))).key
    failed = outcome(other, Outcome.FAILED).model_copy(
        update={"playbook_label": "api-errors-eu@1", "reasoner": "claude-x"}
    )
    await ledger.record_outcome(failed)
    await ledger.claim_delivery(claim("3", "d-3"))
    return RunReader(ledger)


async def test_newest_first(ledger: SqlLedger) -> None:
    reader = await a_few(ledger)
    assert [run.key.ref.ticket for run in await reader.list_runs()] == ["3", "2", "1"]
    assert [run.key.ref.ticket for run in await reader.list_runs(1)] == ["3"]
    assert [run.customer for run in await reader.list_runs()] == ["", "", "org_31"]


@pytest.mark.parametrize(
    ("wanted", "tickets"),
    [
        (RunFilter(tenant="globex"), "2"),
        (RunFilter(outcome=Outcome.FAILED), "2"),
        (RunFilter(cause=CauseClass.DEPLOY_REGRESSION), "1"),
        (RunFilter(severity=Severity.HIGH), "1"),
        (RunFilter(severity=Severity.LOW), ""),
        (RunFilter(running=True), "3"),
        (RunFilter(ticket="1"), "1"),
        (RunFilter(ticket="acme/zendesk/3"), "3"),
        (RunFilter(customer="org_31"), "1"),
        (RunFilter(customer="org_3"), ""),
        (RunFilter(playbook="api-errors"), "1"),
        (RunFilter(playbook="api-errors@3"), "1"),
        (RunFilter(playbook="api-errors@1"), ""),
        (RunFilter(playbook="api_errors"), ""),
        (RunFilter(playbook="api-errors-eu"), "2"),
        (RunFilter(reasoner="rules"), "1"),
        (RunFilter(reasoner="claude-x"), "2"),
        (RunFilter(since=LATER), ""),
        (RunFilter(until=LATER), "321"),
        (RunFilter(since=LATER - timedelta(hours=2), until=LATER, tenant="acme"), "31"),
        (RunFilter(feedback="none"), "321"),
        (RunFilter(feedback=FeedbackVerdict.RIGHT), ""),
    ],
)
async def test_filter(ledger: SqlLedger, wanted: RunFilter, tickets: str) -> None:
    reader = await a_few(ledger)
    assert [run.key.ref.ticket for run in await reader.list_runs(wanted=wanted)] == list(tickets)


async def test_feedback_is_filtered_by_the_last_word_of_each_person(ledger: SqlLedger) -> None:
    reader = await a_few(ledger)
    key = (await reader.last_told("1")).key
    for minute, who, verdict in ((1, "ada", "right"), (2, "ada", "wrong"), (3, "bo", "right"), (0, "bo", "wrong")):
        said = Feedback(
            revision=1, verdict=FeedbackVerdict(verdict), who=who, given_at=LATER + timedelta(minutes=minute)
        )
        await ledger.give_feedback(key, said)

    async def tickets(feedback: FeedbackVerdict | str) -> list[str]:
        wanted = RunFilter.model_validate({"feedback": feedback})
        return [run.key.ref.ticket for run in await reader.list_runs(wanted=wanted)]

    assert await tickets("right") == ["1"]
    assert await tickets("wrong") == ["1"]
    assert await tickets("none") == ["3", "2"]
    [run] = await reader.list_runs(wanted=RunFilter(ticket="1"))
    assert [(one.who, one.verdict.value) for one in run.feedback] == [("ada", "wrong"), ("bo", "right")]
    await ledger.give_feedback(
        key,
        Feedback(revision=1, verdict=FeedbackVerdict.RIGHT, who="ada", given_at=LATER + timedelta(minutes=9)),
    )
    assert await tickets("wrong") == []


async def test_more_runs_than_one_statement_can_name_come_with_what_stands_beside_them(ledger: SqlLedger) -> None:
    for number in range(205):
        key = (await ledger.claim_delivery(claim(str(number), f"d-{number}"))).key
        await ledger.note_step(key, "identify/0", detail=f"org_{number}")
    runs = await RunReader(ledger).list_runs(500)
    assert {run.customer for run in runs} == {f"org_{number}" for number in range(205)}
