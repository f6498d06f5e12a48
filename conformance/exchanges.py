"""Records what a connector and its far end really said to each other, below every SDK."""

from dataclasses import dataclass, field
from urllib.parse import parse_qsl

import httpx


@dataclass(frozen=True)
class Exchange:
    """One request and its answer, whole."""

    method: str
    path: str
    query: str
    headers: httpx.Headers
    body: bytes
    status: int
    content_type: str
    answer: bytes

    @property
    def target(self) -> str:
        """Path and query as sent."""
        return f"{self.path}?{self.query}" if self.query else self.path

    @property
    def arguments(self) -> list[tuple[str, str]]:
        """The query's names and values, decoded, in their order."""
        return parse_qsl(self.query, keep_blank_values=True)


@dataclass
class Recorder(httpx.AsyncBaseTransport):
    """A transport over the network that keeps every exchange."""

    exchanges: list[Exchange] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Open nothing yet."""
        self._inner = httpx.AsyncHTTPTransport(verify=False)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send, read the whole answer, keep both."""
        body = await request.aread()
        response = await self._inner.handle_async_request(request)
        answer = await response.aread()
        self.exchanges.append(
            Exchange(
                method=request.method,
                path=request.url.path,
                query=request.url.query.decode(),
                headers=request.headers,
                body=body,
                status=response.status_code,
                content_type=response.headers.get("content-type", ""),
                answer=answer,
            )
        )
        headers = [(name, value) for name, value in response.headers.raw if name.lower() != b"content-encoding"]
        return httpx.Response(response.status_code, headers=headers, content=answer, request=request)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._inner.aclose()
