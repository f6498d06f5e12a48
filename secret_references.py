"""References to secrets: which a configuration has, found by the types of its fields, and what stands behind them."""

import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr

from located_yaml import Document, YamlPath
from models.tenant import SecretRef, Tenant


def resolve_secrets(
    document: Document, tenants: dict[str, Tenant], environ: Mapping[str, str], problems: list[str]
) -> dict[str, SecretStr]:
    """Return each reference of the tenants with its secret; what cannot be had becomes a problem, with its place."""
    secrets: dict[str, SecretStr] = {}
    for key, tenant in tenants.items():
        for place, ref in _references(tenant, ()):
            try:
                secrets[ref] = SecretStr(read_secret(ref, environ, document.path.absolute().parent))
            except LookupError as error:
                problems.append(document.problem(("tenants", key, *place), f"{ref!r}: {error.args[0]}"))
    return secrets


def read_secret(ref: str, environ: Mapping[str, str], folder: Path) -> str:
    """Return the secret behind `env:NAME` or `file:PATH`; a path is meant from the folder.

    Raises:
        LookupError: it is not there or empty, without a word of it.
    """
    scheme, _, name = ref.partition(":")
    if scheme == "env":
        if not environ.get(name):
            raise LookupError(
                f"the environment has no {name}; set it in .env beside whydesk.yaml, or where this process starts"
            )
        return environ[name]
    path = folder / name
    try:
        secret = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise LookupError(f"{str(path)!r} cannot be read ({getattr(error, 'strerror', None) or 'not UTF-8'})") from None
    if not secret:
        raise LookupError(f"{str(path)!r} is empty")
    return secret


def _references(model: BaseModel, at: YamlPath) -> Iterator[tuple[YamlPath, str]]:
    """Every secret reference of a configuration, found by the types of the fields and not by how a value looks."""
    hints = typing.get_type_hints(type(model), include_extras=True)
    for name in type(model).model_fields:
        yield from _references_in(getattr(model, name), hints[name], (*at, name))


def _references_in(value: object, hint: object, at: YamlPath) -> Iterator[tuple[YamlPath, str]]:
    if isinstance(value, BaseModel):
        yield from _references(value, at)
    elif isinstance(value, str) and _mentions_secret(hint):
        yield at, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _references_in(item, hint, (*at, key))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _references_in(item, hint, (*at, index))


def _mentions_secret(hint: Any) -> bool:
    return hint == SecretRef or any(_mentions_secret(part) for part in typing.get_args(hint))
