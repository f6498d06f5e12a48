"""From a connector's rows to its `Answer`: operations checked, rows and bytes capped, times normalised."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from pydantic import JsonValue

from connectors.base import SlowAnswer
from models.base import Row
from models.evidence import Answer, SourceRequest
from models.vocabulary import EvidenceStatus

Operations = Mapping[str, frozenset[str]]
"""Operation to the parameters that it knows."""


def check_operation(request: SourceRequest, operations: Operations) -> None:
    """Check a request against a connector's own list.

    Raises:
        ValueError: an unknown operation or parameter; names those known.
    """
    known = operations.get(request.operation)
    if known is None:
        raise ValueError(f"{request.source.title} has no operation {request.operation!r}; it has {_names(operations)}")
    unknown = sorted(set(request.parameters) - known)
    if unknown:
        raise ValueError(f"{request.operation!r} takes no parameter {unknown[0]!r}; it takes {_names(known)}")


def text_list(request: SourceRequest, name: str) -> list[str] | None:
    """Return a parameter that is a list of strings (one string is a list of one); None if absent.

    Raises:
        ValueError: another shape.
    """
    value = request.parameters.get(name)
    if value is None:
        return None
    if isinstance(value, str):
        return [value]
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return [str(item) for item in value]
    raise ValueError(f"{request.operation!r} takes {name!r} as a list of strings, not {value!r}")


def answer(
    request: SourceRequest,
    rows: Iterable[Row],
    *,
    asked: str,
    url: str | None = None,
    total: int | None = None,
    truncated: bool = False,
    stale: bool = False,
    reason: str = "",
) -> Answer:
    """Build a `found` or `empty` answer within the request's row and byte caps; what does not fit sets `truncated`.

    Args:
        rows: Already normalised: JSON scalars, times as `iso` gives them.
        truncated: The source itself held something back.
        reason: For an answer that is incomplete: what is missing.
    """
    kept: list[Row] = []
    size = 0
    for row in rows:
        size += len(json.dumps(row, ensure_ascii=False).encode())
        if len(kept) >= request.row_limit or size > request.byte_limit:
            truncated = True
            break
        kept.append(row)
    # A first row beyond the byte cap is not an absence: say that there was something.
    if not kept and truncated and not reason:
        reason = f"no row fits into {request.byte_limit} bytes"
    return Answer(
        status=EvidenceStatus.FOUND if kept else EvidenceStatus.FAILED if truncated else EvidenceStatus.EMPTY,
        rows=tuple(kept),
        total=total,
        truncated=truncated,
        stale=stale,
        asked=asked,
        url=url,
        reason=reason,
    )


def no_answer(status: EvidenceStatus, reason: str, *, asked: str, url: str | None = None) -> Answer:
    """Build an answer that is none: `failed` or `denied`, with the reason for people."""
    return Answer(status=status, asked=asked, url=url, reason=reason)


def iso(moment: datetime | None) -> str | None:
    """Write a time as ISO 8601 in UTC with a `Z`; one without a zone is taken as UTC, as ClickHouse means it."""
    if moment is None:
        return None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return moment.isoformat().replace("+00:00", "Z")


def iso_text(value: JsonValue) -> str | None:
    """Rewrite a vendor's ISO 8601 text the same way; None for what is missing or no time."""
    return iso(read_moment(value))


def read_moment(value: JsonValue) -> datetime | None:
    """Read a vendor's ISO 8601 text or Unix seconds as a time in UTC; None for what is missing or no time."""
    try:
        if isinstance(value, str):
            moment = datetime.fromisoformat(value.strip())
            return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return None


@asynccontextmanager
async def time_limit(request: SourceRequest) -> AsyncIterator[None]:
    """Bound a whole question by the request's `time_limit`.

    Raises:
        SlowAnswer: it took longer.
    """
    try:
        async with asyncio.timeout(request.time_limit):
            yield
    except TimeoutError:
        raise SlowAnswer(
            f"{request.source.title} gave no answer to {request.operation!r} within {request.time_limit:g} s"
        ) from None


def _names(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"
