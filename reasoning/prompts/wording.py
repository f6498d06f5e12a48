"""The wording of prompts: one file for each purpose and version, loaded once; which version is used is pinned here.

A file `<purpose>/<version>.md` has parts, each under a heading of its own (`# system`, `# question` …). Once released it never
changes, so that a stored answer can be traced to the very words that it answered: a change is a new version, pinned below and
added to lock.json by `python -m reasoning.prompts.lock`.
"""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from models.base import Frozen, digest_of

SHIPPED = Path(__file__).parent
PINNED = {"diagnose": 1, "select": 1}
"""Purpose to the version that is used."""
_HEADING = re.compile(r"^# ([a-z][a-z-]*)$", re.MULTILINE)


class Wording(Frozen):
    """One version of what a model is told for one purpose."""

    purpose: str
    version: int
    digest: str
    """Of the file, 64 hex digits."""
    parts: dict[str, str]

    @property
    def label(self) -> str:
        """`diagnose@1`, as it is kept with the answers."""
        return f"{self.purpose}@{self.version}"

    def part(self, name: str) -> str:
        """Return one part.

        Raises:
            LookupError: names the parts that the file has.
        """
        if name not in self.parts:
            raise LookupError(
                f"prompt {self.label!r} has no part {name!r}: write it under a heading `# {name}`; it has "
                f"{', '.join(self.parts)}"
            )
        return self.parts[name]


@cache
def wording(purpose: str) -> Wording:
    """Return the pinned version for a purpose; read once for the life of the process."""
    return read_wording(SHIPPED / purpose / f"{PINNED[purpose]}.md")


def read_wording(path: Path) -> Wording:
    """Read one file.

    Raises:
        ValueError: it does not begin with a heading, or has one twice.
    """
    raw = path.read_bytes()
    before, *found = _HEADING.split(raw.decode("utf-8"))
    names = found[::2]
    if before.strip() or not names or len(set(names)) < len(names):
        raise ValueError(f"{path}: each part stands under a heading `# name` of its own, used once; found {names!r}")
    parts = {name: text.strip() for name, text in zip(names, found[1::2], strict=True)}
    return Wording(purpose=path.parent.name, version=int(path.stem), digest=digest_of(raw), parts=parts)


def all_wordings(folder: Path = SHIPPED) -> Iterator[Wording]:
    """Read every version of every purpose."""
    for path in sorted(folder.glob("*/*.md"), key=lambda path: (path.parent.name, int(path.stem))):
        yield read_wording(path)
