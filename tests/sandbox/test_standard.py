"""The Standard Webhooks helpdesk: signatures in both directions by the reference library."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook

from sandbox.run import Sandbox
from sandbox.webhooks import NO_TLS
from tests.sandbox.receiver import Receiver
from tests.sandbox.small_world import small_world


@dataclass
class System:
    """The system with somebody who listens to its webhooks."""

    sandbox: Sandbox
    receiver: Receiver
    http: httpx.AsyncClient
    control: httpx.AsyncClient

    async def open(self, key: str = "errors-eu") -> str:
        answer = await self.control.post(f"/tickets/{key}/open", json={"helpdesk": "standard"})
        assert answer.json()["status"] == 202
        return str(answer.json()["ticket"])

    async def note(
        self, ticket: str, *, id: str = "note_1", secret: str = "", late: int = 0, **change: Any
    ) -> httpx.Response:
        data = {"ticket_id": ticket, "marker": "whydesk:inv-1/1", "markdown": "**Found**", "html": "<b>Found</b>"}
        body = httpx.Request(
            "POST", "http://x", json={"type": "note", "timestamp": "t", "data": {**data, **change}}
        ).content
        at = datetime.now(UTC) - timedelta(seconds=late)
        headers = {
            "webhook-id": id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": Webhook(secret or self.sandbox.credentials.standard_secret).sign(
                id, at, body.decode()
            ),
        }
        return await self.http.post("/notes", content=body, headers=headers)

    def events(self) -> list[dict[str, Any]]:
        webhook = Webhook(self.sandbox.credentials.standard_secret)
        return [webhook.verify(hook.body, dict(hook.headers)) for hook in self.receiver.hooks]


@pytest.fixture
async def system() -> AsyncIterator[System]:
    async with (
        Receiver() as receiver,
        Sandbox(small_world(), clickhouse=False, webhook_url=receiver.url("zendesk")) as sandbox,
    ):
        token = {"authorization": f"Bearer {sandbox.credentials.standard_token}"}
        async with (
            httpx.AsyncClient(verify=NO_TLS, base_url=sandbox.addresses["standard"], headers=token) as http,
            httpx.AsyncClient(verify=NO_TLS, base_url=sandbox.control_address) as control,
        ):
            yield System(sandbox, receiver, http, control)


async def test_events_are_signed_and_go_to_the_address_beside_zendesks(system: System) -> None:
    ticket = await system.open()
    assert (await system.receiver.wait_for(1))[0].path == "/hooks/t/standard"
    event = system.events()[0]
    assert event["type"] == "ticket.created"
    assert event["data"]["ticket_id"] == ticket
    assert event["data"]["author"]["role"] == "requester"


async def test_a_ticket_is_one_document(system: System) -> None:
    number = await system.open()
    ticket = (await system.http.get(f"/tickets/{number}")).json()
    assert set(ticket) == {
        *("id", "subject", "status", "url", "created_at", "updated_at", "requester", "organization", "tags", "fields"),
        "messages",
    }
    assert ticket["organization"] == {
        "id": "31",
        "name": "Acme Ltd",
        "domains": ["acme.example"],
        "external_id": "acc_1",
    }
    assert [(one["role"], one["public"]) for one in ticket["messages"]] == [("requester", True), ("agent", False)]
    assert ticket["fields"] == {"Account reference": "acc_1", "Area": ""}
    assert (await system.http.get(f"/tickets/{await system.open('question')}")).json()["organization"] is None


async def test_a_signed_note_is_taken_once_and_found_again(system: System) -> None:
    ticket = await system.open()
    first, again = await system.note(ticket), await system.note(ticket)
    assert first.status_code == again.status_code == 200
    assert first.json() == again.json()
    found = (await system.http.get(f"/tickets/{ticket}/notes", params={"marker": "whydesk:inv-1/1"})).json()
    assert found == {"notes": [{"id": first.json()["id"], "marker": "whydesk:inv-1/1"}]}
    assert (await system.http.get(f"/tickets/{ticket}/notes", params={"marker": "whydesk:inv-1/12"})).json() == {
        "notes": []
    }
    message = (await system.http.get(f"/tickets/{ticket}")).json()["messages"][-1]
    assert (message["role"], message["public"], message["text"]) == ("whydesk", False, "**Found**")
    await system.receiver.wait_for(2)
    assert system.events()[1]["data"]["author"] == {"id": "whydesk", "role": "whydesk"}
    assert system.sandbox.journal.writes == []


async def test_notes_that_are_not_ours_are_refused(system: System) -> None:
    ticket = await system.open()
    forged = await system.note(ticket, secret="whsec_" + "A" * 32)
    late = await system.note(ticket, late=400)
    unsigned = await system.http.post("/notes", json={})
    empty = await system.note(ticket, markdown="")
    unknown = await system.note("17")
    await system.control.post(f"/tickets/{ticket}/status", json={"status": "closed"})
    closed = await system.note(ticket)
    assert [one.status_code for one in (forged, late, unsigned, empty, unknown, closed)] == [
        401,
        401,
        401,
        422,
        404,
        409,
    ]
    assert len((await system.control.get(f"/tickets/{ticket}")).json()["comments"]) == 2


async def test_reading_needs_the_token_and_other_writes_are_remembered(system: System) -> None:
    ticket = await system.open()
    async with httpx.AsyncClient(verify=NO_TLS, base_url=system.sandbox.addresses["standard"]) as stranger:
        assert (await stranger.get(f"/tickets/{ticket}")).status_code == 401
    assert (await system.http.post(f"/tickets/{ticket}/public-reply", json={})).status_code == 403
    assert [write.path for write in system.sandbox.journal.writes] == [f"/tickets/{ticket}/public-reply"]


async def test_changed_tickets_are_listed(system: System) -> None:
    ticket = await system.open()
    since = system.sandbox.now.strftime("%Y-%m-%dT%H:%M:%SZ")
    listed = (await system.http.get("/tickets", params={"updated_since": since})).json()["tickets"]
    assert [one["id"] for one in listed] == [ticket]
    assert (await system.http.get("/tickets", params={"updated_since": "2999-01-01T00:00:00Z"})).json() == {
        "tickets": []
    }
