"""How often the test split was opened: a line for each run on it, kept beside the code and committed with the figures."""

import json
import tomllib
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ValidationError

from models.base import Moment

_ROOT = Path(__file__).parent.parent.parent
OPENINGS = _ROOT / "evals" / "openings.jsonl"


class Opening(BaseModel):
    """One run on the test split."""

    release: str
    world: str
    """Digest."""
    world_name: str
    code: str
    at: Moment


def release() -> str:
    """Return the version of this checkout."""
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return str(project["version"])


def read_openings(path: Path = OPENINGS) -> list[Opening]:
    """Return all openings, oldest first.

    Raises:
        ValueError: a line is none.
    """
    if not path.exists():
        return []
    try:
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line]
        return [Opening.model_validate(json.loads(line)) for line in lines]
    except (ValidationError, ValueError):
        raise ValueError(
            f"{str(path)!r} holds a line that is no opening of the test split; mend or restore it"
        ) from None


def count_opening(world: str, world_name: str, code: str, at: datetime, path: Path = OPENINGS) -> int:
    """Write an opening down, and return how many runs on this world there were for this release, this one included."""
    opening = Opening(release=release(), world=world, world_name=world_name, code=code, at=at)
    before = sum((one.release, one.world) == (opening.release, world) for one in read_openings(path))
    with path.open("a", encoding="utf-8") as file:
        file.write(opening.model_dump_json() + "\n")
    return before + 1
