"""The control port: opens tickets, plays replies, puts faults in force, and shows what the vendors were asked."""

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.clock import stamp_millis, wall_clock
from sandbox.faults import Fault
from sandbox.journal import as_json
from sandbox.standard import Events as StandardEvents
from sandbox.tickets import Comment, DeskTicket, HelpdeskName
from sandbox.vendor import Allowance
from sandbox.webhooks import Delivery
from sandbox.zendesk_shapes import Events as ZendeskEvents

if TYPE_CHECKING:
    from sandbox.run import Sandbox

Order = TypeVar("Order", bound=BaseModel)
Endpoint = Callable[[Request], Coroutine[None, None, Response]]


class _Order(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Opening(_Order):
    """POST /tickets/{key}/open."""

    helpdesk: HelpdeskName = "zendesk"
    deliver: bool = True
    """False: the ticket is there but its webhook was lost."""
    copies: int = Field(default=1, ge=1, le=1_000)
    """The same signed webhook so many times at once."""


class Replying(_Order):
    """POST /tickets/{id}/reply. Without `text`, the world's next waiting reply is played as it is written."""

    text: str = ""
    author: Literal["requester", "agent"] = "requester"
    public: bool = True
    deliver: bool = True
    copies: int = Field(default=1, ge=1, le=1_000)


class StatusChange(_Order):
    """POST /tickets/{id}/status."""

    status: Literal["new", "open", "pending", "hold", "solved", "closed"]


class UpdateLimit(_Order):
    """POST /update-limit: Zendesk then refuses more ticket updates in a minute; 0 lets all pass."""

    per_minute: int = Field(ge=0)


class WebhookUrl(_Order):
    """POST /webhook-url; an empty address stops the deliveries."""

    url: str
    helpdesk: HelpdeskName = "zendesk"


class Control:
    """The HTTP API over one run."""

    def __init__(self, sandbox: "Sandbox") -> None:
        """Control this run."""
        self._sandbox = sandbox
        routes: list[tuple[str, str, Endpoint]] = [
            ("GET", "/world", self._world),
            ("GET", "/tickets", self._tickets),
            ("POST", "/tickets/{key}/open", self._open),
            ("POST", "/tickets/{id}/reply", self._reply),
            ("POST", "/tickets/{id}/redeliver", self._redeliver),
            ("POST", "/tickets/{id}/status", self._status),
            ("GET", "/tickets/{id}", self._ticket),
            ("GET", "/deliveries", self._deliveries),
            ("GET", "/calls", self._calls),
            ("DELETE", "/calls", self._forget),
            ("GET", "/writes", self._writes),
            ("GET", "/faults", self._faults),
            ("POST", "/faults", self._add_fault),
            ("DELETE", "/faults", self._clear_faults),
            ("POST", "/webhook-url", self._webhook_url),
            ("POST", "/update-limit", self._update_limit),
        ]
        self.app = Starlette(
            routes=[Route(path, endpoint, methods=[method]) for method, path, endpoint in routes],
            exception_handlers={HTTPException: _problem},
        )

    # Tickets

    async def _world(self, request: Request) -> Response:
        world = self._sandbox.world
        return JSONResponse(
            {
                "name": world.about.name,
                "company": world.about.company,
                "tickets": self._sandbox.desk.keys,
                "vendors": list(self._sandbox.vendors),
                "now": stamp_millis(self._sandbox.now),
            }
        )

    async def _tickets(self, request: Request) -> Response:
        return JSONResponse({"tickets": [_summary(ticket) for ticket in self._sandbox.desk.tickets.values()]})

    async def _open(self, request: Request) -> Response:
        order = await _order(request, Opening)
        try:
            ticket = self._sandbox.desk.open(request.path_params["key"], wall_clock(), order.helpdesk)
        except KeyError as error:
            raise HTTPException(404, str(error.args[0])) from None
        sent = await self._send(self._events(ticket).created(ticket), order.deliver, order.copies)
        return JSONResponse({"ticket": str(ticket.id), **sent}, 201)

    async def _reply(self, request: Request) -> Response:
        order = await _order(request, Replying)
        ticket = self._find(request)
        author, text, public = order.author, order.text, order.public
        if not text:
            if not ticket.waiting:
                raise HTTPException(409, f"ticket {ticket.id} has no reply left in the world: give a text")
            reply = ticket.waiting.pop(0)
            author, text, public = reply.author, reply.body, reply.public
        if ticket.status == "closed":
            raise HTTPException(409, f"ticket {ticket.id} is closed: the helpdesk takes no more messages")
        comment = self._sandbox.desk.reply(ticket, author, text, public=public, at=wall_clock())
        sent = await self._send(self._events(ticket).commented(ticket, comment), order.deliver, order.copies)
        return JSONResponse({"ticket": str(ticket.id), "comment": str(comment.id), **sent}, 201)

    async def _redeliver(self, request: Request) -> Response:
        ticket = self._find(request)
        delivery = self._sandbox.courier.last(ticket.id)
        if delivery is None:
            raise HTTPException(409, f"nothing was ever delivered about ticket {ticket.id}")
        return JSONResponse({"ticket": str(ticket.id), **await self._send(delivery, True, 1)})

    async def _status(self, request: Request) -> Response:
        order = await _order(request, StatusChange)
        ticket = self._find(request)
        ticket.status = order.status
        ticket.touch(wall_clock())
        return JSONResponse(_summary(ticket))

    async def _ticket(self, request: Request) -> Response:
        ticket = self._find(request)
        waiting: list[JsonValue] = [{"author": reply.author, "text": reply.body} for reply in ticket.waiting]
        return JSONResponse(
            {
                **_summary(ticket),
                "requester": {
                    "id": str(ticket.requester.id),
                    "name": ticket.requester.name,
                    "email": ticket.requester.email,
                },
                "fields": dict(ticket.fields),
                "comments": [_comment(comment) for comment in ticket.comments],
                "waiting": waiting,
                "refused": list(ticket.refused),
            }
        )

    async def _deliveries(self, request: Request) -> Response:
        wanted = request.query_params.get("ticket")
        chosen = [one for one in self._sandbox.courier.deliveries if wanted in (None, str(one.ticket))]
        return JSONResponse({"deliveries": [one.as_json() for one in chosen]})

    async def _webhook_url(self, request: Request) -> Response:
        order = await _order(request, WebhookUrl)
        self._sandbox.courier.urls[order.helpdesk] = order.url
        return JSONResponse({"urls": self._sandbox.courier.urls})

    async def _update_limit(self, request: Request) -> Response:
        order = await _order(request, UpdateLimit)
        self._sandbox.zendesk.updates = Allowance(order.per_minute, 60) if order.per_minute else None
        return JSONResponse({"per_minute": order.per_minute})

    async def _send(self, delivery: Delivery, deliver: bool, copies: int) -> dict[str, JsonValue]:
        """Send, and say what came of it; `status` is the best of the copies'."""
        if not deliver:
            self._sandbox.courier.keep(delivery)
            return {"delivery": delivery.id, "status": None, "statuses": []}
        statuses = await self._sandbox.courier.deliver(delivery, copies)
        answered = [status for status in statuses if status]
        return {"delivery": delivery.id, "status": min(answered, default=0), "statuses": list(statuses)}

    def _events(self, ticket: DeskTicket) -> ZendeskEvents | StandardEvents:
        return self._sandbox.zendesk.events if ticket.helpdesk == "zendesk" else self._sandbox.standard.events

    def _find(self, request: Request) -> DeskTicket:
        text = request.path_params["id"]
        ticket = self._sandbox.desk.tickets.get(int(text)) if text.isdigit() else None
        if ticket is None:
            raise HTTPException(404, f"no ticket {text!r} was opened in this run; POST /tickets/KEY/open opens one")
        return ticket

    # Vendors

    async def _calls(self, request: Request) -> Response:
        """`vendor=`, and `brief=1` for the counts alone."""
        journal = self._sandbox.journal
        body: dict[str, JsonValue] = {"counts": dict(journal.counts)}
        if "brief" not in request.query_params:
            body["calls"] = [as_json(one) for one in journal.requests(request.query_params.get("vendor"))]
        return JSONResponse(body)

    async def _forget(self, request: Request) -> Response:
        self._sandbox.journal.clear()
        return Response(status_code=204)

    async def _writes(self, request: Request) -> Response:
        return JSONResponse({"writes": [as_json(one) for one in self._sandbox.journal.writes]})

    async def _faults(self, request: Request) -> Response:
        return JSONResponse({"faults": [fault.model_dump() for fault in self._sandbox.faults.in_force()]})

    async def _add_fault(self, request: Request) -> Response:
        fault = await _order(request, Fault)
        listener = self._sandbox.listeners.get(fault.vendor)
        if listener is None:
            raise HTTPException(422, f"no vendor {fault.vendor!r}; there are {', '.join(self._sandbox.listeners)}")
        number = self._sandbox.faults.add(fault)
        if fault.kind == "refuse":
            await listener.refuse()
        return JSONResponse({"fault": number}, 201)

    async def _clear_faults(self, request: Request) -> Response:
        """`vendor=` clears one vendor's."""
        cleared = self._sandbox.faults.clear(request.query_params.get("vendor"))
        for fault in cleared:
            if fault.kind == "refuse":
                await self._sandbox.listeners[fault.vendor].start()
        return JSONResponse({"cleared": len(cleared)})


async def _order(request: Request, model: type[Order]) -> Order:
    body = await request.body()
    try:
        return model.model_validate_json(body or b"{}")
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, one['loc'])) or 'body'}: {one['msg']}" for one in error.errors())
        raise HTTPException(422, wrong) from None


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, error.status_code)


def _summary(ticket: DeskTicket) -> dict[str, JsonValue]:
    return {
        "id": str(ticket.id),
        "key": ticket.key,
        "helpdesk": ticket.helpdesk,
        "subject": ticket.subject,
        "status": ticket.status,
        "created_at": stamp_millis(ticket.created_at),
        "updated_at": stamp_millis(ticket.updated_at),
        "notes": sum(comment.role == "own" for comment in ticket.comments),
    }


def _comment(comment: Comment) -> dict[str, JsonValue]:
    return {
        "id": str(comment.id),
        "role": comment.role,
        "author": comment.author.name,
        "public": comment.public,
        "private": not comment.public,
        "text": comment.text,
        "html": comment.html,
        "marker": comment.marker,
        "created_at": stamp_millis(comment.created_at),
    }
