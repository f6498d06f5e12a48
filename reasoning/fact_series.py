"""The functions that read a series: when it changed for the worse, how clear that is, and where it ended."""

from datetime import datetime, timedelta
from itertools import pairwise

from models.base import Row
from reasoning.cells import NotKnown, as_time, cell_of, number_of
from reasoning.fact_functions import COLUMN, QUERY, WHERE, FactFunction
from reasoning.fact_inputs import Argument, Given, Reckoned, Takes
from reasoning.onset import Bucket, Onset, find_onset
from reasoning.stretch import Stretch, find_stretch


def onset(given: Given) -> Reckoned:
    """When the series changes for the worse: the `time` of the first bucket after the change in `column`, or in
    `column` ÷ `total`. Method: reasoning/onset.py. Unknown where there is no clear change, or its confidence is
    below `least`.
    """
    found = _onset(given)
    if found.confidence < given.number("least"):
        raise NotKnown(f"the change in {given.text('query')} is not clear enough")
    return Reckoned(found.at, f"change point of {_series(given)}")


def onset_confidence(given: Given) -> Reckoned:
    """How clear the change of `onset` is, from 0 to 1: how well the buckets before and after are separated by rank.
    Same arguments.
    """
    return Reckoned(_onset(given).confidence, f"rank separation of {_series(given)}")


def onset_end(given: Given) -> Reckoned:
    """The end of the first bucket after the change of `onset`, as late as the change can have been. Same arguments."""
    time = given.text("time")
    moments = sorted({as_time(cell_of(row, time), time) for row in given.rows()})
    start = _onset(given).at
    width = min((later - earlier for earlier, later in pairwise(moments)), default=timedelta(0))
    return Reckoned(start + width, f"end of the first bucket after the change of {_series(given)}")


def stretch(given: Given) -> Reckoned:
    """When the worst stretch of the series begins, ended or not: the `time` of the first bucket of the run in which
    `column` ÷ `total` most exceeds the rest. Method: reasoning/stretch.py. Unknown where none stands out, or its
    confidence is below `least`.
    """
    return Reckoned(_stretch(given).start, f"worst run of {_series(given)}")


def stretch_end(given: Given) -> Reckoned:
    """The end of the stretch of `stretch`: the `time` of the first bucket after it. Unknown where it still goes on.
    Same arguments.
    """
    end = _stretch(given).end
    if end is None:
        raise NotKnown(f"the worst stretch of {given.text('query')} goes on")
    return Reckoned(end, f"end of the worst run of {_series(given)}")


def _onset(given: Given) -> Onset:
    buckets, key = _buckets(given), _series_key(given)
    known = given.readings.onsets
    if key not in known:
        known[key] = find_onset(buckets, shares=given.has("total"))
    found = known[key]
    if found is None:
        raise NotKnown(f"{given.text('query')} shows no clear change within its window")
    return found


def _stretch(given: Given) -> Stretch:
    buckets, key = _buckets(given), _series_key(given)
    known = given.readings.stretches
    if key not in known:
        known[key] = find_stretch(buckets)
    found = known[key]
    if found is None or found.confidence < given.number("least"):
        raise NotKnown(f"no stretch of {given.text('query')} stands out")
    return found


def _buckets(given: Given) -> list[Bucket]:
    """Return the series; a playbook asks for its onset, how clear that is, and where it ends, all of the same buckets."""
    rows = given.rows()
    key = _series_key(given)
    known = given.readings.series
    if key not in known:
        known[key] = _read_buckets(given, rows)
    return known[key]


def _series_key(given: Given) -> tuple[str, ...]:
    return given.text("query"), repr(given.where()), given.text("time"), _series(given)


def _read_buckets(given: Given, rows: list[Row]) -> list[Bucket]:
    time, column = given.text("time"), given.text("column")
    total = given.text("total") if given.has("total") else None
    buckets = []
    for row in rows:
        at, level = as_time(cell_of(row, time), time), number_of(row, column)
        weight = number_of(row, total) if total else None
        if weight is None:
            buckets.append(Bucket(at, level))
        else:
            buckets.append(Bucket(at, level / weight if weight > 0 else 0.0, weight))
    if len({bucket.at for bucket in buckets}) == len(buckets):
        return buckets
    if total is None:
        raise NotKnown(f"{given.text('query')} has several rows for one {time}")
    return _joined(buckets)


def _joined(buckets: list[Bucket]) -> list[Bucket]:
    """Join the rows of one moment: a share of several parts is that of their sum."""
    sums: dict[datetime, tuple[float, float]] = {}
    for bucket in buckets:
        part, weight = sums.get(bucket.at, (0.0, 0.0))
        sums[bucket.at] = (part + bucket.value * bucket.weight, weight + bucket.weight)
    return [Bucket(at, part / weight if weight > 0 else 0.0, weight) for at, (part, weight) in sums.items()]


def _series(given: Given) -> str:
    return given.text("column") + (f" ÷ {given.text('total')}" if given.has("total") else "")


_SERIES = (QUERY, Argument("time", Takes.COLUMN), COLUMN, Argument("total", Takes.COLUMN, optional=True), WHERE)
_SHARES = (QUERY, Argument("time", Takes.COLUMN), COLUMN, Argument("total", Takes.COLUMN), WHERE,
           Argument("least", Takes.NUMBER, optional=True))  # fmt: skip

SERIES_FUNCTIONS = (
    FactFunction("onset", (*_SERIES, Argument("least", Takes.NUMBER, optional=True)), "time", onset),
    FactFunction("onset_end", _SERIES, "time", onset_end),
    FactFunction("onset_confidence", _SERIES, "number", onset_confidence),
    FactFunction("stretch", _SHARES, "time", stretch),
    FactFunction("stretch_end", _SHARES, "time", stretch_end),
)
