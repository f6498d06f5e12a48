"""The two bases of every model: one for what we wrote down, one for what a person wrote."""

import hashlib
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, JsonValue

Row = dict[str, JsonValue]
"""One row of a source's answer, flat: column name to a JSON value. Times are ISO 8601 strings in UTC."""


def _in_utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a time needs its zone")
    return moment.astimezone(UTC)


Moment = Annotated[datetime, AfterValidator(_in_utc)]
"""A time with a zone, kept in UTC."""


class Frozen(BaseModel):
    """Crosses a process boundary: immutable, and readable by older code that lacks a newer field."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Strict(BaseModel):
    """Written by a person (settings, playbooks, worlds): an unknown key is an error, not a surprise."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def to_body(model: BaseModel) -> bytes:
    """Serialise a model to the bytes that the ledger stores and that its digest is taken of.

    Of what a person wrote, only that: a format that gains a field with a default must not change the digest of a file that was
    released before.
    """
    return model.model_dump_json(exclude_unset=isinstance(model, Strict)).encode()


def digest_of(body: bytes) -> str:
    """Return the SHA-256 of a body as 64 hex digits: the address of a body in the ledger."""
    return hashlib.sha256(body).hexdigest()
