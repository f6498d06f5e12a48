"""What a worker holds in memory before, amid and after many investigations."""

from functools import partial
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.process_facts import resident
from benchmarks.runs import at_most, investigate, next_ticket
from benchmarks.site import open_site
from benchmarks.throughput import TOGETHER


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
    figures = [
        Figure(f"memory: worker {name} investigations", "MiB", (size,)) for name, size in zip(names, held, strict=True)
    ]
    growth = (held[2] - held[1]) / half * 1024
    return [*figures, Figure("memory: growth in the second half", "KiB per investigation", (growth,))]
