"""Investigations per second with far ends that answer at once, beside bare workflows on the same server in the same minute."""

import os
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.process_facts import processor_seconds
from benchmarks.runs import Steps, at_most, investigate, next_ticket, run_bare, steps_of
from benchmarks.site import Site, open_site

TOGETHER = 30
"""Runs under way at once: enough that the processors are the limit."""


@dataclass(frozen=True)
class Round:
    """One round of many runs."""

    rate: float
    """Per second."""
    worker: float
    """Its processor time for each run, in ms."""
    server: float
    """Likewise."""
    starter: float
    """Likewise: this process, which starts the runs and waits for them, as the gateway and nobody does."""

    @property
    def all(self) -> float:
        """The processor time of all three, ms for each run."""
        return self.worker + self.server + self.starter

    @property
    def room(self) -> float:
        """Runs per second if two cores did nothing else: what the processors allow at the most."""
        return 2000 / self.all


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
        await at_most(TOGETHER, [partial(investigate, site.client, next_ticket()) for _ in range(10)])
        for _ in range(rounds):
            investigations = [partial(investigate, site.client, next_ticket()) for _ in range(size)]
            ours.append(await _round(site, worker, investigations))
            if not profile:
                bare.append(await _round(site, worker, [partial(run_bare, site.client, steps)] * size))
    return [*_ours(ours), *_beside(ours, bare, steps)]


def _ours(ours: Sequence[Round]) -> list[Figure]:
    return [
        Figure("throughput: investigations, far ends at once", "per s", tuple(one.rate for one in ours), at_least=10),
        *_processor_time(ours, "investigation"),
    ]


def _processor_time(rounds: Sequence[Round], what: str) -> list[Figure]:
    unit = f"ms per {what}"
    return [
        Figure("throughput: worker's processor time", unit, tuple(one.worker for one in rounds)),
        Figure("throughput: server's processor time", unit, tuple(one.server for one in rounds)),
        Figure("throughput: processor time of all", unit, tuple(one.all for one in rounds)),
        Figure("throughput: two cores' time ÷ that", "per s", tuple(one.room for one in rounds)),
    ]


def _beside(ours: Sequence[Round], bare: Sequence[Round], steps: Steps) -> list[Figure]:
    if not bare:
        return []
    ratios = tuple(mine.rate / theirs.rate for mine, theirs in zip(ours, bare, strict=True))
    name = f"throughput: bare workflows, {steps.local} local and {steps.in_turn + steps.at_once} other steps"
    return [
        Figure(name, "per s", tuple(one.rate for one in bare)),
        *_processor_time(bare, "bare workflow"),
        Figure("throughput: investigations ÷ bare workflows", "ratio", ratios, at_least=0.5),
    ]


async def _round(site: Site, worker: int, jobs: Sequence[Callable[[], Awaitable[object]]]) -> Round:
    processes = (worker, site.server, os.getpid())
    began, before = time.perf_counter(), [processor_seconds(process) for process in processes]
    await at_most(TOGETHER, jobs)
    took = time.perf_counter() - began
    spent = [
        1000 * (processor_seconds(process) - earlier) / len(jobs)
        for process, earlier in zip(processes, before, strict=True)
    ]
    return Round(len(jobs) / took, *spent)
