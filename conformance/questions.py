"""Makes questions for every operation that a connector declares, from one table of sample values per parameter.

A new operation is asked without a change here; a parameter of a new name needs its value, and says so.
"""

import typing
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from pydantic import JsonValue, ValidationError

from connectors.base import Operation
from models.customer import Window
from models.evidence import SourceRequest
from models.vocabulary import Scope, Source

Samples = Mapping[str, Sequence[JsonValue]]
"""Parameter to values, the most telling first; and operation to parameters that each of its questions needs."""


class NoSample(LookupError):
    """An operation cannot be asked with the sample values at hand."""


def questions(source: Source, operations: Mapping[str, Operation], samples: Samples) -> Iterator[SourceRequest]:
    """Yield for each operation one question with what it requires, and one for each further value of each parameter.

    Raises:
        NoSample: a parameter has no value, or no combination is valid.
    """
    for name, operation in operations.items():
        asked = list(_variants(source, name, operation, samples))
        if not asked:
            raise NoSample(f"no sample values make a valid {source.value} {name!r}: add values in the test's samples")
        yield from asked


def _variants(source: Source, name: str, operation: Operation, samples: Samples) -> Iterator[SourceRequest]:
    values = {parameter: _values(source, name, operation, parameter, samples) for parameter in sorted(operation.names)}
    base: dict[str, JsonValue] = {parameter: values[parameter][0] for parameter in sorted(operation.required)}
    needed = {key: value for more in samples.get(name, ()) if isinstance(more, dict) for key, value in more.items()}
    seen: list[dict[str, JsonValue]] = []
    tried = [base, *({**base, parameter: value} for parameter, some in values.items() for value in some)]
    for parameters in ({**one, **needed} for one in tried):
        if parameters in seen or not _valid(operation, parameters):
            continue
        seen.append(parameters)
        yield ask(source, name, parameters)


def _values(source: Source, name: str, operation: Operation, parameter: str, samples: Samples) -> Sequence[JsonValue]:
    if parameter in samples:
        return samples[parameter]
    hint = operation.parameters.model_fields[parameter].annotation
    found = list(_choices(hint))
    if not found:
        raise NoSample(f"{source.value} {name!r}: the parameter {parameter!r} has no sample value; add one")
    return found


def _choices(hint: object) -> Iterator[JsonValue]:
    """Yield all values of a closed choice."""
    if hint is bool:
        yield from (True, False)
    elif typing.get_origin(hint) is typing.Literal:
        yield from typing.get_args(hint)
    elif typing.get_origin(hint) is list:
        yield from ([choice] for choice in _choices(typing.get_args(hint)[0]))
    elif len(inner := [one for one in typing.get_args(hint) if one is not type(None)]) == 1:
        yield from _choices(inner[0])


def _valid(operation: Operation, parameters: Mapping[str, JsonValue]) -> bool:
    try:
        operation.parameters.model_validate(parameters)
    except ValidationError:
        return False
    return True


def ask(source: Source, operation: str, parameters: dict[str, JsonValue], days: int = 29) -> SourceRequest:
    """Build a question about the last days; Stripe keeps events for thirty."""
    now = datetime.now(UTC)
    return SourceRequest(
        source=source,
        operation=operation,
        scope=Scope.SHARED,
        parameters=parameters,
        window=Window(start=now - timedelta(days=days), end=now),
        time_limit=60.0,
    )
