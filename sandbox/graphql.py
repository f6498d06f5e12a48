"""A small GraphQL server: checks a document against a schema's outline and returns only what was asked for."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from sandbox.graphql_document import Document, GraphqlError, Literal, Operation, Selection, Variable, parse

__all__ = [
    "DEPTH_CAP",
    "Arguments",
    "Document",
    "Execution",
    "Field",
    "GraphqlError",
    "Node",
    "Operation",
    "Outline",
    "parse",
]

DEPTH_CAP = 20
TYPENAME = "__typename"


@dataclass(frozen=True, slots=True)
class Field:
    """A field of an object type: its type's name (empty for a scalar), whether it is a list, the arguments it knows."""

    type: str = ""
    many: bool = False
    arguments: frozenset[str] = frozenset()
    required: frozenset[str] = frozenset()


Outline = Mapping[str, Mapping[str, Field]]
Arguments = dict[str, JsonValue]
Node = Mapping[str, object]
"""A value or, where the field takes arguments, a function of them."""


class Execution:
    """One operation against one root, with its variables."""

    def __init__(self, outline: Outline, document: Document, operation: Operation, variables: Arguments) -> None:
        """Check the variables and the whole document against the outline.

        Raises:
            GraphqlError: the first thing that is wrong, before anything is resolved.
        """
        self._outline = outline
        self._document = document
        self._operation = operation
        for name in sorted(operation.required):
            if variables.get(name) is None:
                raise GraphqlError(f'Variable "${name}" of required type was not provided.', "BAD_USER_INPUT")
        self._variables = {**{n: self._plain(v, {}) for n, v in operation.defaults.items()}, **variables}
        self._check(operation.selections, "Query", 0)

    def run(self, root: Node) -> dict[str, JsonValue]:
        """Return the fields that the operation asks for, under their aliases."""
        return self._object(self._operation.selections, "Query", root)

    def complexity(self) -> int:
        """Return the points of the document: a tenth for a field, one for an object, times `first` within a list."""
        return math.ceil(self._points(self._operation.selections, "Query"))

    def _points(self, selections: tuple[Selection, ...], type_name: str) -> float:
        points = 0.0
        for selection in selections:
            if not selection.name:
                points += self._points(self._inner(selection), type_name)
                continue
            known = self._outline[type_name].get(selection.name, Field())
            if not known.type:
                points += 0.1
                continue
            first = self._plain(selection.arguments.get("first", 50), self._variables)
            times = first if "first" in known.arguments and isinstance(first, int) else 1
            points += 1 + times * self._points(selection.selections, known.type)
        return points

    def _check(self, selections: tuple[Selection, ...], type_name: str, depth: int) -> None:
        if depth > DEPTH_CAP:
            raise GraphqlError(f"Query is nested deeper than {DEPTH_CAP} levels.")
        for selection in selections:
            if not selection.name:
                self._check(self._inner(selection), type_name, depth + 1)
                continue
            if selection.name == TYPENAME:
                continue
            known = self._outline[type_name].get(selection.name)
            if known is None:
                raise GraphqlError(f'Cannot query field "{selection.name}" on type "{type_name}".')
            self._check_field(selection, known, type_name)
            if known.type:
                self._check(selection.selections, known.type, depth + 1)

    def _check_field(self, selection: Selection, known: Field, type_name: str) -> None:
        name = f"{type_name}.{selection.name}"
        for argument in selection.arguments:
            if argument not in known.arguments | known.required:
                raise GraphqlError(f'Unknown argument "{argument}" on field "{name}".')
        for argument in sorted(known.required):
            if argument not in selection.arguments:
                raise GraphqlError(
                    f'Field "{selection.name}" argument "{argument}" is required, but it was not provided.'
                )
        if bool(known.type) != bool(selection.selections):
            reason = "must have a selection of subfields" if known.type else "must not have a selection"
            raise GraphqlError(f'Field "{selection.name}" {reason}.')
        for value in selection.arguments.values():
            for variable in _variables_in(value):
                if variable not in self._operation.declared:
                    raise GraphqlError(f'Variable "${variable}" is not defined.')

    def _inner(self, selection: Selection) -> tuple[Selection, ...]:
        if not selection.spread:
            return selection.selections
        if selection.spread not in self._document.fragments:
            raise GraphqlError(f'Unknown fragment "{selection.spread}".')
        return self._document.fragments[selection.spread]

    def _object(self, selections: tuple[Selection, ...], type_name: str, node: Node) -> dict[str, JsonValue]:
        answer: dict[str, JsonValue] = {}
        for selection in selections:
            if not selection.name:
                answer.update(self._object(self._inner(selection), type_name, node))
                continue
            if selection.name == TYPENAME:
                answer[selection.alias] = type_name
                continue
            known = self._outline[type_name][selection.name]
            value = node.get(selection.name)
            if callable(value):
                resolve: Callable[[Arguments], object] = value
                value = resolve({n: self._plain(v, self._variables) for n, v in selection.arguments.items()})
            answer[selection.alias] = self._complete(selection, known, value)
        return answer

    def _complete(self, selection: Selection, known: Field, value: object) -> JsonValue:
        if value is None or not known.type:
            return value  # type: ignore[return-value]  # leaves are JSON by the way the nodes are built
        if known.many:
            assert isinstance(value, list)
            return [self._object(selection.selections, known.type, entry) for entry in value]
        assert isinstance(value, Mapping)
        return self._object(selection.selections, known.type, value)

    def _plain(self, value: Literal, variables: Arguments) -> JsonValue:
        if isinstance(value, Variable):
            return variables.get(value.name)
        if isinstance(value, list):
            return [self._plain(entry, variables) for entry in value]
        if isinstance(value, dict):
            return {name: self._plain(entry, variables) for name, entry in value.items()}
        return value


def _variables_in(value: Literal) -> Iterator[str]:
    if isinstance(value, Variable):
        yield value.name
    elif isinstance(value, dict | list):
        for entry in value.values() if isinstance(value, dict) else value:
            yield from _variables_in(entry)
