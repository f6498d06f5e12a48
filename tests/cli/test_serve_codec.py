"""The codec server as a process: what it refuses to start with, and a payload that is read, which the audit then tells of."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import httpx
import pytest
from google.protobuf.json_format import MessageToJson, Parse
from temporalio.api.common.v1 import Payload, Payloads

from cli.connection import load_settings
from cli.dev_server import free_port
from cli.serve_codec import access_of, hosts_of, origins_of
from ledger.audit import read_entries
from ledger.store import SqlLedger
from payloads.access import OidcToken, SharedToken, WhoeverIsHere
from payloads.codec import KeyringCodec
from settings import ConfigError
from tests.cli.running import CHECKOUT
from tests.master_keys import KEYRING, VARIABLES

TOKEN = {"WHYDESK_CODEC_TOKEN": "env:CODEC_TOKEN", "CODEC_TOKEN": "s3cret"}
OIDC = {"WHYDESK_CODEC_OIDC_ISSUER": "https://idp.example.com", "WHYDESK_CODEC_OIDC_AUDIENCE": "temporal-ui"}


def test_who_may_read_follows_from_what_is_set() -> None:
    assert isinstance(access_of(load_settings({})), WhoeverIsHere)
    assert isinstance(access_of(load_settings({"WHYDESK_CODEC_HOST": "::1"})), WhoeverIsHere)
    assert isinstance(access_of(load_settings({"WHYDESK_CODEC_HOST": "0.0.0.0", **TOKEN})), SharedToken)  # noqa: S104  # is the question
    assert isinstance(access_of(load_settings({"WHYDESK_CODEC_HOST": "10.0.0.7", **OIDC})), OidcToken)


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        (
            {"WHYDESK_CODEC_HOST": "0.0.0.0"},  # noqa: S104  # is the question
            "whoever reaches '0.0.0.0' could read every payload; set WHYDESK_CODEC_TOKEN",
        ),
        ({"WHYDESK_CODEC_OIDC_ISSUER": "https://idp.example.com"}, "set both, or none"),
        ({**OIDC, **TOKEN}, "choose one of the two"),
        ({**OIDC, "WHYDESK_CODEC_OIDC_ISSUER": "http://idp.example.com"}, "does not begin with https://"),
    ],
)
def test_what_would_let_anyone_read_is_refused(environ: dict[str, str], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        access_of(load_settings(environ))


def test_origins_are_the_uis_and_no_pattern() -> None:
    assert origins_of(load_settings({})) == ["http://127.0.0.1:8233", "http://localhost:8233"]
    given = load_settings({"WHYDESK_CODEC_ORIGINS": " https://temporal.example.com/ ,"})
    assert origins_of(given) == ["https://temporal.example.com"]
    for wrong in ("*", "temporal.example.com", "https://temporal.example.com/ui", "null", "file:///x"):
        with pytest.raises(ConfigError, match="is not an origin"):
            origins_of(load_settings({"WHYDESK_CODEC_ORIGINS": wrong}))


def test_names_are_limited_only_where_no_token_is_asked_for() -> None:
    assert hosts_of(WhoeverIsHere(), 8089) == ["127.0.0.1:8089", "localhost:8089", "[::1]:8089"]
    assert hosts_of(SharedToken("s3cret"), 8089) == []


@pytest.mark.timeout(180)
async def test_a_payload_is_read_by_token_and_the_audit_tells_of_it(tmp_path: Path) -> None:
    port = free_port()
    environ = {
        "PATH": os.environ.get("PATH", ""),
        "PYTHONPATH": str(CHECKOUT),
        "WHYDESK_STATE": str(tmp_path),
        "WHYDESK_CODEC_PORT": str(port),
        **TOKEN,
        **VARIABLES,
    }
    command = [sys.executable, "-m", "cli", "codec-server"]
    process = await asyncio.create_subprocess_exec(*command, cwd=tmp_path, env=environ, stdout=-1, stderr=-1)
    try:
        body = MessageToJson(Payloads(payloads=KeyringCodec(KEYRING).encrypt([Payload(data=b"4711")])))
        headers = {"content-type": "application/json", "x-namespace": "default"}
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, headers=headers) as http:
            await _up(http, process)
            refused = await http.post("/decode", content=body)
            read = await http.post("/decode", content=body, headers={"authorization": "Bearer s3cret"})
        process.send_signal(signal.SIGTERM)
        out, err = await asyncio.wait_for(process.communicate(), 60)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert refused.status_code == 401
    assert [payload.data for payload in Parse(read.text, Payloads()).payloads] == [b"4711"]
    said = (out + err).decode()
    assert "decode refused" in said
    assert not [secret for secret in ("s3cret", "4711", VARIABLES["MASTER_KEYS_OF_TESTS"].strip()) if secret in said]
    async with await SqlLedger.open(f"sqlite:///{tmp_path}/ledger.db", KEYRING) as ledger:
        [entry] = [one async for one in read_entries(ledger.database)]
    assert (entry.who, entry.action, entry.subject) == ("token", "decode", "namespace/default")
    assert entry.detail == {"payloads": 1, "keys": ("tests",)}


async def _up(http: httpx.AsyncClient, process: asyncio.subprocess.Process) -> None:
    """Wait until it answers."""
    async with asyncio.timeout(120):
        while process.returncode is None:
            try:
                if (await http.get("/healthz")).status_code == 200:
                    return
            except httpx.TransportError:
                await asyncio.sleep(0.1)
    assert process.stderr is not None
    raise AssertionError((await process.stderr.read()).decode())
