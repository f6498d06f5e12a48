"""Below the ClickHouse SDK: what it is about to send is read once more, and only one plain SELECT goes out."""

import io
import re
from collections.abc import Awaitable, Callable, Mapping

import aiohttp
from clickhouse_connect.driver.asyncclient import AsyncClient

from connectors.base import WriteRefused

_STRINGS = re.compile(r"'(?:[^'\\]|\\.|'')*'", re.DOTALL)
_READS = re.compile(r"[\s(]*(SELECT|WITH)\b", re.IGNORECASE)
_WRITES = re.compile(
    r"\b(INSERT|INTO|OUTFILE|ALTER|CREATE|DROP|TRUNCATE|DELETE|UPDATE|SYSTEM\s+\w|KILL)\b(?!\s*\.)", re.IGNORECASE
)
_OWN_GRANTS = re.compile(r"SHOW GRANTS(\s+FORMAT Native)?\s*")
"""The one statement beside SELECT: what the user itself may do, for an examination."""
_TEXT_LIMIT = 256 * 1024

_Send = Callable[..., Awaitable[aiohttp.ClientResponse]]


def refuse_writes(client: AsyncClient) -> None:
    """Put the check between a client and its HTTP backend, for every method that the SDK has or will have.

    All of them (queries, commands, inserts, raw requests) go through the backend's `request`. The SDK's own second tries are
    turned off here as well, since `query_retries=0` leaves two of them on.
    """
    backend = client._backend
    send: _Send = backend.request

    async def request(
        data: object = None,
        params: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        files: object = None,
        method: str = "POST",
        **options: object,
    ) -> aiohttp.ClientResponse:
        text = read_statement(data, params or {}, files)
        # A stream cannot be sent twice, which is how the SDK decides against a second try.
        body = io.BytesIO(text.encode())
        options |= {"retryable": False, "retries": 0, "retry_body": None}
        rest = {name: value for name, value in (params or {}).items() if name != "query"}
        return await send(body, rest, headers, None, method="POST", **options)

    backend.request = request  # type: ignore[method-assign,assignment]  # the driver has no hook for it


def read_statement(data: object, params: Mapping[str, object], files: object) -> str:
    """Return the one statement of a request.

    Raises:
        WriteRefused: it is not one plain SELECT; nothing was sent.
    """
    if files:
        raise WriteRefused("a request with files was stopped; connectors only read")
    parts = [part for part in (params.get("query"), data) if part]
    text = parts[0] if len(parts) == 1 else None
    if isinstance(text, bytes | bytearray | memoryview):
        try:
            text = bytes(text).decode()
        except UnicodeDecodeError:
            text = None
    if not isinstance(text, str) or len(text) > _TEXT_LIMIT:
        raise WriteRefused("a request that is not one SQL text was stopped; connectors only read")
    if _OWN_GRANTS.fullmatch(text):
        return text
    bare = _STRINGS.sub("''", text)
    if not _READS.match(bare) or ";" in bare or "$" in bare or _WRITES.search(bare):
        verb = re.match(r"\W*(\w{0,20})", bare)
        raise WriteRefused(
            f"a statement that starts with {(verb[1] if verb else '')!r} was stopped; only one plain SELECT is sent"
        )
    return text
