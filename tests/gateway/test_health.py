"""/healthz, /readyz and /metrics, and what every answer carries."""

import asyncio

import pytest

from tests.gateway.serving import Started, calling, gateway, reachable


async def unreachable() -> bool:
    return False


async def silent() -> bool:
    await asyncio.Event().wait()
    return True


async def test_alive_whatever_temporal_does() -> None:
    async with calling(gateway(Started(), check=unreachable)) as client:
        answer = await client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "alive"})


async def test_ready_with_temporal() -> None:
    async with calling(gateway(Started(), check=reachable)) as client:
        answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ready"})


@pytest.mark.parametrize("check", [unreachable, silent])
async def test_not_ready_without_and_says_why(check: object) -> None:
    async with calling(gateway(Started(), check=check)) as client:  # type: ignore[arg-type]  # one of the two above
        answer = await asyncio.wait_for(client.get("/readyz"), 10)
    assert answer.status_code == 503
    assert "Temporal" in answer.json()["problem"]


async def test_metrics_are_prometheus_text() -> None:
    async with calling(gateway(Started())) as client:
        answer = await client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    assert "whydesk_gateway_acknowledgement_seconds" in answer.text


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json"])
async def test_no_documentation_unless_asked_for(path: str) -> None:
    async with calling(gateway(Started())) as client:
        assert (await client.get(path)).status_code == 404


@pytest.mark.parametrize("path", ["/healthz", "/metrics", "/nowhere"])
async def test_nobody_keeps_or_sniffs_an_answer(path: str) -> None:
    async with calling(gateway(Started())) as client:
        headers = (await client.get(path)).headers
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in headers["content-security-policy"]


async def test_other_methods_are_refused() -> None:
    async with calling(gateway(Started())) as client:
        assert (await client.get("/hooks/acme/zendesk")).status_code == 405
        assert (await client.post("/healthz")).status_code == 405
