"""Other customers of a tenant: by name and id, never the own one, and soon forgotten."""

import asyncio
from collections.abc import Sequence
from unittest.mock import patch

from activities import other_customers
from activities.other_customers import OtherCustomers
from ledger.past_runs import SqlPastRuns
from ledger.store import SqlLedger
from models.customer import Customer
from tests.activities.conftest import REF
from tests.ledger.investigations import claim
from tests.reasoning.case import ANCHORS, CUSTOMER


async def met(ledger: SqlLedger, ticket: str, customer: Customer) -> None:
    key = (await ledger.claim_delivery(claim(ticket, ticket, tenant=REF.tenant))).key
    anchors = ANCHORS.model_copy(update={"customer": customer})
    await ledger.note_step(key, "identify/0", await ledger.put_body(REF.tenant, anchors, key), customer.id)


class Counting(SqlPastRuns):
    """Counts how often it is asked."""

    asked = 0

    async def newest_customers(self, tenant: str, limit: int) -> Sequence[str]:
        self.asked += 1
        return await super().newest_customers(tenant, limit)


async def test_others_are_known_by_name_and_ids_and_the_own_customer_is_none_of_them(ledger: SqlLedger) -> None:
    await met(ledger, "1", CUSTOMER)
    await met(ledger, "2", Customer(id="acct_99", name="Umbrella Labs", billing_id="cus_99", resolved_by="x"))
    await met(ledger, "3", Customer(id="acct_98", name=CUSTOMER.name, resolved_by="x"))
    others = OtherCustomers(ledger, SqlPastRuns(ledger))
    assert await others.names(REF.tenant, CUSTOMER) == {"acct_99", "Umbrella Labs", "cus_99", "acct_98"}
    assert CUSTOMER.id in await others.names(REF.tenant, None)
    assert await others.names("nobody", CUSTOMER) == set()
    assert await OtherCustomers(ledger, None).names(REF.tenant, CUSTOMER) == set()


async def test_a_storm_of_notes_asks_once_and_what_was_learnt_is_forgotten(ledger: SqlLedger) -> None:
    await met(ledger, "2", Customer(id="acct_99", resolved_by="x"))
    past = Counting(ledger)
    others = OtherCustomers(ledger, past)
    with patch.object(other_customers, "KEPT_SECONDS", 0.01):
        assert await others.names(REF.tenant, CUSTOMER) == {"acct_99"}
    assert past.asked == 1
    await asyncio.sleep(0.05)
    await met(ledger, "3", Customer(id="acct_98", resolved_by="x"))
    for _ in range(3):
        assert await others.names(REF.tenant, CUSTOMER) == {"acct_99", "acct_98"}
    assert past.asked == 2


async def test_anchors_that_were_erased_name_nobody(ledger: SqlLedger) -> None:
    key = (await ledger.claim_delivery(claim("2", "2", tenant=REF.tenant))).key
    await ledger.note_step(key, "identify/0", "0" * 64, "acct_99")
    assert await OtherCustomers(ledger, SqlPastRuns(ledger)).names(REF.tenant, CUSTOMER) == set()
