"""The rules over kept evidence: what any version of a playbook makes of it, as a line of a run. Nobody is asked anything."""

from collections.abc import Sequence
from dataclasses import dataclass

from activities.select import RULES
from cli.note_view import note_text
from evals.records import Arm, TicketRun
from evals.run.told import Statements, cited_evidence, further_causes
from models.base import digest_of, to_body
from models.customer import Anchors
from models.evidence import Evidence
from models.playbook import Playbook
from reasoning.kept_evidence import refit
from reasoning.render import render_note
from reasoning.rules import decide
from reasoning.verify import verify


@dataclass(frozen=True)
class Frozen:
    """A ticket as it was found once: what can be weighed again."""

    key: str
    playbook: Playbook
    """The one that the evidence was gathered for."""
    anchors: Anchors
    evidence: Sequence[Evidence]


@dataclass(frozen=True)
class Reweighed:
    """What a playbook makes of it."""

    line: TicketRun
    unanswered: tuple[str, ...]
    """Queries of the playbook that nobody had asked: they count as not checked."""


def reweigh(frozen: Frozen, playbook: Playbook) -> Reweighed:
    """Weigh kept evidence by a playbook and let the rules decide, verified and rendered as in a run."""
    anchors = frozen.anchors
    fitted = refit(frozen.playbook, playbook, anchors, frozen.evidence)
    draft = decide(playbook, fitted.weighing, fitted.evidence)
    diagnosis = verify(playbook, anchors, fitted.evidence, fitted.weighing, draft, RULES)
    label = f"{playbook.id}@{playbook.version}"
    note = render_note(
        diagnosis,
        playbook,
        fitted.evidence,
        anchors,
        marker="whydesk:inv-kept/1",
        playbook_label=label,
        investigation="inv-kept",
        took=0.0,
        usd=0.0,
        allowed_hosts=frozenset(),
    )
    line = TicketRun(
        key=frozen.key,
        arm=Arm.RULES,
        playbook=label,
        playbook_digest=digest_of(to_body(playbook)),
        outcome=diagnosis.outcome,
        cause=diagnosis.cause,
        also=further_causes(playbook, diagnosis),
        severity=diagnosis.severity,
        confidence=diagnosis.confidence,
        said=Statements(playbook, anchors, fitted.evidence).of(diagnosis),
        note=note_text(note.html).plain.strip(),
        evidence=fitted.evidence,
        anchors=anchors,
        cited=cited_evidence(diagnosis, fitted.weighing),
    )
    return Reweighed(line, fitted.unanswered)
