"""One run of a benchmark: its folder, its file, and what is still to be played."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from evals.records import Arm, RunFacts, TicketRun
from evals.run.arms import Arms, Asked, read_kept
from evals.run.digests import code_digest, playbook_digests
from evals.run.openings import count_opening
from evals.run.playing import Played, Tenancies, play
from evals.run.results import NAME, OtherRun, Results
from evals.run.worlds import PlayedWorld

DEV, TEST = "dev", "test"
"""The split that playbooks are tuned on, and the one that is opened once for a release."""
KEPT = "kept.jsonl"
"""Where the ledger of a ticket is, and under which name: a line for each, for arms that diagnose the kept evidence again."""


class Session:
    """A folder that holds one run; the same folder goes on where it stopped."""

    def __init__(self, out: Path, world: PlayedWorld, rows: int | None, results: Results) -> None:
        """Use `begin` or `read`."""
        self.out = out
        self.world = world
        self._rows = rows
        self.results = results

    @classmethod
    def begin(cls, out: Path, world: PlayedWorld, rows: int | None, split: str = DEV) -> "Session":
        """Begin the run or go on with it; one on the test split is counted when it begins.

        Raises:
            OtherRun: the folder holds a run under other conditions.
        """
        began, code = datetime.now(UTC), code_digest()
        is_new = not (out / NAME).exists()
        facts = RunFacts(
            world=world.digest,
            world_name=world.name,
            seed=world.seed,
            generator=world.generator,
            playbooks=playbook_digests(),
            code=code,
            arms=(Arm.RULES,),
            rows=rows or world.rows,
            split=split,
            opened=count_opening(world.digest, world.name, code, began) if is_new and split == TEST else 0,
            began=began,
        )
        return cls(out, world, rows, Results.begin(out / NAME, facts))

    @classmethod
    def read(cls, out: Path, world: PlayedWorld) -> "Session":
        """Read a run to look at it, under whatever conditions it was made.

        Raises:
            OtherRun: the folder holds none, or one on another world.
        """
        results = Results.read(out / NAME)
        if results.facts.world != world.digest:
            raise OtherRun(f"{str(out)!r} holds a run on another world than the one beside it; name its --world")
        return cls(out, world, None, results)

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

    async def play_arms(
        self, arms: Sequence[Arm], asked: Asked, repeats: int, keys: Sequence[str], say: Callable[[str], None]
    ) -> None:
        """Let the model arms diagnose what was gathered, each repetition anew; lines that are there are not made again.

        Raises:
            MoneySpent: the cap is reached; a higher one goes on.
        """
        self.results.widen(arms, asked.script, repeats)
        kept = [one for one in read_kept(self.out / KEPT) if one.key in keys and one.key in self.world.truths.tickets]
        playing = Arms(self.out, self.world.truths, asked)
        for arm in arms:
            for repeat in range(repeats):
                done = {run.key for run in self.results.runs.values() if _is_of(run, arm, asked, repeat)}
                left = [one for one in kept if one.key not in done]

                def add(run: TicketRun, of: str = f"{arm.value} {repeat + 1} of {repeats}") -> None:
                    self.results.add(run)
                    say(f"{of}: {run.key}")

                await playing.play(arm, repeat, left, self._spent, add)

    def _spent(self) -> float:
        return sum(run.usd for run in self.results.runs.values())

    def _fresh_state(self) -> Path:
        number = 1
        while (self.out / f"session-{number}").exists():
            number += 1
        return self.out / f"session-{number}"

    def _keep(self, played: Played, state: Path) -> None:
        line = {"key": played.run.key, "session": state.name, **played.ref.model_dump(), "revision": played.revision}
        with (self.out / KEPT).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def _is_of(run: TicketRun, arm: Arm, asked: Asked, repeat: int) -> bool:
    model = asked.model if asked.script is None else ""
    return (run.arm, run.script, run.model, run.repeat) == (arm, asked.script, model, repeat)
