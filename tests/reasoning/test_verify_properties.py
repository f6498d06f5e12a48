"""True claims of all shipped fixtures: changed in any one value they are refused, changed in format alone they stand.

The fixtures are the real playbooks' investigations, so every fact function, unit and kind of row that ships is in here.
"""

from collections.abc import Iterator
from fractions import Fraction

import pytest
from pydantic import JsonValue

from models.base import Row
from models.diagnosis import ClaimValue, Fact, Predicate
from models.evidence import Evidence
from reasoning.phrases import cell_text, format_value
from tests.reasoning.every_claim import (
    PLAYBOOKS,
    is_number,
    moment_of,
    number_of,
    pool,
    row_claim,
    same_cell,
    states,
    value,
)
from tests.reasoning.mutations import (
    moved_separators,
    other_numbers,
    other_texts,
    other_times,
    other_units,
    other_values,
    rounds_to,
    same_values,
)


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
