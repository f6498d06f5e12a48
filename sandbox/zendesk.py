"""Zendesk: tickets, comments, users, organisations and fields to read; one guarded comment to write; signed event webhooks."""

import base64
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from hmac import compare_digest

from pydantic import JsonValue
from starlette.responses import Response

from sandbox.clock import stamp
from sandbox.tickets import Desk, DeskTicket, as_text
from sandbox.vendor import Allowance, Asked, Stage, Vendor, json_response, route
from sandbox.webhooks import Courier, Signer
from sandbox.zendesk_shapes import Body, Events, comment_body, organization_body, ticket_body, user_body

PAGE_CAP = 100
COMMENTS_CAP = 5_000
UPDATABLE = frozenset({"comment", "safe_update", "updated_stamp"})


class Zendesk(Vendor):
    """One account. The API user is the helpdesk's own actor; whatever it writes fires webhooks like anybody's writing."""

    name = "zendesk"

    def __init__(self, stage: Stage, desk: Desk, courier: Courier, signer: Signer, *, email: str, token: str) -> None:
        """Serve the desk to `email/token`."""
        super().__init__(stage)
        self._desk = desk
        self._courier = courier
        self.events = Events(desk, signer)
        self._credentials = f"{email}/token:{token}".encode()
        self._allowance = Allowance(2_500, 60)
        self.updates: Allowance | None = None
        """The account's limit on updates; kept to where a test asks for it."""
        self.routes = [
            route("GET", r"/api/v2/tickets/{id}/comments(?:\.json)?", self._comments),
            route("GET", r"/api/v2/tickets/(?P<id>\d+)(?:\.json)?", self._ticket),
            route("PUT", r"/api/v2/tickets/(?P<id>\d+)(?:\.json)?", self._update),
            route("GET", r"/api/v2/users/(?P<id>\d+)(?:\.json)?", self._user),
            route("GET", r"/api/v2/users/me(?:\.json)?", self._me),
            route("GET", r"/api/v2/organizations/(?P<id>\d+)(?:\.json)?", self._organization),
            route("GET", r"/api/v2/ticket_fields(?:\.json)?", self._fields),
            route("GET", r"/api/v2/incremental/tickets/cursor(?:\.json)?", self._incremental),
            route("GET", r"/api/v2/search(?:\.json)?", self._search),
        ]

    # Manner

    def admit(self, asked: Asked) -> Response | None:
        """Check Basic auth with an API token."""
        scheme, _, encoded = asked.headers.get("authorization", "").partition(" ")
        expected = base64.b64encode(self._credentials)
        if scheme.lower() == "basic" and compare_digest(encoded.encode(), expected):
            return None
        return json_response({"error": "Couldn't authenticate you"}, 401)

    def error(self, status: int, message: str = "") -> Response:
        """Return Zendesk's error body."""
        if status == 404:
            return json_response({"error": "RecordNotFound", "description": "Not found"}, 404)
        if status == 429:
            return self.rate_limited()
        if status == 403:
            body: Body = {"error": {"title": "Forbidden", "message": message or "You do not have access to this page."}}
            return json_response(body, 403)
        return json_response({"error": message or f"status {status}"}, status)

    def rate_limited(self) -> Response:
        """Return 429 with the seconds to wait."""
        body = {"error": "APIRateLimitExceeded", "description": "Number of allowed API requests per minute exceeded"}
        return json_response(body, 429, {"retry-after": "10"})

    def headers(self, asked: Asked) -> Mapping[str, str]:
        """Return both spellings of the limit."""
        left = str(self._allowance.spend(asked.at))
        limit = str(self._allowance.limit)
        return {
            "x-rate-limit": limit,
            "x-rate-limit-remaining": left,
            "ratelimit-limit": limit,
            "ratelimit-remaining": left,
            "ratelimit-reset": str(self._allowance.resets_at(asked.at) - int(asked.at.timestamp())),
            "x-request-id": str(uuid.uuid4()),
        }

    # Reading

    def _ticket(self, asked: Asked) -> Response:
        ticket = self._find(asked)
        return (
            self.error(404)
            if ticket is None
            else json_response({"ticket": ticket_body(self._desk, ticket, asked.base)})
        )

    def _comments(self, asked: Asked) -> Response:
        ticket = self._find(asked)
        if ticket is None:
            return self.error(404)
        newest_first = asked.query.get("sort") == "-created_at" or asked.query.get("sort_order") == "desc"
        comments = ticket.comments[::-1] if newest_first else ticket.comments
        page = _Page(asked, len(comments))
        shown = comments[page.start : page.stop]
        body: Body = {"comments": [comment_body(comment) for comment in shown], **page.links(asked)}
        if "users" in asked.query.get("include", ""):
            authors = {comment.author.id: comment.author for comment in shown}
            body["users"] = [user_body(person, asked.base, self.stage.started) for person in authors.values()]
        return json_response(body)

    def _user(self, asked: Asked) -> Response:
        person = self._desk.people.get(int(asked.values["id"]))
        return (
            self.error(404)
            if person is None
            else json_response({"user": user_body(person, asked.base, self.stage.started)})
        )

    def _me(self, asked: Asked) -> Response:
        return json_response({"user": user_body(self._desk.own, asked.base, self.stage.started)})

    def _organization(self, asked: Asked) -> Response:
        organization = self._desk.organizations.get(int(asked.values["id"]))
        if organization is None:
            return self.error(404)
        return json_response({"organization": organization_body(organization, asked.base, self.stage.started)})

    def _fields(self, asked: Asked) -> Response:
        fields = list(self._desk.field_ids.items())
        page = _Page(asked, len(fields))
        born = stamp(self.stage.started)
        bodies: list[JsonValue] = [
            {
                "id": number,
                "url": f"{asked.base}/api/v2/ticket_fields/{number}.json",
                "type": "text",
                "title": title,
                "raw_title": title,
                "description": "",
                "active": True,
                "required": False,
                "removable": True,
                "tag": None,
                "created_at": born,
                "updated_at": born,
            }
            for title, number in fields[page.start : page.stop]
        ]
        return json_response({"ticket_fields": bodies, **page.links(asked)})

    def _incremental(self, asked: Asked) -> Response:
        """Cursor-based export: tickets by the time of their last change, oldest first; the cursor is that time."""
        start = asked.query.get("cursor") or asked.query.get("start_time", "")
        size = asked.query.get("per_page", "1000")
        if not start.isdigit() or not size.isdigit() or not 1 <= int(size) <= 1000:
            return json_response({"error": "InvalidParameter", "description": "start_time must be epoch seconds"}, 400)
        since = int(start)
        changed = sorted(
            (one for one in self._desk.tickets.values() if self._ours(one) and one.updated_at.timestamp() >= since),
            key=lambda one: (one.updated_at, one.id),
        )
        shown = changed[: int(size)]
        # A page never ends inside one second, or the rest of that second would be lost behind the cursor.
        while len(shown) < len(changed) and int(changed[len(shown)].updated_at.timestamp()) == int(
            shown[-1].updated_at.timestamp()
        ):
            shown.append(changed[len(shown)])
        cursor = str(int(shown[-1].updated_at.timestamp()) + 1) if shown else start
        done = len(shown) == len(changed)
        return json_response(
            {
                "tickets": [ticket_body(self._desk, ticket, asked.base) for ticket in shown],
                "after_cursor": cursor,
                "after_url": f"{asked.base}{asked.path}?cursor={cursor}",
                "before_cursor": None,
                "before_url": None,
                "end_of_stream": done,
            }
        )

    def _search(self, asked: Asked) -> Response:
        """`type:ticket updated>TIME` and `updated>=TIME`; other words must occur in the subject."""
        since: datetime | None = None
        terms: list[str] = []
        for word in asked.query.get("query", "").split():
            name, sign, value = word.replace(">=", ">").partition(">")
            if sign and name in ("updated", "updated_at", "created"):
                try:
                    since = datetime.fromisoformat(value)
                except ValueError:
                    return json_response({"error": "invalid", "description": f"Invalid search: {word}"}, 422)
                since = since if since.tzinfo else since.replace(tzinfo=UTC)
            elif not word.startswith("type:"):
                terms.append(word.casefold())
        found = sorted(
            (
                one
                for one in self._desk.tickets.values()
                if self._ours(one)
                and (since is None or one.updated_at >= since)
                and all(term in one.subject.casefold() for term in terms)
            ),
            key=lambda one: one.updated_at,
            reverse=asked.query.get("sort_order", "desc") == "desc",
        )
        number, size = asked.query.get("page", "1"), asked.query.get("per_page", "100")
        if not number.isdigit() or not size.isdigit() or not 1 <= int(size) <= PAGE_CAP or int(number) < 1:
            return json_response({"error": "InvalidParameter", "description": "page and per_page must be numbers"}, 400)
        start = (int(number) - 1) * int(size)
        more = start + int(size) < len(found)
        following = asked.query_url(page=str(int(number) + 1)) if more else None
        results = [
            {**ticket_body(self._desk, ticket, asked.base), "result_type": "ticket"}
            for ticket in found[start : start + int(size)]
        ]
        return json_response({"results": results, "count": len(found), "next_page": following, "previous_page": None})

    # Writing

    def _update(self, asked: Asked) -> Response:
        if self.updates is not None and self.updates.is_spent(asked.at):
            wait = self.updates.resets_at(asked.at) - int(asked.at.timestamp())
            refusal: Body = {"error": "TooManyRequests", "description": "Number of allowed updates per minute exceeded"}
            return json_response(refusal, 429, {"retry-after": str(wait)})
        ticket = self._find(asked)
        if ticket is None:
            return self.error(404)
        try:
            body = asked.json()
        except ValueError:
            return json_response({"error": "Unprocessable Entity", "message": "Server could not parse JSON"}, 422)
        update = body.get("ticket") if isinstance(body, dict) else None
        comment = update.get("comment") if isinstance(update, dict) else None
        if not isinstance(update, dict) or not isinstance(comment, dict):
            self.record_write(asked, what="ticket update without a comment", accepted=False)
            return json_response({"error": {"title": "Invalid attribute", "message": "No ticket comment given"}}, 400)
        refused = self._objection(asked, ticket, update)
        if refused is not None:
            ticket.refused.append(f"{refused.status_code}")
            return refused
        return self._take(asked, ticket, update, comment)

    def _objection(self, asked: Asked, ticket: DeskTicket, update: Body) -> Response | None:
        if ticket.status == "closed":
            details = {"status": [{"description": "Status: closed prevents ticket update"}]}
            body = {"error": "RecordInvalid", "description": "Record validation errors", "details": details}
            return json_response(body, 422)
        if len(ticket.comments) >= COMMENTS_CAP:
            details = {"base": [{"description": "Ticket has reached the maximum number of comments"}]}
            body = {"error": "RecordInvalid", "description": "Record validation errors", "details": details}
            return json_response(body, 422)
        if update.get("safe_update") and update.get("updated_stamp") != stamp(ticket.updated_at):
            description = (
                "Safe Update prevented the update due to outdated ticket data. Please fetch the latest ticket data."
            )
            return json_response({"error": "UpdateConflict", "description": description}, 409)
        return None

    def _take(self, asked: Asked, ticket: DeskTicket, update: Body, comment: Body) -> Response:
        public = comment.get("public", True) is not False
        others = sorted(update.keys() - UPDATABLE)
        if public or others:
            what = ", ".join((["public comment"] if public else []) + [f"ticket.{name}" for name in others])
            self.record_write(asked, what=what, accepted=True)
        markup = str(comment.get("html_body") or comment.get("body") or "")
        added = self._desk.add_note(ticket, html_body=markup, text=as_text(markup), public=public, at=asked.at)
        if isinstance(update.get("status"), str):
            ticket.status = str(update["status"])
        self._courier.post(self.events.commented(ticket, added))
        events: list[JsonValue] = [{**comment_body(added), "type": "Comment"}]
        audit: Body = {
            "id": added.id + 1,
            "ticket_id": ticket.id,
            "author_id": self._desk.own.id,
            "created_at": stamp(added.created_at),
            "events": events,
            "via": {"channel": "api"},
        }
        return json_response({"ticket": ticket_body(self._desk, ticket, asked.base), "audit": audit})

    # Looking up

    def _find(self, asked: Asked) -> DeskTicket | None:
        number = asked.values["id"]
        ticket = self._desk.tickets.get(int(number)) if number.isdigit() else None
        return ticket if ticket is not None and self._ours(ticket) else None

    def _ours(self, ticket: DeskTicket) -> bool:
        return ticket.helpdesk == "zendesk"


class _Page:
    """A cursor page; the cursor is base64 of a position, opaque to the caller."""

    def __init__(self, asked: Asked, total: int) -> None:
        size = asked.query.get("page[size]", str(PAGE_CAP))
        self._size = min(int(size), PAGE_CAP) if size.isdigit() and int(size) else PAGE_CAP
        self._total = total
        self.start = _position(asked.query.get("page[after]", ""))
        self.stop = self.start + self._size

    def links(self, asked: Asked) -> Body:
        """Return `meta` and `links` as cursor pagination has them."""
        more = self.stop < self._total
        after = _cursor(self.stop) if self.start < self._total else None
        following = asked.query_url(**{"page[after]": after}) if more and after else None
        return {
            "meta": {"has_more": more, "after_cursor": after, "before_cursor": _cursor(self.start)},
            "links": {"next": following, "prev": None},
        }


def _cursor(position: int) -> str:
    return base64.urlsafe_b64encode(f"o:{position}".encode()).decode().rstrip("=")


def _position(cursor: str) -> int:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except ValueError:
        return 0
    return int(text[2:]) if text[2:].isdigit() else 0
