"""A run comes back whole, and is found by whatever a person has at hand."""

import pytest

from ledger.base import LedgerError
from ledger.reading import RunReader
from ledger.store import SqlLedger
from models.diagnosis import Weighing
from models.vocabulary import Confidence, Outcome
from tests.ledger.investigations import NOON, claim, diagnosis, evidence, investigate, outcome
from tests.reasoning.case import PLAYBOOK
from workflows.naming import workflow_id


async def test_run_comes_back_with_everything(ledger: SqlLedger) -> None:
    key = await investigate(ledger, claim())
    run = await RunReader(ledger).load_run(key.investigation)
    assert run.summary.key == key
    assert run.summary.outcome is Outcome.DIAGNOSED
    assert run.delivery is not None
    assert (run.delivery.delivery, run.delivery.owner, run.delivery.received_at) == ("d-1", "owner-1", NOON)
    assert [step.step for step in run.steps] == ["read", "identify", "select", "weigh/0", "verify/0"]
    assert [one.ref.id for one in run.evidence] == [f"E{n}" for n in range(1, 9)]
    assert run.evidence[2].body == evidence("E3", "4711")
    assert run.answers[0].draft is not None
    assert run.answers[0].drafted.usd == 0.01
    assert run.diagnosis == diagnosis("4711")
    assert run.note is not None
    assert run.note.body is not None
    assert run.note.note == "note-4711"


async def test_run_whose_bodies_were_erased_still_shows_what_was_done(ledger: SqlLedger) -> None:
    key = await investigate(ledger, claim())
    await ledger.database.write(lambda connection: connection.exec_driver_sql("DELETE FROM bodies").close())
    run = await RunReader(ledger).load_run(key.investigation)
    assert run.diagnosis is None
    assert len(run.evidence) == 8
    assert {one.body for one in run.evidence} == {None}


async def test_run_without_a_number_is_the_last_one(ledger: SqlLedger) -> None:
    await investigate(ledger, claim())
    await ledger.claim_delivery(claim(delivery="d-2"))
    reader = RunReader(ledger)
    last, first = await reader.load_run("4711"), await reader.load_run("4711", 1)
    assert (last.summary.key.revision, last.summary.outcome, last.note) == (2, None, None)
    assert (first.summary.key.revision, first.summary.outcome) == (1, Outcome.DIAGNOSED)


@pytest.mark.parametrize("revision", [0, 2, -1])
async def test_revision_that_is_not_there_is_an_error(ledger: SqlLedger, revision: int) -> None:
    await ledger.claim_delivery(claim())
    with pytest.raises(LedgerError, match=f"no revision {revision}; the last one is 1"):
        await RunReader(ledger).load_run("4711", revision)


async def test_investigation_is_found_by_id_workflow_and_ticket(ledger: SqlLedger) -> None:
    request = claim()
    await ledger.claim_delivery(request)
    reader = RunReader(ledger)
    for name in (request.investigation, workflow_id(request.ref), "4711"):
        found = await reader.find_investigation(name)
        assert found is not None
        assert (found.ref, found.workflow) == (request.ref, workflow_id(request.ref))
    assert await reader.find_investigation("4712") is None
    with pytest.raises(LedgerError, match="'4712'"):
        await reader.load_run("4712")


async def test_ticket_of_two_tenants_asks_which(ledger: SqlLedger) -> None:
    await ledger.claim_delivery(claim())
    await ledger.claim_delivery(claim(tenant="globex"))
    reader = RunReader(ledger)
    with pytest.raises(LedgerError, match="acme/zendesk/4711, globex/zendesk/4711"):
        await reader.find_investigation("4711")
    found = await reader.find_investigation("4711", tenant="globex")
    assert found is not None
    assert found.ref.tenant == "globex"


async def test_revision_to_speak_of_is_the_newest_that_said_something(ledger: SqlLedger) -> None:
    reader = RunReader(ledger)
    with pytest.raises(LedgerError, match="has no investigation '4711'"):
        await reader.last_told("4711")
    await ledger.claim_delivery(claim(delivery="d-0"))
    with pytest.raises(LedgerError, match="no revision of acme/zendesk/4711 has ended with a diagnosis yet"):
        await reader.last_told("4711")
    await investigate(ledger, claim())
    silent = (await ledger.claim_delivery(claim(delivery="d-2"))).key
    await ledger.record_outcome(outcome(silent, Outcome.NOTHING_NEW))
    await ledger.claim_delivery(claim(delivery="d-3"))
    assert (await reader.last_told("4711")).key.revision == 2


async def test_run_comes_with_what_code_concluded_and_its_playbook(ledger: SqlLedger) -> None:
    key = await investigate(ledger, claim())
    run = await RunReader(ledger).load_run("4711")
    assert (run.weighing, run.playbook) == (None, None), "the steps of that run made other bodies"
    for number in (1, 2):
        weighing = Weighing(facts=(), verdicts=(), coverage=number / 2, confidence=Confidence.LOW)
        await ledger.note_step(key, f"weigh/0/{number}", await ledger.put_body("acme", weighing))
    await ledger.note_step(key, "select/again", await ledger.put_body("acme", PLAYBOOK))
    run = await RunReader(ledger).load_run("4711")
    assert run.weighing is not None
    assert run.weighing.coverage == 1
    assert run.playbook == PLAYBOOK


async def test_evidence_so_far_is_that_of_the_newest_revision(ledger: SqlLedger) -> None:
    key = await investigate(ledger, claim())
    reader = RunReader(ledger)
    assert len(await reader.evidence_so_far("acme", key.investigation)) == 8
    second = (await ledger.claim_delivery(claim(delivery="d-2"))).key
    assert await reader.evidence_so_far("acme", key.investigation) == ()
    ref = await ledger.put_evidence(second, evidence())
    assert await reader.evidence_so_far("acme", key.investigation) == (ref,)
    assert await reader.evidence_so_far("globex", key.investigation) == ()
