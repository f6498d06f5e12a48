"""What workers agree on through the ledger, as activities see it. Every call is one short transaction and safe to repeat."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from models.coordination import (
    Circuit,
    IncidentEntry,
    IncidentSeen,
    IncidentView,
    Lease,
    SharedAnswer,
    SharedQuestion,
)
from models.run import RunKey
from models.ticket import TicketRef


class SharedAnswers(Protocol):
    """Answers to questions that depend on no customer: one asks, the others are served."""

    async def ask(self, question: SharedQuestion, owner: str, since: datetime) -> Lease:
        """Look whether somebody has answered, or is asking; else the owner is the one to ask from now on.

        Args:
            question: Its scope and its digest.
            owner: Unique for this attempt; the same one gets its own lease again.
            since: When the caller began to want the answer: a failure after it is the caller's failure too.
        """
        ...

    async def renew(self, question: SharedQuestion, owner: str) -> None:
        """Say that the owner is still at it."""
        ...

    async def answer(self, question: SharedQuestion, owner: str, answer: SharedAnswer) -> None:
        """Keep the answer in place of the last one, and let go of the lease."""
        ...

    async def fail(self, question: SharedQuestion, owner: str, problem: str) -> None:
        """Let go of the lease, and tell those who wait."""
        ...

    async def last(self, question: SharedQuestion) -> SharedAnswer | None:
        """Return the newest answer, however old."""
        ...


class Incidents(Protocol):
    """Tickets with one explanation."""

    async def join(self, key: RunKey, seen: IncidentSeen) -> IncidentEntry:
        """Enter a ticket into the incident of that signature, a new one if there is none now."""
        ...

    async def view(self, tenant: str, incident: str) -> IncidentView | None:
        """Return an incident as it stands."""
        ...

    async def settle(self, key: RunKey, hypothesis: str) -> None:
        """Close the incident of a ticket whose reasoner was paid and found another explanation."""
        ...


class Sweeps(Protocol):
    """How far helpdesks were swept."""

    async def watermark(self, tenant: str, helpdesk: str) -> datetime | None:
        """Return how far; None before the first sweep."""
        ...

    async def keep_watermark(self, tenant: str, helpdesk: str, watermark: datetime) -> None:
        """Keep how far; it never goes back. What was swept long before it is forgotten."""
        ...

    async def was_swept(self, ref: TicketRef, updated_at: datetime) -> bool:
        """Whether the ticket was looked at as it is now, by a sweep or by a run."""
        ...

    async def note_swept(self, ref: TicketRef, updated_at: datetime) -> None:
        """Keep that it was."""
        ...

    async def newest_read(self, ref: TicketRef) -> str:
        """Return the digest of the ticket as the last run read it; empty if none has."""
        ...


class Rates(Protocol):
    """Buckets of requests, one for each tenant and source."""

    async def reserve(self, tenant: str, source: str, per_minute: int, cost: int, at_most: float) -> float | None:
        """Reserve `cost` requests; return the seconds after which they may be made, 0 for now.

        None, and nothing is reserved, where that would be later than `at_most` seconds from now.
        """
        ...

    async def settle(self, tenant: str, source: str, per_minute: int, more: int) -> None:
        """Take what was asked beyond what was reserved, or give back what was not (below zero)."""
        ...


class CircuitBoard(Protocol):
    """Which sources which worker does not ask for now."""

    async def keep_circuit(self, circuit: Circuit) -> None:
        """Keep that a circuit is open."""
        ...

    async def clear_circuit(self, tenant: str, source: str, worker: str) -> None:
        """Forget it."""
        ...

    async def open_circuits(self, now: datetime) -> Sequence[Circuit]:
        """Return those that are open, without the ones of workers that ended long ago."""
        ...


@dataclass(frozen=True)
class Coordination:
    """All of it over one ledger."""

    answers: SharedAnswers
    incidents: Incidents
    rates: Rates
    sweeps: Sweeps
    circuits: CircuitBoard
