"""A first look at a run: right of solvable by axis and by cause, and what was missed, for whoever tunes a playbook."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from evals.records import Arm, TicketRun
from evals.run.worlds import PlayedWorld
from evals.score.tickets import is_cause_right
from evals.score.truth import Known, Truths
from models.vocabulary import EvidenceStatus


@dataclass(frozen=True)
class Glance:
    """One ticket's run beside its truth."""

    run: TicketRun
    known: Known

    @property
    def is_right(self) -> bool:
        """Whether outcome and cause are accepted; of two causes both parts have to be named."""
        return is_cause_right(self.run, self.known) and (
            not self.known.outcomes or self.run.outcome in self.known.outcomes
        )

    @property
    def counts(self) -> bool:
        """Whether it can be solved; of a world that does not say, each ticket."""
        return self.known.solvable is not False

    @property
    def said(self) -> str:
        """The causes that the note names."""
        return " + ".join(dict.fromkeys([self.run.cause.value, *(each.value for each in self.run.also)]))

    @property
    def true(self) -> str:
        """The causes that are right."""
        parts = " + ".join(each.value for each in self.known.parts)
        return parts or " or ".join(each.value for each in (self.known.cause, *self.known.also))


def glances(truths: Truths, runs: Iterable[TicketRun]) -> list[Glance]:
    """Put each ticket's run beside its truth; one that the world has no truth for is left out."""
    return [Glance(run, truths.tickets[run.key]) for run in runs if run.key in truths.tickets]


def by_arm(truths: Truths, runs: Iterable[TicketRun]) -> Iterator[tuple[str, list[Glance]]]:
    """Yield what to call each arm, script or model, and its tickets; rules first."""
    arms: dict[str, list[TicketRun]] = {}
    for run in sorted(runs, key=lambda one: list(Arm).index(one.arm)):
        parts = [
            run.arm.value,
            f"by the script {run.script.value}, which says nothing of quality" if run.script else run.model,
        ]
        arms.setdefault(" ".join(filter(None, parts)), []).append(run)
    for title, lines in arms.items():
        yield title, glances(truths, lines)


def print_glance(console: Console, title: str, seen: Sequence[Glance]) -> None:
    """Print right of solvable by axis and by cause."""
    counted = [one for one in seen if one.counts]
    right = sum(one.is_right for one in counted)
    share = f" ({right / len(counted):.1%})" if counted else ""
    console.print(f"{title}: {right} of {len(counted)} solvable tickets right{share}, {len(seen)} played", style="bold")
    by: list[tuple[str, Callable[[Glance], str]]] = [
        ("axis", lambda one: one.known.axis or "–"),
        ("true cause", lambda one: one.known.cause.value),
    ]
    for name, group in by:
        table = Table(name, "right", "solvable", "played", box=None, padding=(0, 1))
        groups: dict[str, list[Glance]] = defaultdict(list)
        for one in seen:
            groups[group(one)].append(one)
        for key in sorted(groups):
            solvable = [one for one in groups[key] if one.counts]
            table.add_row(key, str(sum(one.is_right for one in solvable)), str(len(solvable)), str(len(groups[key])))
        console.print(table)
    high = sum(_is_too_high(one) for one in seen)
    unverified = sum(said.kept and said.true is not True for one in seen for said in one.run.said)
    kept = sum(said.kept for one in seen for said in one.run.said)
    console.print(f"severity above the truth: {high}; statements in notes: {kept}, of them unverified: {unverified}")


def print_late(console: Console, world: PlayedWorld, seen: Sequence[Glance]) -> None:
    """Say where a source that was up gave no answer: a machine that is too busy makes tickets harder than their truth says."""
    late = [
        (one.run.key, item.source)
        for one in seen
        for item in one.run.evidence
        if item.status in (EvidenceStatus.TIMED_OUT, EvidenceStatus.FAILED)
        and item.source not in world.down(one.run.key)
    ]
    if late:
        named = ", ".join(sorted({key for key, _ in late}))
        console.print(
            f"{len(late)} questions got no answer from a source that was up ({named}): the machine was too busy, or something "
            "is wrong; play again with a lower --at-once before you trust a figure",
            style="red",
        )


def _is_too_high(one: Glance) -> bool:
    accepted = [severity.rank for severity in one.known.severities]
    return bool(accepted) and one.run.severity.rank > max(accepted)


def print_misses(console: Console, seen: Sequence[Glance]) -> None:
    """Print each solvable ticket that was not right, one a line."""
    missed = [one for one in seen if one.counts and not one.is_right]
    table = Table("ticket", "axis", "true cause", "said", "outcome", "playbook", "problem", box=None, padding=(0, 1))
    for one in sorted(missed, key=lambda one: (one.known.cause, one.known.axis, one.run.key)):
        run = one.run
        table.add_row(run.key, one.known.axis, one.true, one.said, run.outcome.value, run.playbook, run.problem)
    console.print(f"{len(missed)} missed")
    if missed:
        console.print(table)
