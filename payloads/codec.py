"""Encrypts every payload before Temporal sees it; whoever has the keyring reads it again, under old keys too."""

from collections.abc import Iterable, Sequence

from temporalio.api.common.v1 import Payload
from temporalio.converter import PayloadCodec

from keys.keyring import Keyring

PURPOSE = "temporal payloads"
ENCODING = b"binary/encrypted"
KEY_ID = "encryption-key-id"
_AAD = b"whydesk temporal payload 1"
"""Not the workflow's id: who decodes for the UI, an export or a schedule is not told it."""


class KeyringCodec(PayloadCodec):
    """AES-256-GCM under a key that is derived for payloads; the key's id stands in the metadata.

    What is not encrypted passes as it is, so that histories from before still read.
    """

    def __init__(self, keyring: Keyring) -> None:
        """Take the master keys: the current one encrypts, all of them decrypt."""
        self._keyring = keyring.derive(PURPOSE)

    async def encode(self, payloads: Iterable[Payload]) -> list[Payload]:
        """Encrypt each payload with its metadata."""
        return self.encrypt(payloads)

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Decrypt what is encrypted.

        Raises:
            UnknownKeyError: a key is missing. Not an `ApplicationError`, on purpose: a workflow task that fails with it is
                tried again until the key is there, and no run is lost.
            SealBrokenError: it was altered.
        """
        return self.decrypt(payloads)

    def encrypt(self, payloads: Iterable[Payload]) -> list[Payload]:
        """Do the work of `encode`, which waits for nothing."""
        metadata = {"encoding": ENCODING, KEY_ID: self._keyring.current.encode()}
        return [
            Payload(metadata=metadata, data=self._keyring.seal(payload.SerializeToString(), _AAD))
            for payload in payloads
        ]

    def decrypt(self, payloads: Iterable[Payload]) -> list[Payload]:
        """Do the work of `decode`."""
        return [self._decrypted(payload) if is_encrypted(payload) else payload for payload in payloads]

    def _decrypted(self, payload: Payload) -> Payload:
        # A key id that is no UTF-8 is none of ours; the message shows it all the same.
        key_id = payload.metadata[KEY_ID].decode(errors="replace")
        return Payload.FromString(self._keyring.open(payload.data, key_id, _AAD))


def is_encrypted(payload: Payload) -> bool:
    """Whether a keyring codec made it."""
    return payload.metadata.get("encoding") == ENCODING and KEY_ID in payload.metadata
