"""The score of one ticket: one line of a run against the ticket's truth."""

from collections.abc import Iterator
from itertools import chain

from pydantic import BaseModel

from evals.records import Arm, Script, TicketRun
from evals.score.notes import evidence_lines, names, plain, verdict_of
from evals.score.recall import finding, names_of
from evals.score.run_file import RunFile
from evals.score.shown import Found, Opinion
from evals.score.truth import Known, Truths
from models.vocabulary import CauseClass, Confidence, Outcome, Severity

BY_CONFIDENCE = {Confidence.HIGH: 0.9, Confidence.MEDIUM: 0.7, Confidence.LOW: 0.4}
"""What a level counts as where nothing was calibrated: chosen, not measured, and every figure that rests on it says so."""
_TOLD = (Outcome.DIAGNOSED, Outcome.NOTHING_WRONG)
"""Ends that name a cause."""


class TicketScore(BaseModel):
    """One ticket, arm and repeat."""

    world: str
    key: str
    arm: Arm
    script: Script | None
    is_scripted: bool
    model: str
    repeat: int
    playbook: str
    axis: str
    language: str
    region: str
    cause: CauseClass
    """The true one."""
    named: CauseClass
    solvable: bool | None
    times_noise: float | None
    """The smallest of the effects in multiples of its noise; None where the source is exact, or nobody knows."""
    size: float | None
    """The smallest effect that is a share of answers, as a share."""
    told: bool
    """Whether a cause was named."""
    cause_right: bool
    severity_right: bool | None
    """None where no severity is told, or none is known."""
    outcome_right: bool | None
    required: int
    gathered: int
    cited: int
    decoys_blamed: tuple[str, ...] = ()
    forbidden_causes: tuple[CauseClass, ...] = ()
    forbidden_customers: tuple[str, ...] = ()
    forbidden_words: tuple[str, ...] = ()
    unverified: tuple[str, ...] = ()
    """Statements in the note that the run could not find true."""
    kept: int
    """Statements in the note."""
    missing: tuple[str, ...] = ()
    """Figures, ids, times and quotes of the note that our own look did not find in the evidence, with their line."""
    looked_up: int = 0
    elsewhere: int = 0
    untold: int = 0
    altered: int = 0
    """Figures that were altered to try our own look, and below how many of them it missed in the evidence."""
    noticed: int = 0
    false_high: bool | None
    """None where nobody knows the severity."""
    probability: float
    is_calibrated: bool
    seconds: float
    tokens: int
    usd: float
    problem: str

    @property
    def right(self) -> bool:
        """Whether the cause is right, and the outcome too where it is known."""
        return self.cause_right and self.outcome_right is not False

    @property
    def wrong(self) -> bool:
        """Whether a cause was named that is not right: worse than to say nothing."""
        return self.told and not self.cause_right


def score_run(run: RunFile, truths: Truths) -> list[TicketScore]:
    """Score every line of a run whose ticket the truth knows.

    Raises:
        TruthProblem: the truth is another world's.
    """
    truths.ensure_of(run.facts.world)
    known = [(line, truths.tickets[line.key]) for line in run.lines if line.key in truths.tickets]
    return [score_ticket(line, one, truths, run.is_scripted(line), run.world) for line, one in known]


def score_ticket(line: TicketRun, known: Known, truths: Truths, is_scripted: bool, world: str = "") -> TicketScore:
    """Score one line; `world` is what the report calls it."""
    told = line.outcome in _TOLD
    right = is_cause_right(line, known)
    rows = [finding(row, known, truths, line.evidence) for row in known.required]
    opinion = _Look(line)
    ratios = [effect.size / effect.noise for effect in known.effects if effect.rows and effect.noise]
    shares = [effect.size for effect in known.effects if effect.unit == "share_of_answers" and effect.rows]
    return TicketScore(
        world=world,
        key=line.key,
        arm=line.arm,
        script=line.script,
        is_scripted=is_scripted,
        model=line.model,
        repeat=line.repeat,
        playbook=line.playbook,
        axis=known.axis,
        language=known.language,
        region=known.region,
        cause=known.cause,
        named=line.cause,
        solvable=known.solvable,
        times_noise=min(ratios, default=None),
        size=min(shares, default=None),
        told=told,
        cause_right=right,
        severity_right=line.severity in known.severities if told and known.severities else None,
        outcome_right=line.outcome in known.outcomes if known.outcomes else None,
        required=len(rows),
        gathered=sum(bool(found) for found in rows),
        cited=sum(any(item.id in line.cited for item in found) for found in rows),
        decoys_blamed=tuple(_blamed(line, known, right)),
        forbidden_causes=tuple(dict.fromkeys(one for one in (line.cause, *line.also) if one in known.forbidden_causes)),
        forbidden_customers=tuple(_strangers(line.note, known, truths)),
        forbidden_words=tuple(word for word in known.forbidden_words if plain(word) in plain(line.note)),
        unverified=tuple(said.text for said in line.said if said.kept and said.true is not True),
        kept=sum(said.kept for said in line.said),
        missing=tuple(opinion.missing),
        looked_up=opinion.looked_up,
        elsewhere=opinion.count(Found.ELSEWHERE),
        untold=opinion.count(Found.UNTOLD),
        altered=len(opinion.noticed),
        noticed=sum(opinion.noticed),
        false_high=_is_false_high(line, known),
        probability=line.probability if line.probability is not None else BY_CONFIDENCE[line.confidence],
        is_calibrated=line.probability is not None,
        seconds=line.seconds,
        tokens=line.input_tokens + line.output_tokens,
        usd=line.usd,
        problem=line.problem,
    )


def is_cause_right(line: TicketRun, known: Known) -> bool:
    """Whether the first cause is the true one or is accepted as well; of two causes both parts have to be named."""
    if line.outcome is Outcome.FAILED:
        return False
    if known.cause is CauseClass.TWO_CAUSES and known.parts:
        return set(known.parts) <= {line.cause, *line.also}
    return line.cause in (known.cause, *known.also)


def _is_false_high(line: TicketRun, known: Known) -> bool | None:
    if not known.severities:
        return None
    return line.severity is Severity.HIGH and Severity.HIGH not in known.severities


def _blamed(line: TicketRun, known: Known, right: bool) -> Iterator[str]:
    """Yield the decoys that the verdict names, or that a wrong verdict stands on. To rule one out by name is no blame."""
    verdict = verdict_of(line.note)
    stands_on = "" if right else "\n".join(evidence_lines(line.note, ruled_out=False))
    required = {(row.source, row.id) for row in known.required}
    for row in known.decoys:
        if row.id and (row.source, row.id) not in required:
            called = names_of(row, line.evidence)
            if any(names(verdict, name) or names(stands_on, name) for name in called):
                yield f"{row.source} {row.id}"


def _strangers(note: str, known: Known, truths: Truths) -> Iterator[str]:
    """Yield the customers that a note names and that it is not about."""
    text = plain(note)
    for customer in dict.fromkeys((*known.forbidden_customers, *truths.people)):
        called = truths.people.get(customer, (customer,))
        if customer != known.customer and any(plain(name) in text and names(note, name) for name in called):
            yield customer


class _Look:
    """Our own look at a note: its verdict and its lines of evidence, or what was said where there is no such line."""

    def __init__(self, line: TicketRun) -> None:
        constants = [line.playbook]
        opinion = Opinion(line.evidence, line.anchors, constants)
        lines = evidence_lines(line.note) or [said.text for said in line.said if said.kept]
        head = verdict_of(line.note).splitlines()[:1]
        below = [(sentence, one) for sentence in lines for one in opinion.of(sentence)]
        # The verdict cites nothing: what a line below it works out and cites may be said there again.
        shown = {one.token.text for _, one in below if one.found is Found.SHOWN}
        above = [(sentence, one) for sentence in head for one in opinion.of(sentence) if one.token.text not in shown]
        checked = [*above, *below]
        self._found = [one.found for _, one in checked]
        self.missing = [f"{one.token.text!r} in: {sentence}" for sentence, one in checked if one.found is Found.MISSING]
        self.noticed = list(chain.from_iterable(opinion.notices(sentence) for sentence in lines))
        self.looked_up = len(checked)

    def count(self, found: Found) -> int:
        """Return how many tokens ended like that."""
        return self._found.count(found)
