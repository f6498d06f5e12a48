"""One entry of the audit chain, and the bytes that its hash is taken of."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from pydantic import TypeAdapter

from models.base import Frozen, Moment, digest_of

AuditValue = str | bool | int | None | tuple[str, ...]
"""No fractions: two programs need not write them alike, and the hash is of what is written. Money goes in as text."""
Detail = Mapping[str, AuditValue]

FIRST = "0" * 64
"""What the first entry has in place of the hash of an entry before it."""

_DETAIL: TypeAdapter[dict[str, AuditValue]] = TypeAdapter(dict[str, AuditValue])


class AuditEntry(Frozen):
    """Who did what to what, chained to the entry before. It never holds data of a customer: nothing can be erased from it."""

    seq: int
    """1, 2, 3 …, without a gap."""
    at: Moment
    who: str
    action: str
    """`pause`, `playbook.promote`, `forget` …: a verb, with its object before it where the verb alone says too little."""
    subject: str
    """What it was done to: `tenant/acme`, `source/stripe`, `playbook/api-errors@3` …"""
    detail: dict[str, AuditValue] = {}
    previous: str
    """Hash of the entry before; 64 zeros for the first."""
    hash: str

    def computed(self) -> str:
        """Return the hash that this entry must have."""
        return digest_of(
            canonical_bytes(self.seq, self.at, self.who, self.action, self.subject, self.detail, self.previous)
        )


def canonical_bytes(
    seq: int, at: datetime, who: str, action: str, subject: str, detail: Detail, previous: str
) -> bytes:
    """Return what the hash of an entry is the SHA-256 of.

    A JSON object in UTF-8 with the keys action, at, detail, previous, seq, subject, who: keys sorted at every depth,
    no spaces, nothing escaped that JSON does not demand, the time in UTC with six digits of a second and `Z`.
    """
    entry = {
        "seq": seq,
        "at": stamp(at),
        "who": who,
        "action": action,
        "subject": subject,
        "detail": dict(detail),
        "previous": previous,
    }
    return _written(entry).encode()


def checked(detail: Mapping[str, object]) -> dict[str, AuditValue]:
    """Return the detail of an entry as the chain keeps it.

    Raises:
        ValueError: a value that is neither text, whole number, truth value, nothing nor a list of texts.
    """
    listed = {name: tuple(value) if isinstance(value, list) else value for name, value in detail.items()}
    return _DETAIL.validate_python(listed, strict=True)


def detail_text(detail: Detail) -> str:
    """Write a detail as its hash sees it."""
    return _written(dict(detail))


def stamp(at: datetime) -> str:
    """Write a time as its hash sees it."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def as_line(entry: AuditEntry) -> str:
    """Write an entry as a line of an export: its canonical form with the hash added."""
    return _written({**entry.model_dump(), "at": stamp(entry.at)})


def _written(value: Mapping[str, object]) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
