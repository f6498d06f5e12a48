"""`whydesk playbooks promote`, `rollback`, `candidate` and `compare`: which version tickets get, and how the next one does."""

import asyncio
import json
from typing import Annotated

import typer
from rich.table import Column, Table

from cli.connection import load_settings
from cli.errors import UsageProblem, no_such
from cli.named_playbook import named_playbook
from cli.operator import operator
from cli.playbook_shelf import AsJson
from cli.recorded import open_recorded
from cli.terminal import wide_enough
from ledger.candidates import SqlCandidates
from ledger.controls import Change, Said, SqlControls
from models.candidate import CandidateResult, compare
from models.control import BEFORE, CANDIDATE, STABLE, Controls, playbook_scope
from models.playbook import Playbook
from models.tenant import Tenant
from settings import Settings

_Version = Annotated[str, typer.Argument(metavar="ID@VERSION", help="Which playbook in which version.")]
_Id = Annotated[str, typer.Argument(metavar="ID", help="Which playbook.")]
_Tenant = Annotated[str | None, typer.Option(help="For this tenant alone; needed for a playbook of its own folder.")]
_Reason = Annotated[str, typer.Option(help="For whoever wonders; nothing about a customer, it is kept for good.")]
_SHOWN = 20


def promote(name: _Version, tenant: _Tenant = None, reason: _Reason = "") -> None:
    """Let tickets get this version, from the next one on and without a deploy. It is kept compiled, and never changes."""
    print(asyncio.run(_Shelf(tenant, reason).promote(name)))


def rollback(name: _Id, tenant: _Tenant = None, reason: _Reason = "") -> None:
    """Let tickets get the version that was stable before, from the next one on and without a deploy."""
    print(asyncio.run(_Shelf(tenant, reason).roll_back(name)))


def candidate(
    name: Annotated[str, typer.Argument(metavar="ID@VERSION", help="Which version; with --stop the playbook.")],
    stop: Annotated[bool, typer.Option("--stop", help="Let no version run beside the stable one.")] = False,
    tenant: _Tenant = None,
    reason: _Reason = "",
) -> None:
    """Let this version run in shadow beside the stable one: same evidence, no query of its own, no model, no note."""
    print(asyncio.run(_Shelf(tenant, reason).try_out(name, stop)))


def compare_candidates(name: _Id, as_json: AsJson = False) -> None:
    """Hold candidates against the stable version and against what people said of the notes."""
    results = asyncio.run(_results(name))
    counted = compare(results)
    if as_json:
        whole = {
            "format": 1,
            "versions": [one.model_dump(mode="json") for one in counted],
            "runs": [one.model_dump(mode="json") | {"differs": one.differs, "truth": one.truth} for one in results],
        }
        print(json.dumps(whole, indent=2))
        return
    if not counted:
        print(f"no candidate of {name} has run yet: `whydesk playbooks candidate {name}@VERSION` lets one")
        return
    table = Table(
        *(Column(title, justify="right" if number else "left") for number, title in enumerate(_COLUMNS)), box=None
    )
    for one in counted:
        cells = (one.runs, one.differ, one.not_asked, one.judged, one.stable_right, one.right)
        table.add_row(f"{one.playbook}@{one.version}", f"@{one.stable_version}", *map(str, cells))
    wide_enough().print(table)
    for result in [one for one in results if one.differs][:_SHOWN]:
        print(_difference(result))


_COLUMNS = ("candidate", "stable", "runs", "differ", "lack a query", "judged", "stable right", "candidate right")


def _difference(result: CandidateResult) -> str:
    said = f"; people say {result.truth.value}" if result.truth else ""
    return (
        f"{result.key.ref.ticket}, {result.key.investigation} revision {result.key.revision}: "
        f"{result.stable_outcome.value} {result.stable_cause.value} -> {result.outcome.value} {result.cause.value}{said}"
    )


async def _results(name: str) -> tuple[CandidateResult, ...]:
    async with await open_recorded(load_settings()) as ledger:
        return await SqlCandidates(ledger.database).results(name)


class _Shelf:
    """The playbooks of all tenants or of one, and the channels over them."""

    def __init__(self, tenant: str | None, reason: str) -> None:
        self._settings: Settings = load_settings()
        self._tenant: Tenant | None = None
        if tenant is not None:
            if tenant not in self._settings.tenants:
                raise no_such("tenant", tenant, list(self._settings.tenants))
            self._tenant = self._settings.tenants[tenant]
        self._owner = tenant or ""
        self._reason = reason.strip()

    async def promote(self, name: str) -> str:
        new = self._read(name)
        async with await open_recorded(self._settings) as ledger:
            store = SqlControls(ledger.database)
            now = self._stable(await store.read_controls(), new)
            if now is not None and now.version == new.version and now == new:
                return f"{_label(new)} is stable already; nothing was changed"
            if now is not None:
                await self._release(store, now)
            before = str(now.version) if now is not None else ""
            changes = [self._set(new, STABLE, str(new.version)), self._set(new, BEFORE, before)]
            await store.change(changes, self._said("playbook.promote", new, before), (self._owner, new))
        return f"{_label(new)} is stable{self._whose()}: the next ticket gets it" + (
            f"; before it was {new.id}@{before}, and `whydesk playbooks rollback {new.id}` leads back" if before else ""
        )

    async def roll_back(self, name: str) -> str:
        if "@" in name:
            raise UsageProblem(f"{name!r}: a rollback leads to the version before; to choose one, promote it")
        async with await open_recorded(self._settings) as ledger:
            store = SqlControls(ledger.database)
            controls = await store.read_controls()
            scope = playbook_scope(name, self._owner)
            now, before = controls.find(scope, STABLE), controls.find(scope, BEFORE)
            if now is None or before is None:
                raise UsageProblem(f"{name} was never promoted{self._whose()}: there is no version to go back to")
            changes = [Change(scope, STABLE, before.value), Change(scope, BEFORE, now.value)]
            said = Said(
                operator(),
                "playbook.rollback",
                f"{scope}@{before.value}",
                self._reason,
                {"version": int(before.value), "before": int(now.value)},
            )
            await store.change(changes, said)
        return f"{name}@{before.value} is stable again{self._whose()}, and {name}@{now.value} is not: from the next ticket on"

    async def try_out(self, name: str, stop: bool) -> str:
        async with await open_recorded(self._settings) as ledger:
            store = SqlControls(ledger.database)
            if stop:
                scope = playbook_scope(name.partition("@")[0], self._owner)
                said = Said(operator(), "playbook.candidate", scope, self._reason, {"version": None})
                await store.change([Change(scope, CANDIDATE, "")], said)
                return f"no version of {name.partition('@')[0]} runs beside the stable one{self._whose()} any more"
            new = self._read(name)
            now = self._stable(await store.read_controls(), new)
            if now is None or now.version == new.version:
                raise UsageProblem(f"{_label(new)} is the stable version: there is nothing to try it against")
            await self._release(store, now)
            # Pinned, or the next start of a worker would make the newest version that it finds the stable one.
            changes = [self._set(new, CANDIDATE, str(new.version)), self._set(new, STABLE, str(now.version))]
            await store.change(changes, self._said("playbook.candidate", new, str(now.version)), (self._owner, new))
        return f"{_label(new)} runs in shadow beside {_label(now)}{self._whose()}: see `whydesk playbooks compare {new.id}`"

    def _read(self, name: str) -> Playbook:
        if "@" not in name:
            raise UsageProblem(f"{name!r}: say which version, {name}@VERSION")
        found = named_playbook(name, None, self._tenant)
        assert found is not None
        return found

    def _stable(self, controls: Controls, new: Playbook) -> Playbook | None:
        """Return what tickets get now; where nobody said, the newest there is but the new one."""
        scope = playbook_scope(new.id, self._owner)
        said = controls.find(scope, STABLE) or controls.find(playbook_scope(new.id), STABLE)
        if said is not None:
            version = int(said.value)
            known = controls.released.get((self._owner, new.id, version)) or controls.released.get(
                ("", new.id, version)
            )
            return known or named_playbook(f"{new.id}@{version}", None, self._tenant)
        newest = named_playbook(new.id, None, self._tenant)
        if newest is None or newest.version != new.version:
            return newest
        for version in range(new.version - 1, 0, -1):
            try:
                return named_playbook(f"{new.id}@{version}", None, self._tenant)
            except UsageProblem:
                continue
        return None

    async def _release(self, store: SqlControls, playbook: Playbook) -> None:
        """Keep what a rollback leads to: a later worker may not bring it any more."""
        await store.change([], self._said("playbook.release", playbook, ""), (self._owner, playbook))

    def _set(self, playbook: Playbook, channel: str, version: str) -> Change:
        return Change(playbook_scope(playbook.id, self._owner), channel, version)

    def _said(self, action: str, playbook: Playbook, before: str) -> Said:
        scope = playbook_scope(playbook.id, self._owner)
        detail = {"version": playbook.version, "before": int(before) if before else None}
        return Said(operator(), action, f"{scope}@{playbook.version}", self._reason, detail)

    def _whose(self) -> str:
        return f" for {self._owner}" if self._owner else ""


def _label(playbook: Playbook) -> str:
    return f"{playbook.id}@{playbook.version}"
