"""How often a level of confidence was right, by what people said of past runs: in few words, or that nobody knows yet."""

import math
from collections.abc import Iterable

from models.feedback import Labelled
from models.vocabulary import Confidence

NEEDED = 100
"""Labelled runs of one level, below which nothing is said of how often it is right."""
UNCALIBRATED = "uncalibrated"
_Z = 1.959964
"""Of an interval that holds the truth 95 times in a hundred."""


def calibration(confidence: Confidence, playbook: str, labelled: Iterable[Labelled]) -> str:
    """Return what past runs say of this level: those of the playbook where they are enough, else all of the tenant.

    `right in 93% of 140 labelled runs of this playbook, 87–97%`, with Wilson's interval; `uncalibrated: 12 of 100 labelled runs`;
    or, where nobody has said anything of this level, `uncalibrated`.

    Args:
        confidence: The level that a note says.
        playbook: The id of the one that was followed; its versions count together.
        labelled: Of one tenant.
    """
    same = [one for one in labelled if one.confidence is confidence]
    own = [one for one in same if one.playbook == playbook]
    for runs, which in ((own, " of this playbook"), (same, "")):
        right, of = sum(one.right for one in runs), sum(one.of for one in runs)
        if of >= NEEDED:
            return f"right in {share(right, of)} of {of:,} labelled runs{which}, {interval(right, of)}"
    of = sum(one.of for one in same)
    return f"{UNCALIBRATED}: {of} of {NEEDED} labelled runs" if of else UNCALIBRATED


def share(right: int, of: int) -> str:
    """Return a share in whole percent; never 0 or 100 where it is neither."""
    percent = round(100 * right / of)
    return f"{percent if right in (0, of) else min(max(percent, 1), 99)}%"


def interval(right: int, of: int) -> str:
    """Return Wilson's interval in whole percent, rounded outwards."""
    low, high = wilson(right, of)
    return f"{math.floor(100 * low)}–{math.ceil(100 * high)}%"


def wilson(right: int, of: int) -> tuple[float, float]:
    """Return the interval that holds the true share with 95 % certainty, by Wilson's score (1927).

    Raises:
        ValueError: nothing was counted, or more were right than there are.
    """
    if not 0 <= right <= of or not of:
        raise ValueError(f"{right} of {of} is no share")
    mean, square = right / of, _Z * _Z
    middle = mean + square / (2 * of)
    reach = _Z * math.sqrt(mean * (1 - mean) / of + square / (4 * of * of))
    # At both ends rounding would leave the last digit of a float beyond 0 or 1.
    low = 0.0 if right == 0 else (middle - reach) / (1 + square / of)
    return low, 1.0 if right == of else (middle + reach) / (1 + square / of)
