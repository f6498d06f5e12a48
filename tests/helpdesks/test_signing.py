"""Signatures: keys that cannot be, and a cost that does not tell."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest

from helpdesks.signing import Signatures, is_current


def sign(key: bytes, text: bytes) -> str:
    return base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()


def test_each_key_and_each_claim_counts() -> None:
    signatures = Signatures([b"old", b"new"])
    for key in (b"old", b"new"):
        assert signatures.match(b"1.", b"body", ["AAAA", sign(key, b"1.body")])
    assert not signatures.match(b"1.", b"body", [sign(b"other", b"1.body")])
    assert not signatures.match(b"1.", b"body", [])


def test_an_empty_key_is_refused() -> None:
    with pytest.raises(ValueError, match="empty"):
        Signatures([b"good", b""])


def test_without_keys_nothing_matches() -> None:
    signatures = Signatures([])
    for key in (b"", b"\0" * 32):
        assert not signatures.match(b"", b"body", [sign(key, b"body")])


def test_no_key_one_key_and_a_rotation_do_the_same_work(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[bytes] = []
    real = hmac.new

    def counting(key: bytes, msg: bytes, digestmod: object) -> hmac.HMAC:
        made.append(msg)
        return real(key, msg, hashlib.sha256)

    monkeypatch.setattr(hmac, "new", counting)
    for keys in ([], [b"one"], [b"one", b"two"]):
        made.clear()
        Signatures(keys).match(b"head", b"body", ["claim"])
        assert made == [b"head", b"head"]


def test_text_that_is_not_base64_is_only_wrong() -> None:
    assert not Signatures([b"key"]).match(b"", b"", ["ÿ☃\udc80", "", "=" * 10_000])


@pytest.mark.parametrize(("seconds", "current"), [(0, True), (300, True), (301, False), (-300, True), (-301, False)])
def test_the_window_is_300_seconds_both_ways(seconds: int, current: bool) -> None:
    now = datetime(2026, 11, 21, 10, tzinfo=UTC)
    assert is_current(now + timedelta(seconds=seconds), now) is current
