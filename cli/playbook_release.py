"""`whydesk playbooks release`: a version is locked once its fixtures pass and it is not worse than the stable one."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.connection import load_settings
from cli.errors import UsageProblem
from cli.eval_report import read_runs, with_truths
from cli.playbook_shelf import SHIPPED, Folder, find_playbook, load_folder
from cli.recorded import open_recorded
from ledger.base import LedgerError
from ledger.controls import SqlControls
from models.control import STABLE, playbook_scope
from models.playbook import Playbook
from playbooks.fixtures import run_fixtures
from playbooks.library import Library, LoadedPlaybook, read_playbook

if TYPE_CHECKING:
    from evals.records import TicketRun
    from evals.run.release_gate import Comparison
    from evals.score.run_file import RunFile
    from evals.score.truth import Truths

_LOCK = "lock.json"


def release(
    name: Annotated[str, typer.Argument(metavar="ID@VERSION", help="Which playbook in which version.")],
    folder: Folder = SHIPPED,
    against: Annotated[
        str | None,
        typer.Option(
            metavar="ID@VERSION", help="The stable version; left out, the pinned one, or else the one before."
        ),
    ] = None,
    run: Annotated[
        Path | None, typer.Option(help="File of a run of `whydesk eval`; the newest in the state folder if left out.")
    ] = None,
    world: Annotated[
        Path | None, typer.Option(help="Folder of the run's world, where it is not beside the file.")
    ] = None,
    fixtures_only: Annotated[
        bool, typer.Option("--fixtures-only", help="Compare with nothing: for a playbook that no run has a ticket of.")
    ] = False,
) -> None:
    """Run a version's fixtures and its share of WhyBench, and lock it unless it is worse than the stable version.

    Its share are the tickets of a run on which the playbook was chosen: both versions are weighed by the rules over the evidence
    that was kept. Worse is a version that gets more solvable tickets wrong than it mends, or that brings a false high severity, a
    statement that is not verified, another customer or an attacker's words into one note. Nothing is asked of any system.
    """
    new = _new(folder, name)
    if _is_locked(folder, new):
        print(f"{_label(new.playbook)} is released already")
        return
    _ensure_fixtures(new)
    versions = _versions(folder, new.playbook.id)
    stable = _stable(versions, new.playbook, against, folder)
    if stable is None:
        print(f"{_label(new.playbook)} has no version before it: there is nothing that it could be worse than")
    elif fixtures_only:
        print(f"{_label(new.playbook)} was not compared with {_label(stable)}: --fixtures-only")
    else:
        _ensure_not_worse(stable, new.playbook, versions, _played(run, world))
    _lock(folder, new)
    print(f"{_label(new.playbook)} is released: from now on it never changes")
    print(f"`whydesk playbooks promote {name}` lets tickets get it")


def _new(folder: Path, name: str) -> LoadedPlaybook:
    if "@" not in name:
        raise UsageProblem(f"{name!r}: say which version, {name}@VERSION")
    library = load_folder(folder)
    found = find_playbook(library, name, folder)
    newest = library.get(found.playbook.id)
    if newest.playbook.version != found.playbook.version:
        raise UsageProblem(
            f"{name} is not the newest version, and the fixtures belong to that: release {_label(newest.playbook)}"
        )
    return found


def _ensure_fixtures(new: LoadedPlaybook) -> None:
    results = run_fixtures(new)
    if not results:
        raise UsageProblem(
            f"{_label(new.playbook)} has no fixtures: `whydesk playbooks new` shows one, `capture` makes one"
        )
    failed = [result for result in results if not result.passed]
    print(f"fixtures: {len(results) - len(failed)} of {len(results)} pass")
    for result in failed:
        print(f"FAIL {_label(new.playbook)} {result.name}")
        for line in result.differences:
            print(f"     {line}")
    if failed:
        print(f"{_label(new.playbook)} is not released: mend what fails")
        raise typer.Exit(1)


def _played(run: Path | None, world: Path | None) -> "tuple[RunFile, Truths]":
    from evals.score.run_file import TEST

    [found] = read_runs([run] if run else [], but=TEST)
    if found.facts.split == TEST:
        raise UsageProblem(
            f"{found.path} is on the test split, and a comparison names its tickets: a playbook that is mended by them is not "
            "measured any more. `whydesk eval --world 11` makes a run that may be looked into"
        )
    [played] = with_truths([found], [world] if world else [])
    return played


def _ensure_not_worse(
    stable: Playbook, new: Playbook, versions: list[LoadedPlaybook], played: "tuple[RunFile, Truths]"
) -> None:
    from evals.run.release_gate import compare_versions

    found, truths = played
    compared = compare_versions(found, truths, stable, new, _followed(versions))
    print(f"{found.path} on {found.world}: {len(compared.pairs)} tickets of {new.id}, against {_label(stable)}")
    if compared.left_out:
        print(f"left out: {'; '.join(compared.left_out)}")
    if not compared.pairs:
        raise UsageProblem(
            f"no ticket of {found.path} can tell {_label(new)} from {_label(stable)}: make a run with tickets of its kind "
            f"(`whydesk eval --world 11`) and name it with --run, or release it on its fixtures alone with --fixtures-only"
        )
    _print(compared)
    if compared.is_worse:
        print(f"{_label(new)} is not released: it is worse than {_label(stable)}")
        raise typer.Exit(1)


def _print(compared: "Comparison") -> None:
    from evals.run.release_gate import described

    for title, pairs in (
        ("right before, wrong now", compared.broken),
        ("wrong before, right now", compared.mended),
        ("must not happen, and did not before", compared.dangerous),
    ):
        print(f"{title}: {len(pairs)}")
        for line in described(pairs):
            print(f"  {line}")
    if any(pair.unanswered for pair in (*compared.broken, *compared.dangerous)):
        print(
            "A question that nobody asked counts as not checked. A run with this version in the folder asks it: `whydesk eval`"
        )


def _followed(versions: list[LoadedPlaybook]) -> "Callable[[TicketRun], Playbook | None]":
    """Return what finds the playbook of a line, if it is the very same text."""
    known = {loaded.digest: loaded.playbook for loaded in versions}
    return lambda line: known.get(line.playbook_digest)


def _versions(folder: Path, playbook: str) -> list[LoadedPlaybook]:
    """Return every version of a playbook in a folder and among the shipped ones."""
    folders = list({path.resolve(): path for path in (folder, SHIPPED)}.values())
    return [read_playbook(path) for each in folders for path in sorted((each / playbook).glob("*.yaml"))]


def _stable(versions: list[LoadedPlaybook], new: Playbook, against: str | None, folder: Path) -> Playbook | None:
    """Return what tickets get now: what is named, what is pinned in the ledger, or the version before."""
    if against is not None:
        if against.partition("@")[0] != new.id:
            raise UsageProblem(f"--against {against!r} is another playbook than {new.id}")
        return find_playbook(Library(versions), against, folder).playbook
    before = [one.playbook for one in versions if one.playbook.version < new.version]
    pinned = asyncio.run(_pinned(new.id))
    found = [one for one in before if one.version == pinned] or before
    return max(found, key=lambda one: one.version, default=None)


async def _pinned(playbook: str) -> int | None:
    try:
        async with await open_recorded(load_settings()) as ledger:
            controls = await SqlControls(ledger.database).read_controls()
    except LedgerError:
        # Playbooks are written where no ledger is, too.
        return None
    said = controls.find(playbook_scope(playbook), STABLE)
    return int(said.value) if said else None


def _is_locked(folder: Path, new: LoadedPlaybook) -> bool:
    locked = _read_lock(folder).get(_label(new.playbook))
    if locked is not None and locked != new.digest:
        raise UsageProblem(
            f"{_label(new.playbook)} was released with another text, and a released version never changes: "
            f"`whydesk playbooks new {new.playbook.id} --from {new.playbook.id}` makes the next one"
        )
    return locked is not None


def _lock(folder: Path, new: LoadedPlaybook) -> None:
    digests = {**_read_lock(folder), _label(new.playbook): new.digest}
    ordered = sorted(digests, key=lambda label: (label.partition("@")[0], int(label.partition("@")[2])))
    text = json.dumps({label: digests[label] for label in ordered}, indent=2)
    (folder / _LOCK).write_text(text + "\n", encoding="utf-8")


def _read_lock(folder: Path) -> dict[str, str]:
    path = folder / _LOCK
    if not path.exists():
        return {}
    found = json.loads(path.read_text(encoding="utf-8"))
    return {str(name): str(digest) for name, digest in found.items()}


def _label(playbook: Playbook) -> str:
    return f"{playbook.id}@{playbook.version}"
