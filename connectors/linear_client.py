"""Linear's GraphQL over the read-only HTTP client: stored documents alone, and what its errors mean."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime

import httpx
from pydantic import JsonValue

from connectors.base import RateLimited, Unavailable
from connectors.http import (
    OPEN_NETWORK,
    Declined,
    Network,
    Observed,
    ReadOnlyHttp,
    Reply,
    SchemaDrift,
    raise_for_status,
    retry_after,
)
from connectors.linear_documents import DOCUMENTS
from models.vocabulary import EvidenceStatus

_STEP = 60.0
"""Seconds for one step of a request; the question's own limit is what counts."""
_NOT_FOUND = re.compile(r"^(entity not found|could not find)", re.IGNORECASE)
_COMPLEX = re.compile(r"too complex|complexity", re.IGNORECASE)
_GONE = re.compile(r'^Cannot query field "(\w{1,60})" on type "(\w{1,60})"')
_READABLE = frozenset({400, 401, 403, 429})
"""Statuses whose body may hold GraphQL errors that say more than the status does."""
_LIMITS = ("x-ratelimit-requests", "x-ratelimit-endpoint-requests", "x-ratelimit-complexity")


class NoSuchEntity(Declined):
    """Linear answered that there is no such thing."""


class LinearClient:
    """One workspace by one key, over one pooled client."""

    def __init__(
        self,
        url: str,
        api_key: str,
        transport: httpx.AsyncBaseTransport | None = None,
        network: Network = OPEN_NETWORK,
    ) -> None:
        """Open nothing yet."""
        # Linear takes its own API keys bare and OAuth tokens as bearers.
        credential = f"Bearer {api_key}" if api_key.startswith("lin_oauth_") else api_key
        self.http = ReadOnlyHttp(
            url,
            headers={"Authorization": credential},
            posts={url: is_stored_query},
            timeout=_STEP,
            transport=transport,
            network=network,
        )

    @property
    def observed(self) -> Observed:
        """What the last answer told beside its content."""
        return self.http.observed

    async def query(self, name: str, variables: dict[str, JsonValue], sent: list[str]) -> Mapping[str, JsonValue]:
        """Ask one of the stored documents and return its data; `sent` gets what was asked.

        Raises:
            ConnectorError, Declined: as connectors.http; `NoSuchEntity` where the question is about nothing.
        """
        sent.append(f"{name} {json.dumps(variables, ensure_ascii=False)}")
        body: dict[str, JsonValue] = {"query": DOCUMENTS[name], "operationName": name, "variables": variables}
        return _data(await self.http.post("", body, accept=_READABLE))


def is_stored_query(body: bytes) -> bool:
    """Whether a request's body is one of the stored documents with its variables, and nothing else."""
    try:
        request = json.loads(body)
    except (ValueError, RecursionError):
        return False
    if not isinstance(request, dict) or set(request) - {"query", "operationName", "variables"}:
        return False
    # JSON may name a key twice, and two parsers may then read two different documents.
    if json.dumps(request, separators=(",", ":")).encode() != body:
        return False
    name = request.get("operationName")
    return isinstance(name, str) and name in DOCUMENTS and request.get("query") == DOCUMENTS[name]


def _data(reply: Reply) -> Mapping[str, JsonValue]:
    if reply.status == 429:
        raise RateLimited("Linear asks to slow down", retry_after=_reset_in(reply.headers))
    answered = _body_or_none(reply)
    if answered is None:
        raise_for_status(reply.status, reply.headers, "Linear")
        raise Unavailable("Linear answered with something that is no GraphQL answer")
    errors = answered.get("errors")
    if isinstance(errors, list) and errors:
        _raise_for_error(errors[0], reply)
    raise_for_status(reply.status, reply.headers, "Linear")
    data = answered.get("data")
    if not isinstance(data, dict):
        raise Unavailable("Linear answered with neither data nor an error")
    return data


def _body_or_none(reply: Reply) -> dict[str, JsonValue] | None:
    if reply.status in _READABLE:
        try:
            body = reply.json()
        except Unavailable:
            return None
    else:
        body = reply.json()
    return body if isinstance(body, dict) else None


def _raise_for_error(error: JsonValue, reply: Reply) -> None:
    """Raise what the first GraphQL error means. Its message may quote the question, so only its code is told on."""
    details = error if isinstance(error, dict) else {}
    extensions = details.get("extensions")
    extensions = extensions if isinstance(extensions, dict) else {}
    code, kind = str(extensions.get("code") or ""), str(extensions.get("type") or "").lower()
    if code == "RATELIMITED" or kind == "ratelimited":
        raise RateLimited("Linear asks to slow down", retry_after=_reset_in(reply.headers))
    if code in ("AUTHENTICATION_ERROR", "FORBIDDEN") or kind in ("authentication error", "forbidden"):
        raise Declined(EvidenceStatus.DENIED, f"Linear does not let this key read ({code or kind}); check the API key")
    if reply.status in (401, 403):
        raise Declined(EvidenceStatus.DENIED, f"Linear does not let this key read ({reply.status}); check the API key")
    if code == "INTERNAL_SERVER_ERROR" or kind in ("internal error", "network error", "lock timeout"):
        raise Unavailable(f"Linear failed inside ({code or kind})")
    raise _refusal(str(details.get("message") or ""), code, kind)


def _refusal(message: str, code: str, kind: str) -> Declined:
    if _NOT_FOUND.match(message):
        return NoSuchEntity(EvidenceStatus.FAILED, "Linear does not have something that the question refers to")
    if gone := _GONE.match(message):
        return SchemaDrift(f"Linear has no field {gone[1]!r} of {gone[2]!r} any more")
    if _COMPLEX.search(message):
        return Declined(EvidenceStatus.FAILED, "Linear finds the question too complex; ask for fewer rows")
    told = next((word for word in (code, kind) if re.fullmatch(r"[\w ]{1,60}", word)), "no code")
    return Declined(EvidenceStatus.FAILED, f"Linear does not take the question ({told})")


def _reset_in(headers: httpx.Headers, now: datetime | None = None) -> float | None:
    """Return the seconds until every limit that is used up starts anew: Linear gives the moments in milliseconds."""
    asked = retry_after(headers)
    if asked is not None:
        return asked
    resets: dict[str, float] = {}
    for limit in _LIMITS:
        reset, remaining = headers.get(f"{limit}-reset", ""), headers.get(f"{limit}-remaining", "")
        if re.fullmatch(r"\d{10,16}", reset):
            resets[remaining] = max(resets.get(remaining, 0.0), int(reset) / 1000)
    # Of a limit that has something left, the complexity's is too small for this query; which one that is, is not told.
    moment = resets.get("0", resets.get(""))
    if moment is None:
        moment = _complexity_reset(headers)
    return None if moment is None else max(0.0, moment - (now or datetime.now(UTC)).timestamp())


def _complexity_reset(headers: httpx.Headers) -> float | None:
    reset = headers.get("x-ratelimit-complexity-reset", "")
    return int(reset) / 1000 if re.fullmatch(r"\d{10,16}", reset) else None
