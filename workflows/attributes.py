"""The search attributes of a run: ids, enum values and shares, by which runs are found."""

from collections.abc import Sequence

from temporalio.common import SearchAttributeUpdate

from models.run import RevisionResult, Selection
from models.vocabulary import Confidence, Mode
from workflows import naming

_CEILING = {Confidence.LOW: 0.3, Confidence.MEDIUM: 0.6, Confidence.HIGH: 1.0}
"""The attribute is the share of checks that answered, held under the level that the diagnosis was given."""
Updates = Sequence[SearchAttributeUpdate[str] | SearchAttributeUpdate[float] | SearchAttributeUpdate[Sequence[str]]]


def of_selection(selection: Selection, mode: Mode) -> Updates:
    """Say which playbook is followed."""
    return [
        naming.PLAYBOOK.value_set(selection.playbook),
        naming.PLAYBOOK_VERSION.value_set(f"{selection.playbook}@{selection.version}"),
        naming.MODE.value_set(mode.value),
    ]


def of_result(result: RevisionResult, coverage: float) -> Updates:
    """Say how a revision ended."""
    return [
        naming.OUTCOME.value_set(result.outcome.value),
        naming.CAUSE.value_set(result.cause.value),
        naming.SEVERITY.value_set(result.severity.value),
        naming.CONFIDENCE.value_set(min(coverage, _CEILING[result.confidence])),
        naming.GAPS.value_set(list(result.gaps)),
    ]
