"""The lock of digests: a released version never changes, and a run can be traced to the very text it followed.

`python -m playbooks.lock` writes it anew after a new version was added.
"""

import json
from pathlib import Path

from playbooks.library import Library

SHIPPED = Path(__file__).parent
LOCK = SHIPPED / "lock.json"


def read_lock(path: Path = LOCK) -> dict[str, str]:
    """Return `id@version` to digest."""
    found = json.loads(path.read_text(encoding="utf-8"))
    return {str(name): str(digest) for name, digest in found.items()}


def write_lock(library: Library, path: Path = LOCK) -> None:
    """Write the digests of all playbooks of a library."""
    path.write_text(json.dumps(library.lock(), indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_lock(Library.load([SHIPPED]))
