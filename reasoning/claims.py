"""One claim against the stored rows: whether it stands, and the sentence that code says for it."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import chain

from models.base import Row
from models.customer import Anchors, Customer
from models.diagnosis import CheckedClaim, Claim, Fact, Predicate, Weighing
from models.evidence import Evidence
from models.playbook import Hypothesis, Playbook
from models.vocabulary import EvidenceStatus, Scope, Verdict
from reasoning.outside import quoted
from reasoning.phrases import cell_text, fill, format_value, say_absence, say_fact, say_row
from reasoning.quantities import says_cell, says_fact
from reasoning.wording import oversteps

_OWNER_COLUMNS = ("customer", "customer_id")
"""Columns that name whose a row is."""
_ROUNDED_OFF = timedelta(minutes=2)
"""A window that ends now may have been rounded down, so that investigations share one answer."""


class Unproven(Exception):
    """A claim does not stand; the message says why, in words that a model can act on."""


class ClaimChecker:
    """Checks claims of one draft against one investigation's evidence. Trusts nothing that the draft says."""

    def __init__(self, playbook: Playbook, anchors: Anchors, evidence: Sequence[Evidence], weighing: Weighing) -> None:
        """Index what is stored; of several answers to one query the last counts, as it did when facts were computed."""
        self._playbook = playbook
        self._anchors = anchors
        self._by_id = {item.id: item for item in evidence}
        self._by_query = {item.query: item for item in evidence}
        self._weighing = weighing
        self._whole = {item.id for item in evidence if all(_owns(row, anchors.customer) for row in item.rows)}
        """Answers without a row of somebody else."""
        self.facts: Mapping[str, Fact] = {
            fact.id: fact for fact in weighing.facts if all(self._is_wholly_ours(name) for name in fact.evidence)
        }
        """Those that stand on stored evidence of this customer alone."""

    def check(self, claim: Claim) -> CheckedClaim:
        """Return the claim with its sentence, or with the reason why it is dropped."""
        try:
            sentence = self._said(claim)
        except Unproven as problem:
            return CheckedClaim(claim=claim, kept=False, problem=str(problem))
        # The claim's own wording is for whoever reviews a model: a small word more or less can turn a true sentence.
        return CheckedClaim(claim=claim, kept=True, sentence=sentence)

    def hypothesis(self, name: str, wanted: Verdict) -> Hypothesis:
        """Return a hypothesis that has the wanted verdict on evidence that is ours.

        Raises:
            Unproven: names what is wrong.
        """
        hypothesis, verdict = self._playbook.hypothesis(name), self._weighing.verdict(name)
        if hypothesis is None or verdict is None:
            known = ", ".join(each.id for each in self._playbook.hypotheses)
            raise Unproven(f"the playbook has no hypothesis {name!r}; it has {known}")
        if verdict.verdict is not wanted:
            why = "; ".join(verdict.because) or ", ".join(f"{each} is open" for each in verdict.open_checks)
            raise Unproven(f"hypothesis {name!r} is {verdict.verdict}, not {wanted}" + (f": {why}" if why else ""))
        foreign = [item for item in verdict.evidence if not self._is_wholly_ours(item)]
        if foreign:
            raise Unproven(f"hypothesis {name!r} stands on {', '.join(foreign)}, which is not this customer's")
        return hypothesis

    def title(self, hypothesis: Hypothesis) -> str:
        """Say a hypothesis as one sentence; its plain name where the sentence needs a fact that is unknown."""
        return fill(hypothesis.title, self.facts) or _plain_name(hypothesis)

    def ruling_out(self, hypothesis: Hypothesis) -> str:
        """Say that a hypothesis is not it; the playbook's sentence only where all was checked that it may speak of."""
        verdict = self._weighing.verdict(hypothesis.id)
        if verdict is not None and verdict.open_checks:
            return f"{_plain_name(hypothesis)}: ruled out by what did answer"
        said = fill(hypothesis.ruled_out_sentence, self.facts) if hypothesis.ruled_out_sentence else None
        return said or f"Not the case: {self.title(hypothesis)}"

    def _said(self, claim: Claim) -> str:
        unknown = [name for name in claim.evidence if name not in self._by_id]
        if unknown:
            known = ", ".join(self._by_id)
            raise Unproven(f"there is no evidence {', '.join(map(repr, unknown))}; there is {known or 'none'}")
        match claim.predicate:
            case Predicate.FACT_IS:
                return self._fact(claim)
            case Predicate.ROW_SHOWS:
                return self._row(claim)
            case Predicate.NOTHING_FOUND:
                return self._absence(claim)
            case Predicate.SUPPORTED:
                return self._judged(claim, Verdict.SUPPORTED)
            case Predicate.REFUTED:
                return self._judged(claim, Verdict.REFUTED)

    def _fact(self, claim: Claim) -> str:
        stored, fact = self._weighing.fact(claim.subject), self.facts.get(claim.subject)
        if stored is None or claim.subject not in self._playbook.facts:
            raise Unproven(f"there is no fact {claim.subject!r}")
        if fact is None:
            raise Unproven(f"fact {claim.subject!r} stands on evidence that is not this customer's or not stored")
        if fact.value is None:
            raise Unproven(f"fact {claim.subject!r} is unknown: {fact.why_unknown or 'nothing answers it'}")
        if [value.name for value in claim.values] != ["value"]:
            raise Unproven("fact_is takes exactly one value, named 'value'")
        _cites(claim, fact.evidence)
        said = claim.values[0].value
        if not says_fact(said, fact):
            raise Unproven(f"fact {fact.id!r} is {format_value(fact)}, not {said!r}")
        spec = self._playbook.facts[fact.id]
        # What was measured denies nothing and names no cause, whatever the playbook's sentence says beside the value.
        sentence = f"{fact.label}: {quoted(format_value(fact))}" if oversteps(spec.say) else None
        sentence = sentence or say_fact(self._playbook, self.facts, fact.id)
        if sentence is None:
            raise Unproven(f"fact {fact.id!r} cannot be said")
        return sentence

    def _row(self, claim: Claim) -> str:
        found = self._by_id.get(claim.subject)
        if found is None:
            raise Unproven(f"there is no evidence {claim.subject!r}")
        _cites(claim, (found.id,))
        self._refuse_foreign(found)
        if found.status is not EvidenceStatus.FOUND:
            raise Unproven(f"{found.id} has no rows: it is {found.status}")
        last = self._by_query[found.query].id
        if last != found.id:
            raise Unproven(f"{found.id} was asked again since: cite {last}")
        row = matching_row(claim, found, self._anchors)
        if row is None:
            said = ", ".join(f"{value.name}={value.value!r}" for value in claim.values)
            raise Unproven(f"no row of {found.id} has {said or 'no named column'} together")
        query = self._playbook.query(found.query)
        sentence = say_row(query, row) if query is not None and not oversteps(query.row_sentence) else None
        if sentence is None:
            shared = found.scope is not Scope.CUSTOMER
            cells = ", ".join(
                f"{value.name} {quoted(cell_text(row[value.name]), shared=shared)}" for value in claim.values
            )
            sentence = f"{found.title}: {cells}"
        return sentence

    def _absence(self, claim: Claim) -> str:
        query, found = self._playbook.query(claim.subject), self._by_query.get(claim.subject)
        if query is None:
            raise Unproven(f"the playbook has no query {claim.subject!r}")
        if claim.values:
            raise Unproven("nothing_found takes no values")
        if found is None:
            raise Unproven(f"query {query.id!r} was not asked")
        _cites(claim, (found.id,))
        self._refuse_foreign(found)
        if not found.shows_absence:
            state = "truncated" if found.truncated else "stale" if found.stale else str(found.status)
            raise Unproven(f"{found.id} does not show absence: it is {state}")
        if found.scope is Scope.FLEET:
            raise Unproven(f"{found.id} does not show absence: what only a few customers have is left out of it")
        if found.scope is not query.scope:
            raise Unproven(f"{found.id} ran over {found.scope}, not {query.scope}")
        begun = self._anchors.symptom_at
        if found.window is not None and not found.window.start <= begun <= found.window.end + _ROUNDED_OFF:
            raise Unproven(f"{found.id} looked at another time than that of the trouble")
        return say_absence(query)

    def _judged(self, claim: Claim, wanted: Verdict) -> str:
        hypothesis = self.hypothesis(claim.subject, wanted)
        verdict = self._weighing.verdict(claim.subject)
        assert verdict is not None
        if claim.values:
            raise Unproven(f"{claim.predicate} takes no values")
        _cites(claim, verdict.evidence)
        return self.title(hypothesis) if wanted is Verdict.SUPPORTED else self.ruling_out(hypothesis)

    def _refuse_foreign(self, found: Evidence) -> None:
        if not self._is_ours(found.id):
            raise Unproven(f"{found.id} is not about this customer")

    def _is_wholly_ours(self, name: str) -> bool:
        """Whether every row is ours too: a value over several customers' rows is nobody's."""
        return self._is_ours(name) and name in self._whole

    def _is_ours(self, name: str) -> bool:
        found = self._by_id.get(name)
        if found is None:
            return False
        customer = self._anchors.customer
        if found.scope is Scope.CUSTOMER:
            return customer is not None and found.customer == customer.id
        return found.customer is None or (customer is not None and found.customer == customer.id)


def _plain_name(hypothesis: Hypothesis) -> str:
    return hypothesis.id.replace("-", " ").replace("_", " ").capitalize()


def matching_row(claim: Claim, found: Evidence, anchors: Anchors) -> Row | None:
    """Return the row, the customer's own or nobody's, in which all that the claim names stands together.

    Of several the one that holds it to the letter, then the first: `1.1` is meant where it stands, not `1.10`.
    """
    if not claim.values:
        return None
    exact = (row for row in found.rows if all(value.value == cell_text(row.get(value.name)) for value in claim.values))
    told = (
        row
        for row in found.rows
        if all(value.name in row and says_cell(value.value, row[value.name], value.name) for value in claim.values)
    )
    # An empty text equals a null to the letter, and says nothing.
    return next((row for row in chain(exact if _says_all(claim) else (), told) if _owns(row, anchors.customer)), None)


def _says_all(claim: Claim) -> bool:
    return all(value.value for value in claim.values)


def _owns(row: Row, customer: Customer | None) -> bool:
    """Whether a row names no customer but ours: a look-up by e-mail or domain may have met several."""
    owners = [row[name] for name in _OWNER_COLUMNS if row.get(name) not in (None, "")]
    return all(customer is not None and owner in (customer.id, customer.billing_id) for owner in owners)


def _cites(claim: Claim, allowed: Sequence[str]) -> None:
    """Refuse a claim that cites nothing of what it stands on, or anything else."""
    cited = set(claim.evidence)
    foreign = sorted(cited - set(allowed))
    if foreign:
        raise Unproven(f"{', '.join(foreign)} does not show this; cite {', '.join(allowed) or 'nothing'}")
    if allowed and not cited:
        raise Unproven(f"cite the evidence: {', '.join(allowed)}")
