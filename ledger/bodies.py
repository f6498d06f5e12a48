"""How a body lies in the ledger: compressed, then sealed with a data key; what older versions wrote is compressed alone."""

import zstandard
from sqlalchemy import Connection, and_, or_, select

from keys.keyring import SealBrokenError
from ledger.base import BodyMissing, LedgerError
from ledger.data_keys import DataKey, Vault, WrappedKey
from ledger.database import matching
from ledger.tables import BodyRow
from ledger.tables_keys import DataKeyRow
from models.base import digest_of

PLAIN = "zstd"
"""What versions before encryption wrote; `whydesk keys rotate` seals it."""
SEALED = "zstd+aes-256-gcm"
"""What bodies are written with."""
_LEVEL = 3
_KEY_OF_BODY = and_(
    DataKeyRow.tenant == BodyRow.tenant,
    DataKeyRow.subject == BodyRow.subject,
    DataKeyRow.generation == BodyRow.generation,
)
_READABLE = (
    select(BodyRow.codec, BodyRow.data, BodyRow.subject, BodyRow.generation, DataKeyRow.wrapped, DataKeyRow.master)
    .outerjoin(DataKeyRow, _KEY_OF_BODY)
    .where(*matching(BodyRow, "tenant", "digest"))
    .where(or_(BodyRow.codec != SEALED, DataKeyRow.wrapped.is_not(None)))
    .limit(1)
)


def pack(digest: str, body: bytes, key: DataKey) -> tuple[str, bytes]:
    """Return the codec's name and the bytes to store."""
    # A compressor keeps state and is not safe to share between threads; making one costs microseconds.
    return SEALED, key.seal(zstandard.ZstdCompressor(level=_LEVEL).compress(body), digest)


def unpack(digest: str, codec: str, data: bytes, key: DataKey | None) -> bytes:
    """Return the body, once it is sure to be the one that the digest names.

    Raises:
        LedgerError: unknown codec, or the bytes are not what was stored.
    """
    if codec not in (PLAIN, SEALED):
        raise LedgerError(
            f"body {digest!r} is written with the codec {codec!r}; this version reads {SEALED!r}: update Whydesk"
        )
    try:
        if codec == SEALED:
            if key is None:
                raise BodyMissing(f"body {digest!r} was erased; investigate again")
            data = key.open(data, digest)
        body = zstandard.ZstdDecompressor().decompress(data)
    except SealBrokenError:
        raise LedgerError(
            f"body {digest!r} was altered or lies in another's place: restore the ledger from a backup"
        ) from None
    except zstandard.ZstdError as error:
        raise LedgerError(f"body {digest!r} cannot be decompressed: restore the ledger from a backup") from error
    if digest_of(body) != digest:
        raise LedgerError(f"body {digest!r} has other content than its digest says: restore the ledger from a backup")
    return body


def load_body(connection: Connection, vault: Vault, tenant: str, digest: str) -> bytes:
    """Return a tenant's body; of several that hold the same, one whose key is not erased.

    Raises:
        BodyMissing: there is none.
        LedgerError: it cannot be opened.
    """
    row = connection.execute(_READABLE, {"tenant": tenant, "digest": digest}).one_or_none()
    if row is None:
        raise BodyMissing(f"tenant {tenant!r} has no body {digest!r}: erased, or never stored; investigate again")
    if row.codec != SEALED:
        return unpack(digest, row.codec, row.data, None)
    wrapped = WrappedKey(tenant, row.subject, row.generation, row.wrapped or b"", row.master or "")
    return unpack(digest, row.codec, row.data, vault.unwrap(wrapped))
