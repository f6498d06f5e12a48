"""A small Zendesk account behind the vendor's own paths: enough to be read and to take a guarded note."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from pydantic import HttpUrl, JsonValue

from helpdesks.zendesk import ZendeskHelpdesk
from models.note import RenderedNote
from models.tenant import ZendeskConfig
from tests.helpdesks.far_end import Asked, FarEnd, Said, say

REQUESTER = 9001
COLLEAGUE = 9002
AGENT = 501
OWN = 777
ORGANIZATION = 31
MARKER = "whydesk:inv-abc/1"
NOTE = RenderedNote(html=f"<p>It was the deploy.</p><p>{MARKER}</p>", markdown=f"It was. {MARKER}", marker=MARKER)
PUT = ("PUT", "/api/v2/tickets/4711")

USERS: dict[int, dict[str, JsonValue]] = {
    REQUESTER: {"id": REQUESTER, "name": "Ada", "email": "ada@acme.example", "role": "end-user"},
    COLLEAGUE: {"id": COLLEAGUE, "name": "Bo", "email": "bo@acme.example", "role": "end-user"},
    AGENT: {"id": AGENT, "name": "Sam", "email": "sam@vendor.example", "role": "agent"},
    OWN: {"id": OWN, "name": "Whydesk", "email": "whydesk@vendor.example", "role": "agent"},
}


@dataclass
class Account:
    """One ticket, 4711."""

    status: str = "open"
    stamp: str = "2026-11-21T10:05:00Z"
    page: int = 100
    sideload: bool = True
    public_notes: bool = False
    comments: list[dict[str, JsonValue]] = field(default_factory=list)
    overrides: dict[tuple[str, str], Said] = field(default_factory=dict)
    """(method, path) to what is answered instead."""

    def __post_init__(self) -> None:
        self.add(REQUESTER, "Since this morning every call fails with 502.")

    def add(self, author: int, text: str, *, public: bool = True) -> dict[str, JsonValue]:
        number = len(self.comments) + 1
        comment: dict[str, JsonValue] = {
            "id": 100_000 + number,
            "type": "Comment",
            "author_id": author,
            "body": text,
            "plain_body": text,
            "html_body": f"<div>{text}</div>",
            "public": public,
            "created_at": f"2026-11-21T{10 + number // 60:02}:{number % 60:02}:00Z",
        }
        self.comments.append(comment)
        return comment

    def script(self, asked: Asked) -> Said:
        """Answer one request."""
        if asked.headers.get("authorization") != "Basic Ym90QHZlbmRvci5leGFtcGxlL3Rva2VuOnMzY3JldA==":
            return say({"error": "Couldn't authenticate you"}, 401)
        override = self.overrides.get((asked.method, asked.path))
        if override:
            return override
        routes = {
            ("GET", "/api/v2/tickets/4711"): self._ticket,
            ("PUT", "/api/v2/tickets/4711"): self._update,
            ("GET", "/api/v2/tickets/4711/comments"): self._comments,
            ("GET", f"/api/v2/users/{REQUESTER}"): lambda _: say({"user": USERS[REQUESTER]}),
            ("GET", f"/api/v2/organizations/{ORGANIZATION}"): self._organization,
            ("GET", "/api/v2/ticket_fields"): self._fields,
        }
        route = routes.get((asked.method, asked.path))
        return route(asked) if route else say({"error": "RecordNotFound", "description": "Not found"}, 404)

    def _ticket(self, _: Asked) -> Said:
        return say(
            {
                "ticket": {
                    "id": 4711,
                    "url": "https://acme.zendesk.example/api/v2/tickets/4711.json",
                    "subject": "API down?",
                    "status": self.status,
                    "requester_id": REQUESTER,
                    "organization_id": ORGANIZATION,
                    "tags": ["api", "vip"],
                    "custom_fields": [
                        {"id": 1, "value": "cus_77"},
                        {"id": 2, "value": None},
                        {"id": 3, "value": True},
                        {"id": 4, "value": ["a", "b"]},
                        {"id": 5, "value": 12},
                    ],
                    "created_at": "2026-11-21T10:01:00Z",
                    "updated_at": self.stamp,
                }
            }
        )

    def _comments(self, asked: Asked) -> Said:
        ordered = self.comments[::-1] if asked.query.get("sort") == "-created_at" else self.comments
        start = int(asked.query.get("page[after]", "0"))
        size = min(self.page, int(asked.query["page[size]"]))
        shown = ordered[start : start + size]
        more = start + size < len(ordered)
        page: dict[str, JsonValue] = {
            "comments": list(shown),
            "meta": {"has_more": more, "after_cursor": str(start + size) if shown else None},
            "links": {"next": "http://192.0.2.1/elsewhere" if more else None},
        }
        if asked.query.get("include") == "users" and self.sideload:
            page["users"] = [USERS[author] for author in USERS if any(c["author_id"] == author for c in shown)]
        return say(page)

    def _organization(self, _: Asked) -> Said:
        return say(
            {
                "organization": {
                    "id": ORGANIZATION,
                    "name": "Acme",
                    "domain_names": ["acme.example", "acme.test"],
                    "external_id": "cust-1",
                }
            }
        )

    def _fields(self, _: Asked) -> Said:
        titles = {1: "Customer id", 2: "Area", 3: "Escalated", 4: "Regions"}
        return say(
            {
                "ticket_fields": [{"id": number, "title": title} for number, title in titles.items()],
                "meta": {"has_more": False, "after_cursor": None},
            }
        )

    def _update(self, asked: Asked) -> Said:
        ticket = json.loads(asked.body)["ticket"]
        if self.status == "closed":
            details: JsonValue = {"status": [{"description": "Status: closed prevents ticket update"}]}
            return say({"error": "RecordInvalid", "description": "Record validation errors", "details": details}, 422)
        if ticket.get("safe_update") and ticket.get("updated_stamp") != self.stamp:
            return say({"error": "UpdateConflict", "description": "Safe Update prevented the update"}, 409)
        sent = ticket["comment"]
        comment = self.add(OWN, sent["html_body"], public=sent.get("public", True))
        self.stamp = str(comment["created_at"])
        events: list[JsonValue] = [
            {"id": 1, "type": "Change", "field_name": "updated_stamp"},
            {"id": comment["id"], "type": "Comment", "public": self.public_notes or comment["public"]},
        ]
        return say({"ticket": {"id": 4711, "updated_at": self.stamp}, "audit": {"id": 88, "events": events}})


def config(url: str) -> ZendeskConfig:
    return ZendeskConfig(
        kind="zendesk",
        base_url=HttpUrl(url),
        email="bot@vendor.example",
        token="env:ZENDESK_TOKEN",
        webhook_secrets=["env:ZENDESK_SECRET"],
        actor_id=str(OWN),
    )


@asynccontextmanager
async def opened(
    account: Account, *, token: str = "s3cret", timeout: float = 10.0
) -> AsyncIterator[tuple[FarEnd, ZendeskHelpdesk]]:
    async with FarEnd(account.script) as far_end:
        helpdesk = ZendeskHelpdesk(config(far_end.url), token, tenant="acme", helpdesk="zendesk", timeout=timeout)
        try:
            yield far_end, helpdesk
        finally:
            await helpdesk.aclose()
