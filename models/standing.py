"""How a tenant stands at one moment, for the gauges of a worker."""

from models.base import Frozen, Moment


class Standing(Frozen):
    """One tenant."""

    oldest_open: Moment | None = None
    """When its oldest revision that has not ended was opened."""
    usd_today: float = 0.0
    """What its models cost since midnight UTC."""
