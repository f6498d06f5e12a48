"""The codec: what it encrypts only the keyring reads, under old keys too, and what is plain stays plain."""

import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st
from temporalio.api.common.v1 import Payload
from temporalio.exceptions import ApplicationError

from keys.keyring import Keyring, KeyringError, SealBrokenError, UnknownKeyError
from payloads.codec import ENCODING, KEY_ID, KeyringCodec, is_encrypted
from tests.master_keys import KEYRING

CODEC = KeyringCodec(KEYRING)
TICKET = Payload(metadata={"encoding": b"json/plain", "kind": b"ticket"}, data=b'{"subject": "Billed twice"}')


@given(
    st.lists(
        st.builds(Payload, metadata=st.dictionaries(st.text(max_size=20), st.binary(max_size=20)), data=st.binary())
    )
)
async def test_payloads_come_back_as_they_were(payloads: list[Payload]) -> None:
    encrypted = await CODEC.encode(payloads)
    assert len(encrypted) == len(payloads)
    assert await CODEC.decode(encrypted) == payloads


async def test_neither_data_nor_metadata_can_be_read_without_the_key() -> None:
    [encrypted] = await CODEC.encode([TICKET])
    assert dict(encrypted.metadata) == {"encoding": ENCODING, KEY_ID: b"tests"}
    seen = encrypted.SerializeToString()
    for part in (b"Billed", b"subject", b"json/plain", b"ticket"):
        assert part in TICKET.SerializeToString()
        assert part not in seen


async def test_what_is_not_encrypted_passes() -> None:
    others = [
        TICKET,
        Payload(metadata={"encoding": b"binary/null"}),
        Payload(metadata={"encoding": ENCODING}, data=b"another's, without a key's id"),
        Payload(),
    ]
    assert await CODEC.decode(others) == others
    assert not any(map(is_encrypted, others))


async def test_keys_are_rotated_without_losing_what_the_old_one_encrypted() -> None:
    [before] = await CODEC.encode([TICKET])
    rotated = KeyringCodec(Keyring((*Keyring.generate("next").keys, *KEYRING.keys)))
    [after] = await rotated.encode([TICKET])
    assert await rotated.decode([before, TICKET, after]) == [TICKET] * 3
    assert after.metadata[KEY_ID] == b"next"
    with pytest.raises(UnknownKeyError, match=r"no key 'next' in the keyring, which holds tests; add its line"):
        await CODEC.decode([before, after])


async def test_it_never_uses_a_master_key_itself() -> None:
    [encrypted] = await CODEC.encode([TICKET])
    for keyring in (KEYRING, KEYRING.derive("something else")):
        with pytest.raises(SealBrokenError):
            keyring.open(encrypted.data, "tests", b"whydesk temporal payload 1")


@pytest.mark.parametrize("key_id", [b"tests2", b"\xff\xfe", b""])
async def test_what_cannot_be_read_fails_the_task_and_not_the_run(key_id: bytes) -> None:
    """An ApplicationError would end the run for good; any other error is tried again until the key is there."""
    [encrypted] = await CODEC.encode([TICKET])
    moved = Payload(metadata={"encoding": ENCODING, KEY_ID: key_id}, data=encrypted.data)
    with pytest.raises(KeyringError) as raised:
        await CODEC.decode([moved])
    assert not isinstance(raised.value, ApplicationError)


async def test_an_altered_payload_is_refused_without_a_word_of_it() -> None:
    [encrypted] = await CODEC.encode([TICKET])
    for data in (encrypted.data[:-1], encrypted.data + b"x", b"", encrypted.data[::-1]):
        with pytest.raises(SealBrokenError) as raised:
            await CODEC.decode([Payload(metadata=encrypted.metadata, data=data)])
        assert "Billed" not in "".join(traceback.format_exception(raised.value))
