"""How a tenant stands at one moment, for the gauges of a worker."""

from datetime import UTC, datetime

from models.base import Frozen, Moment


def start_of_day(now: datetime) -> datetime:
    """Return when the day of a budget began: midnight UTC."""
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


class Standing(Frozen):
    """One tenant."""

    oldest_open: Moment | None = None
    """When its oldest revision that has not ended was opened."""
    usd_today: float = 0.0
    """What its models cost since midnight UTC."""
