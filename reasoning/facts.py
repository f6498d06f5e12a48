"""Facts from evidence: each fact of a playbook computed by a named, typed function; what lacks evidence stays unknown."""

from collections.abc import Sequence

from models.customer import Anchors
from models.diagnosis import Fact
from models.evidence import Evidence
from models.playbook import Playbook


def compute_facts(playbook: Playbook, evidence: Sequence[Evidence], anchors: Anchors) -> dict[str, Fact]:
    """Compute all facts of a playbook, by id, in the order of the file; every fact is in the result, known or unknown."""
    raise NotImplementedError
