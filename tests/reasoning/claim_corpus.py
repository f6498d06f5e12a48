"""The corpus of true and adversarial claims in tests/data/claims, and what verification makes of each of them.

`python -m tests.reasoning.claim_corpus` prints false accepts and false rejects by kind. The claims were written from the
playbooks, the fixtures and the prompt alone, without sight of the code that judges them.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path

import yaml
from pydantic import Field, TypeAdapter

from models.base import Strict
from models.customer import Anchors
from models.diagnosis import CheckedClaim, Claim, ClaimValue, Draft, Predicate, Weighing
from models.evidence import Evidence
from models.playbook import Playbook
from models.vocabulary import Scope
from playbooks.fixture_files import anchors_of
from playbooks.fixture_format import Fixture, FixtureAnswer
from playbooks.fixtures import investigate, read_fixtures
from playbooks.library import Library
from reasoning.hypotheses import weigh
from reasoning.rules import decide
from reasoning.verify import verify

CORPUS = Path(__file__).parents[1] / "data" / "claims"
SHIPPED = Path(__file__).parents[2] / "playbooks"


class Base(Strict):
    """A shipped fixture, and what differs from it."""

    playbook: str
    fixture: str
    evidence: dict[str, FixtureAnswer] = {}
    customers: dict[str, str] = {}
    """Queries whose answer was stored for that customer."""


class Entry(Strict):
    """One claim and why it is true or false. A query's id stands for the evidence that answered it."""

    id: str
    base: str
    says: Predicate
    of: str
    """The subject; a query's id in `row_shows`."""
    values: dict[str, str] = {}
    cites: list[str] = []
    """Queries, or evidence ids as they are."""
    wording: str = ""
    why: str
    wrong_in: str = Field(default="", pattern="^(values|wording)?$")
    """Where the falsehood stands, if not where the file says."""
    lies: list[str] = []
    """The falsehood's very characters: a claim that is kept lies if its sentence has one. Without any, all that is kept lies."""


class Kind(Strict):
    """One file: claims that are true, or false in one way."""

    about: str
    wrong_in: str = Field(default="", pattern="^(values|wording)?$")
    claims: list[Entry]


@dataclass(frozen=True)
class Case:
    """A claim of the corpus with its label."""

    kind: str
    true: bool
    entry: Entry
    wrong_in: str


@dataclass(frozen=True)
class Ground:
    """What a claim is judged on."""

    playbook: Playbook
    anchors: Anchors
    evidence: tuple[Evidence, ...]
    weighing: Weighing
    draft: Draft

    def evidence_id(self, name: str) -> str:
        """Return the id of the last answer to a query; any other name as it is."""
        return next((item.id for item in reversed(self.evidence) if item.query == name), name)


@dataclass(frozen=True)
class Judged:
    """What became of a claim."""

    case: Case
    checked: CheckedClaim

    @cached_property
    def own_words(self) -> bool:
        """The model's own sentence is shown instead of the one that code says without it."""
        checked = self.checked
        if not (checked.kept and checked.claim.wording):
            return False
        return checked.sentence != _without_words(self.case).sentence

    @property
    def false_accept(self) -> bool:
        """A falsehood is shown."""
        if self.case.true or not self.checked.kept:
            return False
        entry = self.case.entry
        if any(lie in self.checked.sentence for lie in entry.lies):
            return True
        return self.own_words if self.case.wrong_in == "wording" else not entry.lies

    @property
    def false_reject(self) -> bool:
        """The truth was dropped."""
        return self.case.true and not self.checked.kept


def read_corpus() -> tuple[Case, ...]:
    """Read all claims, by truth, kind and the order in their file.

    Raises:
        ValueError: a file has another shape (pydantic's ValidationError), or an id stands twice.
    """
    cases = tuple(_cases())
    ids = [case.entry.id for case in cases]
    twice = sorted({each for each in ids if ids.count(each) > 1})
    if twice:
        raise ValueError(f"{CORPUS}: {', '.join(twice)} stand twice: give each claim an id of its own")
    return cases


def _cases() -> Iterator[Case]:
    for truth in (False, True):
        for path in sorted((CORPUS / str(truth).lower()).glob("*.yaml")):
            kind = Kind.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
            for entry in kind.claims:
                yield Case(path.stem, truth, entry, entry.wrong_in or kind.wrong_in)


@cache
def ground_of(name: str) -> Ground:
    """Weigh a base as a run would, each answer stored for the customer that it is of."""
    base = _bases()[name]
    loaded = _library().get(base.playbook)
    fixture = _fixtures(base.playbook)[base.fixture]
    fixture = fixture.model_copy(update={"evidence": fixture.evidence | base.evidence})
    anchors = anchors_of(fixture)
    _, _, found = investigate(loaded.playbook, fixture)
    evidence = tuple(_stored(item, anchors, base.customers) for item in found)
    weighing = weigh(loaded.playbook, anchors, evidence)
    return Ground(loaded.playbook, anchors, evidence, weighing, decide(loaded.playbook, weighing, evidence))


def _stored(item: Evidence, anchors: Anchors, customers: dict[str, str]) -> Evidence:
    if item.scope is not Scope.CUSTOMER or anchors.customer is None:
        return item
    return item.model_copy(update={"customer": customers.get(item.query, anchors.customer.id)})


@cache
def _bases() -> dict[str, Base]:
    raw = yaml.safe_load((CORPUS / "bases.yaml").read_text(encoding="utf-8"))
    return TypeAdapter(dict[str, Base]).validate_python(raw)


@cache
def _library() -> Library:
    return Library.load([SHIPPED])


@cache
def _fixtures(playbook: str) -> dict[str, Fixture]:
    return read_fixtures(_library().get(playbook))


def claim_of(case: Case, ground: Ground) -> Claim:
    """Build the claim as a model would send it."""
    entry = case.entry
    return Claim(
        predicate=entry.says,
        subject=ground.evidence_id(entry.of) if entry.says is Predicate.ROW_SHOWS else entry.of,
        values=tuple(ClaimValue(name=name, value=value) for name, value in entry.values.items()),
        evidence=tuple(ground.evidence_id(name) for name in entry.cites),
        wording=entry.wording,
    )


def judge(case: Case) -> Judged:
    """Verify one claim, beside the choice that the rules make on its base."""
    ground = ground_of(case.entry.base)
    claim = claim_of(case, ground)
    draft = ground.draft.model_copy(update={"claims": (claim,)})
    diagnosis = verify(ground.playbook, ground.anchors, ground.evidence, ground.weighing, draft, "corpus")
    checked = next((each for each in diagnosis.claims if each.claim == claim), None)
    if checked is None:
        raise LookupError(f"{case.entry.id}: verification answers nothing on {claim!r}")
    return Judged(case, checked)


def _without_words(case: Case) -> CheckedClaim:
    """Verify a claim without its wording."""
    bare = replace(case, entry=case.entry.model_copy(update={"wording": ""}))
    return judge(bare).checked


def table(results: Sequence[Judged]) -> str:
    """Return the counts by kind as a Markdown table, one part for each truth."""
    lines = [
        "| claims | kind | number | wrongly accepted | wrongly rejected | own wording kept |",
        "|---|---|---:|---:|---:|---:|",
    ]
    for truth in (False, True):
        part = [each for each in results if each.case.true is truth]
        kinds = sorted({each.case.kind for each in part})
        for kind in [*kinds, "all"]:
            some = [each for each in part if kind in (each.case.kind, "all")]
            wrong = (sum(each.false_accept for each in some), sum(each.false_reject for each in some))
            own = sum(each.own_words for each in some)
            lines.append(
                f"| {'true' if truth else 'false'} | {kind} | {len(some)} | {'' if truth else wrong[0]} | "
                f"{wrong[1] if truth else ''} | {own} |"
            )
    return "\n".join(lines)


def described(result: Judged) -> str:
    """Return all that is needed to see why a claim was judged as it was."""
    entry, checked = result.case.entry, result.checked
    ground = ground_of(entry.base)
    fact = ground.weighing.fact(entry.of)
    parts = [
        f"{entry.id} ({'true' if result.case.true else 'false'}, {result.case.kind}, base {entry.base})",
        f"  why      {entry.why}",
        f"  claim    {checked.claim.predicate.value} {checked.claim.subject} "
        f"{ {each.name: each.value for each in checked.claim.values} } cites {', '.join(checked.claim.evidence)}",
        f"  wording  {checked.claim.wording!r}",
        f"  kept     {checked.kept}, own words {result.own_words}: {checked.sentence!r}",
        f"  problem  {checked.problem}",
    ]
    if fact is not None:
        parts.append(f"  fact     {fact.value!r} {fact.unit} on {', '.join(fact.evidence)}")
    return "\n".join(parts)


def main() -> int:
    """Judge the corpus and print the table."""
    parser = argparse.ArgumentParser(description="Judge the corpus of claims.")
    parser.add_argument("--failures", type=Path, help="write every wrongly judged claim to this file")
    arguments = parser.parse_args()
    results = [judge(case) for case in read_corpus()]
    wrong = [each for each in results if each.false_accept or each.false_reject]
    sys.stdout.write(f"{table(results)}\n")
    if arguments.failures is not None:
        arguments.failures.write_text("\n\n".join(described(each) for each in wrong) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
