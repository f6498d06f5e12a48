"""Digests of what a run stands on: the playbooks, and the code that gathers and reasons."""

import hashlib
from pathlib import Path

from playbooks.library import Library

_ROOT = Path(__file__).parent.parent.parent
_CODE = ("activities", "connectors", "models", "reasoning", "workflows")
"""Packages that decide what is asked and what is said of the answers."""
_KINDS = (".py", ".md", ".yaml", ".json")


def playbook_digests() -> dict[str, str]:
    """Return the digest of each shipped playbook by `id@version`, the newest version of each: those that a run follows."""
    newest = Library.load([_ROOT / "playbooks"]).newest()
    return {f"{one.playbook.id}@{one.playbook.version}": one.digest for one in newest}


def code_digest() -> str:
    """Return the SHA-256 of the code that decides what a ticket is told, by paths and bytes."""
    whole = hashlib.sha256()
    for package in _CODE:
        for path in sorted((_ROOT / package).rglob("*")):
            if path.suffix in _KINDS and path.is_file():
                body = path.read_bytes()
                whole.update(f"{path.relative_to(_ROOT).as_posix()}\0{len(body)}\0".encode())
                whole.update(body)
    return whole.hexdigest()
