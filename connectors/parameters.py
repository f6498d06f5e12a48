"""The parameters of an operation, read into a small model of its own, and questions that are asked together."""

import asyncio
from collections.abc import Coroutine, Iterable, Mapping
from typing import Annotated, TypeVar

from pydantic import BeforeValidator, ValidationError

from connectors.answers import check_operation
from connectors.base import Operation
from models.base import Strict
from models.evidence import SourceRequest

T = TypeVar("T")
U = TypeVar("U")


def _one_is_a_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


TextList = Annotated[list[str], BeforeValidator(_one_is_a_list)]
"""A list of strings; one string is a list of one."""


def read_parameters(request: SourceRequest, operations: Mapping[str, Operation]) -> Strict:
    """Return the request's parameters as the model of its operation.

    Raises:
        ValueError: an unknown operation or parameter, or a value of another shape; names those known, never the value.
    """
    check_operation(request, {name: one.names for name, one in operations.items()})
    try:
        return operations[request.operation].parameters.model_validate(request.parameters)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "parameters"
        raise ValueError(f"{request.operation!r} cannot take {where!r}: {first['msg']}") from None


async def ask_together(questions: Iterable[Coroutine[object, object, T]]) -> list[T]:
    """Run several questions at once, in order of their answers; the first failure stops the others and is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(question) for question in questions]
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]


async def ask_both(one: Coroutine[object, object, T], other: Coroutine[object, object, U]) -> tuple[T, U]:
    """Run two questions of different answers at once, otherwise as `ask_together`."""
    try:
        async with asyncio.TaskGroup() as group:
            first, second = group.create_task(one), group.create_task(other)
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return first.result(), second.result()
