"""Zendesk's webhooks: signature, time window, loop guard, and the two kinds of body.

An *event subscription* (Admin Center, Webhooks, "Zendesk events": Ticket created, Comment added to ticket, Tags changed)
needs no more setting up. A webhook that is *connected to a trigger or automation* sends what the administrator writes; paste
this as its JSON body. For a trigger on "Ticket is created":

    {
      "whydesk": 1,
      "event": "created",
      "ticket_id": "{{ticket.id}}",
      "actor_id": "{{current_user.id}}",
      "requester_id": "{{ticket.requester.id}}"
    }

and for one on "Ticket is updated" with "Comment is present":

    {
      "whydesk": 1,
      "event": "comment",
      "ticket_id": "{{ticket.id}}",
      "comment_public": "{{ticket.latest_comment.is_public}}",
      "actor_id": "{{ticket.latest_comment.author.id}}",
      "requester_id": "{{ticket.requester.id}}"
    }

For a fresh look by the tag `whydesk-rerun`, a trigger on "Ticket is updated" with "Tags contain at least one of
whydesk-rerun". It must also have the action "Remove tags: whydesk-rerun", or every further update starts another look:

    {
      "whydesk": 1,
      "event": "rerun",
      "ticket_id": "{{ticket.id}}",
      "actor_id": "{{current_user.id}}"
    }

`"event": "test"` with any ticket id tries the connection and starts nothing.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BeforeValidator, JsonValue, StringConstraints, TypeAdapter, ValidationError

from helpdesks.base import BadDelivery, BadSignature, Inbound
from helpdesks.inbound import DeliveryId, Id, MessageId, id_text, read_delivery, why_ignored, why_tags_ignored
from helpdesks.signing import Signatures, is_current
from models.base import Frozen, Moment
from models.tenant import ZendeskConfig
from models.ticket import TriggerKind

_SIGNATURE = "x-zendesk-webhook-signature"
_SIGNED_AT = "x-zendesk-webhook-signature-timestamp"
_INVOCATION = "x-zendesk-webhook-invocation-id"
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:?\d\d)", re.ASCII)
_EVENTS = "zen:event-type:"

_TicketId = Annotated[str, BeforeValidator(id_text), StringConstraints(pattern=r"^[1-9][0-9]{0,19}\z")]
_REQUIRED = {
    "created": ("actor_id", "requester_id"),
    "comment": ("actor_id", "requester_id", "comment_public"),
    "rerun": ("actor_id",),
}
_DELIVERY: TypeAdapter[str] = TypeAdapter(DeliveryId)


class _Kind(Frozen):
    """Tells the two kinds of body apart."""

    type: str = ""
    whydesk: int | None = None


class _Detail(Frozen):
    id: _TicketId
    actor_id: Id
    requester_id: Id


class _Author(Frozen):
    id: Id


class _Comment(Frozen):
    id: MessageId = ""
    author: _Author
    is_public: bool


class _Change(Frozen):
    comment: _Comment


class _AnyEvent(Frozen):
    """An event of which only the address counts. Its `detail` may be of something else than a ticket."""

    id: DeliveryId
    type: str
    time: Moment | None = None


class _TicketEvent(_AnyEvent):
    detail: _Detail


class _CommentEvent(_TicketEvent):
    event: _Change


class _Actor(Frozen):
    id: _TicketId
    actor_id: Id


class _TagsEvent(_AnyEvent):
    """Zendesk's own example of this event was not at hand: what it adds is looked for under every name it may have."""

    detail: _Actor
    event: dict[str, JsonValue] = {}


class _TriggerBody(Frozen):
    """Our own template; Zendesk's placeholders are text, so is everything here."""

    whydesk: Literal[1]
    event: Literal["created", "comment", "rerun", "test"]
    ticket_id: _TicketId
    actor_id: Id = ""
    requester_id: Id = ""
    comment_public: bool | None = None


class ZendeskReceiver:
    """The inbound side of one Zendesk account. Pure."""

    def __init__(self, config: ZendeskConfig, secrets: Sequence[str]) -> None:
        """Take the resolved `webhook_secrets`, all that are valid now.

        Raises:
            ValueError: no secret, or an empty one.
        """
        if not secrets:
            raise ValueError("a Zendesk helpdesk needs at least one webhook secret; set webhook_secrets")
        self._actor = config.actor_id
        # Zendesk signs with the secret's text as it is shown; it is not decoded although it looks like Base64.
        self._signatures = Signatures([secret.encode() for secret in secrets])

    def receive(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Inbound:
        """Check `base64(HMAC-SHA256(secret, timestamp + body))` and the time, then read the event.

        Raises:
            BadSignature, BadDelivery: see helpdesks.base.Receiver.
        """
        signed_at = headers.get(_SIGNED_AT, "")
        signed_before = signed_at.encode("utf-8", "surrogatepass")
        if not self._signatures.match(signed_before, body, [headers.get(_SIGNATURE, "")]):
            raise BadSignature("no secret matches")
        if not is_current(_moment(signed_at), now):
            raise BadSignature("too old or too new")
        kind = read_delivery(_Kind, body)
        if kind.whydesk is not None:
            return self._read_trigger(headers, body)
        if not kind.type:
            raise BadDelivery("type is missing, and so is whydesk: use our template for triggers", field="type")
        return self._read_event(kind.type, body)

    def _read_event(self, kind: str, body: bytes) -> Inbound:
        if kind == _EVENTS + "ticket.created":
            created = read_delivery(_TicketEvent, body)
            own = created.detail.actor_id == self._actor
            return Inbound(
                delivery=created.id,
                ticket=created.detail.id,
                kind=None if own else TriggerKind.CREATED,
                ignored="own-actor" if own else "",
                occurred_at=created.time,
            )
        if kind == _EVENTS + "ticket.comment_added":
            added = read_delivery(_CommentEvent, body)
            comment, detail = added.event.comment, added.detail
            ignored = why_ignored(
                own=self._actor in (comment.author.id, detail.actor_id),
                public=comment.is_public,
                by_requester=comment.author.id == detail.requester_id,
            )
            return Inbound(
                delivery=added.id,
                ticket=detail.id,
                message=comment.id,
                kind=None if ignored else TriggerKind.MESSAGE,
                ignored=ignored,
                occurred_at=added.time,
            )
        if kind == _EVENTS + "ticket.tags_changed":
            return self._read_tags(read_delivery(_TagsEvent, body))
        other = read_delivery(_AnyEvent, body)
        return Inbound(delivery=other.id, ticket="", kind=None, ignored="not-a-trigger", occurred_at=other.time)

    def _read_tags(self, changed: _TagsEvent) -> Inbound:
        added = _added_tags(changed.event)
        ignored = why_tags_ignored(own=changed.detail.actor_id == self._actor, added=added or ())
        return Inbound(
            delivery=changed.id,
            ticket=changed.detail.id,
            kind=None if ignored else TriggerKind.REINVESTIGATE,
            ignored="unreadable-tags" if added is None and ignored == "other-tags" else ignored,
            occurred_at=changed.time,
        )

    def _read_trigger(self, headers: Mapping[str, str], body: bytes) -> Inbound:
        sent = read_delivery(_TriggerBody, body)
        try:
            delivery = _DELIVERY.validate_python(headers.get(_INVOCATION, ""))
        except ValidationError:
            raise BadDelivery(f"the header {_INVOCATION} is missing or not an id", field=_INVOCATION) from None
        if sent.event == "test":
            return Inbound(delivery=delivery, ticket=sent.ticket_id, kind=None, ignored="test")
        for field in _REQUIRED[sent.event]:
            if getattr(sent, field) in ("", None):
                raise BadDelivery(f"{field} is missing; paste the template again", field=field)
        own = sent.actor_id == self._actor
        if sent.event == "created":
            kind, ignored = TriggerKind.CREATED, why_ignored(own=own, public=True, by_requester=True)
        elif sent.event == "rerun":
            kind, ignored = TriggerKind.REINVESTIGATE, why_ignored(own=own, public=True, by_requester=True)
        else:
            kind = TriggerKind.MESSAGE
            by_requester = sent.actor_id == sent.requester_id
            ignored = why_ignored(own=own, public=bool(sent.comment_public), by_requester=by_requester)
        return Inbound(delivery=delivery, ticket=sent.ticket_id, kind=None if ignored else kind, ignored=ignored)


def _added_tags(event: Mapping[str, JsonValue]) -> list[str] | None:
    """Return the tags that a change added; None where the event does not say it in a way that we know."""
    for name in ("tags_added", "added_tags", "added"):
        if name in event:
            return _tags(event[name])
    now, before = _tags(event.get("current")), _tags(event.get("previous"))
    if now is None:
        return None
    return [tag for tag in now if tag not in (before or ())]


def _tags(value: JsonValue) -> list[str] | None:
    """Read tags as a list, or as the one text with spaces between them that Zendesk has elsewhere."""
    if isinstance(value, str):
        return value.split()
    return [tag for tag in value if isinstance(tag, str)] if isinstance(value, list) else None


def _moment(text: str) -> datetime:
    # A signed time of another form is not Zendesk's, and without a zone it could mean any.
    if not _TIME.fullmatch(text):
        raise BadSignature("no readable time")
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise BadSignature("no readable time") from None
