"""How a body lies on disk: a codec's name and its bytes. A further codec (encryption) is one more entry here."""

import zstandard

from ledger.base import LedgerError
from models.base import digest_of

CODEC = "zstd"
"""What new bodies are written with."""
_LEVEL = 3


def pack(body: bytes) -> tuple[str, bytes]:
    """Return the codec's name and the bytes to store."""
    # A compressor keeps state and is not safe to share between threads; making one costs microseconds.
    return CODEC, zstandard.ZstdCompressor(level=_LEVEL).compress(body)


def unpack(digest: str, codec: str, data: bytes) -> bytes:
    """Return the body, once it is sure to be the one that the digest names.

    Raises:
        LedgerError: unknown codec, or the bytes are not what was stored.
    """
    if codec != CODEC:
        raise LedgerError(
            f"body {digest!r} is written with the codec {codec!r}; this version reads {CODEC!r}: update Whydesk"
        )
    try:
        body = zstandard.ZstdDecompressor().decompress(data)
    except zstandard.ZstdError as error:
        raise LedgerError(f"body {digest!r} cannot be decompressed: restore the ledger from a backup") from error
    if digest_of(body) != digest:
        raise LedgerError(f"body {digest!r} has other content than its digest says: restore the ledger from a backup")
    return body
