"""Verdicts on a playbook's hypotheses: supported, refuted or untested, by the facts and by what was really checked."""

from collections.abc import Sequence

from models.customer import Anchors
from models.diagnosis import Weighing
from models.evidence import Evidence
from models.playbook import Playbook


def weigh(playbook: Playbook, anchors: Anchors, evidence: Sequence[Evidence]) -> Weighing:
    """Conclude all that code can conclude from the stored evidence."""
    raise NotImplementedError
