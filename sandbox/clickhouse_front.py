"""The port in front of the ClickHouse process: passes everything on, and adds faults, latency and the journal."""

import asyncio
from collections.abc import Mapping

import httpx
from starlette.responses import Response

from sandbox.vendor import Asked, Stage, Vendor
from sandbox.webhooks import NO_TLS

HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "transfer-encoding", "content-length", "host", "upgrade", "date", "server"}
)
READONLY = frozenset({"164", "497"})
"""Exception codes of a statement that would have changed something."""

_SAID = {
    401: (516, "default: Authentication failed: password is incorrect. (AUTHENTICATION_FAILED)"),
    403: (497, "default: Not enough privileges. (ACCESS_DENIED)"),
    429: (202, "Too many simultaneous queries. Maximum: 100. (TOO_MANY_SIMULTANEOUS_QUERIES)"),
}
"""What the server says with a status; with all others nothing in particular."""


class ClickHouseFront(Vendor):
    """Passes requests to the engine's process and its answers back, byte for byte."""

    name = "clickhouse"
    routes = ()

    def __init__(self, stage: Stage) -> None:
        """Pass nothing on before `upstream` is set."""
        super().__init__(stage)
        self.upstream = ""
        limits = httpx.Limits(max_connections=200, max_keepalive_connections=100)
        self._client = httpx.AsyncClient(timeout=httpx.Timeout(None), limits=limits, verify=NO_TLS, trust_env=False)

    async def respond(self, asked: Asked) -> Response:
        """Pass on; a caller that hangs up takes the engine's connection with it, which stops the query."""
        answering = asyncio.ensure_future(self._pass_on(asked))
        gone = asyncio.ensure_future(asked.gone())
        try:
            done, _ = await asyncio.wait({answering, gone}, return_when=asyncio.FIRST_COMPLETED)
            if answering not in done:
                answering.cancel()
                await asyncio.gather(answering, return_exceptions=True)
                return Response(status_code=499)
            return answering.result()
        finally:
            gone.cancel()

    async def _pass_on(self, asked: Asked) -> Response:
        headers = {name: value for name, value in asked.headers.items() if name not in HOP_BY_HOP}
        query = f"?{asked.raw_query}" if asked.raw_query else ""
        request = self._client.build_request(
            asked.method, f"{self.upstream}{asked.path}{query}", headers=headers, content=asked.body
        )
        try:
            answer = await self._client.send(request, stream=True)
            try:
                # Raw, because the caller is to get the bytes as the engine compressed them.
                body = b"".join([chunk async for chunk in answer.aiter_raw()])
            finally:
                await answer.aclose()
        except httpx.HTTPError as error:
            return self.error(503, f"the engine does not answer ({type(error).__name__})")
        kept = {name: value for name, value in answer.headers.items() if name not in HOP_BY_HOP}
        if kept.get("x-clickhouse-exception-code") in READONLY:
            self.record_write(asked, what="statement refused as a write", accepted=False)
        return Response(body, answer.status_code, kept)

    def error(self, status: int, message: str = "") -> Response:
        """Return an exception in ClickHouse's words."""
        code, said = _SAID.get(status, (1002, "Unknown exception. (UNKNOWN_EXCEPTION)"))
        return _exception(status, code, message or said)

    def rate_limited(self) -> Response:
        """Return that too many queries run."""
        return _exception(503, 202, "Too many simultaneous queries. Maximum: 100. (TOO_MANY_SIMULTANEOUS_QUERIES)")

    def headers(self, asked: Asked) -> Mapping[str, str]:
        """Return what the server always says."""
        return {"x-clickhouse-server-display-name": "sandbox"}

    async def aclose(self) -> None:
        """Close the connections to the engine."""
        await self._client.aclose()


def _exception(status: int, code: int, message: str) -> Response:
    headers = {"x-clickhouse-exception-code": str(code)}
    return Response(
        f"Code: {code}. DB::Exception: {message}\n", status, headers, media_type="text/plain; charset=UTF-8"
    )
