"""The generated parts of docs/configuration.md: each variable of the environment and each key of whydesk.yaml."""

import ast
import inspect
import textwrap
import types
import typing
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from pydantic import BaseModel, HttpUrl
from pydantic.fields import FieldInfo

from connectors.registry import SOURCES, plugin
from models.tenant import SecretRef, Tenant
from settings import SETTINGS

CONFIGURATION = Path(__file__).parent.parent / "docs" / "configuration.md"
_KINDS: dict[object, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "`true` or `false`",
    HttpUrl: "address",
}


@dataclass(frozen=True)
class Key:
    """One key of whydesk.yaml, as the table shows it."""

    name: str
    takes: str
    default: str
    meaning: str


def settings_table() -> str:
    """List every variable that `settings.py` reads."""
    lines = ["| variable | default | meaning |", "|---|---|---|"]
    for one in SETTINGS:
        choices = f" ({one.kind.replace('|', ', ')})" if "|" in one.kind else ""
        default = f"`{one.default}`" if one.default else "empty"
        lines.append(f"| `{one.name}` | {default} | {one.help}{choices} |")
    return "\n".join(lines)


def keys_tables() -> str:
    """List every key of whydesk.yaml, one table for each kind of mapping in it."""
    parts = []
    for model, places in sections().items():
        rows = [f"| `{one.name}` | {one.takes} | {one.default} | {one.meaning} |" for one in keys(model)]
        heading = ", ".join(f"`{place}`" for place in places)
        table = "\n".join(["| key | takes | default | meaning |", "|---|---|---|---|", *rows])
        parts.append(f"### {heading}\n\n{_said(inspect.getdoc(model) or '')}\n\n{table}")
    return "\n\n".join(parts)


def sections() -> dict[type[BaseModel], list[str]]:
    """Return each model that a part of whydesk.yaml is read by, and the places where such a part stands."""
    found: dict[type[BaseModel], list[str]] = {}
    for place, model in _below("tenants.ID", Tenant):
        found.setdefault(model, []).append(place)
    return found


def _below(place: str, model: type[BaseModel]) -> Iterator[tuple[str, type[BaseModel]]]:
    yield place, model
    inside = "" if model is Tenant else f"{place}."
    for name, hint in typing.get_type_hints(model, include_extras=True).items():
        if model is Tenant and name == "connectors":
            # Which keys a source has is said by its plugin, and not by the type of the field.
            for source in SOURCES:
                yield from _below(f"connectors.{source.value}", plugin(source).config)
        elif name in model.model_fields:
            for suffix, part in _models_in(hint, ""):
                yield from _below(f"{inside}{name}{suffix}", part)


def _models_in(hint: object, suffix: str) -> Iterator[tuple[str, type[BaseModel]]]:
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        kind = typing.get_args(typing.get_type_hints(hint)["kind"]) if "kind" in hint.model_fields else ()
        yield f"{suffix} with kind: {kind[0]}" if kind else suffix, hint
        return
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        parts = parts[:1]
    elif origin is list:
        suffix += "[]"
    elif origin is dict:
        suffix, parts = f"{suffix}.NAME", parts[1:]
    for part in parts:
        yield from _models_in(part, suffix)


def keys(model: type[BaseModel]) -> list[Key]:
    """Return a mapping's keys. A tenant's id is none: it stands before its mapping."""
    hints = typing.get_type_hints(model, include_extras=True)
    docs = _docs(model)
    # What all connectors take stands last: it is read less often than what only this one takes.
    names = sorted(model.model_fields, key=lambda name: name not in model.__annotations__)
    return [
        Key(name, _takes(hints[name]), _default(model.model_fields[name]), _said(docs.get(name, "")))
        for name in names
        if not (model is Tenant and name == "id")
    ]


def _docs(model: type[BaseModel]) -> dict[str, str]:
    """Read what stands below each field, from the bases on."""
    found: dict[str, str] = {}
    for base in reversed(model.__mro__):
        if not (issubclass(base, BaseModel) and base.__module__.partition(".")[0] in ("models", "connectors")):
            continue
        (tree,) = ast.parse(textwrap.dedent(inspect.getsource(base))).body
        assert isinstance(tree, ast.ClassDef)
        for field, below in zip(tree.body, tree.body[1:], strict=False):
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(below, ast.Expr):
                found[field.target.id] = str(ast.literal_eval(below.value))
    return found


def _takes(hint: object) -> str:
    if hint == SecretRef:
        return "secret"
    origin, parts = typing.get_origin(hint), [part for part in typing.get_args(hint) if part is not type(None)]
    if origin is typing.Annotated:
        return _takes(parts[0])
    if origin is typing.Literal:
        return ", ".join(f"`{part}`" for part in parts if part)
    if origin is list:
        return f"list of {_takes(parts[0])}"
    if origin is dict:
        return f"name to {_takes(parts[1])}"
    if origin is typing.Union or isinstance(hint, types.UnionType):
        return " or ".join(found for found in dict.fromkeys(_takes(part) for part in parts) if found)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return ", ".join(f"`{one.value}`" for one in hint)
    return "mapping" if isinstance(hint, type) and issubclass(hint, BaseModel) else _KINDS[hint]


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "needed"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, BaseModel):
        return "see below"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if value in (None, "", [], {}):
        return "empty" if value == "" else "none"
    if isinstance(value, list):
        return ", ".join(f"`{one}`" for one in value)
    return f"`{value.value}`" if isinstance(value, Enum) else f"`{str(value).rstrip('/')}`"


def _said(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


PARTS: dict[str, Callable[[], str]] = {"keys": keys_tables, "settings": settings_table}


def regenerate(text: str) -> str:
    """Return docs/configuration.md with its generated parts as the code has them now.

    Raises:
        LookupError: a part's two comments are not there.
    """
    for name, part in PARTS.items():
        begin, end = f"<!-- {name}: generated -->\n", f"<!-- end {name} -->"
        before, opened, rest = text.partition(begin)
        _, closed, after = rest.partition(end)
        if not (opened and closed):
            raise LookupError(f"docs/configuration.md has no {name} part; put its two comments back")
        text = f"{before}{begin}{part()}\n{end}{after}"
    return text
