"""A helpdesk of no vendor: tickets as JSON, signed events out, signed notes in, all by Standard Webhooks.

Event out: POST to the webhook address, with `webhook-id`, `webhook-timestamp`, `webhook-signature`.

    {"type": "ticket.created" | "ticket.message", "timestamp": "2026-11-21T10:00:00Z",
     "data": {"ticket_id": "T", "message_id": "M", "author": {"id": "U", "role": "requester|agent|whydesk"}, "public": true}}

Ticket: GET /tickets/{id} with a bearer token.

    {"id", "subject", "status", "url", "created_at", "updated_at", "requester": {"id", "name", "email"},
     "organization": {"id", "name", "domains", "external_id"} | null, "tags": [], "fields": {},
     "messages": [{"id", "role": "requester|agent|whydesk", "public": bool, "text", "created_at"}]}

Note in: POST /notes, signed with the same secret; the same `webhook-id` twice is one note; 409 on a closed ticket.

    {"type": "note", "timestamp", "data": {"ticket_id", "marker", "markdown", "html"}}  →  200 {"id": "N"}

Notes: GET /tickets/{id}/notes?marker=M  →  {"notes": [{"id", "marker"}]}
"""

import uuid
from collections.abc import Mapping
from hmac import compare_digest

from pydantic import JsonValue
from standardwebhooks import Webhook, WebhookVerificationError
from starlette.responses import Response

from sandbox.clock import read_stamp, stamp, stamp_millis
from sandbox.tickets import Comment, Desk, DeskTicket
from sandbox.vendor import Asked, Stage, Vendor, json_response, route
from sandbox.webhooks import Courier, Delivery, Signer, event_body

Body = dict[str, JsonValue]
ROLES: Mapping[str, str] = {"requester": "requester", "agent": "agent", "own": "whydesk"}
OWN_ACTOR = "whydesk"
"""The id of our own actor in events and messages."""


class Events:
    """Builds the signed events."""

    def __init__(self, signer: Signer) -> None:
        """Take what signs."""
        self._signer = signer

    def created(self, ticket: DeskTicket) -> Delivery:
        """Return the event of a new ticket."""
        return self._event(ticket, "ticket.created", ticket.comments[0])

    def commented(self, ticket: DeskTicket, comment: Comment) -> Delivery:
        """Return the event of a message, whoever wrote it."""
        return self._event(ticket, "ticket.message", comment)

    def _event(self, ticket: DeskTicket, kind: str, comment: Comment) -> Delivery:
        data: Body = {
            "ticket_id": str(ticket.id),
            "message_id": str(comment.id),
            "author": {"id": _author(comment), "role": ROLES[comment.role]},
            "public": comment.public,
        }
        event: Body = {"type": kind, "timestamp": stamp(comment.created_at), "data": data}
        what = "note" if comment.role == "own" else kind
        return Delivery(f"msg_{uuid.uuid4().hex}", "standard", ticket.id, what, event_body(event), signer=self._signer)


class Standard(Vendor):
    """One such system."""

    name = "standard"

    def __init__(self, stage: Stage, desk: Desk, courier: Courier, signer: Signer, *, secret: str, token: str) -> None:
        """Serve the desk; `secret` checks notes, `token` is asked for on reads."""
        super().__init__(stage)
        self._desk = desk
        self._courier = courier
        self.events = Events(signer)
        self._webhook = Webhook(secret)
        self._token = token
        self._notes: dict[str, int] = {}
        """`webhook-id` to the note it made."""
        self.routes = [
            route("GET", "/tickets/{id}", self._ticket),
            route("GET", "/tickets/{id}/notes", self._listed),
            route("GET", "/tickets", self._changed),
            route("POST", "/notes", self._note),
        ]

    def admit(self, asked: Asked) -> Response | None:
        """Check the bearer token of reads; a note is known by its signature."""
        if asked.method == "POST":
            return None
        given = asked.headers.get("authorization", "")
        if compare_digest(given.encode(), f"Bearer {self._token}".encode()):
            return None
        return self.error(401, "a bearer token is needed")

    def error(self, status: int, message: str = "") -> Response:
        """Return `{"error": …}`."""
        return json_response({"error": message or f"status {status}"}, status)

    def _ticket(self, asked: Asked) -> Response:
        ticket = self._find(asked.values["id"])
        return self.error(404, "no such ticket") if ticket is None else json_response(self._body(ticket, asked.base))

    def _changed(self, asked: Asked) -> Response:
        """GET /tickets?updated_since=ISO: ids and times, oldest change first."""
        try:
            since = read_stamp(asked.query.get("updated_since", "1970-01-01"))
        except ValueError:
            return self.error(422, "updated_since is an ISO 8601 time")
        changed = sorted(
            (one for one in self._desk.tickets.values() if self._ours(one) and one.updated_at >= since),
            key=lambda one: one.updated_at,
        )
        return json_response(
            {"tickets": [{"id": str(one.id), "updated_at": stamp_millis(one.updated_at)} for one in changed]}
        )

    def _listed(self, asked: Asked) -> Response:
        ticket = self._find(asked.values["id"])
        if ticket is None:
            return self.error(404, "no such ticket")
        wanted = asked.query.get("marker")
        notes = [c for c in ticket.comments if c.role == "own" and wanted in (None, c.marker)]
        return json_response({"notes": [{"id": str(note.id), "marker": note.marker} for note in notes]})

    def _note(self, asked: Asked) -> Response:
        try:
            event = self._webhook.verify(asked.body, dict(asked.headers))
        except (WebhookVerificationError, ValueError) as error:
            return self.error(401, f"the signature does not hold: {error}")
        data = event.get("data") if isinstance(event, dict) else None
        needed = ("ticket_id", "marker", "markdown", "html")
        if not isinstance(data, dict) or event.get("type") != "note" or any(not data.get(name) for name in needed):
            return self.error(422, f"a note has type 'note' and data with {', '.join(needed)}")
        delivery = asked.headers["webhook-id"]
        if delivery in self._notes:
            return json_response({"id": str(self._notes[delivery])})
        ticket = self._find(str(data["ticket_id"]))
        if ticket is None:
            return self.error(404, "no such ticket")
        if ticket.status == "closed":
            ticket.refused.append("409")
            return self.error(409, "the ticket is closed")
        note = self._desk.add_note(
            ticket,
            html_body=str(data["html"]),
            text=str(data["markdown"]),
            public=False,
            at=asked.at,
            marker=str(data["marker"]),
        )
        self._notes[delivery] = note.id
        self._courier.post(self.events.commented(ticket, note))
        return json_response({"id": str(note.id)})

    def _find(self, id: str) -> DeskTicket | None:
        ticket = self._desk.tickets.get(int(id)) if id.isdigit() else None
        return ticket if ticket is not None and self._ours(ticket) else None

    def _ours(self, ticket: DeskTicket) -> bool:
        return ticket.helpdesk == "standard"

    def _body(self, ticket: DeskTicket, base: str) -> Body:
        organization: JsonValue = None
        if ticket.organization is not None:
            organization = {
                "id": str(ticket.organization.id),
                "name": ticket.organization.name,
                "domains": list(ticket.organization.domains),
                "external_id": ticket.organization.external_id,
            }
        messages: list[JsonValue] = [
            {
                "id": str(comment.id),
                "role": ROLES[comment.role],
                "public": comment.public,
                "text": comment.text,
                "created_at": stamp_millis(comment.created_at),
            }
            for comment in ticket.comments
        ]
        return {
            "id": str(ticket.id),
            "subject": ticket.subject,
            "status": ticket.status,
            "url": f"{base}/tickets/{ticket.id}",
            "created_at": stamp_millis(ticket.created_at),
            "updated_at": stamp_millis(ticket.updated_at),
            "requester": {
                "id": str(ticket.requester.id),
                "name": ticket.requester.name,
                "email": ticket.requester.email,
            },
            "organization": organization,
            "tags": list(ticket.tags),
            "fields": {title: ticket.fields.get(title, "") for title in self._desk.field_ids},
            "messages": messages,
        }


def _author(comment: Comment) -> str:
    return OWN_ACTOR if comment.role == "own" else str(comment.author.id)
