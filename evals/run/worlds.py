"""The world that a run plays: of a folder, or made from a seed; which tickets it has, and what is down for each."""

from collections.abc import Sequence
from pathlib import Path

import yaml

from evals.generate.make import make
from evals.generate.truth import BenchFile
from evals.generate.writer import write_world
from evals.score.truth import WHYBENCH, Truths, read_truths
from sandbox.world import WorldFile

PUBLISHED = 240
"""Tickets of a world from a seed, unless told."""
TEST_SEEDS = frozenset({1, 101, 102, 103})
"""Seeds of the test split: the published world and the unseen ones. Nobody mends a playbook by their misses."""


class PlayedWorld:
    """A world's folder, read."""

    def __init__(self, folder: Path) -> None:
        """Read it.

        Raises:
            WorldError: the folder holds no valid world.
        """
        self.folder = folder
        self.truths: Truths = read_truths(folder)
        self.digest = self.truths.world
        self.name = self.truths.name
        # Reading a whole world takes seconds, and it was just read.
        about = WorldFile.model_validate(yaml.safe_load((folder / "world.yaml").read_text(encoding="utf-8")))
        self.rows = about.rows
        self.keys: Sequence[str] = list(self.truths.tickets)
        self._bench = _bench(folder)

    @property
    def seed(self) -> int | None:
        """The generator's seed; None for a world made by others."""
        return self._bench.seed if self._bench else None

    @property
    def generator(self) -> str:
        """Digest of the generator that made it."""
        return self._bench.generator if self._bench else ""

    def down(self, key: str) -> tuple[str, ...]:
        """Return the sources that must fail for a ticket."""
        truth = self._bench.tickets.get(key) if self._bench else None
        return tuple(sorted(truth.sources_down)) if truth else ()


def _bench(folder: Path) -> BenchFile | None:
    path = folder / WHYBENCH
    return BenchFile.model_validate_json(path.read_bytes()) if path.exists() else None


def world_of_seed(seed: int, tickets: int, folder: Path) -> Path:
    """Return the folder with the world of a seed; it is made unless it is there.

    Raises:
        ValueError: fewer tickets than axes can share.
    """
    if not (folder / WHYBENCH).exists():
        write_world(make(seed, tickets), folder)
    return folder
