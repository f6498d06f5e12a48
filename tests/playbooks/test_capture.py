"""Capturing: for each shipped playbook a diagnosed case and one with a source down come out the same without people."""

import pytest

from models.evidence import Evidence
from models.vocabulary import EvidenceStatus, Outcome
from playbooks.capture import CaptureProblem, capture
from playbooks.fixture_files import anchors_of
from playbooks.fixtures import Fixture, investigate, read_fixtures, run_fixture
from playbooks.library import Library, LoadedPlaybook
from playbooks.lock import SHIPPED
from reasoning.hypotheses import weigh
from reasoning.rules import decide
from tests.reasoning.case import TICKET

EACH = pytest.mark.parametrize("loaded", Library.load([SHIPPED]).newest(), ids=lambda loaded: loaded.playbook.id)


def diagnosed(loaded: LoadedPlaybook) -> Fixture:
    fixtures = read_fixtures(loaded).values()
    return next(each for each in fixtures if each.expect.outcome is Outcome.DIAGNOSED and each.customer)


@EACH
def test_a_diagnosed_case_comes_out_the_same(loaded: LoadedPlaybook) -> None:
    fixture = diagnosed(loaded)
    weighing, draft, evidence = investigate(loaded.playbook, fixture)
    captured = capture(loaded.playbook, TICKET, anchors_of(fixture), evidence, weighing).fixture
    again, drafted, _ = investigate(loaded.playbook, captured)
    assert (drafted.outcome, drafted.hypothesis, drafted.also) == (draft.outcome, draft.hypothesis, draft.also)
    assert [(each.id, each.verdict, each.rank, each.severity) for each in again.verdicts] == [
        (each.id, each.verdict, each.rank, each.severity) for each in weighing.verdicts
    ]


@EACH
def test_so_does_one_with_sources_that_did_not_answer(loaded: LoadedPlaybook) -> None:
    fixture = diagnosed(loaded)
    _, _, found = investigate(loaded.playbook, fixture)
    cut = tuple(down(item) if number % 3 == 0 else item for number, item in enumerate(found))
    weighing = weigh(loaded.playbook, anchors_of(fixture), cut)
    captured = capture(loaded.playbook, TICKET, anchors_of(fixture), cut, weighing).fixture
    again, drafted, _ = investigate(loaded.playbook, captured)
    assert drafted.outcome is decide(loaded.playbook, weighing, cut).outcome
    assert (again.coverage, again.confidence) == (weighing.coverage, weighing.confidence)
    assert [one.query for one in again.not_checked] == [one.query for one in weighing.not_checked]


def down(item: Evidence) -> Evidence:
    return item.model_copy(update={"status": EvidenceStatus.TIMED_OUT, "rows": (), "reason": "no answer in time"})


@EACH
def test_a_captured_fixture_can_fail(loaded: LoadedPlaybook) -> None:
    fixture = diagnosed(loaded)
    weighing, draft, evidence = investigate(loaded.playbook, fixture)
    captured = capture(loaded.playbook, TICKET, anchors_of(fixture), evidence, weighing).fixture
    nothing = captured.model_copy(update={"evidence": {}})
    assert not run_fixture(loaded.playbook, "nothing", nothing).passed
    supported = weighing.verdict(draft.hypothesis)
    assert supported is not None
    other = weighing.model_copy(update={"verdicts": tuple(one for one in weighing.verdicts if one is not supported)})
    with pytest.raises(CaptureProblem):
        capture(loaded.playbook, TICKET, anchors_of(fixture), evidence, other)
