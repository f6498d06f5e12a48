"""`whydesk costs`: what models cost, told apart as one likes, and how far each tenant's day budget is spent."""

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Column, Table

from cli.connection import load_settings
from cli.errors import UsageProblem
from cli.moments import moment
from cli.recorded import open_recorded
from cli.terminal import wide_enough
from ledger.spending import CostBy, Costs, costs_of, spent_since
from models.base import Frozen
from models.standing import start_of_day
from models.tenant import Tenant
from reasoning.providers.prices import shipped_prices
from reasoning.spend_ladder import rung_of
from settings import Settings


class Today(Frozen):
    """A tenant's day so far."""

    tenant: str
    usd: float
    usd_per_day: float | None
    rung: str
    """What may still be asked: `whole-chain`, `warned`, `cheapest` or `rules`."""


def costs(
    by: Annotated[list[CostBy] | None, typer.Option(help="What to tell apart; several may be named.")] = None,
    since: Annotated[str, typer.Option(help="A time, or how long ago: 90m, 24h, 7d.")] = "30d",
    until: Annotated[str | None, typer.Option(help="The same; now, if not given.")] = None,
    tenant: Annotated[str | None, typer.Option(help="Only this tenant's.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The same as JSON.")] = False,
) -> None:
    """Tell what models cost, the dearest first, and how far each tenant's day budget is spent."""
    now = datetime.now(UTC)
    start, end = moment("--since", since, now), moment("--until", until, now) if until else now
    if start >= end:
        raise UsageProblem(f"--since {since!r} is not before --until {until or 'now'!r}")
    settings = load_settings()
    if tenant is not None and tenant not in settings.tenants:
        known = ", ".join(sorted(settings.tenants)) or "none"
        raise UsageProblem(f"--tenant {tenant!r} is not in {str(settings.config)!r}; known: {known}")
    groups = tuple(dict.fromkeys(by or [CostBy.TENANT, CostBy.PLAYBOOK, CostBy.MODEL]))
    lines, days = asyncio.run(_read(settings, groups, start, end, tenant))
    if as_json:
        told = [dict(zip(groups, line.group, strict=True)) | line.model_dump(exclude={"group"}) for line in lines]
        prices = shipped_prices()
        at = {"source": prices.source, "read": f"{prices.read:%Y-%m-%d}"}
        print(json.dumps({"costs": told, "today": [day.model_dump() for day in days], "prices": at}, indent=2))
        return
    if lines:
        wide_enough().print(_table(groups, lines))
    else:
        print(f"nothing was paid to a model between {start:%Y-%m-%d %H:%M} and {end:%Y-%m-%d %H:%M} UTC")
    for day in days:
        print(_today(day))
    print(f"at the prices of {shipped_prices().read:%Y-%m-%d}; clouds may charge otherwise")


async def _read(
    settings: Settings, groups: Sequence[CostBy], start: datetime, end: datetime, tenant: str | None
) -> tuple[list[Costs], list[Today]]:
    asked = [one for name, one in settings.tenants.items() if tenant in (None, name) and one.models]
    midnight = start_of_day(datetime.now(UTC))
    async with await open_recorded(settings) as ledger:
        lines = await ledger.database.read(lambda connection: costs_of(connection, groups, start, end, tenant))
        days = await ledger.database.read(
            lambda connection: [_day(one, spent_since(connection, one.id, midnight)) for one in asked]
        )
    return lines, days


def _day(tenant: Tenant, usd: float) -> Today:
    rung = rung_of(tenant.budget, usd)
    return Today(tenant=tenant.id, usd=usd, usd_per_day=tenant.budget.usd_per_day, rung=rung.value)


def _table(groups: Sequence[CostBy], lines: Sequence[Costs]) -> Table:
    counts = ("calls", "runs", "tokens in", "tokens out", "US $", "$ per run")
    columns = [
        *(Column(group.value, overflow="fold") for group in groups),
        *(Column(name, justify="right") for name in counts),
    ]
    table = Table(*columns)
    for line in lines:
        per_run = line.usd / line.runs
        figures = (line.calls, line.runs, line.input_tokens, line.output_tokens)
        table.add_row(*line.group, *(f"{figure:,}" for figure in figures), f"{line.usd:.4f}", f"{per_run:.4f}")
    return table


def _today(day: Today) -> str:
    if day.usd_per_day is None:
        return f"{day.tenant} today: ${day.usd:.4f}; no budget.usd_per_day is set"
    return f"{day.tenant} today: ${day.usd:.4f} of ${day.usd_per_day:.2f} ({_RUNGS[day.rung]})"


_RUNGS = {
    "whole-chain": "every model may be asked",
    "warned": "every model may be asked, but most of it is spent",
    "cheapest": "only the cheapest model of the chain is asked",
    "rules": "spent: rules write the notes until midnight UTC",
}
