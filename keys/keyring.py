"""The keyring: named 256-bit keys, of which the first seals and every one opens."""

import base64
import binascii
import re
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

KEY_BYTES = 32
_NONCE_BYTES = 12
_TAG_BYTES = 16
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_HOW_TO_MAKE = "make one with `whydesk keys new`"


class KeyringError(Exception):
    """A key is malformed or missing, or does not open what it should; the message never holds key or content."""


class UnknownKeyError(KeyringError):
    """Something was sealed with a key that the keyring does not hold."""

    def __init__(self, key_id: str, known: Iterable[str]) -> None:
        """Name the key that is missing, and those there are."""
        self.key_id = key_id
        super().__init__(
            f"no key {key_id!r} in the keyring, which holds {', '.join(known)}; add its line to what "
            "WHYDESK_MASTER_KEYS names (an old key stays there as long as anything sealed with it is kept)"
        )


class SealBrokenError(KeyringError):
    """The key is there, but the data was altered, cut off, or sealed for another place."""

    def __init__(self, key_id: str) -> None:
        """Name the key that did not open it."""
        self.key_id = key_id
        super().__init__(
            f"key {key_id!r} does not open this: it was altered, sealed for another place, or sealed with another key "
            "of the same id; compare the keyring with the one of the process that wrote it"
        )


@dataclass(frozen=True, repr=False)
class Keyring:
    """Key ids and their 32 bytes, in order: the first is current, and the others still open what they sealed.

    Random 96-bit nonces allow 2**32 seals under one key: put a new key first long before that.
    """

    keys: tuple[tuple[str, bytes], ...]

    def __post_init__(self) -> None:
        """Refuse what cannot seal.

        Raises:
            KeyringError: no key, a malformed id or key, or an id twice.
        """
        if not self.keys:
            raise KeyringError(f"the keyring is empty; {_HOW_TO_MAKE}")
        for key_id, key in self.keys:
            if not _ID.fullmatch(key_id):
                raise KeyringError(
                    f"{key_id!r} is not a key's id: letters, digits, '.', '_' and '-', a letter or digit first, 64 at most"
                )
            if len(key) != KEY_BYTES:
                raise KeyringError(f"key {key_id!r} has {len(key)} bytes instead of {KEY_BYTES}; {_HOW_TO_MAKE}")
        twice = sorted({key_id for key_id in self.ids if self.ids.count(key_id) > 1})
        if twice:
            raise KeyringError(f"the keyring has {', '.join(map(repr, twice))} more than once; an id names one key")

    def __repr__(self) -> str:
        """Show the ids and no key."""
        return f"Keyring({', '.join(self.ids)})"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the text form: `id:base64` by line or separated by commas or blanks; `#` begins a comment.

        Raises:
            KeyringError: says which entry is wrong, by its number and id, and never shows a key.
        """
        return cls(tuple(_entries(text)))

    @classmethod
    def generate(cls, key_id: str | None = None) -> Self:
        """Make a keyring of one new key; its id begins with today's date (UTC) unless given."""
        fresh = f"{datetime.now(UTC):%Y-%m-%d}-{secrets.token_hex(3)}"
        return cls(((key_id or fresh, secrets.token_bytes(KEY_BYTES)),))

    @property
    def ids(self) -> tuple[str, ...]:
        """All key ids, the current one first."""
        return tuple(key_id for key_id, _ in self.keys)

    @property
    def current(self) -> str:
        """The id of the key that `seal` uses; it is kept beside what is sealed."""
        return self.keys[0][0]

    def text(self) -> str:
        """Return the secret text form, which `parse` reads."""
        return "".join(f"{key_id}:{base64.b64encode(key).decode()}\n" for key_id, key in self.keys)

    def derive(self, purpose: str) -> Self:
        """Return a keyring of the same ids for one purpose, so that no two uses share a key (HKDF-SHA256)."""

        def derived(key: bytes) -> bytes:
            # The master keys are uniformly random, so that the extract step of HKDF has nothing to do.
            return HKDFExpand(SHA256(), KEY_BYTES, purpose.encode()).derive(key)

        return type(self)(tuple((key_id, derived(key)) for key_id, key in self.keys))

    def seal(self, data: bytes, aad: bytes) -> bytes:
        """Encrypt and authenticate with the current key (AES-256-GCM): nonce, ciphertext and tag in one.

        Args:
            data: What is hidden.
            aad: What is not hidden but bound to it, such as where it is kept; `open` needs the same.
        """
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + AESGCM(self.keys[0][1]).encrypt(nonce, data, aad)

    def open(self, sealed: bytes, key_id: str, aad: bytes) -> bytes:
        """Return what was sealed with the key of that id.

        Raises:
            UnknownKeyError: the keyring does not hold that key.
            SealBrokenError: the key does not fit, or data or aad are not what was sealed.
        """
        key = dict(self.keys).get(key_id)
        if key is None:
            raise UnknownKeyError(key_id, self.ids)
        if len(sealed) < _NONCE_BYTES + _TAG_BYTES:
            raise SealBrokenError(key_id)
        try:
            return AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], aad)
        except InvalidTag:
            raise SealBrokenError(key_id) from None


def _entries(text: str) -> Iterator[tuple[str, bytes]]:
    without_comments = " ".join(line.partition("#")[0] for line in text.splitlines())
    for number, entry in enumerate(without_comments.replace(",", " ").split(), start=1):
        key_id, colon, encoded = entry.partition(":")
        # Without a colon the whole entry may be a key: it must not be shown.
        if not colon or not _ID.fullmatch(key_id):
            raise KeyringError(f"entry {number} of the keyring is not `id:base64`; {_HOW_TO_MAKE}")
        try:
            key = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            raise KeyringError(
                f"key {key_id!r} (entry {number} of the keyring) is not base64; {_HOW_TO_MAKE}"
            ) from None
        yield key_id, key
