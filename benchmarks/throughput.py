"""Investigations per second with far ends that answer at once, beside bare workflows on the same server in the same minute."""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.process_facts import processor_seconds
from benchmarks.runs import Steps, at_most, investigate, next_ticket, run_bare, steps_of
from benchmarks.site import open_site

TOGETHER = 30
"""Runs under way at once: enough that the processors are the limit."""


@dataclass(frozen=True)
class Round:
    """One round of many runs."""

    rate: float
    """Per second."""
    processor_ms: float
    """Of the worker, for each run."""


async def measure_throughput(folder: Path, *, short: bool, profile: Path | None = None) -> list[Figure]:
    """Alternate rounds of both, so that other work on the machine falls on both alike."""
    rounds, size = (2, 20) if short else (5, 120)
    ours: list[Round] = []
    bare: list[Round] = []
    async with open_site(folder) as site:
        worker = await site.start_worker(*(["--profile", str(profile)] if profile else []))
        first = next_ticket()
        await investigate(site.client, first)
        steps = await steps_of(site.client, first)
        # The first runs load code and fill caches; a worker does that once a day.
        await _round(worker, [partial(investigate, site.client, next_ticket()) for _ in range(10)])
        for _ in range(rounds):
            ours.append(await _round(worker, [partial(investigate, site.client, next_ticket()) for _ in range(size)]))
            if not profile:
                bare.append(await _round(worker, [partial(run_bare, site.client, steps)] * size))
    return [*_ours(ours), *_beside(ours, bare, steps)]


def _ours(ours: Sequence[Round]) -> list[Figure]:
    return [
        Figure("throughput: investigations, far ends at once", "per s", tuple(one.rate for one in ours), at_least=10),
        Figure("throughput: worker's processor time", "ms per investigation", tuple(one.processor_ms for one in ours)),
    ]


def _beside(ours: Sequence[Round], bare: Sequence[Round], steps: Steps) -> list[Figure]:
    if not bare:
        return []
    ratios = tuple(mine.rate / theirs.rate for mine, theirs in zip(ours, bare, strict=True))
    name = f"throughput: bare workflows, {steps.local} local and {steps.in_turn + steps.at_once} other steps"
    return [
        Figure(name, "per s", tuple(one.rate for one in bare)),
        Figure("throughput: worker's processor time", "ms per bare workflow", tuple(one.processor_ms for one in bare)),
        Figure("throughput: investigations ÷ bare workflows", "ratio", ratios, at_least=0.5),
    ]


async def _round(worker: int, jobs: Sequence[Callable[[], Awaitable[object]]]) -> Round:
    began, spent = time.perf_counter(), processor_seconds(worker)
    await at_most(TOGETHER, jobs)
    took = time.perf_counter() - began
    return Round(len(jobs) / took, 1000 * (processor_seconds(worker) - spent) / len(jobs))
