"""Each source down in turn: the note still comes, and says what was not checked."""

import pytest

from models.vocabulary import EvidenceStatus, Outcome, Source
from tests.whole_path.town import Ended, Town

TICKET_THAT_NEEDS = {
    Source.CLICKHOUSE: "quota-used-up",
    Source.LINEAR: "throttled-after-your-release",
    Source.STRIPE: "billed-nearly-twice",
    Source.GITHUB: "errors-since-dashboard-update",
    Source.STATUSPAGE: "ocr-failing",
}


@pytest.mark.parametrize("source", TICKET_THAT_NEEDS, ids=str)
async def test_a_source_that_is_down_is_named_as_not_checked(town: Town, source: Source) -> None:
    async with town.without(source.value):
        ended = await town.investigate(TICKET_THAT_NEEDS[source])
    await it_says_so(town, ended, source)


async def test_documentation_that_was_never_read_is_named_as_not_checked(town: Town, without_docs: Ended) -> None:
    await it_says_so(town, without_docs, Source.DOCS)


async def it_says_so(town: Town, ended: Ended, source: Source) -> None:
    [revision] = ended.result.revisions
    assert revision.outcome is not Outcome.FAILED
    assert revision.note_status == "posted"
    assert revision.gaps == (source.value,)
    _, _, after = ended.note.partition("Not checked")
    assert source.title in after, ended.note
    record = await town.record(ended.ref)
    asked = [one.body for one in record.evidence if one.ref.source is source and one.body]
    assert asked
    assert {one.status for one in asked} <= {EvidenceStatus.FAILED, EvidenceStatus.SKIPPED}
    assert record.diagnosis is not None
    silent = {one.id for one in asked}
    for claim in record.diagnosis.kept:
        assert not silent & set(claim.claim.evidence), claim.sentence


@pytest.mark.usefixtures("tickets")
async def test_documentation_that_was_read_outlives_its_site(town: Town) -> None:
    async with town.without("docs"):
        ended = await town.investigate("render-answers-400")
    assert ended.last.gaps == ()
    record = await town.record(ended.ref)
    [docs] = [one.body for one in record.evidence if one.ref.source is Source.DOCS]
    assert docs is not None
    assert docs.status is EvidenceStatus.FOUND
    assert docs.rows
