"""HMAC-SHA256 signatures of webhooks: checked over raw bytes, under every secret, in a time that tells nothing."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

WINDOW = timedelta(seconds=300)
"""How far a signed time may lie from ours, in both directions."""

_KEYS_AT_LEAST = 2
_CLAIMS_AT_MOST = 8


class Signatures:
    """The keys of one receiver. Without any key nothing ever matches, at the same cost.

    A rotation has two secrets, so one key or none is filled up with random ones: how long a refusal takes tells neither
    that a rotation is going on nor that a tenant exists.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        """Keep the keys.

        Raises:
            ValueError: an empty key, under which anybody can sign.
        """
        if not all(keys):
            raise ValueError("a webhook secret is empty; anybody could sign with it: set it to the vendor's secret")
        fill = [secrets.token_bytes(32) for _ in range(_KEYS_AT_LEAST - len(keys))]
        self._keys = (*keys, *fill)

    def match(self, signed_before: bytes, body: bytes, claims: Sequence[str]) -> bool:
        """Whether one of the claimed signatures (Base64 text) is that of `signed_before + body` under one of the keys.

        The text is compared, not what it decodes to: Base64 has several spellings of the same bytes.
        """
        given = [claim.encode("utf-8", "surrogatepass") for claim in claims[:_CLAIMS_AT_MOST]]
        good = False
        for key in self._keys:
            mac = hmac.new(key, signed_before, hashlib.sha256)
            mac.update(body)
            expected = base64.b64encode(mac.digest())
            for claim in given:
                good |= hmac.compare_digest(expected, claim)
        return good


def is_current(signed_at: datetime, now: datetime) -> bool:
    """Whether a signed time lies within the window around now."""
    return abs(now - signed_at) <= WINDOW
