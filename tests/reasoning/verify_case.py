"""What tests of verification share: claims that hold and claims that do not."""

from models.diagnosis import Claim, Predicate
from tests.reasoning.case import (
    ERROR_RATE,
    NO_INCIDENT,
    RELEASE,
    claim,
    fact_is,
    row_shows,
)

HOLDS: list[Claim] = [
    ERROR_RATE,
    fact_is("error_rate", "41.2 %", "E1"),
    fact_is("error_rate", "0.412", "E1"),
    fact_is("failed", "1236", "E1"),
    fact_is("deployed_at", "2026-03-12T14:05:30Z", "E2"),
    fact_is("incident", "no", "E3"),
    RELEASE,
    row_shows("E2", created_at="2026-03-12 14:05 UTC", id="9,001", cost="12.5"),
    row_shows("E1", route="/v1/imports", failed="824"),
    NO_INCIDENT,
    claim(Predicate.SUPPORTED, "regression", "E1"),
    claim(Predicate.SUPPORTED, "regression", "E1", "E2"),
    claim(Predicate.REFUTED, "incident", "E3"),
]
