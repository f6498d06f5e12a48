"""One installation on one machine with all its processes, and the hands that a test needs on it."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from html import unescape
from pathlib import Path

import httpx
from pydantic import JsonValue
from temporalio.client import Client, WorkflowExecutionDescription, WorkflowHandle

from cli.processes import Household
from cli.stack import Stack
from cli.world_tenant import TENANT, SandboxState
from ledger.circuits import SqlCircuitBoard
from ledger.reading import RunReader
from ledger.records import RunRecord
from ledger.store import SqlLedger
from models.run import RevisionResult, RunResult
from models.ticket import TicketRef
from sandbox.world import World
from workflows import naming

PATIENCE = 100.0
"""Seconds that one run may take on a busy machine."""


@dataclass(frozen=True)
class Delivered:
    """What the gateway answered to an event of the sandbox."""

    ref: TicketRef
    statuses: tuple[int, ...]


@dataclass(frozen=True)
class Ended:
    """A ticket whose run is over."""

    ref: TicketRef
    result: RunResult
    notes: tuple[str, ...]
    """As the helpdesk holds them, without markup."""

    @property
    def last(self) -> RevisionResult:
        """The newest revision of the run."""
        return self.result.revisions[-1]

    @property
    def note(self) -> str:
        """The only note."""
        [note] = self.notes
        return note


@dataclass(frozen=True)
class Town:
    """The stack at work, its far ends' control, and what it keeps."""

    household: Household
    stack: Stack
    sandbox: SandboxState
    client: Client
    control: httpx.AsyncClient
    ledger: SqlLedger
    world: World
    state: Path

    async def open(self, key: str, **order: JsonValue) -> Delivered:
        """Let the world's ticket come in now."""
        helpdesk = str(order.get("helpdesk", "zendesk"))
        return _delivered(await self._post(f"/tickets/{key}/open", order), helpdesk)

    async def reply(self, ref: TicketRef, text: str, **order: JsonValue) -> Delivered:
        """Let someone write on the ticket, the requester if no one else is named."""
        return _delivered(await self._post(f"/tickets/{ref.ticket}/reply", {"text": text, **order}), ref.helpdesk)

    async def redeliver(self, ref: TicketRef) -> Delivered:
        """Send the last event of the ticket once more."""
        return _delivered(await self._post(f"/tickets/{ref.ticket}/redeliver", {}), ref.helpdesk)

    async def ended(self, ref: TicketRef) -> Ended:
        """Wait for the end of the newest run."""
        result = await asyncio.wait_for(self.handle(ref).result(), PATIENCE)
        return Ended(ref, result, await self.notes(ref))

    async def investigate(self, key: str, **order: JsonValue) -> Ended:
        """Open a ticket and wait for the end."""
        return await self.ended((await self.open(key, **order)).ref)

    def handle(self, ref: TicketRef) -> WorkflowHandle[object, RunResult]:
        """Return the ticket's workflow, whichever run of it is the newest."""
        return self.client.get_workflow_handle(naming.workflow_id(ref), result_type=RunResult)

    async def newest_run(self, ref: TicketRef) -> WorkflowExecutionDescription:
        """Describe the newest run."""
        return await self.handle(ref).describe()

    async def comments(self, ref: TicketRef) -> list[dict[str, JsonValue]]:
        """Return the ticket's conversation as the helpdesk holds it."""
        shown = (await self.control.get(f"/tickets/{ref.ticket}")).raise_for_status().json()
        found: list[dict[str, JsonValue]] = shown["comments"]
        return found

    async def notes(self, ref: TicketRef) -> tuple[str, ...]:
        """Return our notes on the ticket, oldest first, without markup."""
        return tuple(text_of(str(one["html"])) for one in await self.comments(ref) if one["role"] == "own")

    async def deliveries(self, ref: TicketRef, kind: str) -> list[dict[str, JsonValue]]:
        """Return the events of one kind that were sent about a ticket."""
        body = (await self.control.get("/deliveries", params={"ticket": ref.ticket})).raise_for_status().json()
        return [one for one in body["deliveries"] if one["kind"] == kind]

    async def record(self, ref: TicketRef, revision: int | None = None) -> RunRecord:
        """Return what `whydesk show --json` prints."""
        return await RunReader(self.ledger).load_run(naming.investigation_id(ref), revision, TENANT)

    async def writes(self) -> list[JsonValue]:
        """Return every attempt to change something at a vendor that was not our note."""
        found: list[JsonValue] = (await self.control.get("/writes")).raise_for_status().json()["writes"]
        return found

    @asynccontextmanager
    async def without(self, vendor: str) -> AsyncIterator[None]:
        """Let nobody listen at that vendor's ports."""
        names = [name for name in self.sandbox.addresses if name == vendor or name.startswith(f"{vendor}-")]
        try:
            for name in names:
                await self._post("/faults", {"vendor": name, "kind": "refuse"})
            yield
        finally:
            (await self.control.delete("/faults")).raise_for_status()
            # The next ticket shall find the source asked again.
            for circuit in await SqlCircuitBoard(self.ledger.database).open_circuits(datetime.now(UTC)):
                await asyncio.sleep(max(0.0, (circuit.until - datetime.now(UTC)).total_seconds()))

    def logs(self) -> str:
        """Return all that our own processes have written."""
        return "\n".join((self.state / "logs" / f"{name}.log").read_text() for name in ("worker", "gateway"))

    async def _post(self, path: str, order: dict[str, JsonValue]) -> dict[str, JsonValue]:
        self.household.ensure()
        body: dict[str, JsonValue] = (await self.control.post(path, json=order)).raise_for_status().json()
        return body


def _delivered(body: dict[str, JsonValue], helpdesk: str) -> Delivered:
    statuses = body["statuses"]
    assert isinstance(statuses, list)
    ref = TicketRef(tenant=TENANT, helpdesk=helpdesk, ticket=str(body["ticket"]))
    return Delivered(ref, tuple(int(str(status)) for status in statuses))


def text_of(markup: str) -> str:
    """Return a note's text, one line for each block."""
    broken = re.sub(r"(?i)<(?:br|/p|/li|/h\d|/div|/ul|/blockquote)\b[^>]*>", "\n", markup)
    return unescape(re.sub(r"<[^>]+>", "", broken)).strip()


def personal_data(world: World) -> Iterator[str]:
    """Return what no history, log or search attribute may hold: people, companies, and what tickets say."""
    for customer in world.customers:
        yield customer.name
        yield customer.domain
        for contact in customer.contacts:
            yield contact.email
            # A contact may also be a desk, such as "Billing".
            yield contact.name if " " in contact.name else contact.email
    for ticket in world.tickets.tickets:
        yield from (ticket.requester.name, ticket.requester.email, ticket.subject)
        yield from (line.strip() for line in ticket.body.splitlines())
