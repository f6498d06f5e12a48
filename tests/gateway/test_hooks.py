"""POST /hooks: each status, its body, what is started, and what strangers can learn."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from pydantic import JsonValue
from starlette.types import Message

from gateway import bodies
from gateway.bodies import SIZE_CAP
from gateway.hooks import Stranger
from gateway.starter import TemporalDown
from helpdesks.base import BadSignature
from models.ticket import CREATED_EVENT, TicketRef, Trigger, TriggerKind
from tests.gateway.serving import NOW, RECEIVERS, Started, calling, gateway
from tests.helpdesks.signers import (
    UNHURRIED,
    standard_event,
    standard_headers,
    zendesk_event,
    zendesk_headers,
    zendesk_trigger,
)
from workflows.naming import investigation_id

HOOK = "/hooks/acme/zendesk"
REF = TicketRef(tenant="acme", helpdesk="zendesk", ticket="4711")


async def test_a_good_delivery_is_started_and_acknowledged() -> None:
    started = Started()
    body = zendesk_event()
    async with calling(gateway(started)) as client:
        answer = await client.post(HOOK, content=body, headers=zendesk_headers(body, NOW))
    assert answer.status_code == 202
    assert answer.json() == {"investigation": investigation_id(REF)}
    assert started.calls == [
        (
            REF,
            Trigger(
                delivery="d4f5c389-8f4a-4c2e-a1b9-8e4f39c71d52",
                kind=TriggerKind.CREATED,
                received_at=NOW,
                event=CREATED_EVENT,
            ),
        )
    ]


async def test_both_kinds_of_zendesk_body_and_standard_webhooks_arrive() -> None:
    started = Started()
    trigger, event = zendesk_trigger(), standard_event("ticket.message")
    async with calling(gateway(started)) as client:
        first = await client.post(HOOK, content=trigger, headers=zendesk_headers(trigger, NOW))
        second = await client.post("/hooks/acme/desk", content=event, headers=standard_headers(event, NOW))
    assert (first.status_code, second.status_code) == (202, 202)
    assert [(ref.ticket, trigger.delivery, trigger.kind) for ref, trigger in started.calls] == [
        ("4711", "inv-1", TriggerKind.MESSAGE),
        ("T-1", "msg_1", TriggerKind.MESSAGE),
    ]


async def test_the_tag_for_a_fresh_look_starts_one_by_the_events_own_id() -> None:
    started = Started()
    whole = json.loads(zendesk_event("ticket.tags_changed", actor="501"))
    whole["event"]["tags_added"] = ["whydesk-rerun"]
    event, again = json.dumps(whole).encode(), json.dumps(whole | {"id": "another-adding"}).encode()
    async with calling(gateway(started)) as client:
        for body in (event, event, again):
            assert (await client.post(HOOK, content=body, headers=zendesk_headers(body, NOW))).status_code == 202
    assert {trigger.kind for _, trigger in started.calls} == {TriggerKind.REINVESTIGATE}
    # A second delivery of one adding is known by its id further on, where deliveries are claimed.
    first, second, third = (trigger.delivery for _, trigger in started.calls)
    assert first == second != third


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (zendesk_event(actor="777"), "own-actor"),
        (zendesk_event("ticket.tags_changed", actor="501"), "unreadable-tags"),
        (zendesk_event("ticket.comment_added", public=False), "private-comment"),
        (zendesk_event("ticket.comment_added", actor="501"), "agent-comment"),
        (zendesk_event("ticket.priority_changed"), "not-a-trigger"),
        (zendesk_trigger(event="test"), "test"),
    ],
)
async def test_what_may_not_trigger_is_good_and_starts_nothing(body: bytes, reason: str) -> None:
    started = Started()
    async with calling(gateway(started)) as client:
        answer = await client.post(HOOK, content=body, headers=zendesk_headers(body, NOW))
    assert (answer.status_code, answer.json()) == (200, {"ignored": reason})
    assert not started.calls


@pytest.mark.parametrize("hook", [HOOK, "/hooks/acme/nothing", "/hooks/nobody/zendesk", "/hooks/nobody/%2e%2e"])
async def test_a_bad_signature_and_a_stranger_look_the_same(hook: str) -> None:
    body = zendesk_event()
    async with calling(gateway(Started())) as client:
        expected = await client.post(HOOK, content=body, headers=zendesk_headers(body, NOW, "wrong"))
        answer = await client.post(hook, content=body, headers=zendesk_headers(body, NOW, "wrong"))
    assert answer.status_code == 401
    assert answer.content == expected.content
    assert answer.headers.multi_items() == expected.headers.multi_items()


async def test_a_stranger_cannot_be_signed_for() -> None:
    started = Started()
    body = zendesk_event()
    async with calling(gateway(started)) as client:
        for secret in ("", "\0" * 32, "x"):
            answer = await client.post(
                "/hooks/nobody/zendesk", content=body, headers=zendesk_headers(body, NOW, secret)
            )
            assert answer.status_code == 401
    assert not started.calls


def test_a_stranger_takes_as_long_as_a_bad_signature() -> None:
    """The best of many runs over a large body, with a factor that a busy machine cannot exceed."""
    body = b"x" * SIZE_CAP

    def best(receiver: object) -> float:
        times = []
        for _ in range(15):
            began = time.process_time()
            with pytest.raises(BadSignature):
                receiver.receive(zendesk_headers(b"", NOW) | standard_headers(b"", NOW), body, NOW)  # type: ignore[attr-defined]  # each has it
            times.append(time.process_time() - began)
        return min(times)

    stranger = best(Stranger())
    for receiver in RECEIVERS.values():
        assert 0.5 < best(receiver) / stranger < 2


async def test_too_old_is_a_bad_signature() -> None:
    body = zendesk_event()
    async with calling(gateway(Started())) as client:
        old = await client.post(HOOK, content=body, headers=zendesk_headers(body, NOW - timedelta(seconds=301)))
        bad = await client.post(HOOK, content=body, headers=zendesk_headers(body, NOW, "wrong"))
    assert (old.status_code, old.content) == (401, bad.content)


async def test_signed_but_unreadable_names_the_field() -> None:
    body = zendesk_event(ticket="x")
    async with calling(gateway(Started())) as client:
        answer = await client.post(HOOK, content=body, headers=zendesk_headers(body, NOW))
    assert answer.status_code == 422
    assert answer.json()["field"] == "detail.id"
    assert "ada@" not in answer.text


@pytest.mark.parametrize("kind", ["text/plain", "", "application/x-www-form-urlencoded", "application/jsonx"])
async def test_another_content_type_is_refused(kind: str) -> None:
    body = zendesk_event()
    async with calling(gateway(Started())) as client:
        answer = await client.post(HOOK, content=body, headers={**zendesk_headers(body, NOW), "content-type": kind})
    assert answer.status_code == 415


async def test_json_with_a_charset_is_json() -> None:
    body = zendesk_event()
    headers = {**zendesk_headers(body, NOW), "content-type": "Application/JSON; charset=UTF-8"}
    async with calling(gateway(Started())) as client:
        assert (await client.post(HOOK, content=body, headers=headers)).status_code == 202


@pytest.mark.parametrize("announced", [None, "10", "99999999999999999999999999", str(SIZE_CAP + 1), "-1", "abc", "²"])
async def test_a_body_that_is_too_large_is_not_read_whole(announced: str | None) -> None:
    """Straight to ASGI: a client would correct a lying Content-Length."""
    app = gateway(Started())
    sent: list[Message] = []
    given = 0

    async def receive() -> Message:
        nonlocal given
        given += 1
        return {"type": "http.request", "body": b"x" * 65536, "more_body": True}

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"content-type", b"application/json")]
    if announced is not None:
        headers.append((b"content-length", announced.encode("latin-1")))
    await app(
        {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": HOOK,
            "raw_path": HOOK.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": headers,
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 2),
        },
        receive,
        send,
    )
    assert sent[0]["status"] == 413
    assert given <= SIZE_CAP // 65536 + 2
    if announced == str(SIZE_CAP + 1):
        assert given == 0


async def test_a_body_of_exactly_the_cap_is_taken() -> None:
    body = zendesk_event().ljust(SIZE_CAP)
    async with calling(gateway(Started())) as client:
        assert (await client.post(HOOK, content=body, headers=zendesk_headers(body, NOW))).status_code == 202
        body += b" "
        assert (await client.post(HOOK, content=body, headers=zendesk_headers(body, NOW))).status_code == 413


async def test_a_body_that_stops_coming_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "TIME_CAP", 0.05)
    never = asyncio.Event()

    async def parts() -> AsyncIterator[bytes]:
        yield b"{"
        await never.wait()

    body = zendesk_event()
    async with calling(gateway(Started())) as client:
        answer = await client.post(HOOK, content=parts(), headers=zendesk_headers(body, NOW))
    assert answer.status_code == 408


async def test_temporal_down_asks_to_send_again() -> None:
    body = zendesk_event()
    async with calling(gateway(Started(failure=TemporalDown("RPCError UNAVAILABLE")))) as client:
        answer = await client.post(HOOK, content=body, headers=zendesk_headers(body, NOW))
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert "RPC" not in answer.text


async def test_a_failure_of_ours_is_counted_and_tells_nothing() -> None:
    registry = CollectorRegistry()
    body = zendesk_event()
    async with calling(gateway(Started(failure=KeyError("s3cret")), registry=registry)) as client:
        answer = await client.post(HOOK, content=body, headers=zendesk_headers(body, NOW))
    assert answer.status_code == 500
    assert "s3cret" not in answer.text
    assert registry.get_sample_value(
        "whydesk_gateway_deliveries_total", {"helpdesk": "zendesk", "result": "error"}
    ) == pytest.approx(1)


async def test_logs_hold_ids_and_nothing_that_a_customer_wrote() -> None:
    body = zendesk_event()
    with structlog.testing.capture_logs() as logs:
        async with calling(gateway(Started())) as client:
            await client.post(HOOK, content=body, headers=zendesk_headers(body, NOW))
            await client.post(HOOK, content=body, headers=zendesk_headers(body, NOW, "wrong"))
            await client.post("/hooks/evil%0atenant/x", content=body, headers=zendesk_headers(body, NOW))
    assert [entry["event"] for entry in logs] == ["delivery.started", "delivery.refused", "delivery.refused"]
    assert logs[0]["investigation"] == investigation_id(REF)
    text = json.dumps(logs)
    assert "ada@" not in text
    assert "API down" not in text
    assert "evil" not in text


async def test_strangers_cannot_make_up_labels() -> None:
    registry = CollectorRegistry()
    body = zendesk_event()
    async with calling(gateway(Started(), registry=registry)) as client:
        for number in range(5):
            await client.post(f"/hooks/acme/made-up-{number}", content=body, headers=zendesk_headers(body, NOW))
        await client.post(HOOK, content=body, headers=zendesk_headers(body, NOW))
    text = generate_latest(registry).decode()
    assert "made-up" not in text
    assert "acme" not in text
    assert 'whydesk_gateway_deliveries_total{helpdesk="unknown",result="bad-signature"} 5.0' in text
    assert 'whydesk_gateway_deliveries_total{helpdesk="zendesk",result="started"} 1.0' in text
    assert 'whydesk_gateway_acknowledgement_seconds_count{helpdesk="zendesk"} 1.0' in text


async def test_every_status_sent_is_declared() -> None:
    async with calling(gateway(Started(), docs=True)) as client:
        declared = (await client.get("/openapi.json")).json()["paths"]["/hooks/{tenant}/{helpdesk}"]["post"]
    assert set(declared["responses"]) == {"200", "202", "400", "401", "408", "413", "415", "422", "503"}
    assert declared["responses"]["422"]["content"]["application/json"]["schema"]["$ref"].endswith("/Unreadable")
    assert "application/json" in declared["requestBody"]["content"]


SIGNED = st.one_of(
    st.binary(max_size=300),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(["type", "whydesk", "id", "detail", "event", "ticket_id", "comment", "author", "x"]),
                inner,
            )
        ),
        max_leaves=20,
    ).map(lambda value: json.dumps(value).encode()),
)


@UNHURRIED
@given(body=SIGNED, good=st.booleans())
async def test_whatever_is_sent_gets_a_declared_answer(body: bytes, good: bool) -> None:
    headers = zendesk_headers(body, NOW) if good else zendesk_headers(body, NOW, "wrong")
    async with calling(gateway(Started())) as client:
        answer = await client.post(HOOK, content=body, headers=headers)
    assert answer.status_code in ({200, 202, 422} if good else {401})
    value: JsonValue = answer.json()
    assert isinstance(value, dict)
