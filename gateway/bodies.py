"""Reads a request's body as raw bytes, within a size and a time, before anything looks into it."""

import asyncio

from starlette.requests import ClientDisconnect, Request

from gateway.answers import Refusal

SIZE_CAP = 1024 * 1024
"""Bytes."""
TIME_CAP = 10.0
"""Seconds for the whole body."""


async def read_json_body(request: Request) -> bytes:
    """Return the body as received, unparsed.

    Raises:
        Refusal: 415 for another content type, 413 for too many bytes whatever Content-Length says, 408 for too slow.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Refusal(415, "unsupported-type", "send application/json")
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and len(announced) < 20 and int(announced) > SIZE_CAP:
        raise _too_large()
    body = bytearray()
    try:
        async with asyncio.timeout(TIME_CAP):
            async for chunk in request.stream():
                body += chunk
                if len(body) > SIZE_CAP:
                    raise _too_large()
    except TimeoutError:
        raise Refusal(408, "slow-body", f"the body did not arrive within {TIME_CAP:g} s") from None
    except ClientDisconnect:
        raise Refusal(400, "disconnected", "the connection closed before the body was whole") from None
    return bytes(body)


def _too_large() -> Refusal:
    return Refusal(413, "too-large", f"a delivery has at most {SIZE_CAP} bytes")
