"""Investigations per second with far ends that answer at once, beside bare workflows on the same server in the same minute."""

import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.runs import at_most, investigate, next_ticket, run_bare, steps_of
from benchmarks.site import open_site

TOGETHER = 30
"""Runs under way at once: enough that the processors are the limit."""


async def measure_throughput(folder: Path, *, short: bool, profile: Path | None = None) -> list[Figure]:
    """Alternate rounds of both, so that other work on the machine falls on both alike."""
    rounds, size = (2, 20) if short else (5, 120)
    ours, bare = [], []
    async with open_site(folder) as site:
        await site.start_worker(*(["--profile", str(profile)] if profile else []))
        first = next_ticket()
        await investigate(site.client, first)
        steps = await steps_of(site.client, first)
        # The first runs load code and fill caches; a worker does that once a day.
        await _rate([partial(investigate, site.client, next_ticket()) for _ in range(10)])
        for _ in range(rounds):
            ours.append(await _rate([partial(investigate, site.client, next_ticket()) for _ in range(size)]))
            if not profile:
                bare.append(await _rate([partial(run_bare, site.client, steps)] * size))
    figures = [Figure("throughput: investigations, far ends at once", "per s", tuple(ours), at_least=10)]
    if bare:
        ratios = tuple(mine / theirs for mine, theirs in zip(ours, bare, strict=True))
        kinds = f"{steps.local} local, {steps.in_turn + steps.at_once} others"
        figures.append(Figure(f"throughput: bare workflows of {steps.total} steps ({kinds})", "per s", tuple(bare)))
        figures.append(Figure("throughput: investigations ÷ bare workflows", "ratio", ratios, at_least=0.5))
    return figures


async def _rate(jobs: Sequence[Callable[[], Awaitable[object]]]) -> float:
    began = time.perf_counter()
    await at_most(TOGETHER, jobs)
    return len(jobs) / (time.perf_counter() - began)
