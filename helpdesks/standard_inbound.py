"""Events of any system that signs them by Standard Webhooks (standardwebhooks.com).

    {"type": "ticket.created" | "ticket.message", "timestamp": "2026-11-21T10:00:00Z",
     "data": {"ticket_id": "T-1", "message_id": "m-1", "author": {"id": "u-1", "role": "requester"}, "public": true}}

`role` is `requester`, `agent` or `whydesk`. When tags change, so that `whydesk-rerun` can ask for a fresh look:

    {"type": "ticket.tags_changed", "timestamp": "2026-11-21T10:00:00Z",
     "data": {"ticket_id": "T-1", "author": {"id": "a-7", "role": "agent"}, "tags_added": ["whydesk-rerun"]}}

`tags_added` are those of this change alone, not all that the ticket has. Any other `type` is accepted and starts nothing;
`test` and `ping` try the connection.
"""

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated

from pydantic import BeforeValidator, StringConstraints, TypeAdapter, ValidationError

from helpdesks.base import BadDelivery, BadSignature, Inbound
from helpdesks.inbound import DeliveryId, Id, MessageId, id_text, read_delivery, why_ignored, why_tags_ignored
from helpdesks.signing import Signatures, is_current
from models.base import Frozen, Moment
from models.tenant import StandardConfig
from models.ticket import TriggerKind

TICKET_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@~-]{0,127}")
"""No slash and no leading dot: it becomes part of an address and of a workflow's id."""

_SECONDS = re.compile(r"[1-9][0-9]{0,10}", re.ASCII)
_TESTS = frozenset({"test", "ping", "webhook.test"})
_DELIVERY: TypeAdapter[str] = TypeAdapter(DeliveryId)
_TicketId = Annotated[str, BeforeValidator(id_text), StringConstraints(pattern=rf"^{TICKET_ID.pattern}\z")]


class _Event(Frozen):
    type: str
    timestamp: Moment | None = None


class _Author(Frozen):
    id: Id
    role: str


class _Created(Frozen):
    ticket_id: _TicketId
    author: _Author


class _Said(_Created):
    public: bool
    message_id: MessageId = ""


class _Tagged(_Created):
    tags_added: tuple[str, ...] = ()


class _CreatedEvent(_Event):
    data: _Created


class _MessageEvent(_Event):
    data: _Said


class _TagsEvent(_Event):
    data: _Tagged


class StandardReceiver:
    """The inbound side of one system that speaks Standard Webhooks. Pure.

    The library's own `Webhook.verify` is not used to verify: it reads its own clock, takes several spellings of one
    signature, and fails on malformed headers with errors of other kinds. Tests hold the two to the same answers.
    """

    def __init__(self, config: StandardConfig, secrets: Sequence[str]) -> None:
        """Take the resolved `webhook_secrets` (`whsec_…`), all that are valid now.

        Raises:
            ValueError: no secret, an empty one, or one that is not Base64.
        """
        if not secrets:
            raise ValueError("a standard helpdesk needs at least one webhook secret; set webhook_secrets")
        self._actor = config.actor_id
        self._signatures = Signatures([decode_secret(secret) for secret in secrets])

    def receive(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Inbound:
        """Check `v1,base64(HMAC-SHA256(key, id.timestamp.body))` and the time, then read the event.

        Raises:
            BadSignature, BadDelivery: see helpdesks.base.Receiver.
        """
        delivery, signed_at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
        claims = [
            claim.removeprefix("v1,") for claim in headers.get("webhook-signature", "").split() if claim[:3] == "v1,"
        ]
        signed_before = f"{delivery}.{signed_at}.".encode("utf-8", "surrogatepass")
        # Without a claim there is nothing to compare; the work is done all the same.
        if not self._signatures.match(signed_before, body, claims or [""]):
            raise BadSignature("no secret matches")
        if not _SECONDS.fullmatch(signed_at) or not is_current(datetime.fromtimestamp(int(signed_at), UTC), now):
            raise BadSignature("too old, too new or no readable time")
        try:
            delivery = _DELIVERY.validate_python(delivery)
        except ValidationError:
            raise BadDelivery("the header webhook-id is not an id", field="webhook-id") from None
        return self._read(delivery, body)

    def _read(self, delivery: str, body: bytes) -> Inbound:
        event = read_delivery(_Event, body)
        message = ""
        if event.type == "ticket.created":
            created = read_delivery(_CreatedEvent, body).data
            ticket, kind = created.ticket_id, TriggerKind.CREATED
            ignored = why_ignored(own=self._is_own(created.author), public=True, by_requester=True)
        elif event.type == "ticket.message":
            said = read_delivery(_MessageEvent, body).data
            ticket, kind, message = said.ticket_id, TriggerKind.MESSAGE, said.message_id
            ignored = why_ignored(
                own=self._is_own(said.author), public=said.public, by_requester=said.author.role == "requester"
            )
        elif event.type == "ticket.tags_changed":
            tagged = read_delivery(_TagsEvent, body).data
            ticket, kind = tagged.ticket_id, TriggerKind.REINVESTIGATE
            ignored = why_tags_ignored(own=self._is_own(tagged.author), added=tagged.tags_added)
        else:
            return Inbound(
                delivery=delivery,
                ticket="",
                kind=None,
                ignored="test" if event.type in _TESTS else "not-a-trigger",
                occurred_at=event.timestamp,
            )
        return Inbound(
            delivery=delivery,
            ticket=ticket,
            message=message,
            kind=None if ignored else kind,
            ignored=ignored,
            occurred_at=event.timestamp,
        )

    def _is_own(self, author: _Author) -> bool:
        return author.role == "whydesk" or author.id == self._actor


def decode_secret(secret: str) -> bytes:
    """Return the key in a `whsec_…` secret; padding may be missing.

    Raises:
        ValueError: empty or not Base64. The library would drop what does not fit and sign with the rest.
    """
    text = secret.strip().removeprefix("whsec_").rstrip("=")
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error:
        key = b""
    if not key:
        raise ValueError("a webhook secret is empty or not Base64; copy it again, with its whsec_ prefix")
    return key
