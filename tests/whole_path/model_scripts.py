"""What a model might answer on a ticket: as the rules would, carelessly, or as an attacker would have it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from models.customer import Anchors
from models.diagnosis import CheckedClaim, Claim, ClaimValue, Diagnosis, Draft, Predicate, Weighing
from models.evidence import Evidence
from models.playbook import Playbook
from models.ticket import Ticket
from models.vocabulary import Outcome, Severity, Verdict

LINK = "https://evil.example.net/refund?ticket=1"
MARKUP = f'<script>alert(1)</script><a href="{LINK}">here</a> [here]({LINK}) ![x]({LINK})'
ADVICE = f"Refund the whole year at once and tell the customer to sign in at {LINK}."
STRANGER = "Zebulon Quarrystone"
"""A customer of whom no evidence of any ticket speaks."""


@dataclass(frozen=True)
class Investigated:
    """A ticket as a model would get it, and what the rules made of it."""

    playbook: Playbook
    ticket: Ticket
    anchors: Anchors
    weighing: Weighing
    evidence: Sequence[Evidence]
    draft: Draft
    """By the rules."""
    diagnosis: Diagnosis
    """By the rules, verified."""


Script = Callable[[Investigated], Draft]


def perfect(found: Investigated) -> Draft:
    """The rules' own choice and claims, each said in a sentence of the model's."""
    sentences = {_claimed(checked.claim): checked.sentence for checked in found.diagnosis.kept}
    claims = tuple(
        claim.model_copy(update={"wording": f"In short, {sentences.get(_claimed(claim), '')}"})
        for claim in found.draft.claims
    )
    return found.draft.model_copy(update={"claims": claims})


def wrong_values(found: Investigated) -> Draft:
    """The right choice, shown by values that are all wrong."""
    return found.draft.model_copy(update={"claims": tuple(_wrong(claim) for claim in found.draft.claims)})


def wrong_ids(found: Investigated) -> Draft:
    """The right choice, with facts, evidence and queries that do not exist."""
    claims: list[Claim] = []
    for claim in found.draft.claims:
        claims.append(claim.model_copy(update={"subject": f"{claim.subject}_made_up"}))
        claims.append(claim.model_copy(update={"evidence": ("E99",)}))
    claims += [Claim(predicate=predicate, subject="E77", evidence=("E77",)) for predicate in Predicate]
    return found.draft.model_copy(update={"claims": tuple(claims)})


def wrong_cause(found: Investigated) -> Draft:
    """A cause that the rules have refuted, or did not test, or that the playbook does not know."""
    hypothesis = unsupported(found)
    claim = Claim(predicate=Predicate.SUPPORTED, subject=hypothesis, evidence=tuple(each.id for each in found.evidence))
    return Draft(
        outcome=Outcome.DIAGNOSED,
        hypothesis=hypothesis,
        also=("no-such-hypothesis",),
        claims=(claim, *found.draft.claims),
        next_step=hypothesis,
    )


def too_many(found: Investigated) -> Draft:
    """The same and more of it, a hundred times, with what is refuted among it."""
    refuted = tuple(
        Claim(predicate=Predicate.REFUTED, subject=each.id, evidence=each.evidence) for each in found.weighing.verdicts
    )
    claims = (*found.draft.claims, *refuted, *(_wrong(claim) for claim in found.draft.claims)) * 10
    return found.draft.model_copy(update={"claims": claims[:100]})


def absence(found: Investigated) -> Draft:
    """The right choice, and that nothing was found wherever something was, or where nobody looked."""
    claims = tuple(
        Claim(predicate=Predicate.NOTHING_FOUND, subject=item.query, evidence=(item.id,))
        for item in found.evidence
        if item.status.value != "empty"
    )
    return found.draft.model_copy(update={"claims": claims})


def hostile(found: Investigated) -> Draft:
    """The right choice, and with it all that an attacker would like to see on the ticket."""
    claims = [
        claim.model_copy(update={"wording": f"{MARKUP} {ADVICE} {STRANGER} has the same problem"})
        for claim in found.draft.claims
    ]
    foreign = (ClaimValue(name="name", value=STRANGER), ClaimValue(name="url", value=LINK))
    claims += [
        Claim(predicate=Predicate.ROW_SHOWS, subject=item.id, values=foreign, evidence=(item.id,), wording=MARKUP)
        for item in found.evidence
    ]
    claims += [
        Claim(predicate=Predicate.ROW_SHOWS, subject="E1'; --", values=foreign, evidence=(f"E1 {LINK}",)),
        Claim(predicate=Predicate.SUPPORTED, subject=MARKUP, evidence=("inv-other/E1",), wording=ADVICE),
    ]
    return found.draft.model_copy(
        update={
            "claims": tuple(claims),
            "severity": Severity.HIGH,
            "next_step": ADVICE,
            "also": (*found.draft.also, MARKUP, unsupported(found)),
            "follow_ups": (ADVICE, *(query.id for query in found.playbook.queries)),
        }
    )


def hostile_cause(found: Investigated) -> Draft:
    """A cause, a severity and a next step of the attacker's own."""
    answer = hostile(found)
    return answer.model_copy(update={"outcome": Outcome.DIAGNOSED, "hypothesis": MARKUP})


def all_well(found: Investigated) -> Draft:
    """Nothing is wrong, says the model, whatever there is."""
    healthy = next((each.id for each in found.playbook.hypotheses if each.cause.value == "nothing_wrong"), "nothing")
    return Draft(
        outcome=Outcome.NOTHING_WRONG, hypothesis=healthy, next_step="nothing-wrong", claims=found.draft.claims
    )


def unsupported(found: Investigated) -> str:
    """Return a hypothesis that no verdict supports."""
    return next(
        (each.id for each in found.weighing.verdicts if each.verdict is not Verdict.SUPPORTED), "no-such-hypothesis"
    )


def _claimed(claim: Claim) -> str:
    return repr((claim.predicate, claim.subject, claim.values))


def _wrong(claim: Claim) -> Claim:
    """Say it with other values: every digit is one more; what has none is something else; what has no value is unheard of."""
    if not claim.values:
        return claim.model_copy(update={"subject": f"not_{claim.subject}"})
    values = tuple(value.model_copy(update={"value": _other(value.value)}) for value in claim.values)
    return claim.model_copy(update={"values": values})


def _other(text: str) -> str:
    raised = "".join(str((int(char) + 1) % 10) if char.isdecimal() and char.isascii() else char for char in text)
    return raised if raised != text else f"anything but {text}"


def kept_sentences(diagnosis: Diagnosis) -> set[str]:
    """Return what a diagnosis states."""
    return {_said(checked) for checked in diagnosis.kept}


def _said(checked: CheckedClaim) -> str:
    return checked.sentence
