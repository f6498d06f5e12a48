"""The ASGI app of the gateway: signed webhooks in, health and metrics out. All that it needs is injected.

client = await connect_lazily("127.0.0.1:7233")
starter = TemporalStarter(client, region_of)
app = create_app(receivers, starter, starter.check)
"""

from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.health import CheckTemporal, health_router
from gateway.hooks import Clock, Hooks, Receivers, Start
from gateway.metrics import GatewayMetrics


class SecurityHeaders:
    """Puts on every answer that nobody keeps or sniffs it, and, unless pages are served, that nothing is loaded by it."""

    def __init__(self, app: ASGIApp, *, pages: bool) -> None:
        """Wrap an application; `pages` if it serves documentation to a browser."""
        self._app = app
        self._headers = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
        if not pages:
            self._headers["content-security-policy"] = "default-src 'none'; frame-ancestors 'none'"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve, with the headers added."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, with_headers)


def create_app(
    receivers: Receivers,
    start: Start,
    check_temporal: CheckTemporal,
    *,
    registry: CollectorRegistry | None = None,
    docs: bool = False,
    clock: Clock | None = None,
) -> FastAPI:
    """Return the gateway.

    Args:
        receivers: The inbound side of a tenant's helpdesk, or None.
        start: Hands a delivery on, such as a `TemporalStarter`; raises TemporalDown.
        check_temporal: Whether Temporal answers.
        registry: Where metrics are kept and what `/metrics` shows; one of its own by default.
        docs: Serve `/docs` and `/openapi.json`.
        clock: Now, in UTC.
    """
    registry = registry or CollectorRegistry()
    app = FastAPI(
        title="Whydesk gateway",
        docs_url="/docs" if docs else None,
        redoc_url=None,
        openapi_url="/openapi.json" if docs else None,
    )
    app.include_router(Hooks(receivers, start, GatewayMetrics(registry), clock).router())
    app.include_router(health_router(check_temporal, registry))
    app.add_middleware(SecurityHeaders, pages=docs)
    return app
