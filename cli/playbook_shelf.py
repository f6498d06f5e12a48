"""The playbooks of a folder, as all commands about playbooks read them."""

from pathlib import Path
from typing import Annotated

import typer

from cli.errors import UsageProblem
from playbooks.fact_checks import did_you_mean
from playbooks.library import Library, LoadedPlaybook

SHIPPED = Path(__file__).parent.parent / "playbooks"

Folder = Annotated[Path, typer.Option("--dir", help="The folder of playbooks.")]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]


def load_folder(folder: Path) -> Library:
    """Load the playbooks of a folder. A team's own stand beside the shipped ones, so they need no fallback of their own.

    Raises:
        PlaybookError: every mistake in every file.
    """
    return Library.load([folder], alone=folder.resolve() == SHIPPED.resolve())


def find_playbook(library: Library, name: str, folder: Path) -> LoadedPlaybook:
    """Return a playbook by `ID`, then the newest version, or by `ID@VERSION`.

    Raises:
        UsageProblem: names those there are.
    """
    wanted, _, version = name.partition("@")
    found = [loaded for loaded in library.all() if loaded.playbook.id == wanted]
    if not found:
        known = {loaded.playbook.id for loaded in library.all()}
        raise UsageProblem(f"no playbook {wanted!r} in {folder}{did_you_mean(wanted, known)}")
    if not version:
        return found[-1]
    for loaded in found:
        if str(loaded.playbook.version) == version:
            return loaded
    versions = ", ".join(f"{wanted}@{loaded.playbook.version}" for loaded in found)
    raise UsageProblem(f"no version {version!r} of {wanted} in {folder}; there are {versions}")


def chosen(folder: Path, name: str | None) -> list[LoadedPlaybook]:
    """Return the newest version of every playbook, or the one that is named.

    Raises:
        PlaybookError: every mistake in every file.
        UsageProblem: there is no such playbook.
    """
    library = load_folder(folder)
    return list(library.newest()) if name is None else [find_playbook(library, name, folder)]
