"""Time from the delivery to the posted note, over the time that the far ends alone made one wait."""

import json
import time
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.runs import investigate, next_ticket
from benchmarks.site import open_site

PACE = ("--helpdesk", "0.2", "--sources", "0.2,2.5", "--model", "6")
ONE_AFTER_ANOTHER = ("ticket", "note", "model")
TOGETHER = ("customer", "source", "follow-up")


async def measure_overhead(folder: Path, *, short: bool) -> list[Figure]:
    """Investigate tickets one by one, each with another draw of how long every source takes."""
    ratios, spent = [], []
    waits = folder / "waits.jsonl"
    async with open_site(folder, model=True) as site:
        await site.start_worker(*PACE, "--waits", str(waits))
        await investigate(site.client, next_ticket())
        for _ in range(2 if short else 7):
            waits.unlink(missing_ok=True)
            began = time.perf_counter()
            await investigate(site.client, next_ticket())
            took = time.perf_counter() - began
            path = critical_path(waits.read_text(encoding="utf-8").splitlines())
            ratios.append(took / path)
            spent.append(1000 * (took - path))
    return [
        Figure("overhead: time to note ÷ critical path", "ratio", tuple(ratios), at_most=1.10),
        Figure("overhead: what is ours", "ms", tuple(spent)),
    ]


def critical_path(lines: Iterable[str]) -> float:
    """Return the seconds that nobody could have saved: what must be in turn added up, of what may be together the slowest.

    Raises:
        ValueError: a phase that is of neither kind.
    """
    phases: dict[str, list[float]] = defaultdict(list)
    for line in lines:
        wait = json.loads(line)
        phases[wait["phase"]].append(wait["seconds"])
    unknown = set(phases) - {*ONE_AFTER_ANOTHER, *TOGETHER}
    if unknown:
        raise ValueError(f"waits of unknown phases {sorted(unknown)!r}; known: {(*ONE_AFTER_ANOTHER, *TOGETHER)}")
    in_turn = sum(sum(phases[phase]) for phase in ONE_AFTER_ANOTHER if phase in phases)
    return in_turn + sum(max(phases[phase]) for phase in TOGETHER if phase in phases)
