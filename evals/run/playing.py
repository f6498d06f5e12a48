"""Tickets of a world through the running product: webhook in, note out, and what the ledger then holds of each."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from socket import AF_INET, SOCK_STREAM, socket

import httpx
from temporalio.client import Client, WorkflowFailureError

from cli.connection import connect, own_environ
from cli.note_view import note_text
from cli.processes import Household
from cli.stack import Play, Ports, Stack, start_stack
from cli.world_tenant import TENANT
from evals.records import TicketRun
from evals.run.told import failed_run, ticket_run
from evals.run.worlds import PlayedWorld
from ledger.base import LedgerError
from ledger.reading import RunReader
from ledger.store import SqlLedger
from models.run import RunResult
from models.ticket import TicketRef
from workflows import naming

GIVE_UP = 300.0
"""Seconds after which a ticket counts as not answered."""
_LOADED_WITHIN = 900.0
"""Seconds: a world of hundreds of tickets has millions of rows, and a busy machine takes minutes for them."""
_ACCEPTED = 202
_NO_SWEEPS = {"sweep_minutes": 0}
"""The tenants of one run share a helpdesk: none of them may look there for tickets that it was not told of."""


@dataclass(frozen=True)
class Played:
    """One ticket that was played, and where the ledger has it."""

    run: TicketRun
    ref: TicketRef
    revision: int


@dataclass(frozen=True)
class Tenancies:
    """Which tenant a ticket belongs to: one for each set of sources that are down, so that an outage is felt by no one else."""

    tickets: Mapping[str, tuple[str, ...]]
    """Tenant to ticket keys."""
    without: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Further tenants and the sources that nobody answers for."""

    @classmethod
    def of(cls, world: PlayedWorld, keys: Sequence[str]) -> "Tenancies":
        """Sort tickets by the sources that are down for them."""
        down: dict[tuple[str, ...], list[str]] = {}
        for key in keys:
            down.setdefault(world.down(key), []).append(key)
        names = {sources: f"{TENANT}-{number}" for number, sources in enumerate(sorted(one for one in down if one), 1)}
        names[()] = TENANT
        return cls(
            {names[sources]: tuple(keys) for sources, keys in down.items()},
            {names[sources]: sources for sources in down if sources},
        )


@contextmanager
def nobody_listens() -> Iterator[str]:
    """Yield an address that refuses every connection: the port is held, and nobody else can begin to listen there."""
    with socket(AF_INET, SOCK_STREAM) as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}"


class Playing:
    """A stack that plays one world."""

    def __init__(
        self, household: Household, stack: Stack, client: Client, control: httpx.AsyncClient, ledger: SqlLedger
    ) -> None:
        """Use `play`."""
        assert stack.sandbox is not None
        self._household = household
        self._stack = stack
        self._client = client
        self._control = control
        self._reader = RunReader(ledger)

    async def tickets(self, tenancies: Tenancies, at_once: int, done: Callable[[Played], None]) -> None:
        """Open all tickets, at most so many at once, and follow each to its end.

        Raises:
            ProcessEnded: a process of the stack is gone.
        """
        room = asyncio.Semaphore(at_once)
        async with asyncio.TaskGroup() as following:
            watch = following.create_task(self._watch())
            flights: list[asyncio.Task[None]] = []
            for tenant, keys in tenancies.tickets.items():
                # All tenants have one helpdesk: where its events go is settled before the first of a tenant's tickets opens, and
                # tickets open one after the other.
                await self._send_to(tenant)
                for key in keys:
                    await room.acquire()
                    ref, problem = await self._open(key, tenant)
                    flights.append(following.create_task(self._follow(key, ref, problem, room, done)))
            await asyncio.gather(*flights)
            watch.cancel()

    async def _watch(self) -> None:
        while True:
            self._household.ensure()
            await asyncio.sleep(0.5)

    async def _send_to(self, tenant: str) -> None:
        order = {"url": f"{self._stack.gateway}/hooks/{tenant}/zendesk", "helpdesk": "zendesk"}
        (await self._control.post("/webhook-url", json=order)).raise_for_status()

    async def _open(self, key: str, tenant: str) -> tuple[TicketRef, str]:
        opened = (await self._control.post(f"/tickets/{key}/open")).raise_for_status().json()
        ref = TicketRef(tenant=tenant, helpdesk="zendesk", ticket=str(opened["ticket"]))
        status = opened["status"]
        return ref, "" if status == _ACCEPTED else f"the gateway answered the webhook with {status}"

    async def _follow(
        self, key: str, ref: TicketRef, problem: str, room: asyncio.Semaphore, done: Callable[[Played], None]
    ) -> None:
        try:
            done(await self._ended(key, ref) if not problem else Played(failed_run(key, problem), ref, 0))
        finally:
            room.release()

    async def _ended(self, key: str, ref: TicketRef) -> Played:
        handle = self._client.get_workflow_handle(naming.workflow_id(ref), result_type=RunResult)
        try:
            result = await asyncio.wait_for(handle.result(), GIVE_UP)
            if not result.revisions:
                return Played(failed_run(key, "no revision"), ref, 0)
            last = result.revisions[-1]
            record = await self._reader.load_run(last.investigation, last.revision, ref.tenant)
        except TimeoutError:
            return Played(failed_run(key, f"no end within {GIVE_UP:.0f} s"), ref, 0)
        except (WorkflowFailureError, LedgerError) as error:
            return Played(failed_run(key, f"{type(error).__name__}: {error}"), ref, 0)
        return Played(ticket_run(key, record, await self._note(ref)), ref, last.revision)

    async def _note(self, ref: TicketRef) -> str:
        shown = (await self._control.get(f"/tickets/{ref.ticket}")).raise_for_status().json()
        notes = [str(comment["html"]) for comment in shown["comments"] if comment["role"] == "own"]
        return "\n\n".join(note_text(note).plain.strip() for note in notes)


async def play(
    world: Path,
    rows: int | None,
    tenancies: Tenancies,
    state: Path,
    at_once: int,
    done: Callable[[Played], None],
    say: Callable[[str], None],
) -> None:
    """Start everything, play the tickets, stop everything.

    Args:
        world: Its folder.
        rows: Log rows; the world's own number if None.
        tenancies: Which tickets, and what is down for whom.
        state: A folder of this session's own: ledger, keys, logs.
        at_once: How many tickets are open at most.
        done: Called with each ticket that has ended.
        say: Called with what is being waited for.

    Raises:
        ProcessEnded, NotReady, NoTemporal: what did not start or went away, with its last words.
    """
    with nobody_listens() as nowhere:
        play = Play(
            world, rows, tenant=_NO_SWEEPS, without=tenancies.without, nowhere=nowhere, ready_within=_LOADED_WITHIN
        )
        async with Household(state / "logs") as household:
            stack = await start_stack(household, own_environ(), state, Ports(), play=play, say=say)
            assert stack.sandbox is not None
            say("investigating")
            client = await connect(stack.settings)
            async with (
                httpx.AsyncClient(base_url=stack.sandbox.control, timeout=60) as control,
                await SqlLedger.open(f"sqlite:///{state}/ledger.db", stack.settings.keyring()) as ledger,
            ):
                await Playing(household, stack, client, control, ledger).tickets(tenancies, at_once, done)
            await household.stop("gateway", "worker")
            await household.stop("temporal", "sandbox")
