"""What happens at vendors while tickets stand before the question: each fault of the sandbox and of the model's far end."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from pydantic import JsonValue

from models.ticket import TicketRef
from tests.anthropic_server import Answer, hangs, status
from tests.faults.frame import SOURCES, Cell, Fault
from tests.faults.stage import Stage

WAIT = 2
"""Seconds that a vendor asks to be left alone."""
_LONGER = 13.0
"""Seconds: more than any client of ours waits."""
_TAKEN_WITHIN = 30.0

AT_VENDOR: Mapping[Fault, dict[str, JsonValue]] = {
    Fault.TIMEOUT: {"kind": "slow", "seconds": _LONGER},
    Fault.SECONDS: {"kind": "status", "status": 429, "retry_after": WAIT, "times": 1},
    Fault.DATE: {"kind": "status", "status": 429, "retry_after": WAIT, "retry_after_date": True, "times": 1},
    Fault.BROKEN: {"kind": "status", "status": 500},
    Fault.RESET: {"kind": "reset"},
    Fault.MALFORMED: {"kind": "malformed"},
    Fault.NO_KEY: {"kind": "status", "status": 401},
    Fault.NO_RIGHT: {"kind": "status", "status": 403},
    Fault.BLANK: {"kind": "blank"},
    Fault.OVERSIZE: {"kind": "oversize"},
    Fault.LOST: {"kind": "cut"},
}


def _date() -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=WAIT + 1), usegmt=True)


AT_MODEL: Mapping[Fault, Callable[[], Answer]] = {
    Fault.TIMEOUT: hangs,
    Fault.SECONDS: lambda: status(429, "rate_limit_error", retry_after=str(WAIT)),
    Fault.DATE: lambda: status(429, "rate_limit_error", retry_after=_date()),
    Fault.BROKEN: lambda: status(500, "api_error"),
    Fault.RESET: lambda: Answer(reset=True),
    Fault.MALFORMED: lambda: Answer(page="<html>not today</html>"),
    Fault.NO_KEY: lambda: status(401, "authentication_error"),
    Fault.NO_RIGHT: lambda: status(403, "permission_error"),
    Fault.BLANK: lambda: Answer(page=" "),
    Fault.OVERSIZE: lambda: Answer(page="x" * 20_000_000),
}


async def at_sources(stage: Stage, fault: Fault, cells: Sequence[tuple[Cell, TicketRef]]) -> None:
    """Let every source fail; each of these tickets has only questions to one of them left."""
    for source in SOURCES:
        await stage.fault(source.value, **AT_VENDOR[fault])
    stage.release([ref for _, ref in cells])


async def at_helpdesk_and_model(stage: Stage, fault: Fault, cells: Sequence[tuple[Cell, TicketRef]]) -> None:
    """Let one request fail for each of these tickets, one ticket after the other: the next fault is for the next."""
    for cell, ref in cells:
        if ":model." in cell.place.at:
            await _at_model(stage, fault, cell, ref)
            continue
        posts = cell.place.at == "publish_note:helpdesk.post_note:before" and ref.helpdesk == "standard"
        path = "/notes" if posts else f"/tickets/{ref.ticket}"
        await stage.fault(ref.helpdesk, **{**AT_VENDOR[fault], "times": 1, "path": path})
        stage.release([ref])
        end = asyncio.get_running_loop().time() + _TAKEN_WITHIN
        while (await stage.control.get("/faults")).json()["faults"]:
            assert asyncio.get_running_loop().time() < end, f"{cell.name}: the fault met no request"
            await asyncio.sleep(0.05)


async def _at_model(stage: Stage, fault: Fault, cell: Cell, ref: TicketRef) -> None:
    before = len(stage.model.requests)
    stage.script.next.append(AT_MODEL[fault]())
    stage.release([ref])
    end = asyncio.get_running_loop().time() + _TAKEN_WITHIN
    while len(stage.model.requests) == before:
        assert asyncio.get_running_loop().time() < end, f"{cell.name}: the model was not asked"
        await asyncio.sleep(0.05)
