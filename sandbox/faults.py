"""Faults on demand: what a vendor does wrong, for how many requests and on which paths."""

import asyncio
import socket
import struct
from datetime import datetime, timedelta
from email.utils import format_datetime
from itertools import count
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.responses import Response

Kind = Literal["status", "reset", "slow", "malformed", "blank", "oversize", "cut", "refuse", "rate-limit"]
OVERSIZE = 20 * 1024 * 1024


class Fault(BaseModel):
    """One thing that goes wrong. Bodies of POST /faults."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    vendor: str
    kind: Kind
    """`status`: answer `status` in the vendor's own error shape. `reset`: close the connection without an answer. `slow`:
    answer rightly after `seconds`. `malformed`: a 200 whose body is no JSON. `blank`: a 200 without a body. `oversize`: a
    200 that goes on for 20 MB. `cut`: the headers and half of the right body, then the connection closes. `refuse`: nobody
    listens at the port. `rate-limit`: the vendor's own way of saying slow down, such as GitHub's secondary limit (403) or
    Linear's RATELIMITED (400)."""
    status: int = Field(default=503, ge=300, le=599)
    seconds: float = Field(default=5.0, ge=0)
    retry_after: float | None = Field(default=None, ge=0)
    """Seconds for the Retry-After header of `status` and `rate-limit`."""
    retry_after_date: bool = False
    """Write Retry-After as an HTTP date."""
    times: int | None = Field(default=None, ge=1)
    """How many requests it meets; None until cleared."""
    path: str = ""
    """Only requests whose path contains this."""

    @model_validator(mode="after")
    def _refuse_is_whole(self) -> Self:
        if self.kind == "refuse" and (self.times is not None or self.path):
            raise ValueError(
                "'refuse' closes the port, so it takes neither times nor path; use 'reset' for single requests"
            )
        return self

    def retry_after_header(self, now: datetime) -> dict[str, str]:
        """Return the Retry-After header as asked for, or none."""
        if self.retry_after is None:
            return {}
        if self.retry_after_date:
            return {"retry-after": format_datetime(now + timedelta(seconds=self.retry_after), usegmt=True)}
        return {"retry-after": f"{self.retry_after:g}"}


class FaultBoard:
    """The faults in force. Later ones go first; a fault that is used up goes away."""

    def __init__(self) -> None:
        """Start without faults."""
        self._faults: dict[int, Fault] = {}
        self._left: dict[int, int] = {}
        self._numbers = count(1)

    def add(self, fault: Fault) -> int:
        """Put a fault in force and return its number."""
        number = next(self._numbers)
        self._faults[number] = fault
        if fault.times is not None:
            self._left[number] = fault.times
        return number

    def clear(self, vendor: str | None = None) -> list[Fault]:
        """Take back all faults, or those of one vendor; returns them."""
        numbers = [number for number, fault in self._faults.items() if vendor in (None, fault.vendor)]
        for number in numbers:
            self._left.pop(number, None)
        return [self._faults.pop(number) for number in numbers]

    def in_force(self) -> list[Fault]:
        """Return the faults that still wait for requests."""
        return list(self._faults.values())

    def take(self, vendor: str, path: str) -> Fault | None:
        """Return the fault that meets this request and count it."""
        for number in reversed(self._faults):
            fault = self._faults[number]
            if fault.vendor != vendor or fault.kind == "refuse" or fault.path not in path:
                continue
            if number in self._left:
                self._left[number] -= 1
                if self._left[number] == 0:
                    del self._faults[number], self._left[number]
            return fault
        return None


def break_connection(transport: asyncio.Transport) -> None:
    """Reset the connection without an answer, as a proxy that died does."""
    reached: socket.socket | None = transport.get_extra_info("socket")
    if reached is not None:
        # Lingering for no time makes the kernel send a reset where a plain close would end the stream in good order.
        reached.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def malformed(response: Response) -> Response:
    """Return the same answer as a 200 whose body starts rightly and then is neither JSON nor XML."""
    return _with_body(response, bytes(response.body)[:40] + b'\x00{"<<< cut by a proxy')


def blank(response: Response) -> Response:
    """Return the same answer as a 200 with nothing in it."""
    return _with_body(response, b"")


def oversize(response: Response) -> Response:
    """Return the same answer as a 200 that starts rightly and does not end for long."""
    return _with_body(response, bytes(response.body)[:40] + b" " * OVERSIZE)


def _with_body(response: Response, body: bytes) -> Response:
    headers = {name: value for name, value in response.headers.items() if name not in ("content-length", "etag")}
    return Response(body, status_code=200, headers=headers)


BODIES = {"malformed": malformed, "blank": blank, "oversize": oversize}
"""Kinds of fault that answer rightly but for the body."""
