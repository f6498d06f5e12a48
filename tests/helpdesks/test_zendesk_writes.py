"""The guard below ZendeskHelpdesk: no request but its reads and its one private note leaves, and none for another host."""

import json
from collections.abc import AsyncIterator

import pytest
from pydantic import JsonValue

from helpdesks.base import (
    WriteRefused,
)
from tests.helpdesks.far_end import FarEnd, say
from tests.helpdesks.zendesk_account import Account, opened

GOOD: JsonValue = {
    "ticket": {"comment": {"html_body": "x", "public": False}, "safe_update": True, "updated_stamp": "2026"}
}


def body(**ticket: JsonValue) -> bytes:
    """The good update, changed."""
    good: dict[str, JsonValue] = {
        "comment": {"html_body": "x", "public": False},
        "safe_update": True,
        "updated_stamp": "2026",
    }
    return json.dumps({"ticket": {**good, **ticket}}).encode()


@pytest.mark.parametrize(
    ("method", "path", "content", "headers"),
    [
        ("POST", "/api/v2/tickets", body(), {}),
        ("POST", "/api/v2/tickets/4711", body(), {}),
        ("DELETE", "/api/v2/tickets/4711", b"", {}),
        ("PATCH", "/api/v2/tickets/4711", body(), {}),
        ("PUT", "/api/v2/users/9001", body(), {}),
        ("PUT", "/api/v2/tickets/4711/tags", body(), {}),
        ("PUT", "/api/v2/tickets/4711%2F..%2F4712", body(), {}),
        ("PUT", "/api/v2/tickets/update_many", body(), {}),
        ("PUT", "/api/v2/tickets/update_many?ids=1,2", body(), {}),
        ("PUT", "/api/v2/tickets/4711?ids=1,2", body(), {}),
        ("PUT", "/api/v2/tickets/4711", b"", {}),
        ("PUT", "/api/v2/tickets/4711", b"not json", {}),
        ("PUT", "/api/v2/tickets/4711", b"[" * 100_000, {}),
        ("PUT", "/api/v2/tickets/4711", body(comment={"html_body": "x", "public": True}), {}),
        ("PUT", "/api/v2/tickets/4711", body(comment={"html_body": "x"}), {}),
        ("PUT", "/api/v2/tickets/4711", body(comment={"html_body": "x", "public": None}), {}),
        ("PUT", "/api/v2/tickets/4711", body(comment={"html_body": "x", "public": 0}), {}),
        ("PUT", "/api/v2/tickets/4711", body(comment={"html_body": "x", "public": "false"}), {}),
        ("PUT", "/api/v2/tickets/4711", body(comment={"html_body": "x", "public": False, "author_id": 1}), {}),
        ("PUT", "/api/v2/tickets/4711", body(comment=None), {}),
        ("PUT", "/api/v2/tickets/4711", body(status="solved"), {}),
        ("PUT", "/api/v2/tickets/4711", body(tags=["vip"]), {}),
        ("PUT", "/api/v2/tickets/4711", body(safe_update=False), {}),
        ("PUT", "/api/v2/tickets/4711", body(safe_update=1), {}),
        ("PUT", "/api/v2/tickets/4711", b'{"ticket": {"comment": {"html_body": "x", "public": false}}}', {}),
        ("PUT", "/api/v2/tickets/4711", body()[:-1] + b', "tickets": []}', {}),
        (
            "PUT",
            "/api/v2/tickets/4711",
            b'{"ticket": {"comment": {"html_body": "x", "public": true, "public": false},'
            b' "safe_update": true, "updated_stamp": "2026"}}',
            {},
        ),
        ("PUT", "/api/v2/tickets/4711", body(), {"x-http-method-override": "DELETE"}),
        ("PUT", "/api/v2/tickets/4711", body(), {"content-encoding": "gzip"}),
        ("PUT", "/api/v2/tickets/4711", body(), {"content-type": "application/x-www-form-urlencoded"}),
        ("GET", "/api/v2/tickets/4711", b"{}", {}),
        ("GET", "/api/v2/tickets/4711", b"", {"x-http-method-override": "DELETE"}),
        ("HEAD", "/api/v2/tickets/4711", b"", {}),
    ],
)
async def test_nothing_else_leaves(method: str, path: str, content: bytes, headers: dict[str, str]) -> None:
    async with opened(Account()) as (far_end, helpdesk):
        client = helpdesk._http._client
        with pytest.raises(WriteRefused):
            await client.request(
                method, far_end.url + path, content=content, headers={"content-type": "application/json", **headers}
            )
    assert (far_end.connections, far_end.bytes_received) == (0, 0)


async def test_the_one_write_leaves() -> None:
    """The list above fails for what it names, and not for something that all of it shares."""
    async with opened(Account()) as (far_end, helpdesk):
        await helpdesk._http._client.request(
            "PUT", f"{far_end.url}/api/v2/tickets/4711", content=body(), headers={"content-type": "application/json"}
        )
    assert [(asked.method, json.loads(asked.body)) for asked in far_end.asked] == [("PUT", GOOD)]


async def test_a_streamed_write_is_judged_by_what_is_sent() -> None:
    async def parts() -> AsyncIterator[bytes]:
        whole = body(comment={"html_body": "x", "public": True})
        yield whole[:20]
        yield whole[20:]

    async with opened(Account()) as (far_end, helpdesk):
        with pytest.raises(WriteRefused):
            await helpdesk._http._client.put(
                f"{far_end.url}/api/v2/tickets/4711", content=parts(), headers={"content-type": "application/json"}
            )
    assert far_end.bytes_received == 0


async def test_neither_reads_nor_writes_go_to_another_host() -> None:
    async with FarEnd(lambda _: say({})) as elsewhere, opened(Account()) as (_, helpdesk):
        client = helpdesk._http._client
        with pytest.raises(WriteRefused):
            await client.get(f"{elsewhere.url}/api/v2/tickets/4711")
        with pytest.raises(WriteRefused):
            await client.put(
                f"{elsewhere.url}/api/v2/tickets/4711", content=body(), headers={"content-type": "application/json"}
            )
        assert elsewhere.connections == 0


async def test_the_environment_cannot_put_a_proxy_around_the_guard(monkeypatch: pytest.MonkeyPatch) -> None:
    async with FarEnd(lambda _: say({})) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        async with opened(Account()) as (_, helpdesk):
            assert (await helpdesk.read_ticket("4711")).subject == "API down?"
        assert proxy.connections == 0
