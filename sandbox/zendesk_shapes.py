"""Zendesk's JSON: tickets, people, organisations, comments, and the events of its webhooks."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from pydantic import JsonValue

from sandbox.clock import stamp
from sandbox.tickets import Comment, Desk, DeskTicket, Person
from sandbox.webhooks import Delivery, Signer, event_body
from sandbox.world import Organization

Body = dict[str, JsonValue]
ACCOUNT = 22_129_848


class Events:
    """Builds the events of one account's tickets."""

    def __init__(self, desk: Desk, signer: Signer) -> None:
        """Take whose actor is our own, and what signs."""
        self._desk = desk
        self._signer = signer

    def created(self, ticket: DeskTicket) -> Delivery:
        """Return the event of a new ticket."""
        return self._event(ticket, "ticket.created", ticket.requester, ticket.created_at, {}, is_public=True)

    def commented(self, ticket: DeskTicket, comment: Comment) -> Delivery:
        """Return the event of a comment, whoever wrote it."""
        change: Body = {
            "comment": {
                "author": {
                    "id": str(comment.author.id),
                    "is_staff": comment.author.role == "agent",
                    "name": comment.author.name,
                },
                "body": comment.text,
                "id": str(comment.id),
                "is_public": comment.public,
            }
        }
        return self._event(
            ticket, "ticket.comment_added", comment.author, comment.created_at, change, is_public=comment.public
        )

    def _event(
        self, ticket: DeskTicket, kind: str, actor: Person, at: datetime, change: Body, *, is_public: bool
    ) -> Delivery:
        identity = str(uuid.uuid4())
        detail: Body = {
            "actor_id": str(actor.id),
            "assignee_id": None,
            "brand_id": "9000001",
            "created_at": stamp(ticket.created_at),
            "custom_status": "9100001",
            "description": ticket.comments[0].text,
            "external_id": None,
            "form_id": "9200001",
            "group_id": "9300001",
            "id": str(ticket.id),
            "is_public": is_public,
            "organization_id": str(ticket.organization.id) if ticket.organization else None,
            "priority": ticket.priority.upper() or None,
            "requester_id": str(ticket.requester.id),
            "status": ticket.status.upper(),
            "subject": ticket.subject,
            "submitter_id": str(ticket.requester.id),
            "tags": list(ticket.tags),
            "type": "QUESTION",
            "updated_at": stamp(ticket.updated_at),
            "via": {"channel": "web_service"},
        }
        event: Body = {
            "type": f"zen:event-type:{kind}",
            "account_id": ACCOUNT,
            "id": identity,
            "time": stamp(at),
            "zendesk_event_version": "2022-11-06",
            "subject": f"zen:ticket:{ticket.id}",
            "detail": detail,
            "event": {**change, "meta": {"sequence": {"id": uuid.uuid4().hex.upper(), "position": 1}}},
        }
        own_note = actor.id == self._desk.own.id
        return Delivery(
            identity, "zendesk", ticket.id, "note" if own_note else kind, event_body(event), signer=self._signer
        )


def ticket_body(desk: Desk, ticket: DeskTicket, base: str) -> Body:
    """A ticket without its conversation; `fields` is the older name of `custom_fields`."""
    fields: Sequence[JsonValue] = [
        {"id": number, "value": ticket.fields.get(title)} for title, number in desk.field_ids.items()
    ]
    return {
        "id": ticket.id,
        "url": f"{base}/api/v2/tickets/{ticket.id}.json",
        "external_id": None,
        "via": {"channel": "web", "source": {"from": {}, "to": {}, "rel": None}},
        "created_at": stamp(ticket.created_at),
        "updated_at": stamp(ticket.updated_at),
        "generated_timestamp": int(ticket.updated_at.timestamp()),
        "type": None,
        "subject": ticket.subject,
        "raw_subject": ticket.subject,
        "description": ticket.comments[0].text,
        "priority": ticket.priority or None,
        "status": ticket.status,
        "recipient": None,
        "requester_id": ticket.requester.id,
        "submitter_id": ticket.requester.id,
        "assignee_id": None,
        "organization_id": ticket.organization.id if ticket.organization else None,
        "group_id": 9_300_001,
        "collaborator_ids": [],
        "follower_ids": [],
        "problem_id": None,
        "has_incidents": False,
        "is_public": True,
        "due_at": None,
        "tags": list(ticket.tags),
        "custom_fields": list(fields),
        "fields": list(fields),
        "satisfaction_rating": {"score": "unoffered"},
        "custom_status_id": 9_100_001,
        "ticket_form_id": 9_200_001,
        "brand_id": 9_000_001,
        "allow_channelback": False,
        "allow_attachments": True,
        "from_messaging_channel": False,
    }


def user_body(person: Person, base: str, born: datetime) -> Body:
    """A user."""
    return {
        "id": person.id,
        "url": f"{base}/api/v2/users/{person.id}.json",
        "name": person.name,
        "email": person.email,
        "role": person.role,
        "organization_id": person.organization,
        "active": True,
        "verified": True,
        "time_zone": "UTC",
        "locale": "en-US",
        "created_at": stamp(born),
        "updated_at": stamp(born),
    }


def organization_body(organization: Organization, base: str, born: datetime) -> Body:
    """An organisation."""
    return {
        "id": organization.id,
        "url": f"{base}/api/v2/organizations/{organization.id}.json",
        "name": organization.name,
        "domain_names": list(organization.domains),
        "external_id": organization.external_id or None,
        "details": "",
        "notes": "",
        "tags": [],
        "organization_fields": {},
        "created_at": stamp(born),
        "updated_at": stamp(born),
    }


def comment_body(comment: Comment) -> Body:
    """A comment."""
    return {
        "id": comment.id,
        "type": "Comment",
        "author_id": comment.author.id,
        "body": comment.text,
        "html_body": comment.html,
        "plain_body": comment.text,
        "public": comment.public,
        "attachments": [],
        "audit_id": comment.id + 1,
        "via": {"channel": "api" if comment.role == "own" else "web"},
        "created_at": stamp(comment.created_at),
        "metadata": {},
    }
