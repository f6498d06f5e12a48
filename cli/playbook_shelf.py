"""The playbooks of a folder, as all commands about playbooks read them."""

from pathlib import Path
from typing import Annotated

import typer

from cli.errors import UsageProblem, no_such
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


def find_playbook(library: Library, name: str) -> LoadedPlaybook:
    """Return a playbook by `ID`, then the newest version, or by `ID@VERSION`.

    Raises:
        UsageProblem: names those there are.
    """
    wanted, _, version = name.partition("@")
    ids = {loaded.playbook.id for loaded in library.all()}
    if wanted not in ids:
        raise no_such("playbook", wanted, ids)
    found = [loaded for loaded in library.all() if loaded.playbook.id == wanted]
    if not version:
        return found[-1]
    for loaded in found:
        if str(loaded.playbook.version) == version:
            return loaded
    known = ", ".join(f"{wanted}@{loaded.playbook.version}" for loaded in found)
    raise UsageProblem(f"no version {version!r} of {wanted}; there are {known}")


def chosen(folder: Path, name: str | None) -> list[LoadedPlaybook]:
    """Return the newest version of every playbook, or the one that is named.

    Raises:
        PlaybookError: every mistake in every file.
        UsageProblem: there is no such playbook.
    """
    library = load_folder(folder)
    if name is None:
        return list(library.newest())
    try:
        return [find_playbook(library, name)]
    except UsageProblem as problem:
        raise UsageProblem(f"{problem} (in {folder})") from None
