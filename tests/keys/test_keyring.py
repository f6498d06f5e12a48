"""The keyring: what it seals only it opens, and no message or repr of it shows a key."""

import base64
import dataclasses
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.keyring import Keyring, KeyringError, SealBrokenError, UnknownKeyError

OLD = Keyring((("old", bytes(range(32))),))
BOTH = Keyring((("new", bytes(range(1, 33))), *OLD.keys))


@given(st.binary(max_size=300), st.binary(max_size=30))
def test_what_is_sealed_opens_with_the_same_key_and_place(data: bytes, aad: bytes) -> None:
    sealed = BOTH.seal(data, aad)
    assert BOTH.open(sealed, BOTH.current, aad) == data
    assert len(sealed) == len(data) + 28


def test_the_same_data_sealed_twice_differs() -> None:
    assert len({BOTH.seal(b"same", b"") for _ in range(100)}) == 100


def test_after_rotation_old_seals_open_and_new_ones_are_made_with_the_first_key() -> None:
    sealed = OLD.seal(b"invoice", b"place")
    assert BOTH.open(sealed, "old", b"place") == b"invoice"
    assert BOTH.current == "new"
    with pytest.raises(UnknownKeyError, match=r"no key 'new' .* holds old; add its line to what WHYDESK_MASTER_KEYS"):
        OLD.open(BOTH.seal(b"invoice", b"place"), "new", b"place")


@pytest.mark.parametrize("position", [0, 12, 20, -1])
def test_every_altered_byte_is_noticed(position: int) -> None:
    sealed = bytearray(BOTH.seal(b"a secret sentence", b"place"))
    sealed[position] ^= 1
    with pytest.raises(SealBrokenError, match="key 'new' does not open this"):
        BOTH.open(bytes(sealed), "new", b"place")


def test_another_place_another_key_and_a_cut_are_noticed_without_telling_the_content() -> None:
    sealed = BOTH.seal(b"a secret sentence", b"place")
    other = Keyring((("new", bytes(32)),))
    for ring, data, aad in ((BOTH, sealed, b"elsewhere"), (other, sealed, b"place"), (BOTH, sealed[:27], b"place")):
        with pytest.raises(SealBrokenError) as raised:
            ring.open(data, "new", aad)
        told = "".join(traceback.format_exception(raised.value))
        assert "secret sentence" not in told
        assert repr(sealed) not in told


def test_the_text_form_is_read_back_with_comments_commas_and_blank_lines() -> None:
    lines = BOTH.text().splitlines()
    assert Keyring.parse(BOTH.text()) == BOTH
    assert Keyring.parse(f"# since May\n\n{lines[0]}  # current\r\n{lines[1]}") == BOTH
    assert Keyring.parse(",".join(lines)) == BOTH


def test_a_generated_keyring_has_one_fresh_key() -> None:
    one, other = Keyring.generate(), Keyring.generate()
    assert one.ids != other.ids
    assert one.keys[0][1] != other.keys[0][1]
    assert Keyring.generate("mine").ids == ("mine",)
    assert Keyring.parse(one.text()) == one


def test_a_purpose_has_keys_of_its_own_and_the_same_ids() -> None:
    payloads, bodies = BOTH.derive("payloads"), BOTH.derive("bodies")
    assert payloads.ids == bodies.ids == BOTH.ids
    assert len({ring.keys[0][1] for ring in (BOTH, payloads, bodies)}) == 3
    assert payloads == BOTH.derive("payloads")
    with pytest.raises(SealBrokenError):
        bodies.open(payloads.seal(b"x", b""), "new", b"")


def test_derived_keys_stay_what_they_are() -> None:
    """What was sealed by an earlier release must open: the derivation is part of the format."""
    assert OLD.derive("temporal payloads").keys[0][1].hex() == (
        "b6ec29a249fb3051cbccd405922c56bb7e48802d36189b68f5f172fd8334e9b5"
    )


KEY = base64.b64encode(bytes(range(32))).decode()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the keyring is empty"),
        ("# nothing\n", "the keyring is empty"),
        (KEY, "entry 1 of the keyring is not `id:base64`"),
        (f"a:{KEY}\n{KEY}", "entry 2 of the keyring is not `id:base64`"),
        (f"a:{KEY}=", "key 'a' .entry 1 of the keyring. is not base64"),
        (f"a:{KEY[:-4]}", "key 'a' has 30 bytes instead of 32"),
        (f"a:{KEY} a:{KEY}", "has 'a' more than once"),
        (f":{KEY}", "entry 1 of the keyring is not"),
    ],
)
def test_a_malformed_keyring_is_refused_without_showing_a_key(text: str, message: str) -> None:
    with pytest.raises(KeyringError, match=message) as raised:
        Keyring.parse(text)
    assert KEY[:12] not in "".join(traceback.format_exception(raised.value))


def test_no_repr_shows_a_key() -> None:
    shown = f"{BOTH!r} {BOTH} {[BOTH]} {BOTH.derive('x')!r}"
    assert "new" in shown
    for _, key in BOTH.keys:
        assert key.hex() not in shown
        assert repr(key)[2:-1] not in shown
        assert base64.b64encode(key).decode() not in shown


def test_it_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        BOTH.keys = OLD.keys  # type: ignore[misc]  # that is the point
