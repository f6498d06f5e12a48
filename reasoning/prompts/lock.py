"""The lock of prompt digests: words that were released never change.

`python -m reasoning.prompts.lock` adds what is new, and refuses what was changed.
"""

import json
from pathlib import Path

from reasoning.prompts.wording import SHIPPED, all_wordings

LOCK = SHIPPED / "lock.json"


class PromptChanged(Exception):
    """A released version is not what it was."""


def read_lock(path: Path = LOCK) -> dict[str, str]:
    """Return `purpose@version` to digest."""
    found = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return {str(name): str(digest) for name, digest in found.items()}


def check_lock(folder: Path = SHIPPED, path: Path = LOCK) -> dict[str, str]:
    """Return what the lock should hold: what it has, and each new version.

    Raises:
        PromptChanged: a locked version was changed or removed; says which, and what to do.
    """
    found = {each.label: each.digest for each in all_wordings(folder)}
    for name, digest in read_lock(path).items():
        purpose, _, version = name.partition("@")
        if found.get(name) != digest:
            raise PromptChanged(
                f"prompt {name!r} is not what was released: put {purpose}/{version}.md back, write the change as "
                f"{purpose}/{int(version) + 1}.md, pin it in reasoning/prompts/wording.py, then run "
                "`python -m reasoning.prompts.lock`"
            )
    return found


def write_lock(folder: Path = SHIPPED, path: Path = LOCK) -> None:
    """Add what is new.

    Raises:
        PromptChanged: see `check_lock`; nothing is written.
    """
    locked = check_lock(folder, path)
    path.write_text(json.dumps(locked, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_lock()
