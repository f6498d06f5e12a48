"""`whydesk forget`: erases what is kept of a customer, a ticket or a whole tenant, and proves that nothing can be read."""

import asyncio
import sys
from typing import Annotated

import typer

from cli.connection import load_settings
from cli.errors import UsageProblem
from cli.operator import operator
from cli.recorded import open_recorded
from ledger.erasure import Erased, Extent, Scope, erase, measure, tenants_of
from ledger.store import SqlLedger
from models.base import Frozen


class Forgotten(Frozen):
    """What `whydesk forget --json` prints. Fields are added, never renamed or removed, while `format` is 1."""

    format: int = 1
    scope: str
    """`acme/customer/cus_1`, `acme/ticket/4711` or `acme`."""
    tickets: int
    revisions: int
    keys: int
    tried: int
    """Bodies and comments that were tried after their keys were deleted."""
    readable: int
    """How many of them could still be read."""
    audit: int
    """Number of the entry in the audit chain; 0 where nothing was left to erase."""


def forget(
    customer: Annotated[
        str | None, typer.Option(help="Our id of the customer, as `whydesk list` shows it: all its tickets.")
    ] = None,
    ticket: Annotated[
        str | None, typer.Option(help="A ticket's number, inv-… or a workflow's id: where no customer was found.")
    ] = None,
    tenant: Annotated[
        str | None, typer.Option(help="Of which tenant; alone: everything that is kept of this tenant.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="What was erased, as JSON. Goes with --yes.")] = False,
) -> None:
    """Erase texts, evidence, diagnoses, notes and comments by deleting their keys; what was done, when, stays on record.

    It cannot be undone. Notes on the tickets stay: they are the helpdesk's. Backups hold what they held until they expire.
    """
    if customer and ticket:
        raise UsageProblem("--customer and --ticket exclude each other: erase one after the other")
    if not (customer or ticket or tenant):
        raise UsageProblem("say whom: `whydesk forget --customer cus_1`, --ticket 4711, or --tenant acme for all of it")
    if as_json and not yes:
        raise UsageProblem("--json goes with --yes: it cannot ask")
    done = asyncio.run(_forget(customer or "", ticket or "", tenant, yes))
    if as_json:
        print(done.model_dump_json(indent=2))
    elif not done.keys:
        print(f"nothing is left of {done.scope}: {_number(done.tickets, 'ticket')} on record")
    else:
        print(
            f"forgotten: {done.scope}: {_number(done.tickets, 'ticket')}, {_number(done.revisions, 'revision')}, "
            f"{_number(done.keys, 'key')} deleted; audit entry {done.audit}"
        )
        print(f"tried {done.tried} sealed texts without their keys: {done.readable} can be read; they are removed")
    if done.readable:
        print(f"{done.readable} can still be read: keep this output and report it", file=sys.stderr)
        raise typer.Exit(1)


async def _forget(customer: str, ticket: str, tenant: str | None, yes: bool) -> Forgotten:
    async with await open_recorded(load_settings()) as ledger:
        scope = Scope(await _tenant(ledger, customer, ticket, tenant), customer, ticket)
        extent = await measure(ledger, scope)
        if extent.running:
            print(
                f"{_number(extent.running, 'investigation')} of {scope.words} still running: what they store from now "
                "on is not covered; forget again when they are over",
                file=sys.stderr,
            )
        if not yes and extent.subjects:
            typer.confirm(_question(scope, extent), abort=True)
        erased = await erase(ledger, scope, operator())
        return _told(scope, erased)


async def _tenant(ledger: SqlLedger, customer: str, ticket: str, tenant: str | None) -> str:
    """Return the one tenant that is meant; erasing at the wrong one could not be undone."""
    if not (customer or ticket):
        assert tenant is not None
        if tenant not in await tenants_of(ledger):
            raise UsageProblem(f"the ledger has nothing of a tenant {tenant!r}: `whydesk list` shows whose runs it has")
        return tenant
    found = await tenants_of(ledger, customer, ticket)
    what = f"customer {customer!r}" if customer else f"ticket {ticket!r}"
    if tenant is not None:
        found = tuple(name for name in found if name == tenant)
    if not found:
        of = f" of tenant {tenant!r}" if tenant else ""
        raise UsageProblem(f"the ledger has no {what}{of}: `whydesk list` shows the tickets and customers that it has")
    if len(found) > 1:
        raise UsageProblem(f"several tenants have a {what}: say which with --tenant: {', '.join(found)}")
    return found[0]


def _question(scope: Scope, extent: Extent) -> str:
    return (
        f"Erase what is kept of {scope.words}: {_number(extent.tickets, 'ticket')}, "
        f"{_number(len(extent.subjects), 'key')}? It cannot be undone"
    )


def _told(scope: Scope, erased: Erased) -> Forgotten:
    return Forgotten(
        scope=scope.words,
        tickets=erased.tickets,
        revisions=erased.revisions,
        keys=erased.keys,
        tried=erased.tried,
        readable=erased.readable,
        audit=erased.entry,
    )


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
