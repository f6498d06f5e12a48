"""Many tickets of one outage: linked as one incident, a model paid for a handful, each by its own facts."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from temporalio.client import Client

from ledger.incidents import PAYING, QUIET_FOR, SqlIncidents
from ledger.store import SqlLedger
from models.coordination import IncidentSeen, IncidentView
from models.diagnosis import Draft
from models.run import ClaimRequest, RevisionResult, RunKey
from models.tenant import ModelConfig
from models.ticket import TicketRef, Trigger, TriggerKind
from models.vocabulary import CauseClass, Outcome, Source
from tests.anthropic_server import AnthropicServer, says
from tests.fakes import ScriptedConnector, found
from tests.workflows.house import (
    TENANT,
    House,
    an_incident,
    billing,
    failing_requests,
    healthy_requests,
)
from tests.workflows.test_model_path import GOOD
from tests.workflows.vendor import vendor
from workflows import naming

MODEL = "claude-haiku-5-5"
START = datetime(2020, 1, 1, tzinfo=UTC)


class Outage:
    """A house with a model in its chain, and tickets that come in."""

    def __init__(self, house: House, server: AnthropicServer) -> None:
        self.house = house
        self.server = server

    async def ticket(self) -> tuple[TicketRef, RevisionResult]:
        ref = self.house.open_ticket()
        [revision] = (await self.house.investigate(ref, f"d-{ref.ticket}")).revisions
        return ref, revision

    def note(self, ref: TicketRef) -> str:
        [(_, note)] = self.house.helpdesk.notes[ref.ticket]
        return note.markdown

    async def incidents(self) -> Sequence[IncidentView]:
        return await SqlIncidents(self.house.ledger.database).recent("acme", START)


@asynccontextmanager
async def outage(client: Client, ledger: SqlLedger, draft: Draft = GOOD) -> AsyncIterator[Outage]:
    """Run a house whose model always says the same."""
    tenant = TENANT.model_copy(update={"models": [ModelConfig(model=MODEL, api_key="env:NONE")]})
    async with vendor(lambda _: says(draft), {MODEL: MODEL}) as (server, models):
        connectors = (failing_requests(), an_incident(), billing())
        house = House(client, ledger, *connectors, tenant=tenant, models=models, together=True)
        async with house.worker():
            yield Outage(house, server)


async def test_one_outage_is_one_incident_and_pays_for_a_handful(temporal: Client, ledger: SqlLedger) -> None:
    async with outage(temporal, ledger) as town:
        first, alone = await town.ticket()
        told = [await town.ticket() for _ in range(PAYING + 2)]
        [incident] = await town.incidents()
        assert len(town.server.requests) == PAYING
        assert alone.usd > 0
        assert "part of an incident" not in town.note(first), "when it was written there was no other"
        last, revision = told[-1]
        assert (revision.outcome, revision.cause, revision.usd) == (Outcome.DIAGNOSED, CauseClass.OWN_INCIDENT, 0)
        assert f"part of an incident with {PAYING + 3} tickets so far" in town.note(last)
        assert f"ticket {first.ticket}" in town.note(last)
        assert "written by the playbook's rules" in town.note(last)
        assert f"reasoned by {MODEL}" in town.note(told[0][0])
    assert (incident.tickets, incident.paid, incident.first) == (PAYING + 3, PAYING, first)
    assert (incident.hypothesis, incident.what) == ("incident", "Elevated errors")


async def test_a_ticket_whose_own_facts_say_otherwise_is_not_part_of_it(temporal: Client, ledger: SqlLedger) -> None:
    async with outage(temporal, ledger) as town:
        await town.ticket()
        town.house.connectors.by_source[Source.CLICKHOUSE] = healthy_requests()
        ref, revision = await town.ticket()
        [incident] = await town.incidents()
        assert incident.tickets == 1
        assert revision.outcome is not Outcome.DIAGNOSED
        assert "part of an incident" not in town.note(ref)


async def test_another_incident_on_the_page_is_another_incident(temporal: Client, ledger: SqlLedger) -> None:
    other = {"page": "own", "id": "i2", "name": "Search is slow", "status": "investigating", "upstream": False}
    async with outage(temporal, ledger) as town:
        town.house.tenant = town.house.tenant.model_copy(update={"share_evidence": False})
        await town.ticket()
        answers = {"list_incidents": found(other)}
        town.house.connectors.by_source[Source.STATUSPAGE] = ScriptedConnector(Source.STATUSPAGE, dict(answers))
        await ledger.database.write(
            lambda connection: connection.exec_driver_sql("DELETE FROM shared_evidence").rowcount
        )
        await town.ticket()
        assert sorted(one.what for one in await town.incidents()) == ["Elevated errors", "Search is slow"]


async def test_a_model_that_finds_another_cause_ends_it(temporal: Client, ledger: SqlLedger) -> None:
    incidents, seen = SqlIncidents(ledger.database), an_outage()
    keys = [await opened(ledger, str(number)) for number in range(PAYING + 1)]
    entries = [await incidents.join(key, seen) for key in keys]
    assert [entry.pays for entry in entries] == [True] * PAYING + [False]
    await incidents.settle(keys[-1], "something-else")
    await incidents.settle(keys[0], seen.hypothesis)
    assert (await incidents.join(await opened(ledger, "n"), seen)).incident == entries[0].incident
    await incidents.settle(keys[0], "something-else")
    after = await incidents.join(await opened(ledger, "m"), seen)
    assert after.incident != entries[0].incident
    assert (after.position, after.pays) == (1, True)


def an_outage() -> IncidentSeen:
    return IncidentSeen(
        signature="5" * 64,
        hypothesis="incident",
        cause=CauseClass.OWN_INCIDENT,
        playbook="probe@1",
        what="Elevated errors",
    )


async def opened(ledger: SqlLedger, ticket: str) -> RunKey:
    ref = TicketRef(tenant="acme", helpdesk="desk", ticket=ticket)
    trigger = Trigger(delivery=f"d-{ticket}", kind=TriggerKind.CREATED, received_at=datetime.now(UTC))
    request = ClaimRequest(ref=ref, investigation=naming.investigation_id(ref), trigger=trigger, owner="run")
    return (await ledger.claim_delivery(request)).key


async def test_tickets_that_come_at_once_have_one_incident_and_each_its_place(ledger: SqlLedger) -> None:
    incidents, seen = SqlIncidents(ledger.database), an_outage()
    keys = [await opened(ledger, str(number)) for number in range(20)]
    entries = await asyncio.gather(*(incidents.join(key, seen) for key in keys for _ in range(2)))
    assert sorted({entry.position for entry in entries}) == list(range(1, 21))
    assert len({entry.incident for entry in entries}) == 1
    assert sum(entry.pays for entry in entries) == 2 * PAYING
    [view] = await incidents.recent(None, START)
    assert view.tickets == 20


async def test_after_a_quiet_time_it_is_another_incident(ledger: SqlLedger) -> None:
    incidents, seen = SqlIncidents(ledger.database), an_outage()
    first = await incidents.join(await opened(ledger, "1"), seen)
    long_ago = (datetime.now(UTC) - QUIET_FOR - timedelta(minutes=1)).strftime("%Y-%m-%d %H:%M:%S.%f")
    await ledger.database.write(
        lambda connection: connection.exec_driver_sql(f"UPDATE incidents SET last_at = '{long_ago}'").rowcount
    )
    second = await incidents.join(await opened(ledger, "2"), seen)
    assert (first.incident, second.incident) == ("inc-555555555555-1", "inc-555555555555-2")
