"""The codec server: who may ask, from where, that each answer is in the audit first, and that it decrypts nothing otherwise."""

import base64
import json
from collections.abc import Sequence

import httpx
import pytest
from google.protobuf.json_format import MessageToJson, Parse
from temporalio.api.common.v1 import Payload, Payloads

from keys.keyring import Keyring
from payloads.access import Access, SharedToken, WhoeverIsHere
from payloads.codec import KeyringCodec
from payloads.codec_server import SIZE_CAP, Decoded, create_codec_app
from tests.master_keys import KEYRING

UI = "http://127.0.0.1:8233"
TICKET = Payload(metadata={"encoding": b"json/plain"}, data=b'{"subject": "Zweimal abgebucht"}')
JSON = {"content-type": "application/json"}
BEARER = {"authorization": "Bearer s3cret"}


class Written:
    """An audit that remembers, or fails."""

    def __init__(self, error: Exception | None = None) -> None:
        self.entries: list[Decoded] = []
        self._error = error

    async def __call__(self, decoded: Decoded) -> None:
        if self._error:
            raise self._error
        self.entries.append(decoded)


def calling(audit: Written, access: Access | None = None, hosts: Sequence[str] = ()) -> httpx.AsyncClient:
    """Call a server without a socket."""
    app = create_codec_app(KEYRING, access or SharedToken("s3cret"), audit, origins=[UI], hosts=hosts)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://127.0.0.1:8089")


def body(*payloads: Payload) -> str:
    """Write payloads as the UI sends them."""
    return MessageToJson(Payloads(payloads=payloads))


def sealed(payload: Payload = TICKET, keyring: Keyring = KEYRING) -> Payload:
    [one] = KeyringCodec(keyring).encrypt([payload])
    return one


async def test_payloads_are_decoded_and_the_decoding_is_written_down() -> None:
    audit = Written()
    headers = {**JSON, **BEARER, "x-namespace": "default", "origin": UI}
    plain = Payload(metadata={"encoding": b"binary/null"})
    async with calling(audit) as http:
        answer = await http.post(
            "/decode?preserveStorageRefs=true", content=body(sealed(), plain, sealed()), headers=headers
        )
    assert answer.status_code == 200
    assert list(Parse(answer.text, Payloads()).payloads) == [TICKET, plain, TICKET]
    assert answer.headers["access-control-allow-origin"] == UI
    assert answer.headers["cache-control"] == "no-store"
    assert audit.entries == [Decoded("token", "default", 2, ("tests",))]


async def test_the_browser_is_told_what_it_may_send() -> None:
    asked = {
        "origin": UI,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type,x-namespace",
    }
    async with calling(Written()) as http:
        told = await http.options("/decode", headers=asked)
        foreign = await http.options("/decode", headers={**asked, "origin": "http://127.0.0.1:9999"})
    assert told.status_code == 200
    assert told.headers["access-control-allow-origin"] == UI
    assert {"authorization", "content-type", "x-namespace"} <= set(
        told.headers["access-control-allow-headers"].lower().split(", ")
    )
    assert foreign.status_code == 403
    assert "access-control-allow-origin" not in foreign.headers


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer ", "Bearer wrong", "Basic s3cret", "Bearer s3cret2", "s3cret", "Bearer ß"]
)
async def test_without_the_token_nothing_is_decoded(authorization: str) -> None:
    audit = Written()
    async with calling(audit) as http:
        answer = await http.post(
            "/decode",
            content=body(sealed()),
            headers=httpx.Headers({**JSON, "authorization": authorization}, encoding="utf-8"),
        )
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert (audit.entries, "Zweimal" in answer.text) == ([], False)


@pytest.mark.parametrize("origin", ["http://evil.example.com", "null", "http://127.0.0.1:8234", f"{UI}.example.com"])
async def test_pages_of_another_origin_are_refused_even_with_the_token(origin: str) -> None:
    audit = Written()
    async with calling(audit) as http:
        answer = await http.post("/decode", content=body(sealed()), headers={**JSON, **BEARER, "origin": origin})
    assert answer.status_code == 403
    assert audit.entries == []


async def test_without_a_token_only_this_machines_own_name_is_answered() -> None:
    """DNS rebinding: a page whose name leads to loopback asks as its own origin and sends its own name."""
    audit = Written()
    async with calling(audit, WhoeverIsHere(), ["127.0.0.1:8089", "localhost:8089"]) as http:
        for host, status in (
            ("127.0.0.1:8089", 200),
            ("LOCALHOST:8089", 200),
            ("rebound.example.com:8089", 421),
            ("127.0.0.1", 421),
            ("", 421),
        ):
            answer = await http.post("/decode", content=body(sealed()), headers={**JSON, "host": host})
            assert answer.status_code == status, host
    assert [entry.who for entry in audit.entries] == ["loopback"] * 2


async def test_what_cannot_be_written_down_is_not_decoded() -> None:
    async with calling(Written(OSError("disk full"))) as http:
        answer = await http.post("/decode", content=body(sealed()), headers={**JSON, **BEARER})
        plain = await http.post("/decode", content=body(TICKET), headers={**JSON, **BEARER})
    assert answer.status_code == 503
    assert base64.b64encode(TICKET.data).decode() not in answer.text
    assert plain.status_code == 200, "nothing was read that needed a key"


async def test_what_does_not_open_says_which_key() -> None:
    audit = Written()
    unknown = sealed(keyring=Keyring.generate("2031-01"))
    altered = Payload(metadata=sealed().metadata, data=sealed().data[:-1])
    async with calling(audit) as http:
        for payload, says in (
            (unknown, "no key '2031-01' in the keyring"),
            (altered, "key 'tests' does not open this"),
        ):
            answer = await http.post("/decode", content=body(sealed(), payload), headers={**JSON, **BEARER})
            assert answer.status_code == 422
            assert says in answer.json()["detail"]
    assert audit.entries == []


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        ("", "application/json", 400),
        ('["x"]', "application/json", 400),
        ("\x00", "application/json", 400),
        ('{"payloads": 5}', "application/json", 400),
        ('{"payloads": [{"unknown": 1}]}', "application/json", 400),
        ("[" * 100_000, "application/json", 400),
        ('{"payloads": []}', "text/plain", 415),
        ('{"payloads": []}', "application/x-www-form-urlencoded", 415),
        ('{"payloads": []}', "application/json; charset=utf-8", 200),
        ("{}", "application/json", 200),
    ],
)
async def test_a_body_that_is_none_is_refused(content: str, kind: str, status: int) -> None:
    async with calling(Written()) as http:
        answer = await http.post("/decode", content=content, headers={"content-type": kind, **BEARER})
    assert answer.status_code == status


async def test_a_body_without_end_is_cut_off() -> None:
    async def endless() -> object:
        while True:
            yield b"x" * 1_000_000

    async with calling(Written()) as http:
        answer = await http.post("/decode", content=endless(), headers={**JSON, **BEARER})  # type: ignore[arg-type]  # httpx wants bytes
    assert answer.status_code == 413
    assert str(SIZE_CAP) in answer.json()["detail"]


async def test_it_encodes_nothing_and_shows_no_pages() -> None:
    async with calling(Written()) as http:
        for path in ("/encode", "/docs", "/openapi.json", "/download", "/"):
            assert (await http.post(path, content=body(TICKET), headers={**JSON, **BEARER})).status_code == 404
        assert (await http.get("/decode", headers=BEARER)).status_code == 405
        assert json.loads((await http.get("/healthz")).text) == {"status": "alive"}
