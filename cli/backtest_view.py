"""How a backtest is printed: by cause, against what was said then and against what people said of it."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from models.backtest import BacktestInput, BacktestLine, BacktestProgress
from models.base import Frozen
from models.rediagnosis import Verdict

_MOST = 20


class OfCause(Frozen):
    """What became of the investigations that ended with one cause."""

    cause: str
    runs: int = 0
    same: int = 0
    """The same cause as then."""
    changed: int = 0
    better: int = 0
    """As people see it."""
    worse: int = 0
    not_comparable: int = 0
    severity_raised: int = 0


class Told(Frozen):
    """What `--json` prints."""

    backtest: str
    playbook: str
    over: str
    reasoner: str
    progress: BacktestProgress
    by_cause: tuple[OfCause, ...]
    lines: tuple[BacktestLine, ...]


def told_of(given: BacktestInput, progress: BacktestProgress, lines: Sequence[BacktestLine]) -> Told:
    """Count the lines."""
    causes = sorted({line.cause_then.value for line in lines})
    counted = progress.model_copy(
        update={
            "done": len(lines),
            "better": sum(line.verdict is Verdict.BETTER for line in lines),
            "worse": sum(line.verdict is Verdict.WORSE for line in lines),
        }
    )
    return Told(
        backtest=given.backtest,
        playbook=given.playbook_label,
        over=given.over,
        reasoner=given.reasoner,
        progress=counted,
        by_cause=tuple(_of(cause, [line for line in lines if line.cause_then.value == cause]) for cause in causes),
        lines=tuple(sorted(lines, key=lambda line: (line.cause_then.value, line.investigation, line.revision))),
    )


def _of(cause: str, lines: Sequence[BacktestLine]) -> OfCause:
    changed = sum(line.changed for line in lines)
    return OfCause(
        cause=cause,
        runs=len(lines),
        same=len(lines) - changed,
        changed=changed,
        better=sum(line.verdict is Verdict.BETTER for line in lines),
        worse=sum(line.verdict is Verdict.WORSE for line in lines),
        not_comparable=sum(line.verdict is Verdict.NOT_COMPARABLE for line in lines),
        severity_raised=sum(_raised(line) for line in lines),
    )


def _raised(line: BacktestLine) -> bool:
    return line.severity_now is not None and line.severity_now.rank > line.severity_then.rank


def print_backtest(console: Console, told: Told) -> None:
    """Print the table, then what changed, then how it ended."""
    if not told.lines:
        console.print(Text(f"No investigation of {told.over} ended with anything to look at again in that time."))
        return
    numbers = ("runs", "same", "changed", "better", "worse", "not comparable", "severity raised")
    table = Table("cause then", *(Column(name, justify="right") for name in numbers))
    for one in told.by_cause:
        cells = (one.runs, one.same, one.changed, one.better, one.worse, one.not_comparable, one.severity_raised)
        table.add_row(one.cause, *(str(cell) for cell in cells))
    console.print(table)
    changed = [line for line in told.lines if line.changed]
    for line in changed[:_MOST]:
        console.print(Text(f"  {_said(line)}"))
    if len(changed) > _MOST:
        console.print(Text(f"  and {len(changed) - _MOST} more: --json has them"))
    if changed:
        console.print(Text(f"Look at one: `whydesk rediagnose {changed[0].investigation} --playbook {told.playbook}`"))
    now = told.progress
    parts = [
        f"{now.done} of {now.total} looked at again",
        f"{now.better} better",
        f"{now.worse} worse",
        f"${now.usd:.4f}",
    ]
    parts += [f"{now.failed} could not be done: the same command tries them again"] if now.failed else []
    parts += [f"stopped: {now.stopped}"] if now.stopped else []
    console.print(Text(" · ".join(parts), style="bold"))


def _said(line: BacktestLine) -> str:
    if line.cause_now is None or line.outcome_now is None:
        return f"{line.investigation} revision {line.revision}: {line.why}"
    now = line.cause_now.value if line.cause_now.value != line.cause_then.value else line.outcome_now.value
    said = line.verdict.value.replace("-", " ")
    return f"{line.investigation} revision {line.revision}: {line.cause_then.value} ▶ {now} · {said}: {line.why}"
