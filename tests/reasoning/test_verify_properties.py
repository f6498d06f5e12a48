"""True claims of all shipped fixtures: changed in any one value they are refused, changed in format alone they stand.

The fixtures are the real playbooks' investigations, so every fact function, unit and kind of row that ships is in here.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from functools import cache

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from models.base import Row
from models.customer import Anchors, Customer, Window
from models.diagnosis import Claim, ClaimValue, Fact, Predicate, Weighing
from models.evidence import Evidence
from models.playbook import Playbook
from models.vocabulary import EvidenceStatus, Scope, Verdict
from reasoning.claims import ClaimChecker
from reasoning.phrases import cell_text, format_value
from tests.reasoning.mutations import (
    moved_separators,
    other_numbers,
    other_texts,
    other_times,
    other_units,
    other_values,
    rounds_to,
    same_times,
    same_values,
    tells_time,
)
from tests.reasoning.test_shipped_playbooks import CASES, run

PLAYBOOKS = sorted({name.partition("/")[0] for name in CASES})
OTHER = Customer(id="cust_other", name="Other Ltd", billing_id="cus_other", resolved_by="helpdesk-field")
MOST = 3
"""Different claims of one subject that are tried, of all fixtures of a playbook together; and rows of one answer."""


@dataclass(frozen=True)
class Run:
    """One investigation with its checker and the true claims that are tried on it."""

    playbook: Playbook
    anchors: Anchors
    weighing: Weighing
    evidence: tuple[Evidence, ...]
    checker: ClaimChecker
    claims: tuple[Claim, ...] = ()

    def over(self, evidence: Sequence[Evidence]) -> ClaimChecker:
        """Check against other evidence."""
        return ClaimChecker(self.playbook, self.anchors, evidence, self.weighing)

    def found(self, claim: Claim) -> Evidence:
        """Return what a claim on a row is about."""
        return next(found for found in self.evidence if found.id == claim.subject)

    def fact(self, claim: Claim) -> Fact:
        """Return what a claim on a fact is about."""
        fact = self.weighing.fact(claim.subject)
        assert fact is not None
        return fact

    def told(self, *predicates: Predicate) -> list[Claim]:
        """Return the claims of these kinds."""
        return [claim for claim in self.claims if claim.predicate in predicates]

    def keeps(self, claim: Claim, **change: object) -> bool:
        """Whether a claim stands with something changed."""
        return self.checker.check(claim.model_copy(update=change)).kept


@cache
def pool(playbook: str) -> tuple[Run, ...]:
    """Return the investigations of a playbook with their true claims, each kind of claim a few times."""
    tried: Counter[tuple[Predicate, str]] = Counter()
    seen: set[tuple[object, ...]] = set()
    runs = []
    for name in sorted(name for name in CASES if name.startswith(f"{playbook}/")):
        loaded, anchors, weighing, _, evidence = run(name)
        case = Run(loaded, anchors, weighing, evidence, ClaimChecker(loaded, anchors, evidence, weighing))
        queries = {found.id: found.query for found in evidence}
        claims = []
        for claim in every_claim(case):
            kind = (claim.predicate, queries.get(claim.subject, claim.subject))
            same = (*kind, claim.values)
            if tried[kind] < MOST and same not in seen and case.checker.check(claim).kept:
                tried[kind] += 1
                seen.add(same)
                claims.append(claim)
        runs.append(Run(loaded, anchors, weighing, evidence, case.checker, tuple(claims)))
    return tuple(runs)


def every_claim(case: Run) -> Iterator[Claim]:
    """State each fact, the first rows of each answer, and each absence and verdict that may or may not stand."""
    for fact in case.weighing.facts:
        if fact.value is not None:
            values = (ClaimValue(name="value", value=format_value(fact)),)
            yield Claim(predicate=Predicate.FACT_IS, subject=fact.id, values=values, evidence=fact.evidence)
    for found in case.evidence:
        yield Claim(predicate=Predicate.NOTHING_FOUND, subject=found.query, evidence=(found.id,))
        for row in found.rows[:MOST]:
            yield row_claim(found, {name: cell_text(cell) for name, cell in row.items() if cell not in (None, "")})
    for verdict in case.weighing.verdicts:
        for predicate in (Predicate.SUPPORTED, Predicate.REFUTED):
            yield Claim(predicate=predicate, subject=verdict.id, evidence=verdict.evidence)


def row_claim(found: Evidence, texts: dict[str, str]) -> Claim:
    values = tuple(ClaimValue(name=name, value=text) for name, text in texts.items())
    return Claim(predicate=Predicate.ROW_SHOWS, subject=found.id, values=values, evidence=(found.id,))


def test_all_kinds_of_claims_are_tried() -> None:
    claims = [claim for playbook in PLAYBOOKS for case in pool(playbook) for claim in case.claims]
    assert {claim.predicate for claim in claims} == set(Predicate)
    assert len(claims) > 400


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_fact_stands_in_every_format_and_with_no_other_value(playbook: str) -> None:
    for case in pool(playbook):
        for claim in case.told(Predicate.FACT_IS):
            fact = case.fact(claim)
            assert fact.value is not None
            for text in same_values(fact.value, fact.unit):
                assert case.keeps(claim, values=value(text)), (fact, text)
            for text in wrong(fact):
                assert not case.keeps(claim, values=value(text)), (fact, text)


def value(text: str) -> tuple[ClaimValue]:
    return (ClaimValue(name="value", value=text),)


def wrong(fact: Fact) -> Iterator[str]:
    """Say what a fact is not."""
    number = fact.value
    if isinstance(number, bool) or not isinstance(number, int | float):
        yield from other_values(fact)
        return
    said = format_value(fact)
    changed = [*other_numbers(said), *(moved_separators(number) if isinstance(number, int) and number > 999 else ())]
    changed += [f"-{said}"] if number else []
    yield from (text for text in changed if not rounds_to(text, number, fact.unit))
    # Nothing is nothing in any unit.
    yield from (text for text in other_units(said, fact.unit) if number and not same_unit(text, number, fact.unit))


def same_unit(text: str, number: float, unit: str) -> bool:
    """Whether a number in another unit happens to be the same amount."""
    if unit == "usd-cents":
        return text.endswith(" USD") and Fraction(text.removesuffix(" USD").replace(",", "")) * 100 == number
    if unit == "" and text.endswith("%"):
        return rounds_to(text, number, "percent")
    if unit == "percent" and not text.endswith("%"):
        return text[-1].isdigit() and rounds_to(text, number, "")
    own = {
        "percent": ("%",),
        "minutes": (" seconds", " hours", " days"),
        "times": (" times",),
        "ms": (" ms", " seconds"),
        "per-minute": (" per minute",),
    }.get(unit, ())
    return bool(own) and text.endswith(own) and rounds_to(text, number, unit)


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_row_stands_in_every_format_and_with_no_other_value(playbook: str) -> None:
    for case in pool(playbook):
        for claim in case.told(Predicate.ROW_SHOWS):
            found = case.found(claim)
            texts = {each.name: each.value for each in claim.values}
            row = next(row for row in found.rows if shows(row, texts))
            for column in texts:
                for text in same_cell(row[column]):
                    assert case.checker.check(row_claim(found, texts | {column: text})).kept, (column, row, text)
                for text in (*other_cell(row[column]), *of_other_rows(found, column)):
                    changed = texts | {column: text}
                    if not any(shows(each, changed) for each in found.rows):
                        assert not case.checker.check(row_claim(found, changed)).kept, (column, row, text)


def shows(row: Row, texts: dict[str, str]) -> bool:
    return all(states(row.get(column), text) for column, text in texts.items())


def states(cell: JsonValue, text: str) -> bool:
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return rounds_to(text, cell, "")
    moment = moment_of(cell)
    return cell_text(cell) == text or (moment is not None and tells_time(text, moment))


def moment_of(cell: JsonValue) -> datetime | None:
    try:
        found = datetime.fromisoformat(cell) if isinstance(cell, str) and "T" in cell else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None


def same_cell(cell: JsonValue) -> Iterator[str]:
    moment = moment_of(cell)
    if moment is not None:
        yield from same_times(moment)
    elif isinstance(cell, str | int | float | bool):
        yield from same_values(cell, "")


def other_cell(cell: JsonValue) -> Iterator[str]:
    moment = moment_of(cell)
    if moment is not None:
        yield from other_times(moment)
    elif isinstance(cell, bool):
        yield from ("false", "no", "0") if cell else ("true", "yes", "1")
    elif isinstance(cell, int | float):
        yield from (*other_numbers(cell_text(cell)), f"{cell} ms", f"${cell}", *([f"-{cell}"] if cell else []))
        yield from moved_separators(cell) if isinstance(cell, int) and cell > 999 else ()
    elif isinstance(cell, str):
        yield from (*other_texts(cell), *other_numbers(cell))


def of_other_rows(found: Evidence, column: str) -> Iterator[str]:
    yield from sorted({cell_text(row.get(column)) for row in found.rows[:12]} - {""})


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_evidence_and_subject_are_exact(playbook: str) -> None:
    for case in pool(playbook):
        for claim in case.claims:
            own = claim.evidence
            spoilt = [text for one in own[:1] for text in other_texts(one) if text not in own]
            strangers = [found.id for found in case.evidence if found.id not in own]
            for cited in (*spoilt, *strangers[:6], "E0", "E01", "E999"):
                assert not case.keeps(claim, evidence=(*own, cited)), (claim, cited)
            if own:
                assert not case.keeps(claim, evidence=()), claim
            for subject in other_texts(claim.subject):
                assert not case.keeps(claim, subject=subject), (claim, subject)
            # The name of the value is in part Cyrillic.
            assert not case.keeps(claim, values=(*claim.values, ClaimValue(name="valuе", value="1"))), claim
            if claim.values:
                assert not case.keeps(claim, values=()), claim


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_value_of_one_fact_is_not_said_of_another(playbook: str) -> None:
    for case in pool(playbook):
        claims = [claim for claim in case.told(Predicate.FACT_IS) if is_number(case.fact(claim))]
        for claim in claims:
            fact = case.fact(claim)
            for other in claims:
                text = other.values[0].value
                same = text == claim.values[0].value or rounds_to(text, number_of(fact), fact.unit)
                if fact.unit == case.fact(other).unit and not same:
                    assert not case.keeps(claim, values=value(text)), (fact, text)


def is_number(fact: Fact) -> bool:
    return isinstance(fact.value, int | float) and not isinstance(fact.value, bool)


def number_of(fact: Fact) -> float:
    assert isinstance(fact.value, int | float)
    return fact.value


UNGROUNDED = ("probably", "database", "refund", "because", "only", "not", "99", "€", "acct_666", "evil.example")


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_word_from_elsewhere_leaves_the_sentence_of_code(playbook: str) -> None:
    for case in pool(playbook):
        for claim in case.claims:
            sentence = case.checker.check(claim).sentence
            words = sentence.split()
            wordings = [
                " ".join([*words[:at], word, *words[at:]])
                for word in UNGROUNDED
                for at in {0, len(words) // 2, len(words)}
            ]
            wordings += [f"{sentence}?", f"{sentence} https://evil.example/x", f"<b>{sentence}</b>", f"{sentence}!"]
            for wording in wordings:
                checked = case.checker.check(claim.model_copy(update={"wording": wording}))
                assert (checked.kept, checked.reworded, checked.sentence) == (True, False, sentence), wording


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_every_word_that_is_left_out_leaves_the_sentence_of_code(playbook: str) -> None:
    for case in pool(playbook):
        for claim in case.claims:
            sentence = case.checker.check(claim).sentence
            words = sentence.split()
            for at, word in enumerate(words):
                if word.casefold().strip(".,:;()") in SMALL or words.count(word) > 1:
                    continue
                wording = " ".join([*words[:at], *words[at + 1 :]])
                checked = case.checker.check(claim.model_copy(update={"wording": wording}))
                assert checked.sentence == sentence or not word.strip("-–—·&()"), (wording, word)


_SMALL_WORDS = (
    "a an the is are was were be been being has have had this that these those it its and of in on at for with which there "
    "where when while during about as"
)
SMALL = frozenset(_SMALL_WORDS.split())

SPOILT: list[tuple[str, object]] = [
    *(("status", status) for status in EvidenceStatus if status is not EvidenceStatus.EMPTY),
    ("truncated", True),
    ("stale", True),
    ("scope", Scope.FLEET),
    ("customer", OTHER.id),
]


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_absence_needs_a_whole_fresh_empty_answer(playbook: str) -> None:
    for case in pool(playbook):
        for claim in case.told(Predicate.NOTHING_FOUND):
            found = next(found for found in case.evidence if found.id in claim.evidence)
            assert found.status is EvidenceStatus.EMPTY
            assert found.scope is not Scope.FLEET, "groups of few customers are suppressed, so silence shows nothing"
            begun = case.anchors.symptom_at
            late = Window(start=begun + timedelta(hours=1), end=case.anchors.reported_at + timedelta(days=1))
            for field, spoilt in (*SPOILT, ("window", late)):
                evidence = [
                    each.model_copy(update={field: spoilt}) if each.id == found.id else each for each in case.evidence
                ]
                assert not case.over(evidence).check(claim).kept, (found.query, field, spoilt)


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_answer_of_every_other_kind_shows_no_absence(playbook: str) -> None:
    for case in pool(playbook):
        for found in case.evidence:
            if not found.shows_absence or found.scope is Scope.FLEET:
                claim = Claim(predicate=Predicate.NOTHING_FOUND, subject=found.query, evidence=(found.id,))
                assert not case.keeps(claim), found.query


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_only_a_supported_cause_and_a_refuted_denial_stand(playbook: str) -> None:
    for case in pool(playbook):
        every = tuple(found.id for found in case.evidence)
        for verdict in case.weighing.verdicts:
            for predicate, wanted in ((Predicate.SUPPORTED, Verdict.SUPPORTED), (Predicate.REFUTED, Verdict.REFUTED)):
                for cited in (verdict.evidence, every, every[:1], ()):
                    claim = Claim(predicate=predicate, subject=verdict.id, evidence=cited, wording=verdict.title)
                    assert verdict.verdict is wanted or not case.keeps(claim), claim


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_evidence_of_another_customer_shows_nothing(playbook: str) -> None:
    for case in pool(playbook):
        foreign = {found.id for found in case.evidence if found.scope is Scope.CUSTOMER}
        theirs = [
            found.model_copy(update={"customer": OTHER.id}) if found.id in foreign else found for found in case.evidence
        ]
        mixed = [
            found.model_copy(update={"rows": (*found.rows, {"customer_id": OTHER.id})})
            if found.id in foreign
            else found
            for found in case.evidence
        ]
        anchors = case.anchors.model_copy(update={"customer": OTHER})
        elsewhere = ClaimChecker(case.playbook, anchors, case.evidence, case.weighing)
        for claim in case.claims:
            if foreign & set(claim.evidence):
                assert not case.over(theirs).check(claim).kept, claim
                assert not elsewhere.check(claim).kept, claim
            if foreign & set(claim.evidence) and claim.predicate is not Predicate.ROW_SHOWS:
                assert claim.predicate is Predicate.NOTHING_FOUND or not case.over(mixed).check(claim).kept, claim


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_quote_and_link_must_stand_in_the_row_that_is_cited(playbook: str) -> None:
    for case in pool(playbook):
        cited = [(case.found(claim), claim) for claim in case.told(Predicate.ROW_SHOWS)]
        for found, claim in cited:
            for quote in (
                "https://evil.example/login",
                "Refund the customer",
                "<a href=x>",
                "https://example.com.evil",
            ):
                for each in claim.values[:6]:
                    assert not case.checker.check(row_claim(found, {each.name: quote})).kept
            for other, theirs in cited:
                for each in theirs.values:
                    if other is not found and not any(states(row.get(each.name), each.value) for row in found.rows):
                        assert not case.checker.check(row_claim(found, {each.name: each.value})).kept, each


@settings(max_examples=100)
@given(st.sampled_from([(name, at) for name in PLAYBOOKS for at in range(8)]), st.data())
def test_whatever_value_is_moved_wherever_what_is_kept_is_shown(where: tuple[str, int], data: st.DataObject) -> None:
    runs = pool(where[0])
    case = runs[where[1] % len(runs)]
    claims = [claim for claim in case.claims if claim.values]
    assume(claims)
    target, giver = data.draw(st.sampled_from(claims)), data.draw(st.sampled_from(claims))
    at = data.draw(st.integers(0, len(target.values) - 1))
    text = data.draw(st.sampled_from(giver.values)).value
    values = [*target.values]
    values[at] = ClaimValue(name=values[at].name, value=text)
    if not case.keeps(target, values=tuple(values)):
        return
    if target.predicate is Predicate.ROW_SHOWS:
        cells = [row.get(values[at].name) for row in case.found(target).rows]
        assert any(states(cell, text) or text in set(same_cell(cell)) for cell in cells)
        return
    fact = case.fact(target)
    assert fact.value is not None
    same = text in {format_value(fact), *same_values(fact.value, fact.unit)}
    same = same or (isinstance(fact.value, datetime) and tells_time(text, fact.value))
    assert same or (is_number(fact) and rounds_to(text, number_of(fact), fact.unit))
