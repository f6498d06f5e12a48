"""Scripted far ends for the workflow tests: in memory, behind the same Protocols as the real ones."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from connectors.base import Connector
from helpdesks.base import ChangedTicket, NoteConflict, TicketNotFound
from models.evidence import Answer, SourceRequest
from models.note import PostedNote, RenderedNote
from models.ticket import Message, Organization, Person, Role, Ticket, TicketRef
from models.vocabulary import EvidenceStatus, Source

WRITTEN_AT = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


def ticket_of(ref: TicketRef, text: str = "We get 429 on /v1/search since 09:00 UTC.", **changes: object) -> Ticket:
    """Return a plausible ticket; `changes` replace fields of it."""
    whole = {
        "ref": ref,
        "subject": "Warehouse search fails",
        "status": "open",
        "requester": Person(id="501", name="Ada Quill", email="ada@quill.example"),
        "organization": Organization(id="31", name="Quill", domains=("quill.example",), external_id="org_31"),
        "messages": (Message(id="1", role=Role.REQUESTER, public=True, text=text, created_at=WRITTEN_AT),),
        "created_at": WRITTEN_AT,
        "updated_at": WRITTEN_AT,
        "updated_stamp": WRITTEN_AT.isoformat(),
        "url": f"https://acme.example/tickets/{ref.ticket}",
    }
    return Ticket.model_validate(whole | changes)


class ScriptedHelpdesk:
    """Tickets and their notes. `lose_answers` accepts that many notes and then fails as if the answer was lost."""

    def __init__(self) -> None:
        """Hold no tickets."""
        self.tickets: dict[str, Ticket] = {}
        self.notes: dict[str, list[tuple[str, RenderedNote]]] = {}
        self.reads = 0
        self.failures: list[Exception] = []
        self.lose_answers = 0
        self.conflicts = 0
        self.on_read: Callable[[str], None] | None = None

    def say(self, ticket: str, text: str, role: Role = Role.REQUESTER, public: bool = True) -> None:
        """Add a message to a ticket."""
        old = self.tickets[ticket]
        at = old.updated_at + timedelta(minutes=5)
        message = Message(id=str(len(old.messages) + 1), role=role, public=public, text=text, created_at=at)
        self.tickets[ticket] = old.model_copy(
            update={"messages": (*old.messages, message), "updated_at": at, "updated_stamp": at.isoformat()}
        )

    async def read_ticket(self, ticket: str) -> Ticket:
        """Return it as it stands."""
        self.reads += 1
        if self.failures:
            raise self.failures.pop(0)
        if ticket not in self.tickets:
            raise TicketNotFound(f"no ticket {ticket!r}")
        found = self.tickets[ticket]
        if self.on_read:
            self.on_read(ticket)
        return found

    async def list_changed(self, since: datetime) -> list[ChangedTicket]:
        """List by the tickets' own times."""
        changed = [one for one in self.tickets.values() if one.updated_at >= since]
        changed.sort(key=lambda one: one.updated_at)
        return [ChangedTicket(ticket=one.ref.ticket, updated_at=one.updated_at) for one in changed]

    async def find_note(self, ticket: str, marker: str) -> PostedNote | None:
        """Look among the notes."""
        for number, (_, note) in enumerate(self.notes.get(ticket, [])):
            if note.marker == marker:
                return PostedNote(id=str(number))
        return None

    async def post_note(self, ticket: str, note: RenderedNote, updated_stamp: str) -> PostedNote:
        """Keep the note."""
        if self.conflicts:
            self.conflicts -= 1
            raise NoteConflict("changed meanwhile")
        self.notes.setdefault(ticket, []).append((updated_stamp, note))
        if self.lose_answers:
            self.lose_answers -= 1
            raise ConnectionResetError("the answer was lost")
        return PostedNote(id=str(len(self.notes[ticket]) - 1))

    async def aclose(self) -> None:
        """Nothing to close."""


class OneHelpdesk:
    """A pool that hands out the same helpdesk to all."""

    def __init__(self, helpdesk: ScriptedHelpdesk) -> None:
        """Keep it."""
        self.helpdesk = helpdesk

    async def get(self, tenant: str, helpdesk: str) -> ScriptedHelpdesk:
        """Return it."""
        return self.helpdesk


class ScriptedConnector:
    """Answers by operation, or by a piece of the SQL."""

    def __init__(self, source: Source, answers: dict[str, Answer | Exception]) -> None:
        """Take the script; what is not in it is empty."""
        self.source = source
        self.answers = answers
        self.asked: list[SourceRequest] = []
        self.was_asked = asyncio.Event()
        self.hold: asyncio.Event | None = None

    async def fetch(self, request: SourceRequest) -> Answer:
        """Play the script."""
        self.asked.append(request)
        self.was_asked.set()
        if self.hold:
            await self.hold.wait()
        sql = request.text.replace('"', "")
        for piece, answer in self.answers.items():
            if piece in (request.operation, *sql.split()):
                if isinstance(answer, Exception):
                    raise answer
                return answer
        return Answer(status=EvidenceStatus.EMPTY, asked=request.text or request.operation)

    async def aclose(self) -> None:
        """Nothing to close."""


class ScriptedConnectors:
    """A pool of scripted connectors; a source that is not in it is not connected."""

    def __init__(self, *connectors: ScriptedConnector) -> None:
        """Keep them by source."""
        self.by_source = {connector.source: connector for connector in connectors}

    async def get(self, tenant: str, source: Source) -> Connector | None:
        """Return it, or None."""
        return self.by_source.get(source)


def found(*rows: Mapping[str, object]) -> Answer:
    """Return an answer with these rows."""
    return Answer.model_validate({"status": "found", "rows": rows, "asked": "scripted", "total": len(rows)})
