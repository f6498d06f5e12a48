"""The rules reasoner: a draft from the verdicts alone, with no model."""

from collections.abc import Sequence

from models.diagnosis import Draft, Weighing
from models.evidence import Evidence
from models.playbook import Playbook


def decide(playbook: Playbook, weighing: Weighing, evidence: Sequence[Evidence]) -> Draft:
    """Choose the best explanation by rank and state the claims that the playbook lists for it."""
    raise NotImplementedError
