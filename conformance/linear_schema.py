"""Linear's GraphQL schema, rebuilt from the types of Linear's own SDK, and documents, variables and answers held to it.

The SDK ships no schema, but `index-*.d.mts` holds a TypeScript type for every type of it. What is lost: defaults, directives,
and the arguments of a few fields with runs of capitals in their names.
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from graphql import (  # type: ignore[import-not-found,unused-ignore]  # make conformance installs it
    GraphQLError,
    GraphQLScalarType,
    GraphQLSchema,
    OperationDefinitionNode,
    build_schema,
    execute_sync,
    parse,
    validate,
)
from graphql.execution.values import get_variable_values  # type: ignore[import-not-found,unused-ignore]  # as above
from pydantic import JsonValue

from conformance.tools import LINEAR, file_of

_BLOCK = re.compile(
    r"^(?:declare )?(?P<kind>type|enum) (?P<name>\w+) = (?P<head>[^{};]*)\{\n(?P<body>.*?)^\};", re.M | re.S
)
_ENUM = re.compile(r"^declare enum (?P<name>\w+) \{\n(?P<body>.*?)^\}", re.M | re.S)
_UNION = re.compile(r"^type (?P<name>\w+) = (?P<members>\w+(?: \| \w+)+);$", re.M)
_FIELD = re.compile(r"^  (?P<name>\w+)(?P<open>\?)?: (?P<type>[^;]+);$", re.M)
_ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


class _Type(NamedTuple):
    kind: str
    fields: dict[str, str]
    parents: list[str]


def sdl() -> str:
    """Return the schema in GraphQL's own language."""
    source = re.sub(r"/\*.*?\*/", "", file_of(LINEAR).read_text(), flags=re.S)
    source = re.sub(r"^\s*\n", "", source, flags=re.M)
    types, scalars = _types(source)
    enums = {one["name"]: re.findall(r'= "([^"]+)"', one["body"]) for one in _ENUM.finditer(source)}
    known = types.keys() | enums.keys() | scalars
    unions = {
        one["name"]: one["members"].split(" | ")
        for one in _UNION.finditer(source)
        if all(member in types and types[member].kind == "type" for member in one["members"].split(" | "))
    }
    arguments = {name: one.fields for name, one in types.items() if one.kind == "input" and name.endswith("Args")}
    written = [f"scalar {name}" for name in sorted(scalars - {"ID", "String", "Boolean", "Int", "Float"})]
    written += [f"enum {name} {{ {' '.join(values)} }}" for name, values in enums.items()]
    written += [f"union {name} = {' | '.join(members)}" for name, members in unions.items()]
    for name, one in types.items():
        if name not in arguments:
            written.append(_written(name, one, arguments, known | unions.keys()))
    return "\n".join(written)


def _types(source: str) -> tuple[dict[str, _Type], set[str]]:
    blocks = {one["name"]: (one["head"], one["body"]) for one in _BLOCK.finditer(source)}
    _, scalar_body = blocks.pop("Scalars")
    parents = {name for head, _ in blocks.values() for name in re.findall(r"(\w+) &", head)}
    types: dict[str, _Type] = {}
    for name, (head, body) in blocks.items():
        if "WebhookPayload" in name:
            # Sent by Linear, never asked for.
            continue
        fields = {one["name"]: f"{one['type']}{'?' if one['open'] else ''}" for one in _FIELD.finditer(body)}
        named = fields.pop("__typename", "").rstrip("?")
        if named not in ("", f'"{name}"') or "Omit<" in head or any("{" in one for one in fields.values()):
            continue
        kind = "type" if named else "interface" if name in parents else "input"
        types[name] = _Type(kind, fields, re.findall(r"(\w+) &", head))
    return types, set(re.findall(r"^  (\w+):", scalar_body, re.M))


def _written(name: str, one: _Type, arguments: Mapping[str, Mapping[str, str]], known: set[str]) -> str:
    lines = []
    for field, text in one.fields.items():
        kind = _graphql(text)
        if re.sub(r"[\[\]!]", "", kind) not in known:
            continue
        taken = arguments.get(f"{name}{field[0].upper()}{field[1:]}Args", {}) if one.kind != "input" else {}
        inside = ", ".join(f"{argument}: {_graphql(said)}" for argument, said in taken.items())
        lines.append(f"  {field}{f'({inside})' if inside else ''}: {kind}")
    if not lines:
        # All that it holds was left out, and GraphQL takes no empty type.
        lines.append("  _: Boolean")
    implements = f" implements {' & '.join(one.parents)}" if one.parents and one.kind != "input" else ""
    return f"{one.kind} {name}{implements} {{\n" + "\n".join(lines) + "\n}"


def _graphql(text: str) -> str:
    text = text.strip().removesuffix("?").strip()
    if maybe := re.fullmatch(r"(?:Input)?Maybe<(.*)>", text, re.S):
        return _graphql(maybe[1]).removesuffix("!")
    if listed := re.fullmatch(r"Array<(.*)>", text, re.S):
        return f"[{_graphql(listed[1])}]!"
    if scalar := re.fullmatch(r'Scalars\["(\w+)"\]', text):
        return f"{scalar[1]}!"
    return f"{text}!"


class Schema:
    """The schema at work."""

    def __init__(self) -> None:
        """Rebuild it; its own scalars are as strict as Linear's."""
        self._schema: GraphQLSchema = build_schema(sdl())
        scalars: dict[str, type | tuple[type, ...]] = {"String": str, "ID": str, "Boolean": bool, "Int": int}
        for name, kinds in {**scalars, "Float": (int, float)}.items():
            _make_strict(self._schema.type_map[name], lambda value, kinds=kinds, name=name: _as(value, kinds, name))
        _make_strict(self._schema.type_map["DateTime"], _as_moment)
        for name in ("DateTimeOrDuration", "TimelessDate"):
            _make_strict(self._schema.type_map[name], lambda value, name=name: _as(value, str, name))

    def question_faults(self, document: str, variables: Mapping[str, JsonValue]) -> Iterator[str]:
        """Yield what Linear would refuse of a document and its variables."""
        try:
            parsed = parse(document)
        except GraphQLError as error:
            yield error.message
            return
        yield from (fault.message for fault in validate(self._schema, parsed))
        for operation in parsed.definitions:
            if isinstance(operation, OperationDefinitionNode):
                values = get_variable_values(self._schema, operation.variable_definitions or (), dict(variables))
                yield from (fault.message for fault in (values if isinstance(values, list) else ()))

    def answer_faults(self, document: str, variables: Mapping[str, JsonValue], data: JsonValue) -> Iterator[str]:
        """Yield where an answer is not what the document asked for."""
        result = execute_sync(
            self._schema, parse(document), root_value=data, variable_values=dict(variables), field_resolver=_resolve
        )
        for error in result.errors or ():
            yield f"{'.'.join(str(step) for step in error.path or ())}: {error.message}"
        if not result.errors and json.loads(json.dumps(result.data)) != data:
            yield "the answer holds what was not asked for"


def _resolve(source: Mapping[str, JsonValue], info: object, **_: object) -> JsonValue:
    path = info.path  # type: ignore[attr-defined]  # graphql-core's, which is not always installed
    if path.key not in source:
        raise GraphQLError(f"{path.key!r} is not in the answer")
    return source[path.key]


def _make_strict(scalar: object, check: object) -> None:
    assert isinstance(scalar, GraphQLScalarType)
    for name in ("serialize", "parse_value", "coerce_output_value", "coerce_input_value"):
        if hasattr(scalar, name):
            setattr(scalar, name, check)


def _as(value: object, kinds: type | tuple[type, ...], name: str) -> object:
    wrong = isinstance(value, bool) and kinds is not bool
    if wrong or not isinstance(value, kinds):
        raise GraphQLError(f"{type(value).__name__} is no {name}")
    return value


def _as_moment(value: object) -> object:
    if not isinstance(value, str) or not _ISO.fullmatch(value):
        raise GraphQLError(f"{value!r} is no DateTime as Linear writes it")
    datetime.fromisoformat(value)
    return value
