"""What a history says to whoever opens it: all of its texts, with the payloads decoded."""

import base64
import binascii
import copy
import json
from collections.abc import Iterable, Iterator
from typing import TypeVar

from google.protobuf.message import Message
from pydantic import JsonValue
from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.client import WorkflowHistory

from keys.keyring import Keyring
from payloads.codec import KeyringCodec

M = TypeVar("M", bound=Message)


def unsealed(history: WorkflowHistory, keyring: Keyring) -> WorkflowHistory:
    """Return the history in clear, without the stacks of its failures: those in the repository are there to be read."""
    codec = KeyringCodec(keyring)
    opened = copy.deepcopy(history)
    for payload in parts(opened.events, Payload):
        [plain] = codec.decrypt([payload])
        payload.CopyFrom(plain)
    for failure in parts(opened.events, Failure):
        if failure.HasField("encoded_attributes"):
            failure.message = json.loads(failure.encoded_attributes.data)["message"]
            failure.ClearField("encoded_attributes")
    return opened


def parts(messages: Iterable[Message], kind: type[M]) -> Iterator[M]:
    """Yield every part of that kind of Protobuf messages, wherever in them."""
    for message in messages:
        if isinstance(message, kind):
            yield message
        for field, value in message.ListFields():
            if field.message_type is None:
                continue
            if field.message_type.GetOptions().map_entry:
                yield from parts((one for one in value.values() if isinstance(one, Message)), kind)
            else:
                yield from parts(value if field.is_repeated else [value], kind)


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
