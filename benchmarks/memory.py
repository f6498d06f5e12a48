"""What a worker holds in memory before, amid and after many investigations."""

from functools import partial
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.process_facts import resident
from benchmarks.runs import at_most, investigate, next_ticket
from benchmarks.site import open_site
from benchmarks.throughput import TOGETHER

MOST = 477.0
"""MiB: 500 MB."""


async def measure_memory(folder: Path, *, short: bool) -> list[Figure]:
    """Run them in two halves: what grows with the number of tickets grows in the second half too."""
    half = 100 if short else 1000
    async with open_site(folder) as site:
        process = await site.start_worker()
        await at_most(TOGETHER, [partial(investigate, site.client, next_ticket()) for _ in range(10)])
        held = [resident(process)]
        for _ in range(2):
            await at_most(TOGETHER, [partial(investigate, site.client, next_ticket()) for _ in range(half)])
            held.append(resident(process))
    names = ("after 10", f"after {half}", f"after {2 * half}")
    goals = (None, None, MOST)
    figures = [
        Figure(f"memory: worker {name} investigations", "MiB", (size,), at_most=goal)
        for name, size, goal in zip(names, held, goals, strict=True)
    ]
    # After a few hundred a cache that fills cannot be told from a leak, so then there is no goal.
    growth = 100 * (held[2] - held[1]) / held[1]
    return [*figures, Figure("memory: growth in the second half", "%", (growth,), at_most=None if short else 10)]
