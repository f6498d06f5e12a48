"""Versions of a playbook on a real server: promoted, rolled back, tried in shadow, rolled out to a part of the tickets."""

import asyncio

from temporalio.client import Client

from activities.control_board import ControlBoard
from ledger.candidates import SqlCandidates
from ledger.controls import Change, Said, SqlControls
from ledger.store import SqlLedger
from models.candidate import compare
from models.control import CANDIDATE, PERCENT, STABLE, in_rollout, playbook_scope
from models.playbook import Playbook
from models.run import RevisionResult
from models.vocabulary import CauseClass, Outcome
from tests.workflows.house import House, an_incident, billing, failing_requests, probe_playbook

SCOPE = playbook_scope("probe")
WHO = Said("ada", "playbook.promote", SCOPE)


def second() -> Playbook:
    """The small playbook in another version, which has one question more and never blames the incident."""
    first = probe_playbook()
    asked = first.queries[1].model_copy(update={"id": "extra", "parameters": {"upstream": True}})
    without = [one for one in first.hypotheses if one.cause is not CauseClass.OWN_INCIDENT]
    return first.model_copy(update={"version": 2, "queries": [*first.queries, asked], "hypotheses": without})


def a_house(client: Client, ledger: SqlLedger) -> tuple[House, SqlControls]:
    controls = SqlControls(ledger.database)
    board = ControlBoard(controls, fresh=0.0)
    return House(client, ledger, failing_requests(), an_incident(), billing(), board=board), controls


async def one_ticket(house: House) -> RevisionResult:
    ref = house.open_ticket()
    [revision] = (await house.investigate(ref, f"d-{ref.ticket}")).revisions
    return revision


async def test_a_promoted_version_is_what_the_next_ticket_gets_and_a_rollback_leads_back(
    temporal: Client, ledger: SqlLedger
) -> None:
    house, controls = a_house(temporal, ledger)
    async with house.worker():
        assert (await one_ticket(house)).playbook == "probe@1"
        await controls.change([Change(SCOPE, STABLE, "2")], WHO, ("", second()))
        promoted = await one_ticket(house)
        await controls.change([Change(SCOPE, STABLE, "1")], WHO, ("", probe_playbook()))
        back = await one_ticket(house)
    assert (promoted.playbook, promoted.cause) != (back.playbook, back.cause)
    assert (promoted.playbook, back.playbook) == ("probe@2", "probe@1")


async def test_a_candidate_is_tried_on_the_same_evidence_and_posts_nothing(temporal: Client, ledger: SqlLedger) -> None:
    house, controls = a_house(temporal, ledger)
    await controls.change([Change(SCOPE, CANDIDATE, "2")], WHO, ("", second()))
    async with house.worker():
        revision = await one_ticket(house)
    assert (revision.playbook, revision.cause) == ("probe@1", CauseClass.OWN_INCIDENT)
    [result] = await SqlCandidates(ledger.database).results("probe")
    assert (result.version, result.stable_version) == (2, 1)
    assert (result.stable_outcome, result.stable_cause) == (Outcome.DIAGNOSED, CauseClass.OWN_INCIDENT)
    assert result.differs
    assert result.told is CauseClass.OWN_INCIDENT
    assert result.not_asked == 1
    assert [len(notes) for notes in house.helpdesk.notes.values()] == [1]
    [counted] = compare([result])
    assert (counted.runs, counted.differ, counted.judged) == (1, 1, 0)


async def test_a_candidate_that_cannot_be_tried_harms_nobody(temporal: Client, ledger: SqlLedger) -> None:
    house, controls = a_house(temporal, ledger)
    broken = second().model_copy(update={"next_steps": {}})
    await controls.change([Change(SCOPE, CANDIDATE, "2")], WHO, ("", broken))
    async with house.worker():
        revision = await one_ticket(house)
    assert (revision.outcome, revision.note_status) == (Outcome.DIAGNOSED, "posted")


async def test_tickets_outside_the_rollout_are_investigated_in_shadow(temporal: Client, ledger: SqlLedger) -> None:
    house, controls = a_house(temporal, ledger)
    await controls.change([Change(playbook_scope("*", "acme"), PERCENT, "50")], WHO)
    async with house.worker():
        refs = [house.open_ticket() for _ in range(6)]
        results = await asyncio.gather(*(house.investigate(ref, f"d-{ref.ticket}") for ref in refs))
    for ref, result in zip(refs, results, strict=True):
        inside = in_rollout(ref, "probe", 50)
        assert result.revisions[0].note_status == ("posted" if inside else "shadow")
        assert len(house.helpdesk.notes.get(ref.ticket, [])) == int(inside)
