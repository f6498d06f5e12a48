"""What an answer must look like, said as models, and what does not fit told as schema drift: by its field, never by its value."""

from datetime import UTC, datetime
from typing import Annotated, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, JsonValue, TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from connectors.http import SchemaDrift

T = TypeVar("T")

_EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "model_type": "an object",
    "dict_type": "an object",
    "moment": "a time",
}


class Shape(BaseModel):
    """The fields of an object that are looked at; others may come and go, and nothing is converted."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)


def _moment(value: object) -> datetime:
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise PydanticCustomError("moment", "no time with a zone")
    return found.astimezone(UTC)


Moment = Annotated[datetime, BeforeValidator(_moment)]
"""ISO 8601 text with a zone, read as UTC."""


def read_shape(shape: TypeAdapter[T], value: JsonValue, what: str) -> T:
    """Return an answer as its shape.

    Args:
        what: Names the answer, as in `invoices`.

    Raises:
        SchemaDrift: it does not fit; names the first field that does not, such as `invoices[0].total`.
    """
    try:
        return shape.validate_python(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = what + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"])
        if first["type"] == "missing":
            raise SchemaDrift(f"{where} is missing") from None
        expected = _EXPECTED.get(first["type"], "what is expected")
        raise SchemaDrift(f"{where} is {_kind(first['input'])}, not {expected}") from None


def _kind(value: object) -> str:
    if value is None:
        return "nothing"
    kinds = {bool: "true or false", int: "a whole number", float: "a number", str: "text", list: "a list"}
    return kinds.get(type(value), "an object")
