"""What an examination of a far end finds: the words that connectors, helpdesks and `whydesk doctor` share."""

from dataclasses import dataclass
from enum import StrEnum


class FindingStatus(StrEnum):
    """What an examination found of one thing; `UNKNOWN` where the vendor does not tell."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Finding:
    """One line of an examination: what was checked, what was found, what to do."""

    check: str
    """`reach`, `key`, `rights`, `shape`, `latency`, `clock`, `rate limit`; a connector may add its own."""
    status: FindingStatus
    detail: str
    """For people; neither a secret nor a customer's data."""
    remedy: str = ""
    """What to do next, where something is to be done."""
