"""Deployments with how each went and what each brought: many small reads, made together, over what lists alone tell."""

from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import NamedTuple, Protocol, TypeVar

import github

from connectors.answers import iso
from connectors.github_reads import (
    FAILED_STATES,
    Changes,
    Deployed,
    Deployments,
    Merged,
    Rollout,
    read_changes,
    read_merged,
    read_rollout,
)
from connectors.http import Declined
from connectors.parameters import ask_both, ask_together
from models.base import Row

T = TypeVar("T")

_ENRICHED = 10
"""Deployments, newest first, whose rollout and changes are read: two requests each."""
_LOOK_BACK = 4
"""Failed deployments in a row that are passed over to find what ran before."""


class InThread(Protocol):
    """Runs a synchronous read in a thread, with a client of its own."""

    def __call__(self, read: Callable[[github.Github], T], /) -> Coroutine[object, object, T]:
        """Return what `read` returns."""
        ...


class Enriched(NamedTuple):
    """Rows without their address, newest first, and what could not be read of them."""

    rows: list[Row]
    truncated: bool
    problems: list[str]


class Enrichment:
    """What is read of the deployments of one question."""

    def __init__(self, in_thread: InThread) -> None:
        """Read nothing yet."""
        self._in_thread = in_thread

    async def rows(self, found: list[Deployments], limit: int) -> Enriched:
        """Return all deployments inside the window, the newest with their rollout and changes.

        Raises:
            ConnectorError: as connectors.base; what GitHub denies of one deployment is a problem of the answer.
        """
        inside = sorted(
            (one for listed in found for one in listed.inside), key=lambda one: one.created_at, reverse=True
        )
        shown = inside[: min(_ENRICHED, limit)]
        compared = {listed.inside[0].repository: listed for listed in found if set(listed.inside) & set(shown)}
        # The one that ran before the window is nearly always needed too, so it is not waited for later.
        looked_at = shown + [listed.older[0] for listed in compared.values() if listed.older]
        rollouts, pulls = await ask_both(self._rollouts(looked_at), self._all_merged(compared))
        merged = {name: read for name, read in pulls.items() if not isinstance(read, str)}
        changes = await self._changes(compared, shown, rollouts, merged)
        told: list[Mapping[Deployed, object]] = [rollouts, changes]
        problems = {
            f"{one.repository}: {reason}" for some in told for one, reason in some.items() if isinstance(reason, str)
        }
        problems |= {f"{name}: {reason}" for name, reason in pulls.items() if isinstance(reason, str)}
        remarks = sorted(problems)
        if len(inside) > len(shown):
            remarks.append(f"rollout and changes were read of the newest {len(shown)} of {len(inside)} deployments")
        rows = [_row(one, rollouts.get(one), changes.get(one)) for one in inside]
        return Enriched(rows, len(inside) > len(shown) or any(listed.truncated for listed in found), remarks)

    async def _rollout(self, deployment: Deployed) -> Rollout | str:
        try:
            return await self._in_thread(lambda client: read_rollout(client, deployment))
        except Declined as no:
            return f"statuses could not be read, {no.reason}"

    async def _rollouts(self, deployments: list[Deployed]) -> dict[Deployed, Rollout | str]:
        return dict(zip(deployments, await ask_together(self._rollout(one) for one in deployments), strict=True))

    async def _all_merged(self, compared: Mapping[str, Deployments]) -> dict[str, dict[str, Merged] | str]:
        names = [
            name for name, listed in compared.items() if len({one.sha for one in listed.inside + listed.older}) > 1
        ]
        return dict(zip(names, await ask_together(self._merged(name) for name in names), strict=True))

    async def _changes(
        self,
        compared: Mapping[str, Deployments],
        shown: list[Deployed],
        rollouts: dict[Deployed, Rollout | str],
        merged: Mapping[str, dict[str, Merged]],
    ) -> dict[Deployed, Changes | str]:
        """Return what each deployment brought, or why that is not known; nothing for one without a predecessor."""
        bases = await ask_together(self._bases(listed, shown, rollouts) for listed in compared.values())
        pairs = {one: base for some in bases for one, base in some.items()}
        results = await ask_together(
            self._compared(one, base, merged.get(one.repository, {})) for one, base in pairs.items()
        )
        return dict(zip(pairs, results, strict=True))

    async def _bases(
        self, listed: Deployments, shown: list[Deployed], rollouts: dict[Deployed, Rollout | str]
    ) -> dict[Deployed, Deployed]:
        """Find what ran before each deployment: the next older one that did not fail, since a failed one changed nothing."""
        sequence = listed.inside + listed.older
        known = dict(rollouts)
        bases: dict[Deployed, Deployed] = {}
        for place, deployment in enumerate(sequence):
            if deployment not in shown:
                continue
            for candidate in sequence[place + 1 : place + 1 + _LOOK_BACK]:
                if candidate not in known:
                    known[candidate] = await self._rollout(candidate)
                rollout = known[candidate]
                if isinstance(rollout, str) or rollout.state not in FAILED_STATES:
                    bases[deployment] = candidate
                    break
        return bases

    async def _merged(self, repository: str) -> dict[str, Merged] | str:
        try:
            return await self._in_thread(lambda client: read_merged(client, repository))
        except Declined as no:
            # Without leave to read pull requests, the commits' own subjects have to do, and that is said.
            return f"pull requests could not be read, {no.reason}"

    async def _compared(self, deployment: Deployed, base: Deployed, merged: dict[str, Merged]) -> Changes | str:
        try:
            return await self._in_thread(lambda client: read_changes(client, deployment, base.sha, merged))
        except Declined as no:
            return f"changes could not be read, {no.reason}"


def _row(one: Deployed, read: Rollout | str | None, changes: Changes | str | None) -> Row:
    known = changes if isinstance(changes, Changes) else None
    rollout = read if isinstance(read, Rollout) else None
    return {
        "id": one.id,
        "repository": one.repository,
        "sha": one.sha,
        "short_sha": one.sha[:7],
        "ref": one.ref,
        "environment": one.environment,
        "description": one.description,
        "creator": one.creator,
        "state": rollout.state if rollout else None,
        "states": ", ".join(rollout.states) if rollout else None,
        "first_status_at": iso(rollout.first_at) if rollout else None,
        "last_status_at": iso(rollout.last_at) if rollout else None,
        "failed": rollout.failed_at is not None if rollout else None,
        "failed_at": iso(rollout.failed_at) if rollout else None,
        "created_at": iso(one.created_at),
        "finished_at": iso(rollout.finished_at) if rollout else None,
        "changes": _joined("; ", known.titles) if known else None,
        "pulls": _joined(", ", known.pulls) if known else None,
        "files": _joined(", ", known.files) if known else None,
    }


def _joined(between: str, parts: Iterable[object]) -> str:
    return between.join(str(part) for part in parts)
