"""Reads a time as people write it at the command line: a moment, or how long ago."""

from datetime import UTC, datetime, timedelta

from pydantic import TypeAdapter, ValidationError

from cli.errors import UsageProblem
from models.playbook import Span

_SPAN: TypeAdapter[timedelta] = TypeAdapter(Span)


def moment(option: str, text: str, now: datetime) -> datetime:
    """Return the time that an option names; without a zone it is UTC.

    Raises:
        UsageProblem: neither a time nor a span.
    """
    try:
        return now - _SPAN.validate_python(text)
    except ValidationError:
        pass
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UsageProblem(
            f"{option} {text!r}: write a time such as 2026-03-02T10:00Z, or how long ago: 90m, 24h, 7d"
        ) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
