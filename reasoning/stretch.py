"""The worst stretch of a series of shares, with its start and its end: a scan statistic over counts.

Method. Of all runs of neighbouring buckets the one is kept in which the share of failures most exceeds that of the rest: the
run with the largest sum of `requests × (share − reference)`, the reference being halfway between both shares, found in a few
rounds. How much better two shares explain the counts than one is Kulldorff's log-likelihood ratio. As many runs were looked
at, chance is bounded by their number times e^−ratio; confidence is 1 − that. So a stretch is told from an ordinary bad quarter
of an hour however thin the traffic, and one that has ended is found as well as one that goes on, which a single change point
does not do.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from reasoning.onset import FEWEST_BUCKETS, FEWEST_FAILURES, LEAST_GROWTH, Bucket

_ROUNDS = 8
"""In practice the run stays the same after two or three."""
_TOLD_APART = 3.0
"""Log-likelihood ratio, one chance in twenty: one good bucket at the end is no recovery yet."""


@dataclass(frozen=True)
class Stretch:
    """A run of buckets that are worse than the others."""

    start: datetime
    """Its first bucket."""
    end: datetime | None
    """The first bucket after it; None where what follows, if anything, cannot be told from it."""
    confidence: float
    inside: float
    """Share of failures in it."""
    outside: float


def find_stretch(series: Sequence[Bucket]) -> Stretch | None:
    """Return the worst stretch of a series of shares, or None where none stands out.

    Args:
        series: In any order; each value is a share of its weight.
    """
    buckets = sorted((bucket for bucket in series if bucket.weight > 0), key=lambda bucket: bucket.at)
    if len(buckets) < FEWEST_BUCKETS:
        return None
    first, last = _worst_run(buckets)
    inside = _counts(buckets[first:last])
    outside = _counts([*buckets[:first], *buckets[last:]])
    if outside[1] == 0 or inside[0] < FEWEST_FAILURES:
        return None
    worse, usual = inside[0] / inside[1], outside[0] / outside[1]
    if worse < usual * LEAST_GROWTH:
        return None
    chance = len(buckets) ** 2 / 2 * math.exp(-_likelihood_ratio(inside, outside))
    over = last < len(buckets) and _likelihood_ratio(inside, _counts(buckets[last:])) >= _TOLD_APART
    end = buckets[last].at if over else None
    return Stretch(buckets[first].at, end, max(0.0, round(1 - chance, 3)), worse, usual)


def _worst_run(buckets: Sequence[Bucket]) -> tuple[int, int]:
    failures, requests = _counts(buckets)
    reference = failures / requests
    run = _largest_sum(buckets, reference)
    for _ in range(_ROUNDS):
        inside, outside = _counts(buckets[slice(*run)]), _counts([*buckets[: run[0]], *buckets[run[1] :]])
        if outside[1] == 0:
            break
        reference = (inside[0] / inside[1] + outside[0] / outside[1]) / 2
        again = _largest_sum(buckets, reference)
        if again == run:
            break
        run = again
    return run


def _largest_sum(buckets: Sequence[Bucket], reference: float) -> tuple[int, int]:
    """Return the run, end excluded, in which the sum of `weight × (value − reference)` is largest."""
    best, run = -math.inf, (0, len(buckets))
    start, running = 0, 0.0
    for index, bucket in enumerate(buckets):
        if running <= 0:
            start, running = index, 0.0
        running += bucket.weight * (bucket.value - reference)
        if running > best:
            best, run = running, (start, index + 1)
    return run


def _counts(buckets: Sequence[Bucket]) -> tuple[float, float]:
    return sum(bucket.weight * bucket.value for bucket in buckets), sum(bucket.weight for bucket in buckets)


def _likelihood_ratio(inside: tuple[float, float], outside: tuple[float, float]) -> float:
    both = inside[0] + outside[0], inside[1] + outside[1]
    return _log_likelihood(*inside) + _log_likelihood(*outside) - _log_likelihood(*both)


def _log_likelihood(failures: float, requests: float) -> float:
    return sum(part * math.log(part / requests) for part in (failures, requests - failures) if part > 1e-9)
