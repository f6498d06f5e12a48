"""Looks for texts in bytes, as whoever gets hold of a disk would: in clear, in Base64, JSON's escapes and compressed parts."""

import base64
import contextlib
import json
import re
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

import zstandard

from sandbox.world import World

_ZSTD = b"\x28\xb5\x2f\xfd"
_ZLIB = re.compile(rb"\x78[\x01\x5e\x9c\xda]|\x1f\x8b\x08")
_UNPACKED_CAP = 4_000_000
_START = 6
"""Bytes; a text is looked for where something begins like it."""


class _Unpacker(Protocol):
    """What zlib and zstandard have in common."""

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: memoryview, /) -> bytes: ...


def needles(world: World) -> dict[str, list[str]]:
    """Return what belongs to the customers of a world, by kind: people, companies, what they wrote, and what names them."""
    contacts = [contact for customer in world.customers for contact in customer.contacts]
    tickets = world.tickets.tickets
    said = [text for one in tickets for text in (one.subject, one.body, *(reply.body for reply in one.replies))]
    billing = world.billing
    addresses = [one.email for one in contacts] + [one.requester.email for one in tickets]
    named = [one.id for one in billing.customers] + [one.id for one in billing.subscriptions]
    kinds = {
        "people": [one.name for one in contacts if " " in one.name] + [one.requester.name for one in tickets],
        "addresses": [*addresses, *(one.email for one in billing.customers)],
        "companies": [text for one in world.customers for text in (one.name, one.domain)]
        + [endpoint.host for one in world.customers for endpoint in one.endpoints],
        "texts": [line.strip() for text in said for line in text.splitlines() if len(line.strip()) > 20],
        "keys": [key.id for one in world.customers for key in one.keys]
        + [endpoint.id for one in world.customers for endpoint in one.endpoints],
        "customers": [one.id for one in world.customers],
        "billing": named
        + [one.id for one in billing.charges]
        + [one.id for one in billing.events]
        + [text for one in billing.invoices for text in (one.id, one.number)]
        + [card.id for one in billing.customers for card in one.cards],
    }
    return {kind: sorted({text for text in found if len(text) > 5}) for kind, found in kinds.items()}


class Search:
    """A search for many texts at once, whatever their case."""

    def __init__(self, texts: Iterable[str]) -> None:
        """Prepare every form in which a text may stand."""
        self._by_start: dict[bytes, dict[bytes, set[str]]] = {}
        for text in texts:
            for form in _forms(text):
                folded = form.lower()
                # In Base64 texts that differ in the last character alone look alike.
                self._by_start.setdefault(folded[:_START], {}).setdefault(folded, set()).add(text)

    def found_in(self, data: bytes) -> set[str]:
        """Return the texts that the bytes hold, also inside what is compressed there."""
        return {text for part in (data, *_unpacked(data)) for text in self._found(part.lower())}

    def _found(self, data: bytes) -> Iterator[str]:
        starts = self._by_start
        for at in range(len(data) - _START + 1):
            if (forms := starts.get(data[at : at + _START])) is not None:
                yield from (text for form, texts in forms.items() if data.startswith(form, at) for text in texts)


def _forms(text: str) -> Iterator[bytes]:
    for plain in {text.encode(), json.dumps(text)[1:-1].encode(), json.dumps(text, ensure_ascii=False)[1:-1].encode()}:
        yield plain
        for shift in range(3):
            # Without the first and the last characters, which what stands before and after it decides too.
            encoded = base64.b64encode(b"\0" * shift + plain)
            inner = encoded[(0, 2, 3)[shift] : (shift + len(plain)) * 8 // 6]
            if len(inner) > _START:
                yield inner


def _unpacked(data: bytes) -> Iterator[bytes]:
    view = memoryview(data)
    start = data.find(_ZSTD)
    while start >= 0:
        yield _attempt(zstandard.ZstdDecompressor().decompressobj(), view[start:])
        start = data.find(_ZSTD, start + 1)
    for match in _ZLIB.finditer(data):
        yield _attempt(zlib.decompressobj(47), view[match.start() :])


def _attempt(unpacker: _Unpacker, data: memoryview) -> bytes:
    """Unpack as far as it goes: a page of a database may end in the middle of it."""
    found = b""
    # What ends a stream in the middle, or is none, is what most of these are.
    with contextlib.suppress(zlib.error, zstandard.ZstdError):
        for start in range(0, len(data), 512):
            found += unpacker.decompress(data[start : start + 512])
            if unpacker.unused_data or len(found) > _UNPACKED_CAP:
                break
    return found


def bytes_of_database(path: Path) -> Mapping[str, bytes]:
    """Return a SQLite database's files as they are, with its write-ahead log, and besides all values of each table."""
    files = {file.name: file.read_bytes() for file in sorted(path.parent.glob(f"{path.name}*"))}
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            rows = database.execute(f'SELECT * FROM "{table}"')
            files[f"{path.name}:{table}"] = b"\n".join(_value(value) for row in rows for value in row)
    database.close()
    return files


def _value(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()
