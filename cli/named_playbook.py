"""The playbook that an option names: `ID@VERSION` of a tenant, or a file that is not released yet."""

from pathlib import Path

from cli.errors import UsageProblem
from cli.playbook_shelf import SHIPPED, find_playbook
from models.playbook import Playbook
from models.tenant import Tenant
from playbooks.library import Library, read_playbook


def named_playbook(name: str | None, file: Path | None, tenant: Tenant | None) -> Playbook | None:
    """Return the playbook that is meant, or None where none is named.

    A tenant's own of that id takes the shipped one's place, as in a run.

    Raises:
        UsageProblem: there is none, or both are given.
        PlaybookError: every mistake in the file.
    """
    if name is not None and file is not None:
        raise UsageProblem("give --playbook or --playbook-file, not both")
    if file is not None:
        if not file.is_file():
            raise UsageProblem(f"there is no file {str(file)!r}")
        return read_playbook(file).playbook
    if name is None:
        return None
    wanted = name.partition("@")[0]
    folders = [Path(folder) for folder in tenant.playbook_dirs] if tenant else []
    for folder in folders:
        library = Library.load([folder], alone=False)
        if any(loaded.playbook.id == wanted for loaded in library.all()):
            return find_playbook(library, name, folder).playbook
    return find_playbook(Library.load([SHIPPED]), name, SHIPPED).playbook


def playbook_or_path(text: str, tenant: Tenant | None) -> Playbook:
    """Return what is named as `ID`, `ID@VERSION` or the path of a file."""
    path = Path(text)
    found = (
        named_playbook(None, path, tenant) if path.suffix in (".yaml", ".yml") else named_playbook(text, None, tenant)
    )
    assert found is not None
    return found
