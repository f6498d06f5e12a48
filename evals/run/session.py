"""One run of a benchmark: its folder, its file, and what is still to be played."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from evals.records import Arm, RunFacts
from evals.run.digests import code_digest, playbook_digests
from evals.run.playing import Played, Tenancies, play
from evals.run.results import NAME, Results
from evals.run.worlds import PlayedWorld

KEPT = "kept.jsonl"
"""Where the ledger of a ticket is, and under which name: a line for each, for arms that diagnose the kept evidence again."""


class Session:
    """A folder that holds one run; the same folder goes on where it stopped."""

    def __init__(self, out: Path, world: PlayedWorld, rows: int | None, split: str = "dev", opened: int = 0) -> None:
        """Begin the run or go on with it.

        Raises:
            OtherRun: the folder holds a run under other conditions.
        """
        self.out = out
        self.world = world
        self._rows = rows
        facts = RunFacts(
            world=world.digest,
            world_name=world.name,
            seed=world.seed,
            generator=world.generator,
            playbooks=playbook_digests(),
            code=code_digest(),
            arms=(Arm.RULES,),
            rows=rows or world.rows,
            split=split,
            opened=opened,
            began=datetime.now(UTC),
        )
        self.results = Results.begin(out / NAME, facts)

    def left(self, keys: Sequence[str]) -> list[str]:
        """Return the tickets that the rules arm has no line of."""
        done = {run.key for run in self.results.runs.values() if run.arm is Arm.RULES}
        return [key for key in keys if key not in done]

    async def play(self, keys: Sequence[str], at_once: int, say: Callable[[str], None]) -> None:
        """Play the tickets that are left, each written down as it ends."""
        left = self.left(keys)
        if not left:
            return
        total = len(keys)

        def done(played: Played) -> None:
            self._keep(played, state)
            self.results.add(played.run)
            say(f"{total - len(self.left(keys))} of {total} tickets")

        # A ledger of its own for each time that it goes on: what an earlier world's clock and ports were is in the old one.
        state = self._fresh_state()
        await play(self.world.folder, self._rows, Tenancies.of(self.world, left), state, at_once, done, say)

    def _fresh_state(self) -> Path:
        number = 1
        while (self.out / f"session-{number}").exists():
            number += 1
        return self.out / f"session-{number}"

    def _keep(self, played: Played, state: Path) -> None:
        line = {"key": played.run.key, "session": state.name, **played.ref.model_dump(), "revision": played.revision}
        with (self.out / KEPT).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
