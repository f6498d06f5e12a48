"""ClickHouse values to JSON scalars, and JSON values to what ClickHouse's parameters take."""

import math
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from pydantic import JsonValue

from connectors.answers import iso, read_moment
from models.base import Row

_PLACEHOLDER = re.compile(r"\{\s*([A-Za-z_]\w*)\s*:\s*([^{}]+?)\s*\}")
_STRINGS = re.compile(r"'(?:[^'\\]|\\.|'')*'", re.DOTALL)


def placeholders(sql: str) -> dict[str, str]:
    """Return the parameters that a text names, with their types; braces inside strings are text."""
    found = _STRINGS.sub(lambda match: "'UTC'" if match[0] == "'UTC'" else "''", sql)
    return {match[1]: match[2] for match in _PLACEHOLDER.finditer(found)}


def bind_value(name: str, kind: str, value: JsonValue) -> object:
    """Return a JSON value as the driver sends it for a type: times become ClickHouse's own spelling, in UTC.

    Raises:
        ValueError: a time that is none, or an object.
    """
    if isinstance(value, list):
        inner = re.sub(r"^Array\((.*)\)$", r"\1", kind)
        return [bind_value(name, inner, item) for item in value]
    if isinstance(value, dict):
        raise ValueError(f"the parameter {name!r} is an object; give a scalar or a list")
    if value is not None and re.match(r"(Nullable\()?Date", kind):
        moment = read_moment(value)
        if moment is None:
            raise ValueError(f"the parameter {name!r} is a {kind} and {value!r} is no time; give ISO 8601 with a zone")
        return _time_text(moment, kind)
    return value


def _time_text(moment: datetime, kind: str) -> str:
    moment = moment.astimezone(UTC)
    if "DateTime64" in kind:
        return moment.strftime("%Y-%m-%d %H:%M:%S.%f")
    return moment.strftime("%Y-%m-%d %H:%M:%S" if "DateTime" in kind else "%Y-%m-%d")


def row_of(names: Sequence[str], values: Sequence[object]) -> Row:
    """Return one row as JSON scalars: times ISO 8601 in UTC, decimals as text, what is no number None, lists joined."""
    return {name: scalar(value) for name, value in zip(names, values, strict=True)}


def scalar(value: object) -> JsonValue:
    """Return one ClickHouse value as a JSON scalar."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Decimal):
        return format(value, "f")
    return _text_of(value)


def _text_of(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    if isinstance(value, dict):
        return ", ".join(f"{key}={scalar(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join("" if (item := scalar(entry)) is None else str(item) for entry in value)
    return str(value)
