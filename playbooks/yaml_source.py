"""A YAML file with the line of each field, so that an error can point at it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import JsonValue

Field = tuple[str | int, ...]
"""Where a value stands: `("queries", 0, "sql")`."""


@dataclass(frozen=True)
class Problem:
    """One mistake and its remedy."""

    path: Path
    field: Field
    line: int
    message: str

    def __str__(self) -> str:
        """Give the form that editors link: file, line, field, message."""
        where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in self.field).lstrip(".")
        return f"{self.path}:{self.line}: {where + ': ' if where else ''}{self.message}"


@dataclass(frozen=True)
class YamlSource:
    """A parsed file."""

    path: Path
    data: JsonValue
    lines: dict[Field, int]

    def problem(self, field: Sequence[str | int], message: str) -> Problem:
        """Point at a field, or at the nearest one above it that the file has."""
        place = tuple(field)
        while place and place not in self.lines:
            place = place[:-1]
        return Problem(self.path, tuple(field), self.lines.get(place, 1), message)


def read_yaml(path: Path) -> YamlSource | Problem:
    """Read one file with the safe loader. A key given twice, or a value that JSON has no word for, is a problem."""
    lines: dict[Field, int] = {}
    try:
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        if node is None:
            return Problem(path, (), 1, "the file is empty")
        repeated = _walk(node, (), lines)
        if repeated is not None:
            return Problem(path, repeated, lines[repeated], "this key is given twice; keep one")
        data = yaml.safe_load(text)
    except UnicodeDecodeError:
        return Problem(path, (), 1, "the file is not UTF-8; save it as UTF-8")
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        return Problem(path, (), line, f"not YAML: {error.problem}; check indents, quotes and colons")
    return YamlSource(path, data, lines)


def _walk(node: yaml.Node, at: Field, lines: dict[Field, int]) -> Field | None:
    """Note the line of each field; return the first key that is given twice."""
    lines.setdefault(at, node.start_mark.line + 1)
    children: list[tuple[str | int, yaml.Node, yaml.Node]] = []
    if isinstance(node, yaml.MappingNode):
        children = [(str(key.value), key, value) for key, value in node.value]
    elif isinstance(node, yaml.SequenceNode):
        children = [(index, value, value) for index, value in enumerate(node.value)]
    for name, mark, value in children:
        place = (*at, name)
        if place in lines:
            lines[place] = mark.start_mark.line + 1
            return place
        lines[place] = mark.start_mark.line + 1
        repeated = _walk(value, place, lines)
        if repeated is not None:
            return repeated
    return None
