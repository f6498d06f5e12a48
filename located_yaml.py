"""YAML that a person wrote: each value with its line, each finding in the person's own words and place, no secret shown."""

import difflib
import re
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, cast

import yaml
from pydantic import BaseModel
from pydantic_core import ErrorDetails

YamlPath = tuple[str | int, ...]


def did_you_mean(name: str, known: list[str]) -> str:
    """Name the one that was probably meant, else all."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(sorted(known))}"


class _Loader(yaml.SafeLoader):
    """YAML where `off` and `no` are words, as YAML 1.2 has it: `mode: off` must not read as false."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|false|False)$"), list("tTfF"))


class Document:
    """A YAML file with the line of every key and item."""

    def __init__(self, path: Path) -> None:
        """Use `read`."""
        self.path = path
        self.data: object = None
        self._lines: dict[YamlPath, int] = {}

    @classmethod
    def read(cls, path: Path, problems: list[str]) -> "Document | None":
        """Read a file; None where it cannot be, and then a problem more."""
        document = cls(path)
        try:
            loader = _Loader(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            problems.append(f"{path}: cannot be read ({getattr(error, 'strerror', None) or 'not UTF-8'})")
            return None
        except yaml.YAMLError as error:
            problems.append(f"{path}: {error}")
            return None
        try:
            node = loader.get_single_node()
            document.data = {} if node is None else document._value(loader, node, (), problems)
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            begun = error.context_mark.line + 1 if error.context_mark else line
            since = f" (in what begins at line {begun})" if begun < line else ""
            problems.append(f"{path}:{line}: {error.problem or 'not YAML'}{since}; mend the syntax first")
            return None
        except RecursionError:
            problems.append(f"{path}: an alias refers to itself; write the value out")
            return None
        finally:
            loader.dispose()
        return document

    def _value(self, loader: _Loader, node: yaml.Node, at: YamlPath, problems: list[str]) -> object:
        self._lines.setdefault(at, node.start_mark.line + 1)
        if isinstance(node, yaml.SequenceNode):
            return [self._value(loader, item, (*at, index), problems) for index, item in enumerate(node.value)]
        if not isinstance(node, yaml.MappingNode):
            return loader.construct_object(node, deep=True)
        self._find_duplicates(node, at, problems)
        loader.flatten_mapping(node)
        result: dict[str, object] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            self._lines[(*at, key)] = key_node.start_mark.line + 1
            result[key] = self._value(loader, value_node, (*at, key), problems)
        return result

    def _find_duplicates(self, node: yaml.MappingNode, at: YamlPath, problems: list[str]) -> None:
        seen: dict[str, int] = {}
        for key_node, _ in node.value:
            key, line = str(key_node.value), key_node.start_mark.line + 1
            if key in seen and key != "<<":
                problems.append(f"{self.path}:{line}: {_dotted((*at, key))}: written twice, first in line {seen[key]}")
            seen[key] = line

    def problem(self, at: YamlPath, text: str) -> str:
        """Say it with the place: the nearest that the file has."""
        line = next((self._lines[at[:end]] for end in range(len(at), -1, -1) if at[:end] in self._lines), 1)
        return f"{self.path}:{line}: {_dotted(at)}: {text}"


def _dotted(at: YamlPath) -> str:
    return ".".join(str(part) for part in at) or "the file"


_REF_PATTERN = r"^(env|file):.+$"
"""That of `SecretRef`; a test compares them."""
_SECRET_NAME = re.compile(r"(token|secret|secrets|password|key)$")


def explain(document: Document, root: type[BaseModel], at: YamlPath, data: object, details: ErrorDetails) -> str:
    """Say one finding of pydantic by the file's own path, with what is expected and nothing that may be secret."""
    place, value, shapes = _locate(root, data, details["loc"])
    where = (*at, *place)
    kind, context = details["type"], details.get("ctx", {})
    if kind == "extra_forbidden":
        known = sorted({name for shape in shapes for name in shape.model_fields})
        return document.problem(where, f"unknown key{did_you_mean(str(place[-1]), known)}")
    if kind == "missing":
        return document.problem(where, "is missing; it is required")
    if kind == "string_pattern_mismatch" and context.get("pattern") == _REF_PATTERN:
        return document.problem(where, "a secret must not stand here itself; write env:NAME or file:PATH")
    if kind == "union_tag_invalid":
        expected = f"expected one of {context['expected_tags']}"
        return document.problem((*where, "kind"), f"{context['tag']!r} is not a kind; {expected}")
    if kind == "union_tag_not_found":
        return document.problem((*where, "kind"), "is missing; it is required")
    hint = " (write it in quotes)" if kind == "string_type" and isinstance(value, int | float) else ""
    message = details["msg"].removeprefix("Value error, ")
    acronym = message[1:2].isupper()
    said = message if acronym else message[:1].lower() + message[1:]
    return document.problem(where, f"{shown(value, where)}: {said}{hint}")


def shown(value: object, at: YamlPath) -> str:
    """Quote a value for a person, unless it may be a secret."""
    if any(isinstance(part, str) and _SECRET_NAME.search(part) for part in at):
        return "what stands here (not shown)"
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    text = re.sub(r"//[^/@]*@", "//…@", str(value))
    return repr(text if len(text) <= 80 else text[:79] + "…") if isinstance(value, str) else repr(value)


def _locate(root: type[BaseModel], data: object, loc: YamlPath) -> tuple[YamlPath, object, list[type[BaseModel]]]:
    """Follow pydantic's location, which also names members of unions; return the file's path, the value, the models there."""
    place: list[str | int] = []
    shapes: list[type[BaseModel]] = [root]
    hints: list[object] = [root]
    for index, part in enumerate(loc):
        inside = (isinstance(data, dict) and part in data) or (isinstance(data, list) and isinstance(part, int))
        if not inside and index < len(loc) - 1:
            hints = [hint for hint in hints if not _is_model(hint) or _has_tag(hint, part)] or hints
            shapes = [hint for hint in hints if _is_model(hint)]
            continue
        place.append(part)
        if not inside:
            return tuple(place), None, shapes
        data = cast(dict[str | int, object], data)[part]
        hints = [leaf for hint in hints for leaf in _inside(hint, part)]
        if index < len(loc) - 1:
            shapes = [hint for hint in hints if _is_model(hint)]
    return tuple(place), data, shapes


def _is_model(hint: object) -> typing.TypeGuard[type[BaseModel]]:
    return isinstance(hint, type) and issubclass(hint, BaseModel)


def _has_tag(shape: object, tag: str | int) -> bool:
    hint = typing.get_type_hints(shape).get("kind")
    return tag in typing.get_args(hint)


def _inside(hint: object, part: str | int) -> Iterator[object]:
    """The types that may stand under a key or an index of a value of that type."""
    if _is_model(hint):
        yield from _leaves(typing.get_type_hints(hint).get(str(part)))
    elif typing.get_origin(hint) in (dict, list):
        yield from _leaves(typing.get_args(hint)[-1])


def _leaves(hint: object) -> Iterator[object]:
    """The members of a union, without annotations."""
    origin = typing.get_origin(hint)
    if origin is Annotated:
        yield from _leaves(typing.get_args(hint)[0])
    elif origin in (typing.Union, type(int | str)):
        for member in typing.get_args(hint):
            yield from _leaves(member)
    else:
        yield hint
