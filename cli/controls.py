"""`whydesk pause`, `resume` and `controls`: what ops can switch without a deploy."""

import asyncio
from enum import StrEnum
from typing import Annotated, Literal

import typer

from cli.connection import load_settings
from cli.errors import UsageProblem, no_such
from cli.operator import operator
from cli.recorded import open_recorded
from ledger.controls import Change, Said, SqlControls
from models.base import Frozen
from models.control import (
    ALL,
    EVERY_PLAYBOOK,
    MODELS,
    PAUSED,
    PERCENT,
    Control,
    playbook_scope,
    source_scope,
    tenant_scope,
)
from models.vocabulary import Source
from settings import Settings


class What(StrEnum):
    """What can be paused."""

    SOURCE = "source"
    TENANT = "tenant"
    MODELS = "models"
    ALL = "all"


class InForce(Frozen):
    """What `whydesk controls --json` prints. Fields are added, never renamed or removed, while `format` is 1."""

    format: int = 1
    controls: tuple[Control, ...]


_EFFECTS = {
    What.SOURCE: "its queries are skipped, and notes say that it was not checked",
    What.TENANT: "its runs wait before their next step outside, and deliveries are still accepted",
    What.MODELS: "no model is asked, and the rules decide",
    What.ALL: "all runs wait before their next step outside, and deliveries are still accepted",
}

_What = Annotated[What, typer.Argument(help="What: a source, a tenant, models, or all.")]
_Name = Annotated[str | None, typer.Argument(help="Which source or tenant.")]
_Reason = Annotated[str, typer.Option(help="For whoever wonders; nothing about a customer, it is kept for good.")]


def pause(what: _What, name: _Name = None, reason: _Reason = "") -> None:
    """Stop a source, a tenant, models or everything, within five seconds and without a deploy. Nothing is lost."""
    print(asyncio.run(_switch(what, name, "yes", reason)))


def resume(what: _What, name: _Name = None, reason: _Reason = "") -> None:
    """Take a pause back. Runs that wait carry on by themselves, within half a minute."""
    print(asyncio.run(_switch(what, name, "", reason)))


def controls(as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> None:
    """List what is paused, rolled out in part or pinned to a version, since when, by whom and why."""
    found = InForce(controls=asyncio.run(_in_force()))
    if as_json:
        print(found.model_dump_json(indent=2))
        return
    for one in found.controls:
        value = "" if one.name == PAUSED else f" {one.value}"
        why = f": {one.reason}" if one.reason else ""
        print(f"{one.scope}  {one.name}{value}  since {one.changed_at:%Y-%m-%d %H:%M:%S} UTC by {one.changed_by}{why}")
    if not found.controls:
        print("nothing is switched: all runs go on as whydesk.yaml says")


async def _switch(what: What, name: str | None, value: str, reason: str) -> str:
    settings = load_settings()
    scope, called = _scope(settings, what, name)
    async with await open_recorded(settings) as ledger:
        store = SqlControls(ledger.database)
        now = (await store.read_controls()).find(scope, PAUSED)
        if now is not None and value:
            return f"{called} is {now.said}; nothing was changed"
        if now is None and not value:
            return f"{called} is not paused; nothing was changed"
        action = "pause" if value else "resume"
        await store.change([Change(scope, PAUSED, value)], Said(operator(), action, scope, reason.strip()))
    return f"paused {called}: {_EFFECTS[what]}" if value else f"resumed {called}"


async def _in_force() -> tuple[Control, ...]:
    async with await open_recorded(load_settings()) as ledger:
        found = await SqlControls(ledger.database).read_controls()
    return tuple(one for one in found.rows.values() if one.value)


def _scope(settings: Settings, what: What, name: str | None) -> tuple[str, str]:
    """Return the scope that is meant, and what to call it."""
    if what in (What.ALL, What.MODELS):
        if name is not None:
            raise UsageProblem(f"{what.value} takes no name, but {name!r} was given")
        return (ALL, "everything") if what is What.ALL else (MODELS, "all models")
    known = [one.value for one in Source if one is not Source.HELPDESK] if what is What.SOURCE else [*settings.tenants]
    if name is None:
        raise UsageProblem(f"say which {what.value}: {', '.join(sorted(known)) or 'whydesk.yaml has none'}")
    if name not in known:
        raise no_such(what.value, name, known)
    scope = source_scope(name) if what is What.SOURCE else tenant_scope(name)
    return scope, f"{what.value} {name}"


def rollout(
    what: Annotated[Literal["tenant"], typer.Argument(help="What is rolled out to.")],
    name: Annotated[str, typer.Argument(help="Which tenant.")],
    percent: Annotated[int, typer.Option(help="How many of a hundred tickets get the note.", min=0, max=100)],
    playbook: Annotated[str, typer.Option(help="A playbook's id; all if left out.")] = EVERY_PLAYBOOK,
    reason: _Reason = "",
) -> None:
    """Give a part of a tenant's tickets the note, and investigate the others in shadow.

    Which tickets is told by a hash of the ticket: it stays the same, and a higher number only adds tickets. It lowers
    the mode in whydesk.yaml, never raises it.
    """
    print(asyncio.run(_roll_out(name, playbook, percent, reason.strip())))


async def _roll_out(name: str, playbook: str, percent: int, reason: str) -> str:
    settings = load_settings()
    if name not in settings.tenants:
        raise no_such("tenant", name, list(settings.tenants))
    scope = playbook_scope(playbook, name)
    async with await open_recorded(settings) as ledger:
        said = Said(operator(), "rollout", scope, reason, {"percent": percent})
        await SqlControls(ledger.database).change([Change(scope, PERCENT, str(percent))], said)
    which = "all playbooks" if playbook == EVERY_PLAYBOOK else playbook
    return f"{percent} of a hundred tickets of {name} get the note of {which}, from the next ticket on"
