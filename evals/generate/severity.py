"""The severity of a planted cause, by one rubric that stands in docs/whybench.md and was fixed before any run."""

from models.vocabulary import Severity

HIGH_SHARE = 0.3
MEDIUM_SHARE = 0.05
MEDIUM_FACTOR = 2.0
NEAR = 0.25
"""Within a quarter of an edge both neighbours are accepted: no rubric is that sharp."""


def of_errors(share: float) -> Severity:
    """Return the severity of errors that are not the customer's doing, by the share of the route's requests."""
    if share >= HIGH_SHARE:
        return Severity.HIGH
    return Severity.MEDIUM if share >= MEDIUM_SHARE else Severity.LOW


def of_slowness(factor: float) -> Severity:
    """Return the severity of slowness that is not the customer's doing."""
    return Severity.MEDIUM if factor >= MEDIUM_FACTOR else Severity.LOW


def accepted(severity: Severity, sizes: list[float], edges: tuple[float, ...]) -> list[Severity]:
    """Return the severity and, where a size is near an edge, its neighbour across that edge."""
    found = {severity}
    ladder = list(Severity)
    for size in sizes:
        for edge in edges:
            if edge * (1 - NEAR) <= size < edge:
                found.add(ladder[min(severity.rank + 1, 2)])
            elif edge <= size <= edge * (1 + NEAR):
                found.add(ladder[max(severity.rank - 1, 0)])
    return sorted(found, key=lambda one: one.rank)
