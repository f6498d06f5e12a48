"""A run that fails leaves one line on the ticket that says so, and the record says why."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from pydantic import BaseModel
from temporalio.client import Client

from helpdesks.base import HelpdeskDenied, TicketNotFound
from ledger.reading import RunReader
from ledger.records import RunRecord
from ledger.store import SqlLedger
from models.base import digest_of, to_body
from models.note import PostedNote
from models.playbook import Playbook
from models.run import RunKey
from models.ticket import Ticket
from models.vocabulary import Mode, Outcome
from tests.fakes import ScriptedHelpdesk
from tests.master_keys import KEYRING
from tests.workflows.house import TENANT, House, billing, failing_requests, no_incident


class ForgetfulLedger(SqlLedger):
    """Loses every playbook, as a ledger does that was restored from before it was released."""

    async def put_body(self, tenant: str, body: BaseModel, key: RunKey | None = None) -> str:
        """Store all but playbooks."""
        return digest_of(to_body(body)) if isinstance(body, Playbook) else await super().put_body(tenant, body, key)


class RefusingHelpdesk(ScriptedHelpdesk):
    """Takes no key for anything."""

    async def read_ticket(self, ticket: str) -> Ticket:
        """Refuse."""
        raise HelpdeskDenied("403")

    async def find_note(self, ticket: str, marker: str) -> PostedNote | None:
        """Refuse."""
        raise HelpdeskDenied("403")


@pytest_asyncio.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[SqlLedger]:
    """A ledger for one test."""
    async with await ForgetfulLedger.open(f"sqlite:///{tmp_path}/ledger.db", KEYRING) as opened:
        yield opened


async def failed(house: House) -> tuple[RunRecord, list[str]]:
    """Investigate one ticket to its failure; return the record and the notes on the ticket."""
    async with house.worker():
        ref = house.open_ticket()
        [revision] = (await house.investigate(ref)).revisions
    assert revision.outcome is Outcome.FAILED
    record = await RunReader(house.ledger).load_run(revision.investigation)
    assert record.summary.outcome is Outcome.FAILED
    assert record.summary.note_status == revision.note_status
    return record, [note.markdown for _, note in house.helpdesk.notes.get(ref.ticket, [])]


async def test_a_playbook_that_is_gone(temporal: Client, ledger: SqlLedger) -> None:
    record, notes = await failed(House(temporal, ledger, failing_requests(), no_incident(), billing()))
    assert record.summary.problem == "weigh_evidence: BodyMissing"
    [note] = notes
    said = note.replace("\\", "")
    assert said.startswith(
        "**This ticket could not be investigated: the evidence could not be weighed (weigh_evidence: BodyMissing)."
    )
    assert len([line for line in said.splitlines() if line]) == 3, "the line, its footer and its marker"
    assert record.summary.note_status == "posted"
    assert record.note is not None
    assert record.note.body is not None


async def test_a_helpdesk_that_refuses_once_still_gets_its_line(temporal: Client, ledger: SqlLedger) -> None:
    house = House(temporal, ledger)
    house.helpdesk.failures = [TicketNotFound("404")]
    record, [note] = await failed(house)
    assert record.summary.problem == "read_ticket: TicketNotFound"
    assert "the ticket could not be read" in note


async def test_a_helpdesk_that_refuses_everything(temporal: Client, ledger: SqlLedger) -> None:
    house = House(temporal, ledger)
    house.helpdesk = RefusingHelpdesk()
    record, notes = await failed(house)
    assert (record.summary.problem, record.summary.note_status) == ("read_ticket: HelpdeskDenied", "failed")
    assert notes == []


async def test_in_shadow_mode_a_failure_too_is_only_in_the_record(temporal: Client, ledger: SqlLedger) -> None:
    house = House(temporal, ledger, tenant=TENANT.model_copy(update={"mode": Mode.SHADOW}))
    house.helpdesk.failures = [HelpdeskDenied("403")]
    record, notes = await failed(house)
    assert (record.summary.problem, record.summary.note_status) == ("read_ticket: HelpdeskDenied", "shadow")
    assert notes == []
