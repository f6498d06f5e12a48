"""GET /healthz, /readyz and /metrics."""

import asyncio
from collections.abc import Awaitable, Callable

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from gateway.answers import Alive, NotReady, Ready

CheckTemporal = Callable[[], Awaitable[bool]]

_PATIENCE = 1.0
"""Seconds for the whole readiness check."""


def health_router(check_temporal: CheckTemporal, registry: CollectorRegistry) -> APIRouter:
    """Return the three routes."""
    router = APIRouter(tags=["health"])

    @router.get("/healthz", summary="Is the process alive?")
    async def healthz() -> Alive:
        return Alive()

    @router.get(
        "/readyz",
        summary="Can deliveries be taken?",
        response_model=Ready,
        responses={503: {"model": NotReady, "description": "Temporal does not answer"}},
    )
    async def readyz() -> Response:
        problem = await _problem(check_temporal)
        if problem:
            return JSONResponse(NotReady(problem=problem).model_dump(), status_code=503)
        return JSONResponse(Ready().model_dump())

    @router.get("/metrics", summary="Prometheus metrics", response_class=Response)
    async def metrics() -> Response:
        return Response(generate_latest(registry), headers={"content-type": CONTENT_TYPE_LATEST})

    return router


async def _problem(check_temporal: CheckTemporal) -> str:
    try:
        async with asyncio.timeout(_PATIENCE):
            return (
                ""
                if await check_temporal()
                else "Temporal does not answer; see that it runs and TEMPORAL_ADDRESS is right"
            )
    except TimeoutError:
        return f"Temporal gave no answer within {_PATIENCE:g} s"
