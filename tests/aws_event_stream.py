"""Amazon's event stream, written: lengths with a checksum, headers, payload, checksum of all.

Source: smithy.io, "Amazon Event Stream specification".
"""

import base64
import json
import struct
import zlib
from collections.abc import Mapping

from pydantic import JsonValue

_STRING = 7


def aws_event(event: Mapping[str, JsonValue]) -> bytes:
    """Frame one event of a model's stream as Bedrock sends it."""
    chunk = {"bytes": base64.b64encode(json.dumps(event).encode()).decode()}
    headers = {":event-type": "chunk", ":content-type": "application/json", ":message-type": "event"}
    return _frame(headers, json.dumps(chunk).encode())


def aws_error(kind: str) -> bytes:
    """Frame an error in a stream, such as `throttlingException`."""
    headers = {":exception-type": kind, ":content-type": "application/json", ":message-type": "exception"}
    return _frame(headers, b'{"message":"the far end says no, quoting: jane@acme.example"}')


def _frame(headers: Mapping[str, str], payload: bytes) -> bytes:
    head = b"".join(
        struct.pack("!B", len(name)) + name.encode() + struct.pack("!BH", _STRING, len(value)) + value.encode()
        for name, value in headers.items()
    )
    prelude = struct.pack("!II", 16 + len(head) + len(payload), len(head))
    message = prelude + struct.pack("!I", zlib.crc32(prelude)) + head + payload
    return message + struct.pack("!I", zlib.crc32(message))
