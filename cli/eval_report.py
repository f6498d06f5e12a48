"""`whydesk eval report`: what runs of a benchmark left behind as one page of figures, in Markdown and HTML."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.connection import load_settings
from cli.errors import UsageProblem

if TYPE_CHECKING:
    from evals.score.run_file import RunFile
    from evals.score.truth import Truths

_WORLD = "world"
"""Where a run keeps the world that it made from a seed, beside its file."""


def eval_report(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="RUNFILE…", help="Files of runs (runs.jsonl); the newest in the state folder if left out."
        ),
    ] = None,
    world: Annotated[
        list[Path] | None,
        typer.Option(help="Folder of a world that was played, where it is not beside the run's file."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for report.md and report.html; that of the first file if left out.")
    ] = None,
) -> None:
    """Score runs against the truth of their worlds and write report.md and report.html. Nothing is played, no model is asked.

    Of arms for which a script spoke in a model's place there are safety figures only.
    """
    runs = read_runs(files or [])
    write_report(with_truths(runs, world or []), out or runs[0].path.parent)


def write_report(runs: Sequence[tuple["RunFile", "Truths"]], folder: Path) -> None:
    """Write both pages and say where they are."""
    from evals.score.pages import as_html, as_markdown
    from evals.score.report import blocks_of, make_report

    blocks = blocks_of(make_report(runs))
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (("report.md", as_markdown(blocks)), ("report.html", as_html("WhyBench report", blocks))):
        (folder / name).write_text(text, encoding="utf-8")
        print(folder / name)


def read_runs(files: Sequence[Path], but: str = "") -> list["RunFile"]:
    """Read the runs that are named, or the newest of the state folder that is not on the split `but`.

    Raises:
        UsageProblem: there is none, or one cannot be read.
    """
    from evals.score.run_file import RunFileProblem, newest_run, read_run

    if not files:
        state = load_settings().state
        newest = newest_run([state / "eval"], but)
        if newest is None:
            raise UsageProblem(
                f"no run lies in {str(state / 'eval')!r}: `whydesk eval --world 11` makes one, or name a file"
            )
        return [newest]
    try:
        return [read_run(file / "runs.jsonl" if file.is_dir() else file) for file in files]
    except RunFileProblem as problem:
        raise UsageProblem(str(problem)) from None


def with_truths(runs: Sequence["RunFile"], worlds: Sequence[Path]) -> list[tuple["RunFile", "Truths"]]:
    """Find the truth of each run: among the worlds that are named, or beside its file.

    Raises:
        UsageProblem: a world is not there.
        WorldError: a folder holds no valid world.
    """
    from evals.score.truth import read_truths

    named = {truths.world: truths for truths in map(read_truths, worlds)}
    found = []
    for run in runs:
        truths = named.get(run.facts.world)
        beside = run.path.parent / _WORLD
        if truths is None and beside.is_dir():
            truths = read_truths(beside)
        if truths is None or truths.world != run.facts.world:
            raise UsageProblem(
                f"{run.path}: the world that was played ({run.world}, digest {run.facts.world[:12]}) is not beside it"
                f"{' nor among --world' if worlds else ''}: name its folder with --world"
            )
        found.append((run, truths))
    return found
