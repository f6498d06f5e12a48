"""How well the change point of reasoning/onset.py is found: generated series with a known onset, and flat noise.

    python -m tests.reasoning.onset_accuracy

prints the table of docs/decisions/0010-onset-method.md. A series is a day in buckets of five minutes; what fails in a bucket is
drawn request by request, and how many requests it has varies with the hour and by chance. The onset is anywhere from a tenth to
nine tenths of the day; what recovers does so after one to six hours.
"""

import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import sin, tau

from reasoning.onset import Bucket, find_onset

START = datetime(2026, 3, 12, tzinfo=UTC)
WIDTH = timedelta(minutes=5)
BUCKETS = 288
BASE = 0.01
CLEAR = 0.5
"""The confidence that the shipped playbooks ask for."""
GROWTHS = (1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 40.0)
LOADS = (5, 50, 500)
"""Requests in a bucket, on average."""
RUNS = 200


@dataclass(frozen=True)
class Accuracy:
    """Shares of the runs, 0 to 1."""

    load: int
    growth: float
    exact: float
    """Clear, and within one bucket of the true onset."""
    near: float
    """Clear, and within half an hour."""
    elsewhere: float
    """Clear, and further off: with a growth of 1 every find is one, a false alarm."""


def measure(load: int, growth: float, *, recovers: bool = False, runs: int = RUNS, seed: int = 1) -> Accuracy:
    """Look for the onset in generated series. The same arguments give the same figures."""
    chance = random.Random(f"{seed} {load} {growth} {recovers}")
    exact = near = elsewhere = 0
    for _ in range(runs):
        at = chance.randrange(BUCKETS // 10, BUCKETS * 9 // 10)
        end = min(BUCKETS, at + chance.randrange(12, 73)) if recovers else BUCKETS
        found = find_onset(list(_series(chance, load, growth, at, end)), shares=True)
        if found is None or found.confidence < CLEAR:
            continue
        off = abs(found.at - (START + at * WIDTH)) if growth > 1 else timedelta.max
        exact += off <= WIDTH
        near += off <= timedelta(minutes=30)
        elsewhere += off > timedelta(minutes=30)
    return Accuracy(load, growth, exact / runs, near / runs, elsewhere / runs)


def _series(chance: random.Random, load: int, growth: float, at: int, end: int) -> Iterator[Bucket]:
    for index in range(BUCKETS):
        usual = load * (1 + 0.5 * sin(tau * index / BUCKETS))
        requests = max(0, round(chance.gauss(usual, usual**0.5)))
        rate = BASE * growth if at <= index < end else BASE
        failed = sum(chance.random() < rate for _ in range(requests))
        yield Bucket(START + index * WIDTH, failed / requests if requests else 0.0, float(requests))


def main() -> None:
    """Print the table."""
    say = sys.stdout.write
    say("| trouble | requests in a bucket | after ÷ before | within one bucket | within 30 min | elsewhere | none |\n")
    say("|---|---|---|---|---|---|---|\n")
    for recovers in (False, True):
        for load in LOADS:
            for growth in GROWTHS if not recovers else (5.0, 40.0):
                found = measure(load, growth, recovers=recovers)
                none = 1 - found.near - found.elsewhere
                shares = (f"{share:.1%}" for share in (found.exact, found.near, found.elsewhere, none))
                kind = "none" if growth == 1 else "recovers" if recovers else "goes on"
                say(f"| {kind} | {load} | {growth:g} | {' | '.join(shares)} |\n")


if __name__ == "__main__":
    main()
