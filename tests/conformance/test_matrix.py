"""Every connector, under everything that a vendor can do, gives the documented outcome."""

import pytest

from connectors.registry import SOURCES, operations_of
from tests.conformance.frame import Case, Condition, Subject, subjects
from tests.conformance.matrix import all_cells, look

FREE_TEXT = frozenset({"sql"})
"""The operations of a connector that declares none, since its questions are text."""
CELLS = [cell for cell in all_cells(subjects()) if not cell[0].reason_against(cell[1], cell[2])]


@pytest.mark.parametrize(
    ("subject", "case", "condition"),
    CELLS,
    ids=[f"{subject.name_of(case)}-{condition}" for subject, case, condition in CELLS],
)
async def test_the_vendors_answer_becomes_the_documented_outcome(
    subject: Subject, case: Case, condition: Condition
) -> None:
    verdict = await look(subject, case, condition)
    assert not verdict.problem, verdict.problem


@pytest.mark.parametrize("source", SOURCES)
def test_every_operation_of_every_connector_has_its_row(source: str) -> None:
    found = [subject for subject in subjects() if subject.source == source]
    assert len(found) == 1, f"tests/conformance/{source}.py needs a SUBJECT"
    covered = {case.operation for case in found[0].cases}
    declared = set(operations_of(found[0].source)) or FREE_TEXT
    assert covered == declared, "a new operation needs its case, and a case its operation"


@pytest.mark.parametrize("subject", subjects(), ids=lambda subject: subject.source.value)
def test_what_does_not_apply_or_differs_says_why(subject: Subject) -> None:
    for case in subject.cases:
        said = [*case.not_applicable.values(), *subject.not_applicable.values()]
        said += [one.because for one in (*case.instead.values(), *subject.instead.values())]
        assert all(len(reason.split()) > 2 for reason in said)
        both = {*case.not_applicable, *subject.not_applicable} & {*case.instead, *case.answers}
        assert not both, f"{subject.name_of(case)} plays {both} and says that it does not apply"
        assert Condition.OK not in {*case.not_applicable, *subject.not_applicable, *case.instead, *subject.instead}
