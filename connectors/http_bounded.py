"""Reading an answer without ever holding more of it than a cap allows, compressed or not."""

import zlib
from collections.abc import AsyncIterator
from typing import TypeVar

import httpx

from connectors.base import Unavailable
from connectors.http_failures import Declined, place
from models.vocabulary import EvidenceStatus

Body = TypeVar("Body", bytes, bytearray)

_CHUNK = 64 * 1024


async def read_bounded(response: httpx.Response, cap: int) -> bytes:
    """Read a streamed response, never holding more than `cap` decompressed bytes.

    Raises:
        Declined: larger than the cap.
        Unavailable: a compression that was not asked for, or a stream that does not decompress.
    """
    encoding = response.headers.get("content-encoding", "identity").lower()
    if response.is_stream_consumed:
        return _within(await response.aread(), cap)
    if encoding not in ("identity", "", "gzip", "x-gzip"):
        raise Unavailable(f"{place(str(response.url))} answered in encoding {encoding!r}; gzip was asked for")
    body = bytearray()
    chunks = response.aiter_raw(_CHUNK)
    async for part in _inflate(chunks) if encoding in ("gzip", "x-gzip") else chunks:
        body += part
        _within(body, cap)
    return bytes(body)


def inflate_bounded(content: bytes, cap: int) -> bytes:
    """Decompress a gzip file that is held whole.

    Raises:
        Declined: larger than `cap` bytes when decompressed.
        Unavailable: no gzip, or cut off.
    """
    inflate = zlib.decompressobj(wbits=31)
    try:
        body = inflate.decompress(content, cap + 1)
    except zlib.error:
        raise Unavailable("the compressed file does not decompress; it was cut or mangled on the way") from None
    _within(body, cap)
    if not inflate.eof:
        raise Unavailable("the compressed file was cut off")
    return body


def _within(body: Body, cap: int) -> Body:
    if len(body) > cap:
        raise Declined(EvidenceStatus.FAILED, f"the answer is larger than {cap} bytes; ask for less")
    return body


async def _inflate(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    # httpx would inflate a whole chunk at once, and 64 KiB can hold 64 MiB of zeros.
    inflate = zlib.decompressobj(wbits=31)
    try:
        async for chunk in chunks:
            while chunk:
                yield inflate.decompress(chunk, _CHUNK)
                chunk = inflate.unconsumed_tail
        yield inflate.flush()
    except zlib.error:
        raise Unavailable("the answer does not decompress; it was cut or mangled on the way") from None
    if not inflate.eof:
        raise Unavailable("the compressed answer was cut off")
