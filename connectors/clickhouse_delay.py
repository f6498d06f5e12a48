"""How long ClickHouse, or what stands before it, asks to wait: the driver's errors leave the answer's headers out."""

from collections.abc import Awaitable, Callable

import aiohttp
from clickhouse_connect.driver.asyncclient import AsyncClient
from clickhouse_connect.driver.exceptions import DatabaseError

from connectors.http import retry_after

_NOTED = "whydesk_retry_after"
_Handle = Callable[..., Awaitable[None]]


def note_delays(client: AsyncClient) -> None:
    """Let every error of the client's answers keep the delay that came with it, for `delay_of`."""
    backend = client._backend
    handle: _Handle = backend.error_handler

    async def error_handler(response: aiohttp.ClientResponse, retried: bool = False) -> None:
        try:
            await handle(response, retried)
        except DatabaseError as error:
            setattr(error, _NOTED, retry_after({"retry-after": response.headers.get("retry-after", "")}))
            raise

    backend.error_handler = error_handler  # type: ignore[method-assign]  # the driver has no hook for it


def delay_of(error: DatabaseError) -> float | None:
    """Return the seconds that the answer asked to wait; None if it named none."""
    noted = getattr(error, _NOTED, None)
    return noted if isinstance(noted, float) else None
