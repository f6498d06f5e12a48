"""Digests: of the generator's own code and texts, and of a world that it wrote."""

import hashlib
from pathlib import Path

_HERE = Path(__file__).parent


def generator_digest() -> str:
    """Return the SHA-256 of everything that decides a world, so that a report can name what made it."""
    return _digest(sorted(path for path in _HERE.rglob("*") if path.suffix in (".py", ".yaml")), _HERE)


def world_digest(folder: Path) -> str:
    """Return the SHA-256 of a world's files, by their paths and bytes."""
    return _digest(sorted(path for path in folder.rglob("*") if path.is_file()), folder)


def _digest(paths: list[Path], base: Path) -> str:
    whole = hashlib.sha256()
    for path in paths:
        whole.update(f"{path.relative_to(base).as_posix()}\0{path.stat().st_size}\0".encode())
        whole.update(path.read_bytes())
    return whole.hexdigest()
