"""From the ledger's record of a ticket to its line in the file of a run."""

from collections.abc import Iterator, Sequence

from evals.records import Arm, Said, TicketRun
from evals.run.grounds import Grounds
from ledger.records import RunRecord
from models.base import digest_of, to_body
from models.customer import Anchors
from models.diagnosis import CheckedClaim, Diagnosis, Predicate, Weighing
from models.evidence import Evidence
from models.playbook import Playbook
from models.vocabulary import CauseClass, Confidence, Outcome, Severity, Verdict
from reasoning.compound import cited as taken_apart
from reasoning.hypotheses import weigh


def ticket_run(key: str, record: RunRecord, note: str) -> TicketRun:
    """Return the line of the rules arm.

    Args:
        key: The ticket's in the world.
        record: Its last revision.
        note: What the helpdesk holds, without markup.
    """
    summary, told, playbook = record.summary, record.diagnosis, record.playbook
    evidence = last_look(record)
    received = record.delivery.received_at if record.delivery else summary.opened_at
    noted = (record.note.finished_at if record.note else None) or summary.finished_at
    said: tuple[Said, ...] = ()
    if told and playbook and record.anchors:
        said = Statements(playbook, record.anchors, evidence).of(told)
    return TicketRun(
        key=key,
        arm=Arm.RULES,
        playbook=summary.playbook,
        playbook_digest=digest_of(to_body(playbook)) if playbook else "",
        outcome=summary.outcome or Outcome.FAILED,
        cause=summary.cause or CauseClass.UNKNOWN,
        also=further_causes(playbook, told) if playbook and told else (),
        severity=summary.severity or Severity.LOW,
        confidence=summary.confidence or Confidence.LOW,
        said=said,
        note=note,
        evidence=evidence,
        anchors=record.anchors,
        cited=cited_evidence(told, record.weighing) if told else (),
        seconds=round((noted - received).total_seconds(), 3) if noted else 0.0,
        problem=summary.problem,
    )


def failed_run(key: str, problem: str) -> TicketRun:
    """Return the line of a ticket that got no answer."""
    return TicketRun(
        key=key,
        arm=Arm.RULES,
        outcome=Outcome.FAILED,
        cause=CauseClass.UNKNOWN,
        severity=Severity.LOW,
        confidence=Confidence.LOW,
        problem=problem,
    )


def last_look(record: RunRecord) -> tuple[Evidence, ...]:
    """Return the evidence that counts: of two looks the later."""
    return tuple({one.ref.id: one.body for one in record.evidence if one.body is not None}.values())


def further_causes(playbook: Playbook, told: Diagnosis) -> tuple[CauseClass, ...]:
    """Return the causes beside the first; of two causes both parts."""
    named = [told.hypothesis, *told.also] if told.cause is CauseClass.TWO_CAUSES else told.also
    found = (playbook.hypothesis(name) for name in named)
    return tuple(dict.fromkeys(each.cause for each in found if each is not None))


def cited_evidence(told: Diagnosis, weighing: Weighing | None) -> tuple[str, ...]:
    """Return the ids of the evidence that the kept statements and the verdict stand on."""
    names: list[str] = []
    for claim in told.kept:
        fact = weighing.fact(claim.claim.subject) if weighing else None
        names += [*claim.claim.evidence, *(fact.evidence if fact else ())]
        names += [claim.claim.subject] if claim.claim.predicate is Predicate.ROW_SHOWS else []
    for name in (told.hypothesis, *told.also):
        verdict = weighing.verdict(name) if weighing else None
        names += verdict.evidence if verdict else ()
    return tuple(sorted(set(names), key=lambda name: (len(name), name)))


class Statements:
    """What a note says, and whether the stored evidence shows it; weighed anew, from the evidence alone."""

    def __init__(self, playbook: Playbook, anchors: Anchors, evidence: Sequence[Evidence]) -> None:
        """Weigh the evidence once more."""
        self._weighing = weigh(playbook, anchors, evidence)
        self._by_query = {item.query: item for item in evidence}
        named = [str(anchors.model_dump(mode="json"))]
        self._grounds = Grounds(evidence, self._weighing.facts, named)

    def of(self, told: Diagnosis) -> tuple[Said, ...]:
        """Return the verdict, every claim and what was ruled out."""
        return tuple(self._all(told))

    def _all(self, told: Diagnosis) -> Iterator[Said]:
        if told.hypothesis:
            stands = self._has(told.hypothesis, Verdict.SUPPORTED)
            yield self._said(told.title, stands)
        for checked in told.claims:
            if checked.kept:
                yield self._said(checked.sentence, self._stands(checked))
            else:
                yield Said(text=as_claimed(checked), kept=False, problem=checked.problem)
        for sentence in told.ruled_out:
            yield self._said(taken_apart(sentence)[0], True)

    def _said(self, sentence: str, stands: bool) -> Said:
        strange = self._grounds.strange(sentence)
        problem = f"not in the evidence: {', '.join(strange)}" if strange else "" if stands else "weighed otherwise"
        return Said(text=sentence, kept=True, true=stands and not strange, problem=problem)

    def _stands(self, checked: CheckedClaim) -> bool:
        claim = checked.claim
        match claim.predicate:
            case Predicate.FACT_IS:
                fact = self._weighing.fact(claim.subject)
                return fact is not None and fact.value is not None
            case Predicate.NOTHING_FOUND:
                item = self._by_query.get(claim.subject)
                return item is not None and item.shows_absence
            case Predicate.SUPPORTED:
                return self._has(claim.subject, Verdict.SUPPORTED)
            case Predicate.REFUTED:
                return self._has(claim.subject, Verdict.REFUTED)
            case Predicate.ROW_SHOWS:
                return any(item.id == claim.subject and item.rows for item in self._by_query.values())

    def _has(self, name: str, verdict: Verdict) -> bool:
        found = self._weighing.verdict(name)
        return found is not None and found.verdict is verdict


def as_claimed(checked: CheckedClaim) -> str:
    """Return a claim that was dropped as it was made."""
    claim = checked.claim
    values = ", ".join(f"{one.name} = {one.value}" for one in claim.values)
    return claim.wording or f"{claim.predicate.value} {claim.subject}{': ' + values if values else ''}"
