"""The control port: tickets of the world, deliveries, and what was recorded."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest

from sandbox.run import Sandbox
from sandbox.webhooks import NO_TLS
from tests.sandbox.receiver import Receiver
from tests.sandbox.small_world import small_world


@dataclass
class Desk:
    """A sandbox with its control port and a receiver."""

    sandbox: Sandbox
    receiver: Receiver
    control: httpx.AsyncClient


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with (
        Receiver() as receiver,
        Sandbox(small_world(), clickhouse=False, webhook_url=receiver.url("zendesk")) as sandbox,
        httpx.AsyncClient(verify=NO_TLS, base_url=sandbox.control_address) as control,
    ):
        yield Desk(sandbox, receiver, control)


async def test_the_world_and_its_tickets(desk: Desk) -> None:
    world = (await desk.control.get("/world")).json()
    assert world["tickets"] == ["errors-eu", "question"]
    assert {"stripe", "zendesk", "statuspage-cloudy"} <= set(world["vendors"])
    unknown = await desk.control.post("/tickets/nonsense/open")
    assert unknown.status_code == 404
    assert "errors-eu, question" in unknown.json()["error"]


async def test_ids_are_fresh_and_each_opening_is_a_new_ticket(desk: Desk) -> None:
    answers = await asyncio.gather(*(desk.control.post("/tickets/question/open") for _ in range(20)))
    ids = [int(answer.json()["ticket"]) for answer in answers]
    assert len(set(ids)) == 20
    assert min(ids) >= int(desk.sandbox.now.timestamp() * 10)
    assert max(ids) < 2**53, "JavaScript has to be able to read them"
    listed = (await desk.control.get("/tickets")).json()["tickets"]
    assert sorted(int(one["id"]) for one in listed) == sorted(ids)


async def test_a_ticket_can_be_opened_without_its_webhook(desk: Desk) -> None:
    answer = await desk.control.post("/tickets/question/open", json={"deliver": False})
    assert answer.json()["status"] is None
    assert desk.receiver.hooks == []
    redelivered = await desk.control.post(f"/tickets/{answer.json()['ticket']}/redeliver")
    assert redelivered.json()["delivery"] == answer.json()["delivery"]
    assert len(desk.receiver.hooks) == 1


async def test_deliveries_follow_a_changed_address_and_say_when_nobody_answers(desk: Desk) -> None:
    await desk.control.post("/webhook-url", json={"url": ""})
    assert (await desk.control.post("/tickets/question/open")).json()["status"] == 0
    await desk.control.post("/webhook-url", json={"url": desk.receiver.url("elsewhere")})
    ticket = (await desk.control.post("/tickets/question/open")).json()["ticket"]
    assert desk.receiver.hooks[0].path == "/hooks/t/elsewhere"
    kept = (await desk.control.get("/deliveries", params={"ticket": ticket})).json()["deliveries"]
    assert [one["statuses"] for one in kept] == [[202]]


async def test_an_unreachable_gateway_gets_the_webhook_when_it_is_back(desk: Desk) -> None:
    desk.sandbox.courier._waits = (0.05, 0.05, 0.05)
    await desk.receiver.refuse()
    answer = (await desk.control.post("/tickets/question/open")).json()
    assert answer["status"] == 0
    await desk.receiver.come_back()
    await desk.sandbox.courier.settle()
    last = (await desk.control.get("/deliveries")).json()["deliveries"][0]["statuses"][-1]
    # It came in time for one of the attempts, or the attempts were over before: then a redelivery is what is left.
    if last == 0:
        last = (await desk.control.post(f"/tickets/{answer['ticket']}/redeliver")).json()["status"]
    assert last == 202


async def test_calls_are_recorded_without_credentials(desk: Desk) -> None:
    keys = desk.sandbox.credentials
    async with httpx.AsyncClient(verify=NO_TLS) as http:
        stripe = desk.sandbox.addresses["stripe"]
        header = {"authorization": f"Bearer {keys.stripe_key}"}
        await http.get(f"{stripe}/v1/customers", params={"email": "a@example.com"}, headers=header)
        await http.post(f"{stripe}/v1/refunds", data={"charge": "ch_1"}, headers=header)
        await http.get(f"{desk.sandbox.addresses['docs']}/sitemap.xml")
    calls = (await desk.control.get("/calls", params={"vendor": "stripe"})).json()
    writes = (await desk.control.get("/writes")).json()["writes"]
    assert [(one["method"], one["path"], one["status"]) for one in calls["calls"]] == [
        ("GET", "/v1/customers", 200),
        ("POST", "/v1/refunds", 403),
    ]
    assert calls["calls"][0]["bytes"] > 0
    assert calls["counts"] == {"stripe": 2, "docs": 1}
    assert [(one["vendor"], one["body"]) for one in writes] == [("stripe", "charge=ch_1")]
    assert keys.stripe_key not in json.dumps([calls, writes])
    assert "calls" not in (await desk.control.get("/calls?brief=1")).json()
    assert (await desk.control.delete("/calls")).status_code == 204
    assert (await desk.control.get("/calls")).json() == {"counts": {}, "calls": []}


async def test_wrong_orders_are_told_apart(desk: Desk) -> None:
    ticket = (await desk.control.post("/tickets/question/open")).json()["ticket"]
    for path, body in (
        (f"/tickets/{ticket}/status", {"status": "exploded"}),
        (f"/tickets/{ticket}/reply", {"text": "x", "author": "own"}),
        ("/tickets/question/open", {"copies": 0}),
        ("/tickets/question/open", {"nonsense": 1}),
    ):
        assert (await desk.control.post(path, json=body)).status_code == 422
    assert (await desk.control.post("/tickets/question/open", content=b"{")).status_code == 422
    assert (await desk.control.get("/tickets/17")).status_code == 404


async def test_the_state_names_every_address_and_secret(desk: Desk) -> None:
    state = desk.sandbox.state()
    assert state["control"] == desk.sandbox.control_address
    assert set(state["credentials"]) == {"zendesk", "standard", "linear", "stripe", "github"}  # type: ignore[arg-type]
    assert desk.sandbox.credentials.zendesk_token in json.dumps(state)
    assert desk.sandbox.credentials.zendesk_token not in repr(desk.sandbox.credentials)
