"""Far ends inside the worker's process: they take a chosen time, say what a shipped fixture says, and note how long they took."""

import asyncio
import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from models.base import Row
from models.evidence import Answer, SourceRequest
from models.note import PostedNote, RenderedNote
from models.tenant import Tenant
from models.ticket import Message, Organization, Person, Role, Ticket, TicketRef
from models.vocabulary import EvidenceStatus, Source
from playbooks.fixture_files import anchors_of, read_fixtures
from playbooks.fixtures import investigate
from playbooks.library import Library
from reasoning.identity import account_sql
from reasoning.providers.base import ModelChoice, ModelReply, Prompt
from reasoning.sql import check_query, scope_query
from workflows import naming

TENANT = "bench"
HELPDESK = "desk"
MODEL = "claude-haiku-5-5"
PLAYBOOK, FIXTURE = "api-errors", "deploy-regression"
TEXT = "POST /v1/search answers 429 to half of our calls since 14:00 UTC. Did you deploy something?"
SHIPPED = Path(__file__).parent.parent / "playbooks"
ACCOUNT: Row = {"customer": "org_31", "name": "Quill", "domain": "quill.example", "plan": "growth", "region": "eu"}


@dataclass(frozen=True)
class Pace:
    """Seconds that each far end takes; sources draw theirs from between the two bounds."""

    helpdesk: float = 0.0
    sources: tuple[float, float] = (0.0, 0.0)
    model: float = 0.0


class Waits:
    """A line for each call that took time: whose, of which phase, and the seconds it really took."""

    def __init__(self, path: Path | None) -> None:
        """Append to this file; None keeps nothing."""
        self._path = path

    @contextmanager
    def timed(self, investigation: str, phase: str) -> Iterator[None]:
        """Time what is inside."""
        began = time.perf_counter()
        try:
            yield
        finally:
            if self._path:
                line = {"investigation": investigation, "phase": phase, "seconds": time.perf_counter() - began}
                with self._path.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(line) + "\n")


class World:
    """What all far ends know: the fixture's evidence, the pace, and where waits are noted."""

    def __init__(self, tenant: Tenant, pace: Pace, waits: Waits) -> None:
        """Read the fixture's evidence, and what the rules say of it."""
        loaded = next(one for one in Library.load([SHIPPED]).newest() if one.playbook.id == PLAYBOOK)
        fixture = read_fixtures(loaded)[FIXTURE]
        _, self.draft, evidence = investigate(loaded.playbook, fixture)
        self.written_at = anchors_of(fixture).reported_at
        self.playbook = loaded.playbook
        self.pace = pace
        self.waits = waits
        self.rows = {item.query: item.rows for item in evidence}
        self.account = account_sql(tenant.tables)
        self.queries = {
            scope_query(check_query(query.sql, query.scope), tenant.tables, query.scope, query.rows): query.id
            for query in loaded.playbook.queries
            if query.source is Source.CLICKHOUSE
        }

    def query_of(self, request: SourceRequest) -> str:
        """Return which query of the playbook is asked; empty for the customer lookup."""
        if request.source is Source.CLICKHOUSE:
            return self.queries.get(request.text, "")
        named = [
            query.id
            for query in self.playbook.queries
            if (query.source, query.operation) == (request.source, request.operation)
        ]
        return named[0] if named else ""

    def phase_of(self, query: str) -> str:
        """Return the step that a question belongs to: what a follow-up asks is known only after the first answers."""
        if not query:
            return "customer"
        found = self.playbook.query(query)
        return "follow-up" if found and found.follow_up else "source"


def ref_of(ticket: str) -> TicketRef:
    """Return the reference of a ticket."""
    return TicketRef(tenant=TENANT, helpdesk=HELPDESK, ticket=ticket)


class PacedHelpdesk:
    """Has every ticket there can be, and takes every note."""

    def __init__(self, world: World) -> None:
        """Belong to a world."""
        self._world = world

    async def read_ticket(self, ticket: str) -> Ticket:
        """Return the ticket; all say the same."""
        await self._wait(ticket, "ticket")
        at = self._world.written_at
        return Ticket(
            ref=ref_of(ticket),
            subject="429 on /v1/search",
            status="open",
            requester=Person(id="501", name="Ada Quill", email="ada@quill.example"),
            organization=Organization(id="31", name="Quill", domains=("quill.example",), external_id="org_31"),
            messages=(Message(id="1", role=Role.REQUESTER, public=True, text=TEXT, created_at=at),),
            created_at=at,
            updated_at=at,
            updated_stamp=at.isoformat(),
            url=f"https://desk.example.com/tickets/{ticket}",
        )

    async def list_changed(self, since: datetime) -> None:
        """Cannot be asked."""

    async def find_note(self, ticket: str, marker: str) -> PostedNote | None:
        """Find none: every ticket is new."""
        await self._wait(ticket, "note")
        return None

    async def post_note(self, ticket: str, note: RenderedNote, updated_stamp: str) -> PostedNote:
        """Take it."""
        await self._wait(ticket, "note")
        return PostedNote(id="1")

    async def aclose(self) -> None:
        """Nothing to close."""

    async def _wait(self, ticket: str, phase: str) -> None:
        with self._world.waits.timed(naming.investigation_id(ref_of(ticket)), phase):
            await asyncio.sleep(self._world.pace.helpdesk)


class PacedConnector:
    """Answers a playbook's queries as the fixture does, and the customer lookup with one account."""

    def __init__(self, source: Source, world: World) -> None:
        """Answer for one source."""
        self.source = source
        self._world = world

    async def fetch(self, request: SourceRequest) -> Answer:
        """Take the time, then answer."""
        query = self._world.query_of(request)
        # Drawn by the label, so that the same ticket takes as long whatever else is going on.
        seconds = random.Random(request.label or request.text).uniform(*self._world.pace.sources)  # noqa: S311  # a pace, no secret
        with self._world.waits.timed(request.label.partition("/")[0], self._world.phase_of(query)):
            await asyncio.sleep(seconds)
        rows = self._world.rows.get(query, ())
        if request.text == self._world.account:
            rows = (ACCOUNT,)
        status = EvidenceStatus.FOUND if rows else EvidenceStatus.EMPTY
        return Answer(status=status, rows=rows, total=len(rows), asked=request.text or request.operation)

    async def aclose(self) -> None:
        """Nothing to close."""


class PacedModel:
    """Answers with the rules' own choice and no claim of its own, after the time that a model takes."""

    model = MODEL

    def __init__(self, world: World) -> None:
        """Belong to a world."""
        self._world = world

    async def answer(self, prompt: Prompt, beat: Callable[[], None]) -> ModelReply:
        """Take the time, then answer."""
        # One ticket is under way at a time where the model takes time, so nobody needs to be told apart.
        with self._world.waits.timed("", "model"):
            await asyncio.sleep(self._world.pace.model)
        draft = self._world.draft.model_copy(update={"claims": ()})
        return ModelReply(draft=draft, model=MODEL, input_tokens=9_000, output_tokens=600, usd=0.001)

    async def choose(self, prompt: Prompt, among: Sequence[str], beat: Callable[[], None]) -> ModelChoice:
        """Choose the first."""
        return ModelChoice(chosen=among[0], model=MODEL, input_tokens=900, output_tokens=9, usd=0.0001)

    async def aclose(self) -> None:
        """Nothing to close."""


class Pools:
    """Hands out the far ends of the one tenant, as the worker's own pools do."""

    def __init__(self, world: World) -> None:
        """Make them."""
        self.helpdesks = OneHelpdesk(PacedHelpdesk(world))
        self.connectors = AllConnectors({source: PacedConnector(source, world) for source in Source})
        self.models = OneModel(PacedModel(world))


class OneHelpdesk:
    """The helpdesks of all tenants."""

    def __init__(self, helpdesk: PacedHelpdesk) -> None:
        """Keep it."""
        self._helpdesk = helpdesk

    async def get(self, tenant: str, helpdesk: str) -> PacedHelpdesk:
        """Return it."""
        return self._helpdesk


class AllConnectors:
    """The connectors of all tenants."""

    def __init__(self, by_source: dict[Source, PacedConnector]) -> None:
        """Keep them."""
        self._by_source = by_source

    async def get(self, tenant: str, source: Source) -> PacedConnector:
        """Return it."""
        return self._by_source[source]


class OneModel:
    """The models of all tenants."""

    def __init__(self, model: PacedModel) -> None:
        """Keep it."""
        self._model = model

    async def get(self, tenant: str, model: str) -> PacedModel:
        """Return it."""
        return self._model
