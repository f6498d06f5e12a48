"""Zendesk's fake: read and written to over HTTP, its webhooks checked by recomputing the signature."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from sandbox.run import Sandbox
from sandbox.webhooks import NO_TLS
from tests.sandbox.receiver import Hook, Receiver
from tests.sandbox.small_world import small_world


@dataclass
class Account:
    """The account with somebody who listens to its webhooks."""

    sandbox: Sandbox
    receiver: Receiver
    http: httpx.AsyncClient
    control: httpx.AsyncClient

    async def open(self, key: str = "errors-eu", **options: Any) -> int:
        answer = await self.control.post(f"/tickets/{key}/open", json=options)
        assert answer.status_code == 201, answer.text
        return int(answer.json()["ticket"])

    async def put(self, ticket: int, update: dict[str, Any]) -> httpx.Response:
        return await self.http.put(f"/api/v2/tickets/{ticket}", json={"ticket": update})

    async def note(self, ticket: int, html: str = "<p>Found: <b>it</b></p>", **more: Any) -> httpx.Response:
        stamp = (await self.http.get(f"/api/v2/tickets/{ticket}")).json()["ticket"]["updated_at"]
        return await self.put(
            ticket,
            {"comment": {"html_body": html, "public": False}, "safe_update": True, "updated_stamp": stamp, **more},
        )

    def check(self, hook: Hook) -> dict[str, Any]:
        """Verify as Zendesk's documentation says, and return the event."""
        signed_at = hook.headers["x-zendesk-webhook-signature-timestamp"]
        secret = self.sandbox.credentials.zendesk_secret.encode()
        digest = hmac.new(secret, signed_at.encode() + hook.body, hashlib.sha256).digest()
        assert hook.headers["x-zendesk-webhook-signature"] == base64.b64encode(digest).decode()
        assert abs((datetime.now(UTC) - datetime.fromisoformat(signed_at)).total_seconds()) < 60
        event: dict[str, Any] = json.loads(hook.body)
        assert hook.headers["x-zendesk-webhook-invocation-id"] == event["id"]
        return event


@pytest.fixture
async def account() -> AsyncIterator[Account]:
    async with (
        Receiver() as receiver,
        Sandbox(small_world(), clickhouse=False, webhook_url=receiver.url("zendesk")) as sandbox,
    ):
        keys = sandbox.credentials
        auth = httpx.BasicAuth(f"{keys.zendesk_email}/token", keys.zendesk_token)
        async with (
            httpx.AsyncClient(verify=NO_TLS, base_url=sandbox.addresses["zendesk"], auth=auth) as http,
            httpx.AsyncClient(verify=NO_TLS, base_url=sandbox.control_address) as control,
        ):
            yield Account(sandbox, receiver, http, control)


async def test_a_new_ticket_fires_a_signed_event(account: Account) -> None:
    answer = await account.control.post("/tickets/errors-eu/open")
    assert answer.json()["status"] == 202
    event = account.check((await account.receiver.wait_for(1))[0])
    detail = event["detail"]
    assert event["type"] == "zen:event-type:ticket.created"
    assert event["id"] == answer.json()["delivery"]
    assert detail["id"] == answer.json()["ticket"]
    assert detail["actor_id"] == detail["requester_id"]
    assert "acme.example" not in json.dumps(event), "events carry no e-mail address"


async def test_a_ticket_is_read_with_people_fields_and_conversation(account: Account) -> None:
    number = await account.open()
    ticket = (await account.http.get(f"/api/v2/tickets/{number}.json")).json()["ticket"]
    comments = (await account.http.get(f"/api/v2/tickets/{number}/comments?include=users")).json()
    fields = (await account.http.get("/api/v2/ticket_fields")).json()["ticket_fields"]
    user = (await account.http.get(f"/api/v2/users/{ticket['requester_id']}")).json()["user"]
    organization = (await account.http.get(f"/api/v2/organizations/{ticket['organization_id']}.json")).json()[
        "organization"
    ]
    titles = {field["id"]: field["title"] for field in fields}
    assert ticket["subject"] == "502 from the letters API"
    assert {titles[one["id"]]: one["value"] for one in ticket["custom_fields"]} == {
        "Account reference": "acc_1",
        "Area": None,
    }
    assert [(one["public"], one["body"]) for one in comments["comments"]] == [
        (True, "Since an hour we get 502.\n\nKey key_1 & <region> eu."),
        (False, "Looks like the pool."),
    ]
    assert "&lt;region&gt;" in comments["comments"][0]["html_body"]
    assert {one["role"] for one in comments["users"]} == {"end-user", "agent"}
    assert (user["email"], user["organization_id"]) == ("ann@acme.example", organization["id"])
    assert (organization["domain_names"], organization["external_id"]) == (["acme.example"], "acc_1")
    assert datetime.now(UTC) - datetime.fromisoformat(ticket["updated_at"]) < datetime.now(
        UTC
    ) - account.sandbox.now.replace(year=2000)


async def test_comments_go_on_over_cursor_pages_both_ways(account: Account) -> None:
    number = await account.open()
    for index in range(23):
        await account.control.post(f"/tickets/{number}/reply", json={"text": f"message {index}", "deliver": False})
    for sort in ("created_at", "-created_at"):
        seen: list[str] = []
        after: dict[str, str] = {}
        while True:
            page = (
                await account.http.get(
                    f"/api/v2/tickets/{number}/comments", params={"page[size]": "10", "sort": sort, **after}
                )
            ).json()
            seen += [one["body"] for one in page["comments"]]
            if not page["meta"]["has_more"]:
                break
            after = {"page[after]": page["meta"]["after_cursor"]}
            linked = (await account.http.get(page["links"]["next"])).json()["comments"]
        assert len(seen) == 25
        assert (seen[-1] if sort == "created_at" else seen[0]) == "message 22"
        assert linked[-1]["body"] == seen[-1]


async def test_our_note_is_private_answered_with_an_audit_and_fires_a_webhook_too(account: Account) -> None:
    number = await account.open()
    answer = (await account.note(number)).json()
    written = next(event for event in answer["audit"]["events"] if event["type"] == "Comment")
    assert written["public"] is False
    event = account.check((await account.receiver.wait_for(2))[1])
    assert event["type"] == "zen:event-type:ticket.comment_added"
    assert event["event"]["comment"]["author"]["id"] == str(account.sandbox.desk.own.id)
    assert event["event"]["comment"]["is_public"] is False
    ticket = (await account.control.get(f"/tickets/{number}")).json()
    assert (ticket["comments"][-1]["private"], ticket["comments"][-1]["html"]) == (True, "<p>Found: <b>it</b></p>")
    assert ticket["comments"][-1]["text"] == "Found: it"
    assert account.sandbox.journal.writes == []


async def test_a_stale_stamp_is_a_conflict_and_changes_nothing(account: Account) -> None:
    number = await account.open()
    stamp = (await account.http.get(f"/api/v2/tickets/{number}")).json()["ticket"]["updated_at"]
    await account.control.post(f"/tickets/{number}/reply", json={"text": "wait"})
    update = {"comment": {"html_body": "x", "public": False}, "safe_update": True, "updated_stamp": stamp}
    refused = await account.put(number, update)
    assert (refused.status_code, refused.json()["error"]) == (409, "UpdateConflict")
    comments = (await account.control.get(f"/tickets/{number}")).json()["comments"]
    assert all(comment["role"] != "own" for comment in comments)
    assert (await account.note(number)).status_code == 200


async def test_two_notes_on_the_same_stamp_make_one(account: Account) -> None:
    number = await account.open()
    stamp = (await account.http.get(f"/api/v2/tickets/{number}")).json()["ticket"]["updated_at"]
    update = {"comment": {"html_body": "x", "public": False}, "safe_update": True, "updated_stamp": stamp}
    answers = await asyncio.gather(account.put(number, update), account.put(number, update))
    assert sorted(answer.status_code for answer in answers) == [200, 409]


async def test_a_closed_ticket_takes_nothing(account: Account) -> None:
    number = await account.open()
    await account.control.post(f"/tickets/{number}/status", json={"status": "closed"})
    refused = await account.note(number)
    assert refused.status_code == 422
    assert "closed prevents ticket update" in refused.text
    assert (await account.control.post(f"/tickets/{number}/reply", json={"text": "x"})).status_code == 409


async def test_public_comments_and_other_changes_are_taken_and_remembered_as_writes(account: Account) -> None:
    number = await account.open()
    await account.put(number, {"comment": {"html_body": "for all to see"}})
    await account.note(number, status="solved")
    await account.put(number, {"status": "solved"})
    whats = [(write.what, write.accepted) for write in account.sandbox.journal.writes]
    assert whats == [("public comment", True), ("ticket.status", True), ("ticket update without a comment", False)]
    ticket = (await account.control.get(f"/tickets/{number}")).json()
    assert (ticket["status"], ticket["comments"][-2]["public"]) == ("solved", True)


async def test_other_methods_are_refused_and_remembered(account: Account) -> None:
    number = await account.open()
    assert (await account.http.delete(f"/api/v2/tickets/{number}")).status_code == 403
    assert [write.method for write in account.sandbox.journal.writes] == ["DELETE"]


async def test_a_requesters_reply_fires_and_reopens(account: Account) -> None:
    number = await account.open()
    await account.control.post(f"/tickets/{number}/status", json={"status": "solved"})
    played = await account.control.post(f"/tickets/{number}/reply")
    assert played.json()["status"] == 202
    event = account.check((await account.receiver.wait_for(2))[1])
    assert event["event"]["comment"]["body"] == "It is still going on."
    assert event["event"]["comment"]["author"]["id"] == event["detail"]["requester_id"]
    assert (await account.control.get(f"/tickets/{number}")).json()["status"] == "open"
    assert (await account.control.post(f"/tickets/{number}/reply")).status_code == 409


async def test_wrong_credentials_are_401_and_strangers_ids_404(account: Account) -> None:
    number = await account.open()
    async with httpx.AsyncClient(verify=NO_TLS, base_url=account.sandbox.addresses["zendesk"]) as stranger:
        assert (await stranger.get(f"/api/v2/tickets/{number}")).status_code == 401
        wrong = httpx.BasicAuth(f"{account.sandbox.credentials.zendesk_email}/token", "wrong")
        assert (await stranger.get(f"/api/v2/tickets/{number}", auth=wrong)).status_code == 401
    for path in ("tickets/5", "tickets/5/comments", "users/5", "organizations/5", "tickets/abc/comments"):
        answer = await account.http.get(f"/api/v2/{path}")
        assert (answer.status_code, answer.json()["error"]) == (404, "RecordNotFound")
    other = await account.open("question", helpdesk="standard", deliver=False)
    assert (await account.http.get(f"/api/v2/tickets/{other}")).status_code == 404


async def test_changed_tickets_are_found_by_time(account: Account) -> None:
    opened = [await account.open("question", deliver=False) for _ in range(5)]
    start = int(account.sandbox.now.timestamp())
    seen: list[int] = []
    cursor = {"start_time": str(start)}
    while True:
        page = (
            await account.http.get("/api/v2/incremental/tickets/cursor.json", params={**cursor, "per_page": "2"})
        ).json()
        seen += [one["id"] for one in page["tickets"]]
        if page["end_of_stream"]:
            break
        cursor = {"cursor": page["after_cursor"]}
    assert sorted(seen) == opened
    later = await account.http.get("/api/v2/incremental/tickets/cursor", params={"start_time": str(start + 86_400)})
    assert later.json()["tickets"] == []
    query = f"type:ticket updated>={account.sandbox.now:%Y-%m-%dT%H:%M:%SZ}"
    first = (await account.http.get("/api/v2/search.json", params={"query": query, "per_page": "3"})).json()
    second = (await account.http.get(first["next_page"])).json()
    assert first["count"] == 5
    assert sorted(one["id"] for one in first["results"] + second["results"]) == opened


async def test_a_delivery_is_tried_again_after_a_5xx_with_the_same_id(account: Account) -> None:
    account.receiver.answers += [503]
    answer = await account.control.post("/tickets/question/open")
    assert answer.json()["status"] == 503
    first, second = (account.check(hook) for hook in await account.receiver.wait_for(2))
    assert first == second


async def test_a_refused_delivery_is_not_tried_again(account: Account) -> None:
    account.receiver.answers += [401]
    await account.control.post("/tickets/question/open")
    await account.sandbox.courier.settle()
    assert len(account.receiver.hooks) == 1


async def test_redelivery_and_copies_are_the_same_event(account: Account) -> None:
    number = await account.open("question", copies=4)
    redelivered = await account.control.post(f"/tickets/{number}/redeliver")
    hooks = await account.receiver.wait_for(5)
    assert redelivered.json()["status"] == 202
    assert len({account.check(hook)["id"] for hook in hooks}) == 1
    assert len({hook.headers["x-zendesk-webhook-signature"] for hook in hooks[:4]}) == 1


async def test_the_rate_limit_is_told(account: Account) -> None:
    first = await account.http.get("/api/v2/users/me.json")
    second = await account.http.get("/api/v2/users/me.json")
    assert first.json()["user"]["id"] == account.sandbox.desk.own.id
    assert int(second.headers["x-rate-limit-remaining"]) <= int(first.headers["x-rate-limit-remaining"]) or (
        first.headers["ratelimit-reset"] < second.headers["ratelimit-reset"]
    )
    await account.control.post("/faults", json={"vendor": "zendesk", "kind": "rate-limit", "times": 1})
    limited = await account.http.get("/api/v2/users/me.json")
    assert (limited.status_code, limited.headers["retry-after"]) == (429, "10")
