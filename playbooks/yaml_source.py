"""A YAML file with the line of each field, so that an error can point at it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import JsonValue

_REMEDIES = {
    "found character '\\t' that cannot start any token": "a tab stands here; indent with spaces",
    "mapping values are not allowed here": "a second colon, or a line that is indented too far; quote a text that holds ': '",
    "could not find expected ':'": "a key without its colon, or a quote that is not closed",
    "found unexpected end of stream": "a quote or a bracket is opened and not closed",
    "expected <block end>, but found '-'": "this item is not indented like those before it",
    "expected <block end>, but found '<block mapping start>'": "this key is not indented like those before it",
    "expected <block end>, but found '<scalar>'": "put the whole text in quotes: it begins with a quote or a brace",
    "expected ',' or": "a bracket is not closed, a comma is missing, or a text that holds one of them needs quotes",
}
"""What the YAML parser says, and what it mostly means."""


class _Loader(yaml.SafeLoader):
    """YAML in which a time is the text that was written: cells of a row are JSON, and JSON has no times."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class _FastLoader(yaml.CSafeLoader):
    """The same by libyaml: ten times faster, and less clear about mistakes."""


_FastLoader.yaml_implicit_resolvers = _Loader.yaml_implicit_resolvers

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
    """Read one file with a safe loader. A key given twice is a problem, and so is what is not YAML."""
    lines: dict[Field, int] = {}
    try:
        text = path.read_text(encoding="utf-8")
        loader, node = _compose(text)
        if node is None:
            return Problem(path, (), 1, "the file is empty")
        repeated = _walk(node, (), lines)
        if repeated is not None:
            return Problem(path, repeated, lines[repeated], "this key is given twice; keep one")
        data = loader.construct_document(node)
    except UnicodeDecodeError:
        return Problem(path, (), 1, "the file is not UTF-8; save it as UTF-8")
    except yaml.MarkedYAMLError as error:
        return Problem(path, (), *_syntax(error))
    except RecursionError:
        return Problem(path, (), 1, "an alias refers to itself; write the value out")
    return YamlSource(path, data, lines)


def _compose(text: str) -> tuple[_Loader | _FastLoader, yaml.Node | None]:
    try:
        fast = _FastLoader(text)
        return fast, fast.get_single_node()
    except yaml.MarkedYAMLError:
        clear = _Loader(text)
        return clear, clear.get_single_node()


def _syntax(error: yaml.MarkedYAMLError) -> tuple[int, str]:
    """Return the line of a mistake and what to do."""
    said = str(error.problem)
    # What is not closed is noticed at the end of the file, and mended where it begins.
    opened = said.startswith(("found unexpected end of stream", "expected ',' or"))
    mark = (error.context_mark if opened else None) or error.problem_mark
    line = mark.line + 1 if mark else 1
    remedy = next((remedy for start, remedy in _REMEDIES.items() if said.startswith(start)), "")
    return line, f"not YAML: {remedy or f'{said}; check indents, quotes and colons'}"


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
