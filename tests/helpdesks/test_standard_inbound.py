"""StandardReceiver: against the specification's own library, both ways, and stricter than it."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import HttpUrl, JsonValue
from standardwebhooks import Webhook

from helpdesks.base import BadDelivery, BadSignature
from helpdesks.standard_inbound import StandardReceiver
from models.tenant import StandardConfig
from models.ticket import TriggerKind
from tests.helpdesks.signers import STANDARD_SECRET, UNHURRIED, standard_event, standard_headers
from tests.helpdesks.test_zendesk_inbound import flipped

NOW = datetime(2026, 11, 21, 10, 0, 30, tzinfo=UTC)
CONFIG = StandardConfig(
    kind="standard",
    note_url=HttpUrl("https://desk.example/notes"),
    ticket_url=HttpUrl("https://desk.example/tickets/{ticket}"),
    webhook_secrets=["env:A"],
)
RECEIVER = StandardReceiver(CONFIG, [STANDARD_SECRET])


def test_the_vector_of_the_specification() -> None:
    """The example that the libraries of standardwebhooks.com are tested with."""
    body = b'{"test": 2432232314}'
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    # The signature holds: what is wrong is that this body has no type.
    with pytest.raises(BadDelivery) as caught:
        RECEIVER.receive(headers, body, datetime.fromtimestamp(1614265330, UTC))
    assert caught.value.field == "type"
    with pytest.raises(BadSignature):
        RECEIVER.receive(headers, body, NOW)


def test_what_the_library_signs_is_taken() -> None:
    body = standard_event()
    signature = Webhook(STANDARD_SECRET).sign("msg_2", NOW, body.decode())
    headers = {
        "webhook-id": "msg_2",
        "webhook-timestamp": str(int(NOW.timestamp())),
        "webhook-signature": f"v1a,AAAA v1,AAAA {signature}",
    }
    inbound = RECEIVER.receive(headers, body, NOW)
    assert (inbound.delivery, inbound.ticket, inbound.kind) == ("msg_2", "T-1", TriggerKind.CREATED)


def test_the_library_agrees_on_good_and_bad() -> None:
    now = datetime.now(UTC)
    body = standard_event()
    good = standard_headers(body, now)
    assert Webhook(STANDARD_SECRET).verify(body, good)["type"] == "ticket.created"
    assert RECEIVER.receive(good, body, now).ticket == "T-1"


@pytest.mark.parametrize(
    ("kind", "changes", "trigger", "ignored"),
    [
        ("ticket.created", {}, TriggerKind.CREATED, ""),
        ("ticket.created", {"author": {"id": "a-1", "role": "agent"}}, TriggerKind.CREATED, ""),
        ("ticket.created", {"author": {"id": "whydesk", "role": "agent"}}, None, "own-actor"),
        ("ticket.message", {}, TriggerKind.MESSAGE, ""),
        ("ticket.message", {"ticket_id": 17}, TriggerKind.MESSAGE, ""),
        ("ticket.message", {"public": False}, None, "private-comment"),
        ("ticket.message", {"author": {"id": "a-1", "role": "agent"}}, None, "agent-comment"),
        ("ticket.message", {"author": {"id": "a-1", "role": "robot"}}, None, "agent-comment"),
        ("ticket.message", {"author": {"id": "x", "role": "whydesk"}}, None, "own-actor"),
        ("ticket.message", {"author": {"id": "whydesk", "role": "requester"}}, None, "own-actor"),
        ("ticket.tags_changed", {"tags_added": ["x", "whydesk-rerun"]}, TriggerKind.REINVESTIGATE, ""),
        ("ticket.tags_changed", {"tags_added": ["whydesk-right"]}, None, "other-tags"),
        ("ticket.tags_changed", {"tags_removed": ["whydesk-rerun"]}, None, "other-tags"),
        (
            "ticket.tags_changed",
            {"tags_added": ["whydesk-rerun"], "author": {"id": "x", "role": "whydesk"}},
            None,
            "own-actor",
        ),
        ("ticket.closed", {}, None, "not-a-trigger"),
        ("note", {}, None, "not-a-trigger"),
        ("ping", {}, None, "test"),
    ],
)
def test_events(kind: str, changes: dict[str, JsonValue], trigger: TriggerKind | None, ignored: str) -> None:
    body = standard_event(kind, **changes)
    inbound = RECEIVER.receive(standard_headers(body, NOW, identity="evt:1"), body, NOW)
    assert (inbound.kind, inbound.ignored, inbound.delivery) == (trigger, ignored, "evt:1")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"nope", "body"),
        (b"{}", "type"),
        (b'{"type": "ticket.created"}', "data"),
        (standard_event(ticket_id="../1"), "data.ticket_id"),
        (standard_event(ticket_id="a/b"), "data.ticket_id"),
        (standard_event(ticket_id=".."), "data.ticket_id"),
        (standard_event(ticket_id="a\n"), "data.ticket_id"),
        (standard_event(ticket_id=""), "data.ticket_id"),
        (standard_event("ticket.message", public=None), "data.public"),
        (standard_event("ticket.message", author={"id": "u"}), "data.author.role"),
        (standard_event("ticket.tags_changed", tags_added="whydesk-rerun"), "data.tags_added"),
    ],
)
def test_signed_but_unreadable_names_the_field(body: bytes, field: str) -> None:
    with pytest.raises(BadDelivery) as caught:
        RECEIVER.receive(standard_headers(body, NOW), body, NOW)
    assert caught.value.field == field


@pytest.mark.parametrize("identity", ["", "a b", "x" * 201])
def test_a_signed_id_of_another_form_names_the_header(identity: str) -> None:
    body = standard_event()
    with pytest.raises(BadDelivery) as caught:
        RECEIVER.receive(standard_headers(body, NOW, identity=identity), body, NOW)
    assert caught.value.field == "webhook-id"


@pytest.mark.parametrize(
    "signature",
    ["", "v1", "v1,", "v1,!!!", "nonsense", "v2,AAAA", ",", "v1,AAAA " * 5000, "v1a,AAAA"],
)
def test_a_malformed_signature_is_only_wrong(signature: str) -> None:
    body = standard_event()
    with pytest.raises(BadSignature):
        RECEIVER.receive({**standard_headers(body, NOW), "webhook-signature": signature}, body, NOW)


@pytest.mark.parametrize("seconds", [-301, 301])
def test_outside_the_window_a_good_signature_is_bad(seconds: int) -> None:
    body = standard_event()
    with pytest.raises(BadSignature):
        RECEIVER.receive(standard_headers(body, NOW + timedelta(seconds=seconds)), body, NOW)


def test_during_a_rotation_both_secrets_are_valid() -> None:
    other = "whsec_" + base64.b64encode(b"another key").decode()
    body = standard_event()
    rotating = StandardReceiver(CONFIG, [other, STANDARD_SECRET])
    for secret in (other, STANDARD_SECRET):
        assert rotating.receive(standard_headers(body, NOW, secret), body, NOW).ticket == "T-1"


def test_padding_of_a_secret_may_be_missing() -> None:
    padded = "whsec_" + base64.b64encode(b"another key").decode()
    assert padded.endswith("=")
    body = standard_event()
    receiver = StandardReceiver(CONFIG, [padded.rstrip("=")])
    assert receiver.receive(standard_headers(body, NOW, padded), body, NOW).ticket == "T-1"


@pytest.mark.parametrize("secrets", [[], [""], ["whsec_"], ["whsec_!!!!"], [STANDARD_SECRET, "whsec_a b"]])
def test_a_receiver_needs_good_secrets(secrets: list[str]) -> None:
    with pytest.raises(ValueError, match="secret") as caught:
        StandardReceiver(CONFIG, secrets)
    assert "MfKQ" not in str(caught.value)


@UNHURRIED
@given(
    part=st.sampled_from(["body", "webhook-signature", "webhook-timestamp", "webhook-id"]), bit=st.integers(0, 5_000)
)
def test_any_bit_that_is_changed_is_refused(part: str, bit: int) -> None:
    body = standard_event()
    headers = standard_headers(body, NOW)
    if part == "body":
        body = flipped(body, bit)
    else:
        headers[part] = flipped(headers[part].encode(), bit).decode("latin-1")
    with pytest.raises(BadSignature):
        RECEIVER.receive(headers, body, NOW)
