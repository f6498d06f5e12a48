"""ZendeskReceiver: signature vectors made elsewhere, the time window, both kinds of body, the loop guard."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import HttpUrl, JsonValue

from helpdesks import zendesk_inbound
from helpdesks.base import BadDelivery, BadSignature
from helpdesks.zendesk_inbound import ZendeskReceiver
from models.tenant import ZendeskConfig
from models.ticket import TriggerKind
from tests.helpdesks.signers import UNHURRIED, ZENDESK_SECRET, zendesk_event, zendesk_headers, zendesk_trigger

NOW = datetime(2026, 11, 21, 10, 0, 30, tzinfo=UTC)
CONFIG = ZendeskConfig(
    kind="zendesk",
    base_url=HttpUrl("https://acme.zendesk.example"),
    email="bot@vendor.example",
    token="env:T",
    webhook_secrets=["env:A"],
    actor_id="777",
)
RECEIVER = ZendeskReceiver(CONFIG, [ZENDESK_SECRET])


def test_a_frozen_vector() -> None:
    """Made once with `printf '%s' "$TIMESTAMP$BODY" | openssl dgst -sha256 -hmac "$SECRET" -binary | base64`."""
    body = b'{"whydesk":1,"event":"created","ticket_id":"4711","actor_id":"9001","requester_id":"9001"}'
    inbound = RECEIVER.receive(
        {
            "x-zendesk-webhook-signature": "NrhB/zGmgjCaA149oWWVngs7BhIm44hVvCyBM+tCmRM=",
            "x-zendesk-webhook-signature-timestamp": "2026-11-21T10:00:00Z",
            "x-zendesk-webhook-invocation-id": "01KAH",
        },
        body,
        NOW,
    )
    assert (inbound.ticket, inbound.kind, inbound.delivery) == ("4711", TriggerKind.CREATED, "01KAH")


@pytest.mark.parametrize(
    ("kind", "changes", "trigger", "ignored"),
    [
        ("ticket.created", {}, TriggerKind.CREATED, ""),
        ("ticket.created", {"actor": "501"}, TriggerKind.CREATED, ""),
        ("ticket.created", {"actor": "777"}, None, "own-actor"),
        ("ticket.comment_added", {}, TriggerKind.MESSAGE, ""),
        ("ticket.comment_added", {"actor": 9001, "author": 9001}, TriggerKind.MESSAGE, ""),
        ("ticket.comment_added", {"public": False}, None, "private-comment"),
        ("ticket.comment_added", {"actor": "501"}, None, "agent-comment"),
        ("ticket.comment_added", {"actor": "777"}, None, "own-actor"),
        ("ticket.comment_added", {"actor": "777", "public": False}, None, "own-actor"),
        ("ticket.comment_added", {"actor": "777", "author": "9001"}, None, "own-actor"),
        ("ticket.comment_added", {"actor": "9001", "author": "501"}, None, "agent-comment"),
        ("ticket.status_changed", {}, None, "not-a-trigger"),
        ("ticket.comment_made_public", {}, None, "not-a-trigger"),
        ("user.created", {"ticket": "x"}, None, "not-a-trigger"),
    ],
)
def test_events(kind: str, changes: dict[str, JsonValue], trigger: TriggerKind | None, ignored: str) -> None:
    body = zendesk_event(kind, **changes)
    inbound = RECEIVER.receive(zendesk_headers(body, NOW), body, NOW)
    assert (inbound.kind, inbound.ignored) == (trigger, ignored)
    assert inbound.delivery == "d4f5c389-8f4a-4c2e-a1b9-8e4f39c71d52"
    assert inbound.occurred_at == datetime(2026, 11, 21, 10, 0, 0, 123456, tzinfo=UTC)
    assert trigger is None or inbound.ticket == "4711"


@pytest.mark.parametrize(
    ("changes", "trigger", "ignored"),
    [
        ({}, TriggerKind.MESSAGE, ""),
        ({"comment_public": True, "ticket_id": 4711, "actor_id": 9001}, TriggerKind.MESSAGE, ""),
        ({"event": "created"}, TriggerKind.CREATED, ""),
        ({"event": "created", "comment_public": ""}, None, "bad"),
        ({"event": "created", "actor_id": "777"}, None, "own-actor"),
        ({"comment_public": "false"}, None, "private-comment"),
        ({"actor_id": "501"}, None, "agent-comment"),
        ({"actor_id": "777"}, None, "own-actor"),
        ({"event": "test", "ticket_id": 1}, None, "test"),
        ({"event": "rerun", "actor_id": "501", "requester_id": "501"}, TriggerKind.REINVESTIGATE, ""),
        ({"event": "rerun", "actor_id": "777"}, None, "own-actor"),
    ],
)
def test_trigger_bodies(changes: dict[str, JsonValue], trigger: TriggerKind | None, ignored: str) -> None:
    body = zendesk_trigger(**changes)
    headers = zendesk_headers(body, NOW, invocation="01KAH")
    if ignored == "bad":
        with pytest.raises(BadDelivery, match="comment_public"):
            RECEIVER.receive(headers, body, NOW)
        return
    inbound = RECEIVER.receive(headers, body, NOW)
    assert (inbound.kind, inbound.ignored, inbound.delivery) == (trigger, ignored, "01KAH")


@pytest.mark.parametrize(
    ("event", "actor", "ignored"),
    [
        ({"tags_added": ["vip", "whydesk-rerun"], "tags_removed": []}, "501", ""),
        ({"tags_added": ["Whydesk-Rerun "]}, "501", ""),
        ({"added_tags": "vip whydesk-rerun"}, "501", ""),
        ({"previous": ["vip"], "current": ["vip", "whydesk-rerun"]}, "501", ""),
        ({"current": ["whydesk-rerun"]}, "9001", ""),
        ({"previous": ["whydesk-rerun"], "current": ["whydesk-rerun", "vip"]}, "501", "other-tags"),
        ({"tags_added": ["vip"], "tags_removed": ["whydesk-rerun"]}, "501", "other-tags"),
        ({"tags_added": ["whydesk-right"]}, "501", "other-tags"),
        ({"tags_added": [], "current": ["whydesk-rerun"]}, "501", "other-tags"),
        ({"tags_added": ["whydesk-rerun"]}, "777", "own-actor"),
        ({"tags_added": [7, None]}, "501", "other-tags"),
        ({"tags": ["whydesk-rerun"]}, "501", "unreadable-tags"),
        ({}, "501", "unreadable-tags"),
        ({}, "777", "own-actor"),
    ],
)
def test_a_tag_that_was_added_asks_for_a_fresh_look(event: dict[str, JsonValue], actor: str, ignored: str) -> None:
    whole = json.loads(zendesk_event("ticket.tags_changed", actor=actor))
    whole["event"] |= event
    # The ticket carries the tag all the time; only its adding counts.
    whole["detail"]["tags"] = ["whydesk-rerun"]
    body = json.dumps(whole).encode()
    inbound = RECEIVER.receive(zendesk_headers(body, NOW), body, NOW)
    assert (inbound.kind, inbound.ignored) == (None if ignored else TriggerKind.REINVESTIGATE, ignored)
    assert (inbound.ticket, inbound.delivery) == ("4711", "d4f5c389-8f4a-4c2e-a1b9-8e4f39c71d52")


def test_the_documented_templates_are_what_is_read() -> None:
    text = Path(zendesk_inbound.__file__).read_text()
    templates = re.findall(r"^    \{\n.*?^    \}\n", text.split('"""')[1], re.MULTILINE | re.DOTALL)
    filled = {
        "{{ticket.id}}": "4711",
        "{{current_user.id}}": "9001",
        "{{ticket.requester.id}}": "9001",
        "{{ticket.latest_comment.author.id}}": "9001",
        "{{ticket.latest_comment.is_public}}": "true",
    }
    kinds = []
    for template in templates:
        body = re.sub(r"\{\{.*?\}\}", lambda found: filled[found[0]], template).encode()
        kinds.append(RECEIVER.receive(zendesk_headers(body, NOW), body, NOW).kind)
    assert kinds == [TriggerKind.CREATED, TriggerKind.MESSAGE, TriggerKind.REINVESTIGATE]


def test_during_a_rotation_both_secrets_are_valid_and_later_one() -> None:
    body = zendesk_event()
    rotating = ZendeskReceiver(CONFIG, ["old", "new"])
    for secret in ("old", "new"):
        assert rotating.receive(zendesk_headers(body, NOW, secret), body, NOW).ticket == "4711"
    with pytest.raises(BadSignature):
        ZendeskReceiver(CONFIG, ["new"]).receive(zendesk_headers(body, NOW, "old"), body, NOW)


@pytest.mark.parametrize("seconds", [-301, 301, -86_400])
def test_outside_the_window_a_good_signature_is_bad(seconds: int) -> None:
    body = zendesk_event()
    with pytest.raises(BadSignature):
        RECEIVER.receive(zendesk_headers(body, NOW + timedelta(seconds=seconds)), body, NOW)


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_inside_the_window(seconds: int) -> None:
    body = zendesk_event()
    assert RECEIVER.receive(zendesk_headers(body, NOW + timedelta(seconds=seconds)), body, NOW).ticket == "4711"


@pytest.mark.parametrize("missing", ["x-zendesk-webhook-signature", "x-zendesk-webhook-signature-timestamp"])
def test_without_a_header_it_is_not_signed(missing: str) -> None:
    body = zendesk_event()
    headers = zendesk_headers(body, NOW)
    del headers[missing]
    with pytest.raises(BadSignature):
        RECEIVER.receive(headers, body, NOW)


@pytest.mark.parametrize("stamp", ["", "1763719200", "2026-11-21", "2026-11-21T10:00:00", "2026-13-41T10:00:00Z"])
def test_a_signed_time_of_another_form_is_refused(stamp: str) -> None:
    class Odd(datetime):
        def strftime(self, format: str) -> str:
            return stamp

    body = zendesk_event()
    with pytest.raises(BadSignature):
        RECEIVER.receive(zendesk_headers(body, Odd(2026, 11, 21, tzinfo=UTC)), body, NOW)


@pytest.mark.parametrize("secrets", [[], [""], ["good", ""]])
def test_a_receiver_needs_secrets(secrets: list[str]) -> None:
    with pytest.raises(ValueError, match="secret"):
        ZendeskReceiver(CONFIG, secrets)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"", "body"),
        (b"not json", "body"),
        (b"[1]", "body"),
        (b"[" * 200_000, "body"),
        (b"\xff\xfe", "body"),
        (b"{}", "type"),
        (b'{"type": 5}', "type"),
        (b'{"type": "zen:event-type:ticket.created"}', "id"),
        (zendesk_event(ticket="4711/../1"), "detail.id"),
        (zendesk_event(ticket=None), "detail.id"),
        (zendesk_event(ticket=True), "detail.id"),
        (zendesk_event(id="a b"), "id"),
        (zendesk_event(id="x" * 201), "id"),
        (zendesk_event(id="a\n"), "id"),
        (zendesk_event("ticket.comment_added", public=None), "event.comment.is_public"),
        (zendesk_event("ticket.comment_added", author=None), "event.comment.author.id"),
        (zendesk_trigger(whydesk=2), "whydesk"),
        (zendesk_trigger(event="closed"), "event"),
        (zendesk_trigger(ticket_id="{{ticket.id}}"), "ticket_id"),
        (zendesk_trigger(actor_id=""), "actor_id"),
        (json.dumps({"whydesk": 1, "event": "comment", "ticket_id": "1"}).encode(), "actor_id"),
        (
            json.dumps(
                {"whydesk": 1, "event": "comment", "ticket_id": "1", "actor_id": "1", "requester_id": "1"}
            ).encode(),
            "comment_public",
        ),
    ],
)
def test_signed_but_unreadable_names_the_field(body: bytes, field: str) -> None:
    with pytest.raises(BadDelivery) as caught:
        RECEIVER.receive(zendesk_headers(body, NOW), body, NOW)
    assert caught.value.field == field
    assert "ada@" not in str(caught.value)


def test_a_trigger_without_an_invocation_has_no_delivery_id() -> None:
    body = zendesk_trigger()
    headers = zendesk_headers(body, NOW)
    del headers["x-zendesk-webhook-invocation-id"]
    with pytest.raises(BadDelivery) as caught:
        RECEIVER.receive(headers, body, NOW)
    assert caught.value.field == "x-zendesk-webhook-invocation-id"


def flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8 % len(data)] ^= 1 << bit % 8
    return bytes(changed)


@UNHURRIED
@given(
    part=st.sampled_from(["body", "x-zendesk-webhook-signature", "x-zendesk-webhook-signature-timestamp"]),
    bit=st.integers(0, 10_000),
)
def test_any_bit_that_is_changed_is_refused(part: str, bit: int) -> None:
    body = zendesk_event()
    headers = zendesk_headers(body, NOW)
    if part == "body":
        body = flipped(body, bit)
    else:
        headers[part] = flipped(headers[part].encode(), bit).decode("latin-1")
    with pytest.raises(BadSignature):
        RECEIVER.receive(headers, body, NOW)


@UNHURRIED
@given(body=st.binary(max_size=400), signature=st.text(max_size=60), stamp=st.text(max_size=30))
def test_whatever_comes_unsigned_is_a_bad_signature(body: bytes, signature: str, stamp: str) -> None:
    with pytest.raises(BadSignature):
        RECEIVER.receive(
            {"x-zendesk-webhook-signature": signature, "x-zendesk-webhook-signature-timestamp": stamp}, body, NOW
        )


@UNHURRIED
@given(body=st.binary(max_size=400))
def test_whatever_comes_signed_is_read_or_refused_by_name(body: bytes) -> None:
    with pytest.raises(BadDelivery):
        RECEIVER.receive(zendesk_headers(body, NOW), body, NOW)
