"""Which tickets a world has: axis, cause, language and style of each, so that all of them are covered."""

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from evals.generate.causes.fleet import FLEET
from evals.generate.causes.own import OWN, PAIRS
from evals.generate.draw import Draw
from evals.generate.texts import LANGUAGES, STYLES
from evals.generate.truth import Axis
from models.vocabulary import CauseClass

_WEIGHTS = {
    Axis.FIND: 30,
    Axis.DECOYS: 15,
    Axis.MISSING: 8,
    Axis.CONTRADICTION: 7,
    Axis.TRAP: 8,
    Axis.TWO: 8,
    Axis.NOTHING: 6,
    Axis.VAGUE: 4,
    Axis.INJECTED: 7,
    Axis.NOISE: 7,
}
"""Axis to its part of a hundred tickets."""
NONE = (CauseClass.NOTHING_WRONG, CauseClass.TOO_VAGUE)
SINGLE = [cause for cause in (*FLEET, *OWN) if cause not in NONE]
CONTRADICTED = [CauseClass.OWN_INCIDENT, CauseClass.DEPLOY_REGRESSION, CauseClass.PLAN_DOWNGRADE]
"""Causes about which two sources can be made to disagree."""


@dataclass(frozen=True)
class Slot:
    """One ticket before anything is planted; `causes` are one, or two for the axis of two."""

    axis: Axis
    causes: tuple[CauseClass, ...]
    language: str
    style: str


def counts(tickets: int) -> dict[Axis, int]:
    """Return how many tickets each axis gets: at least one where there are enough, and the rest by weight."""
    found = {axis: max(1, tickets * weight // 100) for axis, weight in _WEIGHTS.items()}
    found[Axis.FIND] += tickets - sum(found.values())
    return found


def schedule(draw: Draw, tickets: int) -> list[Slot]:
    """Return the tickets in the order in which they are planted.

    Raises:
        ValueError: fewer tickets than axes can share.
    """
    if tickets < 2 * len(_WEIGHTS):
        raise ValueError(f"{tickets!r} tickets cannot cover {len(_WEIGHTS)} axes: ask for {2 * len(_WEIGHTS)} or more")
    own = [cause for cause in SINGLE if cause in OWN]
    allowed: dict[Axis, list[tuple[CauseClass, ...]]] = {axis: [(cause,) for cause in SINGLE] for axis in Axis}
    allowed[Axis.CONTRADICTION] = [(cause,) for cause in CONTRADICTED]
    allowed[Axis.TRAP] = [(cause,) for cause in own]
    allowed[Axis.TWO] = list(PAIRS)
    allowed[Axis.NOTHING] = [(CauseClass.NOTHING_WRONG,)]
    allowed[Axis.VAGUE] = [(CauseClass.TOO_VAGUE,)]
    decks = {axis: draw.sub(axis).shuffled(causes) for axis, causes in allowed.items()}
    found: list[Slot] = []
    for axis, count in counts(tickets).items():
        for number in range(count):
            causes = decks[axis][number % len(decks[axis])]
            found.append(Slot(axis, causes, _language(draw, len(found)), STYLES[draw.between(0, len(STYLES) - 1)]))
    return found


def _language(draw: Draw, number: int) -> str:
    """English for four of ten, the others in turn."""
    others = LANGUAGES[1:]
    return "en" if number % 5 in (0, 2) else others[(number * 3 // 5) % len(others)]


def strata(draw: Draw, keys: Sequence[Hashable]) -> list[float]:
    """Return for each key where its effect lies in its range, in [0, 1): those of one key are spread over all of it."""
    places: dict[Hashable, list[float]] = {}
    for key, count in Counter(keys).items():
        places[key] = draw.sub(key).shuffled([(step + draw.unit()) / count for step in range(count)])
    return [places[key].pop() for key in keys]
