"""Reads what a run left behind; it may be going on still, so nothing is written and a line that is half there is left out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from evals.records import Arm, RunFacts, TicketRun

TEST = "test"
"""The split that is opened once for a release; what was missed on it is shown to nobody who mends."""
PAST_TICKETS = "past tickets"
"""The split of a run over tickets of one's own."""


class RunFileProblem(ValueError):
    """The file holds no run; the message says which and where."""


@dataclass(frozen=True)
class RunFile:
    """A run: under what it was made, and a line for each ticket, arm and repeat."""

    path: Path
    facts: RunFacts
    lines: tuple[TicketRun, ...]

    @property
    def world(self) -> str:
        """What a report calls the world."""
        facts = self.facts
        return facts.world_name if facts.seed is None else f"{facts.world_name} (seed {facts.seed})"

    def is_scripted(self, line: TicketRun) -> bool:
        """Whether a script spoke in a model's place; what it says is no figure of quality.

        A line of a model that names neither is one where the run had a script.
        """
        nobody = line.arm is not Arm.RULES and not line.model
        return line.script is not None or (nobody and self.facts.script is not None)


def read_run(path: Path) -> RunFile:
    """Read a run's file; of two lines for the same the later counts.

    Raises:
        RunFileProblem: there is no such file, or it holds something else.
    """
    try:
        first, *rest = path.read_text(encoding="utf-8").split("\n")
    except OSError as problem:
        raise RunFileProblem(
            f"{str(path)!r} cannot be read ({problem.strerror}); name the file that a run wrote"
        ) from None
    # Without its line end a last line was cut off while it was written.
    whole = rest[:-1]
    try:
        facts = RunFacts.model_validate_json(first)
        lines = [TicketRun.model_validate_json(line) for line in whole if line]
    except ValidationError as problem:
        raise RunFileProblem(
            f"{str(path)!r} is no file of a run: {problem.error_count()} problems in a {problem.title}, the first at "
            f"{'.'.join(str(part) for part in problem.errors()[0]['loc']) or 'its beginning'}"
        ) from None
    latest = {(line.key, line.arm, line.script, line.model, line.repeat): line for line in lines}
    return RunFile(path, facts, tuple(latest.values()))


def newest_run(folders: Sequence[Path], but: str = "") -> RunFile | None:
    """Return the run that began last among the files that lie in these folders, whatever their names; `but` is a split."""
    found = []
    for path in (path for folder in folders if folder.is_dir() for path in folder.rglob("*.jsonl")):
        try:
            found.append(read_run(path))
        except RunFileProblem:
            continue
    meant = [run for run in found if run.facts.split != but]
    return max(meant, key=lambda run: run.facts.began, default=None)
