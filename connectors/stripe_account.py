"""A Stripe account as all questions see it: the SDK's client, the links into the dashboard, windows, pages and caps."""

import math
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NamedTuple, NotRequired, TypedDict, TypeVar

import stripe

from connectors.stripe_fields import Fields
from models.base import Row
from models.evidence import SourceRequest

T = TypeVar("T")

PAGE = 100
"""The most that Stripe gives at once."""
AT_ONCE = 4
"""Requests in flight for one question: a sandbox account takes 25 a second."""


@dataclass
class Account:
    """One account; what is written here lasts as long as the connector."""

    client: stripe.StripeClient = field(repr=False)
    metadata_key: str
    dashboard: str
    meters: dict[str, str] = field(default_factory=dict)
    """Meter id to the event that it counts, which never changes once made."""

    def customer_url(self, billing_id: str = "") -> str:
        """Return the dashboard's page of a customer, or of all."""
        return f"{self.dashboard}/customers/{billing_id}" if billing_id else f"{self.dashboard}/customers"


class Found(NamedTuple):
    """What a question brought."""

    rows: Sequence[Row]
    url: str
    truncated: bool = False
    reason: str = ""


class Span(TypedDict):
    """A range of times, as Stripe's lists take it."""

    gt: NotRequired[int]
    gte: NotRequired[int]
    lt: NotRequired[int]
    lte: NotRequired[int]


def created_in(request: SourceRequest, earlier: timedelta = timedelta(0)) -> Span:
    """Return the request's window, begun `earlier`; everything where there is none."""
    if request.window is None:
        return {"gte": 0}
    start, end = request.window.start - earlier, request.window.end
    return {"gte": math.ceil(start.timestamp()), "lt": math.ceil(end.timestamp())}


def page_size(request: SourceRequest) -> int:
    """Return how many to ask for: one more than may be kept tells whether there is more."""
    return min(PAGE, request.row_limit + 1)


async def unless_denied(question: Awaitable[T]) -> T | None:
    """Return the answer to a side question; None where the key may not ask it."""
    try:
        return await question
    except stripe.PermissionError:
        return None


def belongs_to(thing: Fields, billing_id: str) -> bool:
    """Whether an object is the customer, or says that it is the customer's."""
    return billing_id in (_id_of(thing.at("customer")), _id_of(thing.thing))


def _id_of(value: object) -> object:
    return value.get("id") if isinstance(value, dict) else value
