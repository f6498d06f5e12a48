"""What a history says to whoever opens it: all of its texts, with the payloads decoded."""

import base64
import binascii
import json
from collections.abc import Iterator

from pydantic import JsonValue
from temporalio.client import WorkflowHistory


def readable(history: WorkflowHistory) -> str:
    """Return every text of a history, one a line.

    Its JSON form keeps payloads and search attributes as Base64, in which nothing personal could ever be found.
    """
    return "\n".join(_texts(json.loads(history.to_json())))


def _texts(value: JsonValue) -> Iterator[str]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield name
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, str):
        yield value
        decoded = _decoded(value)
        if decoded is not None:
            yield decoded


def _decoded(value: str) -> str | None:
    """Return what a Base64 text holds, with its characters written out instead of as JSON's escapes."""
    try:
        text = base64.b64decode(value, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    try:
        return json.dumps(json.loads(text), ensure_ascii=False)
    except json.JSONDecodeError:
        return text
