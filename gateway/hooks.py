"""POST /hooks/{tenant}/{helpdesk}: from a signed webhook to a started workflow. Keeps no state."""

import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from gateway.answers import Accepted, Ignored, Problem, Refusal, Unreadable
from gateway.bodies import read_json_body
from gateway.metrics import UNKNOWN, GatewayMetrics
from gateway.starter import TemporalDown
from helpdesks.base import BadDelivery, BadSignature, Inbound, Receiver
from helpdesks.signing import Signatures
from models.ticket import CREATED_EVENT, TicketRef, Trigger, TriggerKind, message_event
from workflows.naming import investigation_id

Receivers = Callable[[str, str], Receiver | None]
"""From a tenant and the name of one of its helpdesks to the inbound side; None if there is no such."""
Start = Callable[[TicketRef, Trigger], Awaitable[None]]
"""Hands a delivery on; raises TemporalDown."""
Clock = Callable[[], datetime]

_RETRY_AFTER = "30"
"""Seconds."""
_BAD_SIGNATURE = "the delivery is not signed by a secret that is valid here, or too old"

log = structlog.get_logger(__name__)


class Stranger:
    """Stands in for a tenant or helpdesk that does not exist: as long and as silent as a bad signature."""

    def __init__(self) -> None:
        """Make keys that nobody has."""
        self._signatures = Signatures([])

    def receive(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Inbound:
        """Compute the signatures that a real helpdesk would, then refuse.

        Raises:
            BadSignature: always.
        """
        self._signatures.match(b"", body, [headers.get("webhook-signature", "")])
        raise BadSignature("no such helpdesk")


class Hooks:
    """The one route, with all it needs."""

    def __init__(self, receivers: Receivers, start: Start, metrics: GatewayMetrics, clock: Clock | None = None) -> None:
        """Take the parts."""
        self._receivers = receivers
        self._start = start
        self._metrics = metrics
        self._clock = clock or (lambda: datetime.now(UTC))
        self._stranger = Stranger()

    def router(self) -> APIRouter:
        """Return the route, every status of it declared."""
        router = APIRouter(tags=["webhooks"])
        router.add_api_route(
            "/hooks/{tenant}/{helpdesk}",
            self.deliver,
            methods=["POST"],
            status_code=202,
            response_model=Accepted,
            summary="Take a helpdesk's signed webhook",
            responses={
                200: {"model": Ignored, "description": "Good, and nothing that may start an investigation"},
                400: {"model": Problem, "description": "The connection closed too early"},
                401: {"model": Problem, "description": "Not signed by a valid secret, too old, or no such helpdesk"},
                408: {"model": Problem, "description": "The body came too slowly"},
                413: {"model": Problem, "description": "More than 1 MiB"},
                415: {"model": Problem, "description": "Not JSON"},
                422: {"model": Unreadable, "description": "Signed, but of an unknown shape"},
                503: {"model": Problem, "description": "Send it again: the workflow engine does not answer"},
            },
            openapi_extra={
                "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}
            },
        )
        return router

    async def deliver(self, tenant: str, helpdesk: str, request: Request) -> JSONResponse:
        """Check the signature over the raw body, then start or signal the ticket's workflow and answer at once."""
        began = time.perf_counter()
        receiver = self._receivers(tenant, helpdesk)
        # Only names that exist get into logs and labels.
        known = {"tenant": tenant, "helpdesk": helpdesk} if receiver else {"helpdesk": UNKNOWN}
        result = "error"
        try:
            result, response = await self._take(tenant, helpdesk, receiver or self._stranger, request)
        except Refusal as refusal:
            result, response = refusal.result, refusal.response()
            log.warning("delivery.refused", **known, status=refusal.status, result=result, field=refusal.field)
        finally:
            self._metrics.answered(known["helpdesk"], result, time.perf_counter() - began)
        return response

    async def _take(self, tenant: str, helpdesk: str, receiver: Receiver, request: Request) -> tuple[str, JSONResponse]:
        body = await read_json_body(request)
        now = self._clock()
        try:
            inbound = receiver.receive(dict(request.headers), body, now)
        except BadSignature:
            raise Refusal(401, "bad-signature", _BAD_SIGNATURE) from None
        except BadDelivery as error:
            raise Refusal(422, "unreadable", str(error), field=error.field) from None
        if inbound.kind is None:
            log.info(
                "delivery.ignored",
                tenant=tenant,
                helpdesk=helpdesk,
                ticket=inbound.ticket,
                delivery=inbound.delivery,
                reason=inbound.ignored,
            )
            return "ignored", JSONResponse(Ignored(ignored=inbound.ignored).model_dump())
        ref = TicketRef(tenant=tenant, helpdesk=helpdesk, ticket=inbound.ticket)
        investigation = investigation_id(ref)
        try:
            trigger = Trigger(delivery=inbound.delivery, kind=inbound.kind, received_at=now, event=_event_of(inbound))
            await self._start(ref, trigger)
        except TemporalDown as error:
            log.error("temporal.down", tenant=tenant, helpdesk=helpdesk, delivery=inbound.delivery, problem=str(error))
            raise Refusal(
                503,
                "temporal-down",
                "the delivery was not taken; send it again",
                headers={"Retry-After": _RETRY_AFTER},
            ) from None
        log.info(
            "delivery.started",
            tenant=tenant,
            helpdesk=helpdesk,
            ticket=inbound.ticket,
            delivery=inbound.delivery,
            kind=inbound.kind.value,
            investigation=investigation,
        )
        return "started", JSONResponse(Accepted(investigation=investigation).model_dump(), status_code=202)


def _event_of(inbound: Inbound) -> str:
    """Say what happened, so that the sweep and a webhook that comes late are known to tell the same."""
    if inbound.kind is TriggerKind.CREATED:
        return CREATED_EVENT
    return message_event(inbound.message) if inbound.kind is TriggerKind.MESSAGE and inbound.message else ""
