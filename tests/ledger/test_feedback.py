"""Feedback: all of it is kept, a tag once for each revision, and only for the note that it can speak of."""

from datetime import UTC, datetime, timedelta

import pytest

from ledger.base import LedgerError
from ledger.reading import RunReader
from ledger.store import SqlLedger
from models.feedback import BY_TAG, Feedback, FeedbackVerdict
from models.run import RunKey
from models.vocabulary import CauseClass, Mode
from tests.ledger.investigations import claim, investigate

NOW = datetime(2026, 3, 3, 9, tzinfo=UTC)
RIGHT, WRONG = FeedbackVerdict.RIGHT, FeedbackVerdict.WRONG


async def given(ledger: SqlLedger, revision: int) -> list[tuple[str, str]]:
    run = await RunReader(ledger).load_run("4711", revision)
    return [(one.who, one.verdict.value) for one in run.feedback]


async def opened(ledger: SqlLedger, number: int) -> RunKey:
    key = (await ledger.claim_delivery(claim(delivery=f"d-{number}"))).key
    assert key.revision == number
    return key


async def posted(ledger: SqlLedger, key: RunKey, status: str = "posted") -> None:
    await ledger.begin_note(key, f"whydesk:{key.investigation}/{key.revision}", Mode.NOTE, "digest")
    await ledger.finish_note(key, status, "n" if status == "posted" else "", NOW)


async def test_all_that_people_say_is_kept_and_the_last_word_of_each_counts(ledger: SqlLedger) -> None:
    key = await investigate(ledger, claim())
    first = Feedback(revision=1, verdict=RIGHT, who="ada", given_at=NOW)
    second = Feedback(
        revision=1,
        verdict=WRONG,
        who="ada",
        cause=CauseClass.KNOWN_BUG,
        comment="It was EDGE-412",
        given_at=NOW + timedelta(hours=1),
    )
    for feedback in (second, first, first):
        await ledger.give_feedback(key, feedback)
    run = await RunReader(ledger).load_run("4711")
    assert run.feedback == (first, second)
    assert run.summary.feedback == (second,)


async def test_feedback_on_a_revision_that_is_not_there_is_an_error(ledger: SqlLedger) -> None:
    key = await investigate(ledger, claim())
    with pytest.raises(LedgerError, match="never opened"):
        await ledger.give_feedback(key, Feedback(revision=9, verdict=RIGHT, who="ada", given_at=NOW))


async def test_tag_speaks_of_the_note_that_is_on_the_ticket_and_is_kept_once(ledger: SqlLedger) -> None:
    await investigate(ledger, claim())
    second = await opened(ledger, 2)
    for _ in range(2):
        await ledger.note_tags(second, ("vip", "Whydesk-Right "), NOW)
    assert await given(ledger, 1) == [(BY_TAG, "right")]
    assert await given(ledger, 2) == []


async def test_tag_that_nobody_took_off_does_not_speak_of_a_later_note(ledger: SqlLedger) -> None:
    await posted(ledger, await opened(ledger, 1))
    second = await opened(ledger, 2)
    await ledger.note_tags(second, ("whydesk-right",), NOW)
    await posted(ledger, second)
    await ledger.note_tags(await opened(ledger, 3), ("whydesk-right", "whydesk-wrong"), NOW)
    assert await given(ledger, 1) == [(BY_TAG, "right")]
    assert await given(ledger, 2) == [(BY_TAG, "wrong")]


async def test_tag_from_before_the_first_note_speaks_of_none(ledger: SqlLedger) -> None:
    first = await opened(ledger, 1)
    await ledger.note_tags(first, ("whydesk-wrong",), NOW)
    await posted(ledger, first)
    await ledger.note_tags(await opened(ledger, 2), ("whydesk-wrong",), NOW)
    assert await given(ledger, 1) == []


@pytest.mark.parametrize("status", ["shadow", "failed", "ticket-closed"])
async def test_tag_speaks_of_no_revision_whose_note_nobody_saw(ledger: SqlLedger, status: str) -> None:
    await posted(ledger, await opened(ledger, 1))
    await posted(ledger, await opened(ledger, 2), status)
    await ledger.note_tags(await opened(ledger, 3), ("whydesk-wrong",), NOW)
    assert (await given(ledger, 1), await given(ledger, 2)) == ([(BY_TAG, "wrong")], [])


async def test_of_two_tags_at_once_wrong_counts(ledger: SqlLedger) -> None:
    await posted(ledger, await opened(ledger, 1))
    await ledger.note_tags(await opened(ledger, 2), ("whydesk-wrong", "whydesk-right"), NOW)
    run = await RunReader(ledger).load_run("4711", 1)
    assert [one.verdict for one in run.feedback] == [RIGHT, WRONG]
    assert [one.verdict for one in run.summary.feedback] == [WRONG]


async def test_other_tags_leave_no_trace(ledger: SqlLedger) -> None:
    await posted(ledger, await opened(ledger, 1))
    second = await opened(ledger, 2)
    await ledger.note_tags(second, ("whydesk-rerun", "right", "whydesk-righteous"), NOW)
    assert (await RunReader(ledger).load_run("4711", 2)).steps == ()
    assert await given(ledger, 1) == []
