"""Where a series changes for the worse: one change point by least squares, judged by ranks.

Method. The buckets are sorted by time. Every split into before and after is tried where the mean after is higher; the one that
takes most from the weighted sum of squares is kept (weights: the bucket's total, else 1, so that a nearly empty
minute counts for little). Trailing buckets that have fallen below the middle of both means belong to the recovery and are left
out of the judgement. Confidence is how well ranks separate the two sides: 2 × (share of pairs of a bucket before and one after
in which the later is higher, ties half) − 1, from 0 for none to 1 for whole; buckets of few requests are merged with their
neighbours first, because the rate of three requests tells nothing. A change of less than half again counts as none, and so does
one that chance alone would make somewhere in a series of some hundred buckets: then there is no onset, and that is
not the same as an onset at the start. How often it is found, and where it is not: docs/decisions/0010-onset-method.md.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

FEWEST_BUCKETS = 6
LEAST_GROWTH = 1.5
FEWEST_FAILURES = 5
"""Of a share: what less than this many requests carry is chance."""
CHANCE = 4.0
"""How many standard deviations of pure chance, or of the usual scatter, a change must be."""
_TAIL = 60
"""Buckets on each side that are ranked: the nearest tell most, and it keeps the work small."""
_TELLING = 20.0
"""Requests that a bucket should hold before its rate is compared."""


class Bucket(NamedTuple):
    """One point of a series; a tuple, because a series has hundreds and a frozen dataclass takes thrice as long to make."""

    at: datetime
    value: float
    """A level: a count, or a share of `weight`."""
    weight: float = 1.0


@dataclass(frozen=True)
class Onset:
    """The first bucket after the change."""

    at: datetime
    confidence: float
    before: float
    """Mean level before."""
    after: float


def find_onset(series: Sequence[Bucket], *, shares: bool = False) -> Onset | None:
    """Return the change for the worse, or None where there are too few buckets or no clear change.

    Args:
        series: In any order.
        shares: The values are shares of the weights, so that buckets can be merged.
    """
    buckets = sorted((bucket for bucket in series if bucket.weight > 0), key=lambda bucket: bucket.at)
    split = _best_split(buckets) if len(buckets) >= FEWEST_BUCKETS else None
    if split is None:
        return None
    before, rest = buckets[:split], buckets[split:]
    low = _mean(before)
    middle = (low + _mean(rest)) / 2
    last_high = max((index for index, bucket in enumerate(rest) if bucket.value > middle), default=None)
    if last_high is None:
        return None
    after = rest[: last_high + 1]
    high = _mean(after)
    if high < low * LEAST_GROWTH:
        return None
    if shares:
        if not _beyond_chance(low, high, _weight(before), _weight(after)):
            return None
        before, after = _merged(before[::-1])[::-1], _merged(after)
    elif not _beyond_scatter(before, after):
        return None
    return Onset(rest[0].at, _separation(before[-_TAIL:], after[:_TAIL]), low, high)


def _beyond_chance(low: float, high: float, requests_before: float, requests_after: float) -> bool:
    """Whether two shares differ by more than both sides' chance together, and by more than a few failures."""
    pooled = (low * requests_before + high * requests_after) / (requests_before + requests_after)
    scatter = pooled * requests_after * (1 + requests_after / requests_before)
    # Few failures scatter further than their root tells: hence once more.
    return high * requests_after >= FEWEST_FAILURES and (high - low) * requests_after >= CHANCE * (scatter**0.5 + 1)


def _beyond_scatter(before: Sequence[Bucket], after: Sequence[Bucket]) -> bool:
    """Whether two levels differ by more than the buckets of each side among themselves would make them."""
    low, high = _mean(before), _mean(after)
    squares = sum((bucket.value - low) ** 2 for bucket in before) + sum((bucket.value - high) ** 2 for bucket in after)
    variance = squares / (len(before) + len(after) - 2)
    return high - low >= CHANCE * math.sqrt(variance * (1 / len(before) + 1 / len(after)))


def _best_split(buckets: Sequence[Bucket]) -> int | None:
    weight = sum(bucket.weight for bucket in buckets)
    total = sum(bucket.weight * bucket.value for bucket in buckets)
    best, best_gain = None, 0.0
    left_weight = left_total = 0.0
    for index, bucket in enumerate(buckets[:-1], start=1):
        left_weight += bucket.weight
        left_total += bucket.weight * bucket.value
        left, right = left_total / left_weight, (total - left_total) / (weight - left_weight)
        # Two buckets before: one alone may be the partial first of the window.
        if index < 2 or right <= left:
            continue
        gain = left_weight * (weight - left_weight) / weight * (right - left) ** 2
        if gain > best_gain * (1 + 1e-12):
            best, best_gain = index, gain
    return best


def _merged(buckets: Sequence[Bucket]) -> list[Bucket]:
    """Merge neighbours, from the change outwards, until each holds enough; a rest that does not is part of the last."""
    merged: list[Bucket] = []
    for bucket in buckets:
        if merged and merged[-1].weight < _TELLING:
            merged[-1] = _both(merged[-1], bucket)
        else:
            merged.append(bucket)
    if len(merged) > 1 and merged[-1].weight < _TELLING:
        rest = merged.pop()
        merged[-1] = _both(merged[-1], rest)
    return merged


def _both(one: Bucket, other: Bucket) -> Bucket:
    return Bucket(one.at, _mean((one, other)), one.weight + other.weight)


def _mean(buckets: Sequence[Bucket]) -> float:
    return sum(bucket.weight * bucket.value for bucket in buckets) / _weight(buckets)


def _weight(buckets: Sequence[Bucket]) -> float:
    return sum(bucket.weight for bucket in buckets)


def _separation(before: Sequence[Bucket], after: Sequence[Bucket]) -> float:
    wins = sum(
        1.0 if late.value > early.value else 0.5 if late.value == early.value else 0.0
        for early in before
        for late in after
    )
    return max(0.0, round(2 * wins / (len(before) * len(after)) - 1, 3))
