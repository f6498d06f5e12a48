"""Runs all examinations at once, each bounded in time; whatever one of them does, it ends as lines of a report."""

import asyncio
import time
import traceback
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cli.doctor_report import FarEnd, Kind, Line
from models.finding import Finding, FindingStatus

WITHIN = 15.0
"""Seconds that one examination may take."""
_CHECKOUT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Examination:
    """One far end to look at."""

    kind: Kind
    name: str
    look: Callable[[], Awaitable[Sequence[Finding]]]
    tenant: str | None = None
    """None: it belongs to the whole installation."""


async def run_examinations(
    examinations: Sequence[Examination], hide: Callable[[str], str], within: float = WITHIN
) -> list[FarEnd]:
    """Run them all at once; the answer is in their order.

    Args:
        examinations: What to look at.
        hide: Takes secrets out of a text; the last guard, as no finding should hold one.
        within: Seconds for each.
    """
    return await asyncio.gather(*(_run(one, hide, within) for one in examinations))


async def _run(examination: Examination, hide: Callable[[str], str], within: float) -> FarEnd:
    began = time.perf_counter()
    findings = await _findings(examination, within)
    lines = [
        Line(check=one.check, status=one.status, detail=hide(one.detail), remedy=hide(one.remedy)) for one in findings
    ]
    return FarEnd(
        tenant=examination.tenant,
        kind=examination.kind,
        name=examination.name,
        seconds=round(time.perf_counter() - began, 3),
        findings=lines,
    )


async def _findings(examination: Examination, within: float) -> Sequence[Finding]:
    task = asyncio.ensure_future(examination.look())
    # Not asyncio.timeout: what does not heed its cancellation must not hold up the report either.
    await asyncio.wait((task,), timeout=within)
    if not task.done():
        task.cancel()
        task.add_done_callback(_forget)
        detail = f"no answer within {within:g} s"
        return [Finding("reach", FindingStatus.FAILURE, detail, "check the address, and what stands on the way there")]
    try:
        found = task.result()
    except Exception as error:  # noqa: BLE001  # a mistake in one examination must not hide what the others found
        return [_broken(error)]
    return found or [Finding("examination", FindingStatus.UNKNOWN, "nothing was looked at")]


def _forget(task: "asyncio.Future[Sequence[Finding]]") -> None:
    with suppress(asyncio.CancelledError):
        task.exception()


def _broken(error: Exception) -> Finding:
    """Say where it broke; the error's own words could hold a secret or a customer's data."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if Path(frame.filename).is_relative_to(_CHECKOUT)]
    last = (ours or frames)[-1]
    path = Path(last.filename)
    place = path.relative_to(_CHECKOUT) if path.is_relative_to(_CHECKOUT) else path.name
    return Finding(
        "examination",
        FindingStatus.FAILURE,
        f"the examination itself broke: {type(error).__name__} at {place}:{last.lineno}",
        "this is a mistake in Whydesk: report it with this line",
    )
