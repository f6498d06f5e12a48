"""The file of one run: its facts in the first line, then a line for each ticket as it ends; a run that stopped goes on in it."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from pydantic import ValidationError

from evals.records import Arm, RunFacts, Script, TicketRun

NAME = "runs.jsonl"


class OtherRun(Exception):
    """The file is of a run under other conditions, or of none; the message says what differs and what to do."""


Key = tuple[str, str, str, str, int]
"""Ticket, arm, script, model and repetition."""


def key_of(run: TicketRun) -> Key:
    """Return what there is one line of."""
    return run.key, run.arm.value, run.script.value if run.script else "", run.model, run.repeat


class Results:
    """Lines that were written and those that still come."""

    def __init__(self, path: Path, facts: RunFacts, runs: Mapping[Key, TicketRun]) -> None:
        """Use `begin` or `read`."""
        self.path = path
        self.facts = facts
        self.runs = dict(runs)

    @classmethod
    def begin(cls, path: Path, facts: RunFacts) -> "Results":
        """Start a file, or go on with the one that is there.

        Raises:
            OtherRun: what is there was made under other conditions.
        """
        if path.exists() and path.stat().st_size:
            there = cls.read(path)
            _ensure_same(path, there.facts, facts)
            return there
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(facts.model_dump_json() + "\n", encoding="utf-8")
        return cls(path, facts, {})

    @classmethod
    def read(cls, path: Path) -> "Results":
        """Read a file; a last line that a crash cut is dropped.

        Raises:
            OtherRun: it is no such file.
        """
        try:
            first, *lines = path.read_text(encoding="utf-8").split("\n")
            facts = RunFacts.model_validate_json(first)
            whole = lines[:-1]
            runs = [TicketRun.model_validate_json(line) for line in whole]
        except (OSError, ValueError, ValidationError) as problem:
            raise OtherRun(f"{str(path)!r} is no file of a run: {type(problem).__name__}; name another --out") from None
        if lines and lines[-1]:
            path.write_text("\n".join([first, *whole, ""]), encoding="utf-8")
        return cls(path, facts, {key_of(run): run for run in runs})

    def widen(self, arms: Iterable[Arm], script: Script | None, repeats: int) -> None:
        """Say in the first line which arms there are, once they are to be played."""
        wanted = {*self.facts.arms, *arms}
        arms = tuple(arm for arm in Arm if arm in wanted)
        changes = {"arms": arms, "script": script or self.facts.script, "repeats": max(repeats, self.facts.repeats)}
        self.facts = self.facts.model_copy(update=changes)
        draft = self.path.with_suffix(".tmp")
        lines = [self.facts, *self.runs.values()]
        draft.write_text("".join(f"{line.model_dump_json()}\n" for line in lines), encoding="utf-8")
        draft.replace(self.path)

    def add(self, run: TicketRun) -> None:
        """Write a line."""
        self.runs[key_of(run)] = run
        with self.path.open("a", encoding="utf-8") as file:
            file.write(run.model_dump_json() + "\n")


def _ensure_same(path: Path, there: RunFacts, now: RunFacts) -> None:
    changed = [
        what
        for what, before, after in (
            ("the world", there.world, now.world),
            ("the number of log rows", there.rows, now.rows),
            ("the playbooks", there.playbooks, now.playbooks),
            ("the code", there.code, now.code),
            ("the split", there.split, now.split),
        )
        if before != after
    ]
    if changed:
        said = f"{', '.join(changed)} {'is' if changed == ['the world'] else 'changed'}"
        raise OtherRun(
            f"{str(path)!r} was begun under other conditions: {said.replace('the world is', 'the world is another')}. "
            "One file holds one run: name another --out, or delete that folder"
        )
