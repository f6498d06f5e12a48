"""The bodies that the gateway answers with, and the refusal that carries one."""

from collections.abc import Mapping
from typing import Literal

from fastapi.responses import JSONResponse
from pydantic import BaseModel


class Accepted(BaseModel):
    """202: the delivery is with Temporal."""

    investigation: str
    """`inv-…`, the same for every delivery of one ticket."""


class Ignored(BaseModel):
    """200: a good delivery that may not start anything."""

    ignored: str


class Problem(BaseModel):
    """Why a request was refused."""

    detail: str


class Unreadable(Problem):
    """422: signed, but not of a shape we know."""

    field: str


class Alive(BaseModel):
    """The process answers."""

    status: Literal["alive"] = "alive"


class Ready(BaseModel):
    """Deliveries can be taken."""

    status: Literal["ready"] = "ready"


class NotReady(BaseModel):
    """Deliveries cannot be taken now."""

    status: Literal["not-ready"] = "not-ready"
    problem: str


class Refusal(Exception):
    """A request that gets no further: the answer for the sender, and the result for logs and metrics."""

    def __init__(
        self, status: int, result: str, detail: str, *, field: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        """Keep all of it; `field` makes the body an `Unreadable`."""
        super().__init__(detail)
        self.status = status
        self.result = result
        self.field = field
        self._body: Problem = Unreadable(detail=detail, field=field) if field else Problem(detail=detail)
        self._headers = dict(headers or {})

    def response(self) -> JSONResponse:
        """Return the answer."""
        return JSONResponse(self._body.model_dump(), status_code=self.status, headers=self._headers)
