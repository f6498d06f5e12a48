"""`whydesk incidents`: tickets with one explanation, as one line each."""

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.table import Column, Table
from rich.text import Text

from cli.connection import load_settings
from cli.moments import moment
from cli.recorded import open_recorded
from cli.terminal import wide_enough
from ledger.incidents import SqlIncidents
from models.coordination import IncidentView

_SINCE = timedelta(days=7)


def incidents(
    tenant: Annotated[str | None, typer.Option(help="Only this tenant's.")] = None,
    since: Annotated[
        str | None, typer.Option(help="With a ticket since a time, or how long ago: 90m, 24h, 7d (the default).")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The same as JSON.")] = False,
) -> None:
    """List the incidents that tickets were linked as, the one with the newest ticket first."""
    now = datetime.now(UTC)
    found = asyncio.run(_list(tenant, moment("--since", since, now) if since else now - _SINCE))
    if as_json:
        print(json.dumps([one.model_dump(mode="json") for one in found], indent=2))
        return
    if not found:
        print("no incident in that time")
        return
    wide_enough().print(_table(found))


async def _list(tenant: str | None, since: datetime) -> Sequence[IncidentView]:
    async with await open_recorded(load_settings()) as ledger:
        return await SqlIncidents(ledger.database).recent(tenant, since)


def _table(found: Sequence[IncidentView]) -> Table:
    table = Table(
        Column("incident", no_wrap=True),
        Column("what", overflow="fold"),
        "cause",
        Column("tickets", justify="right"),
        Column("first ticket", overflow="fold"),
        "opened",
        "last",
    )
    for one in found:
        cells = (
            one.incident,
            one.what,
            one.cause.value + (" (closed: a model found another cause)" if one.closed_at else ""),
            str(one.tickets),
            f"{one.tenant}/{one.first.ticket}",
            f"{one.opened_at:%m-%d %H:%M}",
            f"{one.last_at:%m-%d %H:%M}",
        )
        table.add_row(*(Text(cell) for cell in cells))
    return table
