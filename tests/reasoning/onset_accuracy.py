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

from reasoning.onset import Bucket, Onset, find_onset

START = datetime(2026, 3, 12, tzinfo=UTC)
WIDTH = timedelta(minutes=5)
BUCKETS = 288
BASE = 0.01
CLEAR = 0.5
"""The confidence that the shipped playbooks ask for."""
GROWTHS = (1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 40.0)
SPREADS = (0.1, 0.3, 0.6)
LOADS = (5, 50, 500)
"""Requests in a bucket, on average."""
RUNS = 200


@dataclass(frozen=True)
class Accuracy:
    """Shares of the runs, 0 to 1."""

    exact: float
    """Clear, and within one bucket of the true onset."""
    near: float
    """Clear, and within half an hour."""
    elsewhere: float
    """Clear, and further off: with a growth of 1 every find is one, a false alarm."""


def measure(load: int, growth: float, *, recovers: bool = False, runs: int = RUNS, seed: int = 1) -> Accuracy:
    """Look for the onset in generated shares. The same arguments give the same figures."""
    chance = random.Random(f"{seed} {load} {growth} {recovers}")

    def look() -> tuple[int, Onset | None]:
        at = chance.randrange(BUCKETS // 10, BUCKETS * 9 // 10)
        end = min(BUCKETS, at + chance.randrange(12, 73)) if recovers else BUCKETS
        return at, find_onset(list(_series(chance, load, growth, at, end)), shares=True)

    return _accuracy([look() for _ in range(runs)], growth)


def measure_level(spread: float, growth: float, *, runs: int = RUNS, seed: int = 1) -> Accuracy:
    """Look for the onset in generated levels, such as a p95 in milliseconds, that scatter by a log-normal `spread`."""
    chance = random.Random(f"{seed} {spread} {growth}")

    def look() -> tuple[int, Onset | None]:
        at = chance.randrange(BUCKETS // 10, BUCKETS * 9 // 10)
        levels = (200 * chance.lognormvariate(0, spread) * (growth if index >= at else 1) for index in range(BUCKETS))
        return at, find_onset([Bucket(START + index * WIDTH, level) for index, level in enumerate(levels)])

    return _accuracy([look() for _ in range(runs)], growth)


def _accuracy(looks: list[tuple[int, Onset | None]], growth: float) -> Accuracy:
    clear = [(at, found) for at, found in looks if found is not None and found.confidence >= CLEAR]
    off = [abs(found.at - (START + at * WIDTH)) if growth > 1 else timedelta.max for at, found in clear]
    exact, near = sum(each <= WIDTH for each in off), sum(each <= timedelta(minutes=30) for each in off)
    return Accuracy(exact / len(looks), near / len(looks), (len(off) - near) / len(looks))


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
    say(
        "| series | after ÷ before | within one bucket | within 30 min | elsewhere | none |\n|---|---|---|---|---|---|\n"
    )
    for spread in SPREADS:
        for growth in GROWTHS[:5]:
            say(_line(f"level, spread {spread:g}", growth, measure_level(spread, growth)))
    for load in LOADS:
        for growth in GROWTHS:
            say(_line(f"share, {load} requests", growth, measure(load, growth)))
        for growth in (5.0, 40.0):
            say(_line(f"share, {load} requests, recovers", growth, measure(load, growth, recovers=True)))


def _line(series: str, growth: float, found: Accuracy) -> str:
    none = max(0.0, 1 - found.near - found.elsewhere)
    shares = " | ".join(f"{share:.1%}" for share in (found.exact, found.near, found.elsewhere, none))
    return f"| {series} | {growth:g} | {shares} |\n"


if __name__ == "__main__":
    main()
