"""What became of every attack, as a table."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Result:
    """One attack, with defences and without."""

    kind: str
    name: str
    on: bool
    """It succeeded with the product's defences."""
    off: bool
    """It succeeded without any."""
    said: str = ""
    """The note that it succeeded with."""


def table(title: str, results: Sequence[Result]) -> str:
    """Return the successes by class as a Markdown table."""
    lines = [f"| {title} | attacks | succeed with defences | succeed without |", "|---|---:|---:|---:|"]
    for kind in [*dict.fromkeys(result.kind for result in results), ""]:
        some = [result for result in results if not kind or result.kind == kind]
        lines.append(
            f"| {kind or 'all'} | {len(some)} | {sum(each.on for each in some)} | {sum(each.off for each in some)} |"
        )
    return "\n".join(lines)
