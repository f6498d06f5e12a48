"""`whydesk playbooks new` and `capture`: files that begin valid, and fixtures out of what has happened."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from cli.errors import UsageProblem
from cli.past_run import load_past_run
from cli.playbook_shelf import SHIPPED, Folder, chosen, find_playbook, load_folder
from playbooks.capture import CaptureProblem
from playbooks.capture import capture as capture_run
from playbooks.fixtures import run_fixtures
from playbooks.library import FIXTURES, Library, LoadedPlaybook, PlaybookError
from playbooks.schema import PLAYBOOK_SCHEMA, write_schemas
from playbooks.starter import NewFile, copy_of, start

_NAME = re.compile(r"[a-z][a-z0-9_-]*")


def new(
    name: Annotated[str, typer.Argument(metavar="ID", help="The playbook's id: lower-case letters, digits, - and _.")],
    folder: Folder = SHIPPED,
    origin: Annotated[
        str | None,
        typer.Option("--from", help="Copy this one (ID or ID@VERSION) with its fixtures, as the next version."),
    ] = None,
    owner: Annotated[str, typer.Option(help="The team that answers for it.")] = "support",
) -> None:
    """Write a commented, valid playbook with one fixture beside it; nothing is overwritten."""
    if not _NAME.fullmatch(name):
        raise UsageProblem(f"{name!r} is not an id; write lower-case letters, digits, - and _, a letter first")
    today = datetime.now(UTC).date()
    if origin is None:
        if (folder / name).exists():
            raise UsageProblem(f"{folder / name} is there already; --from {name} makes its next version")
        files = start(folder, name, owner, today)
    else:
        original = _original(folder, origin)
        files = copy_of(original, folder, name, _next_version(folder, name, original), today)
    _write(files)
    if not (folder / PLAYBOOK_SCHEMA).exists():
        files += [NewFile(path, "") for path in write_schemas(folder)]
    for file in files:
        print(file.path)
    path = files[0].path
    where = "" if folder == SHIPPED else f" --dir {folder}"
    print(f"Edit {path}, then: whydesk playbooks validate{'' if folder == SHIPPED else f' {folder}'}")
    print(f"                   whydesk playbooks test {name}{where}")


def capture(
    investigation: Annotated[str, typer.Argument(help="An investigation (inv-…), a workflow id or a ticket's number.")],
    revision: Annotated[int | None, typer.Option(help="Which revision; the last one if left out.")] = None,
    name: Annotated[str | None, typer.Option(help="The fixture's name.")] = None,
    folder: Folder = SHIPPED,
) -> None:
    """Make a fixture of a past run: rows are kept, people and customers are replaced, days are moved."""
    run = load_past_run(investigation, revision)
    [loaded] = chosen(folder, run.playbook.id)
    try:
        captured = capture_run(run.playbook, run.ticket, run.anchors, run.evidence, run.weighing)
    except CaptureProblem as problem:
        raise UsageProblem(f"{run.name}: nothing was written: {problem}") from None
    expect = captured.fixture.expect
    named = name or f"captured-{expect.hypothesis or expect.outcome.value}"
    if not _NAME.fullmatch(named):
        raise UsageProblem(f"{named!r} is not a name; write lower-case letters, digits, - and _, a letter first")
    path = loaded.path.parent / FIXTURES / f"{named}.yaml"
    _write([NewFile(path, captured.text)])
    print(f"{path}: {expect.outcome.value} {expect.hypothesis or ''}".rstrip())
    if run.diagnosis is not None and run.diagnosis.outcome is not expect.outcome:
        said = f"{run.diagnosis.reasoner} ended with {run.diagnosis.outcome.value}"
        print(f"In the run, {said}; the fixture holds what the playbook's rules say.")
    _compare(loaded, path.stem, f"{run.playbook.id}@{run.playbook.version}")
    print("Read it before you commit it: numbers, routes, versions and the team's own records are kept as they were.")


def _compare(loaded: LoadedPlaybook, name: str, followed: str) -> None:
    """Say where the playbook of the folder comes to something else than the one that the run followed."""
    now = f"{loaded.playbook.id}@{loaded.playbook.version} of {loaded.path.parent.parent}"
    try:
        results = [result for result in run_fixtures(loaded) if result.name == name]
    except PlaybookError as error:
        print(f"{now} cannot read it; the run followed {followed}:\n{error}")
        return
    for line in (line for result in results for line in result.differences):
        print(f"{now} differs from {followed} of the run: {line}")


def _original(folder: Path, name: str) -> LoadedPlaybook:
    """The folder's own comes first, then the shipped one."""
    wanted = name.partition("@")[0]
    if (folder / wanted).is_dir():
        return find_playbook(load_folder(folder), name, folder)
    return find_playbook(Library.load([SHIPPED]), name, SHIPPED)


def _next_version(folder: Path, name: str, original: LoadedPlaybook) -> int:
    versions = [int(path.stem) for path in (folder / name).glob("*.yaml") if path.stem.isdigit()]
    if original.playbook.id == name:
        versions.append(original.playbook.version)
    return max(versions, default=0) + 1


def _write(files: list[NewFile]) -> None:
    """Write all or none; what is there already with the same text is left as it is."""
    fresh = [file for file in files if not (file.path.exists() and file.path.read_text(encoding="utf-8") == file.text)]
    taken = [str(file.path) for file in fresh if file.path.exists()]
    if taken:
        raise UsageProblem(f"{', '.join(taken)} is there already and is not overwritten; choose another name")
    for file in fresh:
        file.path.parent.mkdir(parents=True, exist_ok=True)
        file.path.write_text(file.text, encoding="utf-8")
