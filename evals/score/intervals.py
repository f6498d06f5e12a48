"""How sure a figure is: Wilson's interval for a share, the exact upper bound beside a zero, Student's interval over repeats."""

import math
from collections.abc import Callable, Sequence
from statistics import NormalDist, fmean, stdev

from pydantic import BaseModel

LEVEL = 0.95
_STEPS = 2_000


class Share(BaseModel):
    """A share with Wilson's interval. A ticket that was repeated counts once, with the share of its repeats that are hits."""

    hits: float
    of: int
    value: float | None
    """None where there was nothing to count."""
    low: float = 0.0
    high: float = 1.0


class Count(BaseModel):
    """How often what must not happen did, and the share that it may still have with 95 % certainty."""

    count: int
    of: int
    upper: float
    """Exact one-sided upper bound; 1 where nothing was counted."""


def share(hits: float, of: int) -> Share:
    """Return a share with Wilson's interval."""
    if not of:
        return Share(hits=0, of=0, value=None)
    low, high = wilson(hits, of)
    return Share(hits=hits, of=of, value=hits / of, low=low, high=high)


def count(times: int, of: int) -> Count:
    """Return a count with its upper bound."""
    return Count(count=times, of=of, upper=upper_bound(times, of))


def wilson(hits: float, of: int, level: float = LEVEL) -> tuple[float, float]:
    """Return Wilson's two-sided interval of a share."""
    z = NormalDist().inv_cdf((1 + level) / 2)
    value, spread = hits / of, z * z / of
    middle = (value + spread / 2) / (1 + spread)
    half = z * math.sqrt(value * (1 - value) / of + spread / (4 * of)) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)


def upper_bound(times: int, of: int, level: float = LEVEL) -> float:
    """Return Clopper and Pearson's one-sided upper bound of a share; for 0 of n about 3/n.

    Raises:
        ValueError: more hits than tries.
    """
    if times > of:
        raise ValueError(f"{times} of {of} cannot be: give hits first, tries second")
    if times == of:
        return 1.0
    return _root(lambda share: at_most(times, of, share) - (1 - level), 0.0, 1.0)


def at_most(times: int, of: int, share: float) -> float:
    """Return how likely that many hits or fewer are, each try being one with this share."""
    if share in (0.0, 1.0):
        return 1.0 if share == 0.0 or times >= of else 0.0
    terms = (
        math.lgamma(of + 1)
        - math.lgamma(hits + 1)
        - math.lgamma(of - hits + 1)
        + hits * math.log(share)
        + (of - hits) * math.log1p(-share)
        for hits in range(times + 1)
    )
    return min(1.0, math.fsum(math.exp(term) for term in terms))


def over_repeats(values: Sequence[float], level: float = LEVEL) -> tuple[float, float] | None:
    """Return Student's interval of the mean over whole repeats of a run; None for fewer than two."""
    if len(values) < 2:
        return None
    half = student_quantile((1 + level) / 2, len(values) - 1) * stdev(values) / math.sqrt(len(values))
    return fmean(values) - half, fmean(values) + half


def student_quantile(level: float, degrees: int) -> float:
    """Return the quantile of Student's distribution, for levels above one half."""
    scale = math.exp(math.lgamma((degrees + 1) / 2) - math.lgamma(degrees / 2)) / math.sqrt(degrees * math.pi)

    def density(at: float) -> float:
        return scale * math.pow(1 + at * at / degrees, -(degrees + 1) / 2)

    # Over the angle whose tangent it is: the tails are long, the angle is not.
    def integrand(angle: float) -> float:
        at = math.tan(angle)
        return density(at) * (1 + at * at)

    def mass(to: float) -> float:
        return 0.5 + _simpson(integrand, math.atan(to))

    return _root(lambda at: level - mass(at), 0.0, 1_000.0)


def _simpson(function: Callable[[float], float], to: float) -> float:
    step = to / _STEPS
    inner = math.fsum((4 if number % 2 else 2) * function(number * step) for number in range(1, _STEPS))
    return (function(0.0) + inner + function(to)) * step / 3


def _root(falling: Callable[[float], float], low: float, high: float) -> float:
    """Return where a falling function crosses zero."""
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if falling(middle) > 0 else (low, middle)
    return (low + high) / 2
