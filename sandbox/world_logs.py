"""logs.yaml: the company's own tables, its baseline traffic, and the episodes in which something is different."""

from typing import Annotated, Literal

from pydantic import Field

from sandbox.world_base import Offset, Part

Share = Annotated[float, Field(ge=0, le=1)]
Identifier = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class Column(Part):
    """A column of the company's table: its name, its ClickHouse type, and the expression over generated fields that fills it."""

    name: Identifier
    type: str
    value: str
    """A ClickHouse scalar expression over the fields of docs/worlds.md, such as `duration_ms / 1000`."""


class Table(Part):
    """One table of the company's own. `kind` says which generated rows fill it."""

    kind: Literal["requests", "webhook_attempts", "usage", "accounts"]
    name: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*\.[A-Za-z_][A-Za-z0-9_]*$")]
    """`database.table`."""
    columns: Annotated[list[Column], Field(min_length=1)]
    order_by: Annotated[list[Identifier], Field(min_length=1)]
    """Column names; customer and then time makes customer queries fast."""


class Response(Part):
    """An answer that a share of the requests gets: `error` is the company's own code, status 0 no HTTP answer (webhooks)."""

    status: int = Field(ge=0, le=599)
    error: str
    share: Share


class Route(Part):
    """A route of the API: its part of the traffic, its median latency and the spread (sigma of the log-normal)."""

    name: str
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    share: float = Field(ge=0)
    """0: only customers that name the route in customers.yaml use it."""
    latency_ms: float = Field(gt=0)
    spread: float = Field(default=0.45, ge=0, le=2)
    status: int = 200


class Version(Part):
    """A version of the serving software from `start` on, in those regions (all if empty), for that share of the traffic."""

    name: str
    start: Offset
    regions: list[str] = []
    share: Share = 1.0


class Baseline(Part):
    """What traffic looks like when nothing is wrong."""

    routes: Annotated[list[Route], Field(min_length=1)]
    errors: list[Response] = []
    versions: Annotated[list[Version], Field(min_length=1)]
    """Oldest first; the first must start at or before the log range."""
    rhythm: Share = 0.6
    """How far the day swings around its mean: 0 is flat."""
    weekend: float = Field(default=0.5, gt=0, le=1)
    """Traffic of a Saturday or Sunday against a working day."""
    webhook_latency_ms: float = Field(default=140.0, gt=0)
    webhook_errors: list[Response] = []


class Match(Part):
    """Whom and what an episode touches; each list that is given narrows it, an empty one means all."""

    customers: list[str] = []
    not_customers: list[str] = []
    plans: list[str] = []
    regions: list[str] = []
    routes: list[str] = []
    keys: list[str] = []
    versions: list[str] = []


class Episode(Part):
    """A span in which some requests fare differently.

    `responses` replace the answer of that share of the matching requests; together at most 1. `latency_factor` multiplies
    their latency; `rate_limit` is what the log shows as the limit in force. Where several episodes match a row, the later
    in the file wins for the answer; latency factors multiply.
    """

    name: str
    start: Offset
    end: Offset
    match: Match = Match()
    responses: list[Response] = []
    latency_factor: float = Field(default=1.0, gt=0)
    rate_limit: int | None = Field(default=None, ge=0)


class Burst(Part):
    """Extra requests of one customer, in absolute numbers whatever the scale of the logs.

    In every minute the first `accepted` go through like any other request; the rest get `refused`. With `every` it comes
    again and again for `lasts` each time, as a scheduled job does: the first at `start`, the last before `end`.
    """

    name: str
    customer: str
    start: Offset
    end: Offset
    every: Offset | None = None
    lasts: Offset | None = None
    per_minute: int = Field(ge=1)
    accepted: int | None = Field(default=None, ge=0)
    """Per minute; None: all."""
    refused: Response | None = None
    route: str
    key: str = ""
    """Key id; the customer's first if empty."""


class WebhookEpisode(Part):
    """A span in which a share of the attempts to some endpoints fails. Status 0 means that no HTTP answer came."""

    name: str
    start: Offset
    end: Offset
    endpoints: list[str] = []
    """Endpoint ids; all if empty."""
    status: int = Field(ge=0, le=599)
    error: str
    share: Share
    latency_factor: float = Field(default=1.0, gt=0)


class Usage(Part):
    """What one customer really used of a meter in a span, by route: the usage table adds up to exactly this."""

    customer: str
    meter: str
    start: Offset
    end: Offset
    routes: Annotated[dict[str, Annotated[int, Field(ge=0)]], Field(min_length=1)]
    """Route to units."""

    @property
    def total(self) -> int:
        """Units over all routes."""
        return sum(self.routes.values())


class LogsFile(Part):
    """logs.yaml"""

    tables: Annotated[list[Table], Field(min_length=1)]
    baseline: Baseline
    episodes: list[Episode] = []
    bursts: list[Burst] = []
    webhooks: list[WebhookEpisode] = []
    usage: list[Usage] = []
