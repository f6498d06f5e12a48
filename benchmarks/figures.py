"""Statistics of rounds, the table of all figures, and the JSON that keeps them."""

import json
import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.table import Table


@dataclass(frozen=True)
class Figure:
    """One measured thing, a value for each round."""

    name: str
    unit: str
    rounds: tuple[float, ...]
    at_most: float | None = None
    """The goal, where there is one."""
    at_least: float | None = None

    @property
    def median(self) -> float:
        """The middle of the rounds."""
        return statistics.median(self.rounds)

    @property
    def goal(self) -> str:
        """The goal as people write it; empty without one."""
        if self.at_most is not None:
            return f"≤ {self.at_most:g}"
        return f"≥ {self.at_least:g}" if self.at_least is not None else ""

    @property
    def holds(self) -> bool | None:
        """Whether the median keeps the goal; None without one."""
        if self.at_most is not None:
            return self.median <= self.at_most
        return self.median >= self.at_least if self.at_least is not None else None


@dataclass(frozen=True)
class Machine:
    """What a figure was measured on; without it the figure says little."""

    measured_at: str
    cores: int
    memory_gib: float
    load_before: float
    """Runnable processes over the last minute, before we began: other work on the machine."""
    system: str
    python: str
    short: bool


def this_machine(short: bool) -> Machine:
    """Look at this machine now."""
    return Machine(
        measured_at=datetime.now(UTC).isoformat(timespec="seconds"),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        memory_gib=round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        load_before=round(os.getloadavg()[0], 2),
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        short=short,
    )


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least `share` of all are not above (nearest rank).

    Raises:
        ValueError: no values, or a share outside 0 to 1.
    """
    if not values or not 0 < share <= 1:
        raise ValueError(
            f"percentile of {len(values)} values at {share!r}: give values, and a share above 0 and at most 1"
        )
    rank = -int(-share * len(values) // 1)
    return sorted(values)[max(rank, 1) - 1]


def as_table(figures: Sequence[Figure], machine: Machine) -> Table:
    """Return the one table, a row for each figure."""
    title = f"{machine.cores} cores, load {machine.load_before:g} before the run, Python {machine.python}"
    table = Table("figure", "median", "lowest", "highest", "rounds", "unit", "goal", "holds", title=title)
    for figure in figures:
        holds = {None: "", True: "yes", False: "no"}[figure.holds]
        median, low, high = map(_shown, (figure.median, min(figure.rounds), max(figure.rounds)))
        row = [median, low, high, str(len(figure.rounds)), figure.unit, figure.goal, holds]
        table.add_row(figure.name, *row)
    return table


def _shown(number: float) -> str:
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"


def write_json(figures: Sequence[Figure], machine: Machine, path: Path) -> None:
    """Write every round of every figure, with the facts of the machine."""
    whole = {
        "machine": asdict(machine),
        "figures": [
            {**asdict(figure), "median": figure.median, "goal": figure.goal, "holds": figure.holds}
            for figure in figures
        ],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(whole, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
