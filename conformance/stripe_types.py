"""What Stripe's SDK declares, read from its annotations: each address's parameters and answer, and the fields of each object."""

import ast
import importlib
import inspect
import pkgutil
import re
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from types import UnionType

import stripe
import stripe._object_classes
from pydantic import JsonValue
from stripe._request_options import RequestOptions

_GET = re.compile(r'_request_async\(\s*"get",\s*(?:"(?P<plain>/v1/[^"]*)"|"(?P<format>/v1/[^"]*)"\.format)', re.DOTALL)


class _Names(dict[str, object]):
    """The names of a module of the SDK, those that it imports for type checkers alone included."""

    def __init__(self, module: str) -> None:
        loaded = importlib.import_module(module)
        super().__init__(vars(loaded))
        self._later: dict[str, tuple[str, str]] = {}
        for block in ast.parse(inspect.getsource(loaded)).body:
            if isinstance(block, ast.If) and isinstance(block.test, ast.Name) and block.test.id == "TYPE_CHECKING":
                for line in block.body:
                    if isinstance(line, ast.ImportFrom) and line.module:
                        self._later |= {one.asname or one.name: (line.module, one.name) for one in line.names}

    def __missing__(self, name: str) -> object:
        if name not in self._later:
            raise KeyError(name)
        module, member = self._later[name]
        self[name] = getattr(importlib.import_module(module), member)
        return self[name]


@cache
def _names(module: str) -> _Names:
    return _Names(module)


def _hints(annotations: Mapping[str, object], module: str) -> dict[str, object]:
    holder = type("Hints", (), {"__annotations__": dict(annotations), "__module__": module})
    names = _names(module)
    # A class's own hints are looked up in globals first, which must be a real dict; the rest is found by the locals.
    return typing.get_type_hints(holder, globalns={}, localns=names)


@cache
def fields_of(kind: type) -> dict[str, object]:
    """Return a class's fields and their types; for parameters those of the class itself, not the SDK's own options."""
    left_out = {"OBJECT_NAME"} | (RequestOptions.__annotations__.keys() if _is_table(kind) else set())
    own = vars(kind).get("__annotations__", {})
    wanted = {name: hint for name, hint in own.items() if name not in left_out and not name.startswith("_")}
    return _hints(wanted, kind.__module__)


def _is_table(kind: object) -> bool:
    # The SDK's TypedDict is not of the standard library on older Pythons, so typing.is_typeddict does not know it.
    return hasattr(kind, "__required_keys__")


@dataclass(frozen=True)
class Address:
    """One thing that can be read."""

    template: str
    parameters: type | None
    answer: object

    def takes(self, path: str) -> bool:
        """Whether the path is one of this address."""
        return re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", self.template), path) is not None


@cache
def addresses() -> tuple[Address, ...]:
    """Return all addresses that the SDK reads, those without placeholders first."""
    found = sorted(_addresses(), key=lambda one: one.template.count("{"))
    return tuple(found)


def _addresses() -> Iterator[Address]:
    for info in pkgutil.walk_packages(stripe.__path__, "stripe."):
        if not info.name.endswith("_service") or ".v2" in info.name or ".test_helpers" in info.name:
            continue
        module = importlib.import_module(info.name)
        for _, service in inspect.getmembers(module, inspect.isclass):
            if service.__module__ != info.name:
                continue
            for _, method in inspect.getmembers(service, inspect.iscoroutinefunction):
                asked = _GET.search(inspect.getsource(method))
                if asked:
                    yield _address(asked["plain"] or asked["format"], method.__annotations__, info.name)


def _address(template: str, annotations: Mapping[str, object], module: str) -> Address:
    wanted = {name: hint for name, hint in annotations.items() if name in ("params", "return")}
    hints = _hints(wanted, module)
    parameters = next((one for one in members(hints.get("params")) if isinstance(one, type)), None)
    return Address(template, parameters, hints["return"])


def members(hint: object) -> tuple[object, ...]:
    """Return what a type may be, None left out."""
    if typing.get_origin(hint) in (typing.Union, UnionType):
        return tuple(one for part in typing.get_args(hint) for one in members(part))
    return () if hint is type(None) or hint is None else (hint,)


def nullable(hint: object) -> bool:
    """Whether None is allowed; the SDK writes so what may be left out, too."""
    return typing.get_origin(hint) in (typing.Union, UnionType) and any(
        part is type(None) or nullable(part) for part in typing.get_args(hint)
    )


def address_of(path: str) -> Address:
    """Find the address of a path.

    Raises:
        LookupError: the SDK reads no such path.
    """
    for address in addresses():
        if address.takes(path):
            return address
    raise LookupError(f"Stripe's SDK reads no {path!r}")


# Answers


def faults(value: JsonValue, hint: object, place: str = "answer") -> Iterator[str]:
    """Yield where a JSON value is not what a type says: unknown and missing fields, wrong kinds, unknown words."""
    choices = members(hint)
    if choices == (typing.Any,):
        return
    if value is None:
        if not nullable(hint):
            yield f"{place}: is null, and must not be"
        return
    words = [word for one in choices if typing.get_origin(one) is typing.Literal for word in typing.get_args(one)]
    if words and not isinstance(value, dict):
        if value not in words:
            yield f"{place}: {value!r} is none of {words}"
        return
    tried = [list(_faults(value, one, place)) for one in choices]
    if all(tried):
        yield from min(tried, key=lambda found: (found and "is a " in found[0], len(found)))


def _faults(value: JsonValue, hint: object, place: str) -> Iterator[str]:
    origin, arguments = typing.get_origin(hint) or hint, typing.get_args(hint)
    if origin in (list, typing.List):  # noqa: UP006  # what an SDK of older Pythons writes
        yield from _list_faults(value, arguments, place)
    elif origin is dict or (inspect.isclass(origin) and origin.__name__ == "UntypedStripeObject"):
        yield from _table_faults(value, arguments[-1] if arguments else typing.Any, place)
    elif inspect.isclass(origin) and issubclass(origin, stripe.StripeObject):
        yield from _object_faults(value, origin, arguments, place)
    elif not _fits(value, origin):
        yield f"{place}: is a {type(value).__name__}, not {getattr(origin, '__name__', origin)}"


def _fits(value: JsonValue, kind: object) -> bool:
    if kind is Decimal:
        return isinstance(value, str) and re.fullmatch(r"-?\d+(\.\d+)?", value) is not None
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return type(value) is kind


def _list_faults(value: JsonValue, arguments: tuple[object, ...], place: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{place}: is a {type(value).__name__}, not a list"
        return
    for number, one in enumerate(value):
        yield from faults(one, arguments[0], f"{place}[{number}]")


def _table_faults(value: JsonValue, inner: object, place: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{place}: is a {type(value).__name__}, not an object"
        return
    # Of what the SDK leaves open, as it does an event's object, the object itself tells what it is.
    if inner is typing.Any and (named := class_of(value)) is not None:
        yield from _object_faults(value, named, (), place)
        return
    for name, one in value.items():
        yield from faults(one, inner, f"{place}.{name}")


def _object_faults(value: JsonValue, kind: type, arguments: tuple[object, ...], place: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{place}: is a {type(value).__name__}, not an object"
        return
    declared = dict(fields_of(kind))
    if arguments:
        declared["data"] = list[arguments[0]]  # type: ignore[valid-type]  # a list of what the annotation names
    declared.setdefault("object", str)
    if kind is stripe.SearchResultObject:
        # Written by hand in the SDK; Stripe's own description has the address, and null where there is no next page.
        declared |= {"url": str, "next_page": str | None}
    for name in sorted(value.keys() - declared.keys()):
        yield f"{place}.{name}: {kind.__name__} has no such field"
    for name, hint in declared.items():
        if name in value:
            yield from faults(value[name], hint, f"{place}.{name}")
        elif not nullable(hint) and name != "object":
            yield f"{place}.{name}: is missing"


def class_of(value: Mapping[str, JsonValue]) -> type | None:
    """Return the class that an object says it is."""
    known = stripe._object_classes.OBJECT_CLASSES.get(str(value.get("object")))
    if known is None:
        return None
    module, name = known
    return typing.cast(type, getattr(importlib.import_module(module), name))


# Requests


def request_faults(path: str, arguments: list[tuple[str, str]]) -> Iterator[str]:
    """Yield what is wrong with a request: parameters at any depth, the kinds of their values, `expand` paths, limits."""
    address = address_of(path)
    for name, value in arguments:
        steps = [step for step in re.split(r"[\[\]]+", name) if step]
        if steps[0] == "expand":
            yield from _expand_fault(value.split("."), address.answer, value)
            continue
        if address.parameters is None:
            yield f"{path} takes no parameters, and {name!r} was sent"
            continue
        yield from _argument_fault(steps, value, address.parameters, name)
        if steps == ["limit"] and not 1 <= int(value) <= 100:
            yield f"limit={value}: Stripe takes 1 to 100"
    given = {re.split(r"\[", name)[0] for name, _ in arguments}
    for name in sorted(_required(address.parameters) - given):
        yield f"{path} needs the parameter {name!r}"


def _required(kind: type | None) -> set[str]:
    if kind is None:
        return set()
    required: frozenset[str] = getattr(kind, "__required_keys__", frozenset())
    return set(required) & fields_of(kind).keys()


def _argument_fault(steps: list[str], value: str, hint: object, name: str) -> Iterator[str]:
    if not steps:
        yield from _value_fault(value, hint, name)
        return
    for one in members(hint):
        if _is_table(one) and steps[0] in (declared := fields_of(typing.cast(type, one))):
            yield from _argument_fault(steps[1:], value, declared[steps[0]], name)
            return
        if typing.get_origin(one) is list and steps[0].isdigit():
            yield from _argument_fault(steps[1:], value, typing.get_args(one)[0], name)
            return
    yield f"{name}={value!r}: the SDK declares no such parameter"


def _value_fault(value: str, hint: object, name: str) -> Iterator[str]:
    choices = members(hint)
    words = [word for one in choices if typing.get_origin(one) is typing.Literal for word in typing.get_args(one)]
    if words and value not in words:
        yield f"{name}={value!r}: is none of {words}"
    elif not words and str not in choices and int in choices and not re.fullmatch(r"-?\d+", value):
        yield f"{name}={value!r}: is no whole number"
    elif not words and not {str, int, bool, float} & set(choices):
        yield f"{name}={value!r}: has parts, and was sent as one value"


def _expand_fault(steps: list[str], hint: object, path: str) -> Iterator[str]:
    if len(path.split(".")) > 4:
        yield f"expand {path!r}: Stripe expands four levels at most"
    hints: list[object] = [hint]
    for step in steps:
        hints = [found for one in hints for found in _step(one, step)]
        if not hints:
            yield f"expand {path!r}: there is no {step!r}"
            return
    last = [one for found in hints for one in members(found)]
    if not any(inspect.isclass(typing.get_origin(one) or one) and one is not str for one in last):
        yield f"expand {path!r}: leads to no object"
    elif not any(str in members(found) or nullable(found) for found in hints):
        yield f"expand {path!r}: is always there"


def _step(hint: object, step: str) -> Iterator[object]:
    for one in members(hint):
        origin, arguments = typing.get_origin(one) or one, typing.get_args(one)
        if origin is list:
            yield from _step(arguments[0], step)
        elif inspect.isclass(origin) and issubclass(origin, stripe.StripeObject):
            declared = fields_of(typing.cast(type, origin))
            if step == "data" and arguments:
                yield arguments[0]
            elif step in declared:
                yield declared[step]
