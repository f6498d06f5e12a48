"""A customer is forgotten after real runs: nothing but playbooks and shared answers is left, and the ticket can come again."""

from sqlalchemy import select
from temporalio.client import Client

from ledger.base import LedgerError
from ledger.data_keys import SHARED
from ledger.erasure import Scope, erase, measure
from ledger.reading import RunReader
from ledger.store import SqlLedger
from ledger.tables import BodyRow
from models.coordination import SharedAnswer
from models.playbook import Playbook
from models.vocabulary import Outcome
from tests.workflows.house import TENANT, House, an_incident, billing, failing_requests


async def test_a_run_is_forgotten_whole_and_the_ticket_may_come_again(temporal: Client, ledger: SqlLedger) -> None:
    house = House(temporal, ledger, failing_requests(), an_incident(), billing(), together=True)
    async with house.worker():
        ref = house.open_ticket()
        [revision] = (await house.investigate(ref)).revisions
        run = (await RunReader(ledger).load_run(revision.investigation)).summary
        assert run.customer

        erased = await erase(ledger, Scope(TENANT.id, customer=run.customer), "kim")
        assert (erased.revisions, erased.readable) == (1, 0)
        assert erased.tried >= 8, "ticket, anchors, evidence, weighing, draft, diagnosis, note"
        rows = await ledger.database.read(
            lambda connection: connection.execute(select(BodyRow.tenant, BodyRow.digest, BodyRow.subject)).all()
        )
        assert {row.subject for row in rows} == {SHARED}
        playbooks = {house.playbooks[0].id}
        for row in rows:
            # One more kind of body under the shared key would be one that no customer takes along.
            try:
                assert (await ledger.get_body(row.tenant, row.digest, Playbook)).id in playbooks
            except LedgerError:
                await ledger.get_body(row.tenant, row.digest, SharedAnswer)
        record = await RunReader(ledger).load_run(revision.investigation)
        assert record.erased_at is not None
        assert record.summary.outcome is Outcome.DIAGNOSED
        assert {item.body for item in record.evidence} == {None}

        house.helpdesk.say(ref.ticket, "Now /v1/orders answers 500 as well, since 11:00 UTC.")
        [again] = (await house.investigate(ref, "d2")).revisions
    assert again.revision == 2
    assert (await measure(ledger, Scope(TENANT.id, customer=run.customer))).subjects == (f"{run.key.investigation}/2",)
