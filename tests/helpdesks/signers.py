"""Signs deliveries by the vendors' descriptions, on its own: nothing here comes from helpdesks/."""

import base64
import hashlib
import hmac
import json
from datetime import datetime

from hypothesis import HealthCheck, settings
from pydantic import JsonValue

UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""For properties on a machine that does other things, too."""

ZENDESK_SECRET = "dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ=="
STANDARD_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def zendesk_headers(
    body: bytes, at: datetime, secret: str = ZENDESK_SECRET, invocation: str = "inv-1"
) -> dict[str, str]:
    """base64(HMAC-SHA256(secret as text, timestamp + body))."""
    stamp = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    digest = hmac.new(secret.encode(), stamp.encode() + body, hashlib.sha256).digest()
    return {
        "x-zendesk-webhook-signature": base64.b64encode(digest).decode(),
        "x-zendesk-webhook-signature-timestamp": stamp,
        "x-zendesk-webhook-invocation-id": invocation,
        "content-type": "application/json",
    }


def standard_headers(
    body: bytes, at: datetime, secret: str = STANDARD_SECRET, identity: str = "msg_1"
) -> dict[str, str]:
    """`v1,` and base64(HMAC-SHA256(decoded secret, id.seconds.body))."""
    stamp = str(int(at.timestamp()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{identity}.{stamp}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": identity,
        "webhook-timestamp": stamp,
        "webhook-signature": "v1," + base64.b64encode(digest).decode(),
        "content-type": "application/json",
    }


def zendesk_event(kind: str = "ticket.created", **changes: JsonValue) -> bytes:
    """An event subscription's body; `author`, `public`, `actor`, `ticket` change it."""
    actor = changes.get("actor", "9001")
    event: dict[str, JsonValue] = {"meta": {"sequence": {"id": "s-1", "position": 1}}}
    if kind == "ticket.comment_added":
        event["comment"] = {
            "id": "c-1",
            "body": "Still failing",
            "is_public": changes.get("public", True),
            "author": {"id": changes.get("author", actor), "is_staff": False, "name": "Ada"},
        }
    return json.dumps(
        {
            "account_id": 22129848,
            "id": changes.get("id", "d4f5c389-8f4a-4c2e-a1b9-8e4f39c71d52"),
            "time": "2026-11-21T10:00:00.123456789Z",
            "type": f"zen:event-type:{kind}",
            "subject": "zen:ticket:4711",
            "zendesk_event_version": "2022-11-06",
            "detail": {
                "id": changes.get("ticket", "4711"),
                "actor_id": actor,
                "requester_id": "9001",
                "subject": "API down? ada@acme.example",
                "is_public": True,
            },
            "event": event,
        }
    ).encode()


def zendesk_trigger(**changes: JsonValue) -> bytes:
    """Our template after Zendesk has filled it in."""
    return json.dumps(
        {
            "whydesk": 1,
            "event": "comment",
            "ticket_id": "4711",
            "comment_public": "true",
            "actor_id": "9001",
            "requester_id": "9001",
            **changes,
        }
    ).encode()


def standard_event(kind: str = "ticket.created", **changes: JsonValue) -> bytes:
    """A Standard Webhooks event."""
    data = {
        "ticket_id": "T-1",
        "message_id": "m-1",
        "author": {"id": "u-1", "role": "requester"},
        "public": True,
        **changes,
    }
    return json.dumps({"type": kind, "timestamp": "2026-11-21T10:00:00Z", "data": data}).encode()
