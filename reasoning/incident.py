"""Whether a ticket is one of many with the same explanation: known by what the evidence names that is not one customer's."""

import json
from collections.abc import Iterator, Mapping, Sequence

from models.base import Row, digest_of
from models.coordination import IncidentSeen
from models.diagnosis import Fact, Weighing
from models.evidence import Evidence
from models.playbook import Hypothesis, Playbook
from models.vocabulary import CauseClass, EvidenceStatus, Outcome, Scope, Verdict
from reasoning.rules import best_row, decide

ELIGIBLE = frozenset(
    {
        CauseClass.OWN_INCIDENT,
        CauseClass.UPSTREAM_INCIDENT,
        CauseClass.DEPLOY_REGRESSION,
        CauseClass.KNOWN_BUG,
        CauseClass.REGIONAL_LATENCY,
        CauseClass.DUPLICATE_OF_OPEN_INCIDENT,
    }
)
"""Causes that lie with us or with a provider: what one customer did is nobody else's incident."""
_IDENTITIES = ("id", "identifier", "sha", "url")
"""Columns of which the first one that a row has says which incident, issue or deployment it is."""
_NAMES = ("name", "title", "short_sha", "identifier")


def incident_of(
    playbook: Playbook, weighing: Weighing, evidence: Sequence[Evidence], label: str
) -> IncidentSeen | None:
    """Return what makes this ticket part of an incident; None where its own facts do not support one alone.

    Args:
        playbook: The one that was weighed.
        weighing: Of this ticket: what another ticket's facts say does not count.
        evidence: The same that was weighed.
        label: `api-errors@3`.

    Two tickets are alike where the same hypothesis is the best supported of both, and the same rows of shared evidence are what
    it means. Rows that were served stale are not known to hold still.
    """
    draft = decide(playbook, weighing, evidence)
    hypothesis = playbook.hypothesis(draft.hypothesis)
    verdict = weighing.verdict(draft.hypothesis)
    if draft.outcome is not Outcome.DIAGNOSED or draft.also or weighing.follow_ups:
        return None
    if hypothesis is None or hypothesis.cause not in ELIGIBLE:
        return None
    if verdict is None or verdict.verdict is not Verdict.SUPPORTED or verdict.open_checks:
        return None
    rows = list(_rows(playbook, hypothesis, {fact.id: fact for fact in weighing.facts}, evidence))
    if not rows:
        return None
    seen = sorted((query, str(next(row[name] for name in _IDENTITIES if row.get(name)))) for query, row in rows)
    what = next((str(row[name]) for _, row in rows for name in _NAMES if row.get(name)), "")
    signature = json.dumps([label, hypothesis.id, seen], ensure_ascii=False)
    return IncidentSeen(
        signature=digest_of(signature.encode()),
        hypothesis=hypothesis.id,
        cause=hypothesis.cause,
        playbook=label,
        what=what[:200],
    )


def _rows(
    playbook: Playbook, hypothesis: Hypothesis, facts: Mapping[str, Fact], evidence: Sequence[Evidence]
) -> Iterator[tuple[str, Row]]:
    """Yield the row of each shared answer that the hypothesis means."""
    for item in evidence:
        query = playbook.query(item.query)
        if query is None or query.id not in hypothesis.claims or item.scope is not Scope.SHARED:
            continue
        if item.status is not EvidenceStatus.FOUND or item.stale:
            continue
        row = best_row(playbook, hypothesis, query, facts, item)
        if row is not None and any(row.get(name) for name in _IDENTITIES):
            yield query.id, row
