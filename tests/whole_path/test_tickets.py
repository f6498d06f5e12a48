"""Every ticket of the shipped world, against the truth that the product never sees."""

from collections.abc import Mapping

import pytest

from cli.demo import DEFAULT_WORLD
from models.vocabulary import Outcome, Severity
from sandbox.world_files import load_world
from tests.whole_path.town import Ended

TRUTH = load_world(DEFAULT_WORLD).truth.tickets


@pytest.mark.parametrize("key", TRUTH)
async def test_a_ticket_ends_as_is_true(tickets: Mapping[str, Ended], key: str) -> None:
    ended, truth = tickets[key], TRUTH[key]
    [revision] = ended.result.revisions
    assert revision.outcome.value == truth.outcome.value, ended.note
    if revision.outcome is Outcome.DIAGNOSED:
        assert revision.cause.value in (truth.cause, *truth.also), ended.note
    assert revision.cause.value not in truth.not_causes
    assert revision.severity.rank <= Severity(truth.severity.value).rank, ended.note


async def test_every_ticket_gets_one_private_note_and_no_source_is_missed(tickets: Mapping[str, Ended]) -> None:
    for key, ended in tickets.items():
        assert [one.note_status for one in ended.result.revisions] == ["posted"], key
        assert len(ended.notes) == 1, key
        # Without a customer, nothing of theirs may be asked.
        assert ended.last.gaps == () or not TRUTH[key].customer, key
