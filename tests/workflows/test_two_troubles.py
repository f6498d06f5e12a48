"""A ticket that tells of two troubles: both playbooks are asked in one run, and both causes stand in one note."""

from temporalio.client import Client

from ledger.reading import RunReader
from ledger.store import SqlLedger
from models.playbook import AppliesWhen, Playbook
from models.vocabulary import CauseClass, Outcome
from reasoning.compose import compose
from tests.workflows.house import House, an_incident, billing, failing_requests, probe_playbook


def named(name: str, cause: CauseClass, **terms: int) -> Playbook:
    """The small playbook under another name, with another cause for what fails."""
    book = probe_playbook()
    found = [
        each if each.cause is CauseClass.NOTHING_WRONG else each.model_copy(update={"cause": cause})
        for each in book.hypotheses
    ]
    applies = AppliesWhen(terms=terms, fallback=not terms)
    return book.model_copy(update={"id": name, "title": name.title(), "applies_when": applies, "hypotheses": found})


SEARCHES = named("searches", CauseClass.OWN_INCIDENT, search=8)
EXPORTS = named("exports", CauseClass.KNOWN_BUG, export=7)
GENERAL = named("general", CauseClass.UNKNOWN)
TOLD = "The search fails.\n\nAnd another thing: the export is empty."


async def test_both_are_asked_and_both_causes_are_on_the_note(temporal: Client, ledger: SqlLedger) -> None:
    house = House(
        temporal, ledger, failing_requests(), an_incident(), billing(), playbooks=(SEARCHES, EXPORTS, GENERAL)
    )
    async with house.worker():
        ref = house.open_ticket(TOLD, subject="Two things")
        [revision] = (await house.investigate(ref)).revisions
    assert (revision.outcome, revision.cause) == (Outcome.DIAGNOSED, CauseClass.TWO_CAUSES)
    assert revision.playbook == "searches@1"
    record = await RunReader(ledger).load_run(revision.investigation)
    said = next(step.detail for step in record.steps if step.step == "select")
    assert said == "searches@1: search (8); and exports@1 for a second trouble: export (7)"
    # What both ask in the same words is asked once.
    asked = [query for query in compose(SEARCHES, EXPORTS).queries if not query.follow_up]
    assert len(asked) == len([query for query in SEARCHES.queries if not query.follow_up])


async def test_one_trouble_has_one_playbook(temporal: Client, ledger: SqlLedger) -> None:
    house = House(
        temporal, ledger, failing_requests(), an_incident(), billing(), playbooks=(SEARCHES, EXPORTS, GENERAL)
    )
    async with house.worker():
        ref = house.open_ticket("The search fails, so the export is empty.", subject="One thing")
        [revision] = (await house.investigate(ref)).revisions
    assert (revision.outcome, revision.cause) == (Outcome.DIAGNOSED, CauseClass.OWN_INCIDENT)
